"""One contract on counting calls, kept by the in-memory twin and by DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from invitation_service.surveys.dynamodb import DynamoDBStore
    from invitation_service.surveys.store import Store

MINUTE = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)


def test_calls_are_counted_by_account_kind_and_minute(store: Store) -> None:
    counted = [
        store.count_call("shop", "calls", MINUTE),
        store.count_call("shop", "calls", MINUTE),
        store.count_call("shop", "exports", MINUTE),
        store.count_call("other", "calls", MINUTE),
        store.count_call("shop", "calls", MINUTE + timedelta(minutes=1)),
        store.count_call("shop", "calls", MINUTE),
    ]

    assert counted == [1, 2, 1, 1, 1, 3]


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_no_call_of_many_at_once_is_missed(store: DynamoDBStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda _: store.count_call("shop", "calls", MINUTE), range(40)))

    assert sorted(counted) == list(range(1, 41))
