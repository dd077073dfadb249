"""That a secret was fetched is noted, by account; never the secret."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from afterword.deciding.account_errors import AccountError
from afterword.noting import Notes
from afterword.remembering.errors import ParametersError
from afterword.remembering.parameters import SECRETS_SECONDS, Parameters
from tests.support.parameters import PREFIX, Store, grow_older

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = json.dumps({"email": "robot@example.com", "api_token": "token-1"})


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        yield Store(boto3.client("ssm"))


def noted(notes: Notes) -> Counter[str]:
    found = notes.take_measured()
    assert {each.about["account"] for each in found} <= {"shop"}
    return Counter(each.metric for each in found)


def made(store: Store) -> tuple[Parameters, Notes]:
    notes = Notes()
    return Parameters(store.client, PREFIX, allow_http=False, notes=notes), notes


def test_a_fetch_is_noted_and_what_the_cache_says_is_none(store: Store) -> None:
    store.put_secret("accounts/shop", TOKEN)
    parameters, notes = made(store)
    for _ in range(3):
        parameters.credentials("shop", fresh=False)
    assert noted(notes) == {"SecretFetches": 1}
    parameters.credentials("shop", fresh=True)
    assert noted(notes) == {"SecretFetches": 1}
    grow_older(parameters, SECRETS_SECONDS + 1)
    parameters.credentials("shop", fresh=False)
    assert noted(notes) == {"SecretFetches": 1}
    assert store.calls["GetParameter"] == 3


@pytest.mark.parametrize("text", [None, "no JSON"])
def test_a_fetch_without_a_usable_secret_is_refused(store: Store, text: str | None) -> None:
    if text:
        store.put_secret("accounts/shop", text)
    parameters, notes = made(store)
    with pytest.raises(AccountError):
        parameters.credentials("shop", fresh=False)
    assert noted(notes) == {"SecretFetches": 1, "SecretFetchesRefused": 1}


def test_a_fetch_that_ssm_denies_is_refused(store: Store) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetParameter")

    store.client.meta.events.register("before-call.ssm", deny)
    parameters, notes = made(store)
    with pytest.raises(ParametersError):
        parameters.credentials("shop", fresh=False)
    assert noted(notes) == {"SecretFetches": 1, "SecretFetchesRefused": 1}
