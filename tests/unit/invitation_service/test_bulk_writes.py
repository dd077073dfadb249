"""What DynamoDB refuses, and what becomes of it: neither moto nor a local engine does all this."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from invitation_service.delivering.records import Job
from invitation_service.surveys import items
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.surveys.models import Recipient
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    Quota,
    QuotaReachedError,
    StoreBusyError,
    UnknownSurveyError,
)
from invitation_service.writes import ATTEMPTS, pause_with_jitter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)


def refusal(code: str, *reasons: str, attempts: int = 0) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"RetryAttempts": attempts},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "TransactWriteItems")


def cancelled(*reasons: str) -> ClientError:
    return refusal("TransactionCanceledException", *reasons)


class _ConditionError(ClientError):
    pass


class Table:
    """A client that keeps what it is given, and answers as it is told to."""

    def __init__(self) -> None:
        self.transactions: list[dict[str, Any]] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.items: dict[tuple[str, str], Any] = {}
        self.refusals: list[Exception] = []
        self.hand_back = 0
        self.throttled = False
        self.conflicts = 0
        self.exceptions = SimpleNamespace(ConditionalCheckFailedException=_ConditionError)

    def update_item(self, **_: object) -> dict[str, Any]:
        if self.throttled:
            raise refusal("ThrottlingException")
        if self.conflicts:
            self.conflicts -= 1
            raise refusal("TransactionConflictException")
        return {"Attributes": {"last_id": {"N": "7"}}}

    get_item = put_item = update_item

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, requests)] = RequestItems.items()
        self.batches.append(list(requests))
        back, done = requests[: self.hand_back], requests[self.hand_back :]
        self.hand_back = max(0, self.hand_back - 1)
        for request in done:
            if "PutRequest" in request:
                item = request["PutRequest"]["Item"]
                self.items[item["pk"]["S"], item["sk"]["S"]] = item
            else:
                key = request["DeleteRequest"]["Key"]
                del self.items[key["pk"]["S"], key["sk"]["S"]]
        return {"UnprocessedItems": {table: list(back)} if back else {}}

    def transact_write_items(self, **request: object) -> None:
        self.transactions.append(request)
        if self.refusals:
            raise self.refusals.pop(0)


class Rig:
    def __init__(self) -> None:
        self.table = Table()
        self.pauses: list[int] = []
        self.store = DynamoDBStore(
            lambda: cast("DynamoDBClient", self.table),
            "invitations",
            new_id=lambda: "load-1",
            pause=self.pauses.append,
        )

    def add(self, *people: Recipient, key: str | None = "key", quota: Quota | None = None) -> None:
        kept = Idempotency(key=key, fingerprint="f", kept_until=NOW) if key else None
        new = NewInvitation(
            recipients=people or [person(0)], created_at=NOW, idempotency=kept, quota=quota
        )
        assert self.store.add_invitation("shop", 1, new).id == 7


def person(number: int, name: str = "P") -> Recipient:
    return Recipient(email=f"p{number}@example.com", name=name)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_recipients_are_written_before_the_one_transaction(rig: Rig) -> None:
    rig.add()

    assert list(rig.table.items) == [("A#shop#R#load-1", "0000")]
    [transaction] = rig.table.transactions
    assert transaction["ClientRequestToken"] == "load-1"
    assert [list(action) for action in transaction["TransactItems"]] == [
        ["Put"],
        ["Update"],
        ["Put"],
    ]


def test_ten_thousand_long_names_stay_within_every_limit(rig: Rig) -> None:
    rig.add(*(person(number, "🦊" * 255) for number in range(10_000)))

    chunks = list(rig.table.items.values())
    assert len(rig.table.batches) == 2
    assert max(len(chunk["people"]["S"].encode()) for chunk in chunks) < 390_000
    assert max(len(batch) for batch in rig.table.batches) <= 25
    sizes = [
        sum(len(request["PutRequest"]["Item"]["people"]["S"].encode()) for request in batch)
        for batch in rig.table.batches
    ]
    assert max(sizes) < 16_000_000
    assert sum(len(items.read_chunk(chunk)) for chunk in chunks) == 10_000
    assert len(repr(rig.table.transactions)) < 4_000


def test_recipients_go_after_400_days(rig: Rig) -> None:
    rig.add()

    [chunk] = rig.table.items.values()
    assert int(chunk["ttl"]["N"]) == (NOW + timedelta(days=400)).timestamp()


def test_what_dynamodb_hands_back_is_written_again(rig: Rig) -> None:
    rig.table.hand_back = 2

    rig.add(*(person(number, "ě" * 255) for number in range(5_000)))

    kept = [each for chunk in rig.table.items.values() for each in items.read_chunk(chunk)]
    assert len(kept) == 5_000
    assert rig.pauses == [1, 2]


def test_what_dynamodb_keeps_handing_back_is_given_up(rig: Rig) -> None:
    rig.table.hand_back = 1_000

    with pytest.raises(StoreBusyError):
        rig.add()

    assert len(rig.table.batches) == ATTEMPTS
    assert rig.table.transactions == []


@pytest.mark.parametrize(
    "passing",
    [
        cancelled("TransactionConflict", "None", "None"),
        cancelled("None", "ThrottlingError", "None"),
        refusal("ThrottlingException"),
        refusal("TransactionInProgressException"),
    ],
)
def test_a_refusal_that_passes_is_waited_out(rig: Rig, passing: ClientError) -> None:
    rig.table.refusals = [passing, passing]

    rig.add()

    assert [each["ClientRequestToken"] for each in rig.table.transactions] == ["load-1"] * 3
    assert rig.pauses == [1, 2]


def test_a_refusal_that_does_not_pass_leaves_nothing_behind(rig: Rig) -> None:
    rig.table.refusals = [cancelled("TransactionConflict")] * ATTEMPTS

    with pytest.raises(StoreBusyError):
        rig.add()

    assert rig.table.items == {}


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (("None", "ConditionalCheckFailed", "None"), UnknownSurveyError),
        (("ConditionalCheckFailed", "None", "None"), KeyTakenError),
        # The survey is sending the first call's: a repetition is told of that call all the same.
        (("ConditionalCheckFailed", "ConditionalCheckFailed", "None"), KeyTakenError),
    ],
)
def test_a_condition_that_fails_is_named_and_leaves_nothing_behind(
    rig: Rig, reasons: tuple[str, ...], error: type[Exception]
) -> None:
    rig.table.refusals = [cancelled(*reasons)]

    with pytest.raises(error):
        rig.add()

    assert len(rig.table.transactions) == 1
    assert rig.table.items == {}


QUOTA = Quota(counter="387487#2026-11", limit=100)


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (("None", "None", "None", "ConditionalCheckFailed"), QuotaReachedError),
        (("ConditionalCheckFailed", "None", "None", "ConditionalCheckFailed"), KeyTakenError),
    ],
)
def test_a_key_that_is_taken_is_told_before_a_quota_that_is_used_up(
    rig: Rig, reasons: tuple[str, ...], error: type[Exception]
) -> None:
    rig.table.refusals = [cancelled(*reasons)]

    with pytest.raises(error):
        rig.add(quota=QUOTA)

    assert rig.table.items == {}


def test_a_quota_without_a_key_is_told_all_the_same(rig: Rig) -> None:
    rig.table.refusals = [cancelled("None", "None", "ConditionalCheckFailed")]

    with pytest.raises(QuotaReachedError):
        rig.add(key=None, quota=QUOTA)


def test_a_quota_is_counted_in_the_one_transaction_and_goes_after_its_period(rig: Rig) -> None:
    rig.add(quota=QUOTA)

    [transaction] = rig.table.transactions
    counted = transaction["TransactItems"][3]["Update"]
    assert counted["Key"]["sk"]["S"] == "Q#387487#2026-11"
    kept_until = int(counted["ExpressionAttributeValues"][":ttl"]["N"])
    assert kept_until == (NOW + timedelta(days=400)).timestamp()


def test_throttling_after_a_repetition_may_hide_a_success(rig: Rig) -> None:
    rig.table.refusals = [refusal("ThrottlingException", attempts=1)]

    with pytest.raises(ClientError):
        rig.add()

    assert len(rig.table.transactions) == 1
    assert rig.table.items, "if the invitation is visible, its recipients are there"


@pytest.mark.parametrize(
    "uncertain",
    [
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
        refusal("InternalServerError"),
        cancelled("None", "ConditionalCheckFailed", "None"),
    ],
)
def test_what_is_not_understood_is_not_called_busy(rig: Rig, uncertain: Exception) -> None:
    rig.table.refusals = [uncertain]

    with pytest.raises(type(uncertain)):
        rig.add(key=None)

    assert rig.table.items


UPDATES: list[Callable[[DynamoDBStore], object]] = [
    lambda store: store.set_unsubscribed("shop", "jane@example.com", unsubscribed=True),
    lambda store: store.look_again(Job("shop", 1, 1), NOW),
    lambda store: store.free_survey(Job("shop", 1, 1)),
]


@pytest.mark.parametrize("update", UPDATES)
def test_an_update_waits_for_a_transaction_that_is_at_the_item(
    rig: Rig, update: Callable[[DynamoDBStore], object]
) -> None:
    rig.table.conflicts = 2

    update(rig.store)

    assert (rig.table.conflicts, rig.pauses) == (0, [1, 2])


def test_an_update_does_not_wait_for_ever(rig: Rig) -> None:
    rig.table.conflicts = 1_000

    with pytest.raises(StoreBusyError):
        rig.store.update_survey("shop", 1, {"status": "closed"}, NOW)

    assert rig.table.conflicts == 1_000 - ATTEMPTS


def test_throttling_before_the_transaction_did_nothing(rig: Rig) -> None:
    rig.table.throttled = True

    with pytest.raises(StoreBusyError):
        rig.add()
    with pytest.raises(StoreBusyError):
        rig.store.survey("shop", 1)
    with pytest.raises(StoreBusyError):
        rig.store.add_survey("shop", "name", NOW)
    assert rig.table.items == {}


def test_other_refusals_stay_what_they_are(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(**_: object) -> None:
        raise refusal("AccessDeniedException")

    monkeypatch.setattr(rig.table, "get_item", deny)

    with pytest.raises(ClientError, match="AccessDenied"):
        rig.store.survey("shop", 1)


def test_recipients_that_cannot_be_removed_hide_no_other_error(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.table.refusals = [cancelled("ConditionalCheckFailed", "None", "None")]
    write = rig.table.batch_write_item

    def no_deletes(*, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        if "DeleteRequest" in RequestItems["invitations"][0]:
            raise refusal("ProvisionedThroughputExceededException")
        return write(RequestItems=RequestItems)

    monkeypatch.setattr(rig.table, "batch_write_item", no_deletes)

    with pytest.raises(KeyTakenError):
        rig.add()


def test_pauses_grow_and_stay_short(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)

    for attempt in range(1, ATTEMPTS):
        pause_with_jitter(attempt)

    assert slept == sorted(slept)
    assert sum(slept) < 5
