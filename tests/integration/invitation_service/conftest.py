from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.surveys.memory import InMemoryStore
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from invitation_service.surveys.store import Store

_ids = itertools.count()


def dynamodb_store(client: Any) -> DynamoDBStore:
    table = make_table(client, "InvitationServiceTable")
    return DynamoDBStore(
        lambda: client, table, new_id=lambda: f"load-{next(_ids)}", pause=lambda _: None
    )


@pytest.fixture(
    params=["memory", "moto", pytest.param("local_cloud", marks=pytest.mark.local_cloud)]
)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    match request.param:
        case "memory":
            yield InMemoryStore()
        case "moto":
            with mock_aws():
                yield dynamodb_store(boto3.client("dynamodb", region_name="eu-west-1"))
        case _:
            yield dynamodb_store(request.getfixturevalue("local_cloud").client("dynamodb"))
