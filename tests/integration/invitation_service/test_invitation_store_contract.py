"""One contract, kept by the in-memory twin and by DynamoDB: in process, and in the local cloud."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from invitation_service.delivering.records import Job
from invitation_service.surveys.models import (
    Mailing,
    Recipient,
    Status,
    SurveySettings,
    SurveyStatus,
)
from invitation_service.surveys.store import (
    Idempotency,
    KeyTakenError,
    NewInvitation,
    Quota,
    QuotaReachedError,
    Remembered,
    UnknownSurveyError,
)

if TYPE_CHECKING:
    from invitation_service.surveys.dynamodb import DynamoDBStore
    from invitation_service.surveys.models import Invitation
    from invitation_service.surveys.store import Store

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)
LATER = NOW + timedelta(days=2)

_ids = itertools.count()


def people(*names: str) -> list[Recipient]:
    return [
        Recipient(email=f"{name.lower()}@example.com", name=name, language="en-US")
        for name in names
    ]


def new(
    *names: str, key: str | None = None, at: datetime = NOW, fingerprint: str = "body"
) -> NewInvitation:
    kept = Idempotency(key=key, fingerprint=fingerprint, kept_until=LATER) if key else None
    return NewInvitation(recipients=people(*names), created_at=at, idempotency=kept)


def survey_of(store: Store, account: str = "shop") -> int:
    return store.add_survey(account, "After the purchase", NOW).id


def invite(
    store: Store, survey: int, invitation: NewInvitation, account: str = "shop"
) -> Invitation:
    """Add an invitation whose recipients are mailed at once, so that the next one may come."""
    added = store.add_invitation(account, survey, invitation)
    store.free_survey(Job(account, survey, added.id))
    return added


def test_surveys_are_numbered_by_account(store: Store) -> None:
    ids = [survey_of(store, account) for account in ("shop", "shop", "other", "shop")]

    assert ids == [1, 2, 1, 3]


def test_a_survey_is_found_by_its_account_alone(store: Store) -> None:
    survey = store.add_survey("shop", "After <b>the</b> purchase ž", NOW)

    assert store.survey("shop", survey.id) == survey
    assert (survey.name, survey.created_at) == ("After <b>the</b> purchase ž", NOW)
    assert store.survey("other", survey.id) is None
    assert store.survey("shop", 99) is None


def test_an_invitation_is_found_as_it_was_added(store: Store) -> None:
    survey = survey_of(store)

    added = invite(store, survey, new("Jane", "Mike"))

    assert (added.id, added.survey_id, added.recipients_count) == (1, survey, 2)
    assert added.status is Status.PREPARING
    assert (added.created_at, added.updated_at, added.delivered_at) == (NOW, NOW, None)
    assert store.invitation("shop", survey, added.id) == added


def test_invitations_are_numbered_by_account(store: Store) -> None:
    shop_1, shop_2, other = survey_of(store), survey_of(store), survey_of(store, "other")
    places = [("shop", shop_1), ("shop", shop_2), ("other", other), ("shop", shop_1)]

    ids = [invite(store, survey, new("Jane"), account).id for account, survey in places]

    assert ids == [1, 2, 1, 3]


def test_an_invitation_is_found_by_its_account_and_survey_alone(store: Store) -> None:
    survey, another = survey_of(store), survey_of(store)
    survey_of(store, "other")
    added = invite(store, survey, new("Jane"))

    assert store.invitation("shop", another, added.id) is None
    assert store.invitation("other", survey, added.id) is None
    assert store.invitation("shop", survey, added.id + 1) is None
    assert list(store.recipients("shop", another, added.id)) == []
    assert store.invitations("shop", another, offset=0, limit=10) == []


def test_recipients_are_kept_in_order(store: Store) -> None:
    survey = survey_of(store)
    recipients = [
        Recipient(email="zofie@example.com", name="Žofie <b>🦊</b>", language="cs-CZ"),
        Recipient(email="žena@příklad.cz", name="O'Neil"),
    ]

    added = invite(store, survey, NewInvitation(recipients=recipients, created_at=NOW))

    assert list(store.recipients("shop", survey, added.id)) == recipients


def test_ten_thousand_recipients_are_kept_in_order(store: Store) -> None:
    survey = survey_of(store)
    recipients = [
        Recipient.model_construct(email=f"person-{n:05d}@example.com", name="ě" * 60, language=None)
        for n in range(10_000)
    ]

    added = invite(store, survey, NewInvitation(recipients=recipients, created_at=NOW))

    assert added.recipients_count == 10_000
    assert list(store.recipients("shop", survey, added.id)) == recipients


def test_invitations_come_newest_first_in_stretches(store: Store) -> None:
    survey = survey_of(store)
    for _ in range(12):
        invite(store, survey, new("Jane", key=f"key-{next(_ids)}"))

    def stretch(offset: int, limit: int) -> list[int]:
        found = store.invitations("shop", survey, offset=offset, limit=limit)
        return [invitation.id for invitation in found]

    assert stretch(0, 3) == [12, 11, 10]
    assert stretch(3, 3) == [9, 8, 7]
    assert stretch(10, 5) == [2, 1]
    assert stretch(12, 5) == []
    assert stretch(0, 100) == list(range(12, 0, -1))


def test_a_survey_counts_its_invitations(store: Store) -> None:
    survey, another = survey_of(store), survey_of(store)
    for place in (survey, survey, another):
        invite(store, place, new("Jane"))

    counts = [
        found.invitations for found in (store.survey("shop", 1), store.survey("shop", 2)) if found
    ]

    assert counts == [2, 1]


def test_an_unknown_survey_takes_no_invitation(store: Store) -> None:
    survey = survey_of(store)

    with pytest.raises(UnknownSurveyError):
        invite(store, survey + 1, new("Jane", key="key"))
    with pytest.raises(UnknownSurveyError):
        invite(store, survey, new("Jane"), "other")

    assert store.invitations("shop", survey + 1, offset=0, limit=10) == []
    assert store.remembered("shop", survey + 1, "key", NOW) is None


def test_a_key_remembers_the_first_answer(store: Store) -> None:
    survey = survey_of(store)
    added = invite(store, survey, new("Jane", key="key", fingerprint="abc"))

    assert store.remembered("shop", survey, "key", NOW) == Remembered("abc", added.id, NOW)


def test_a_key_belongs_to_its_account_and_survey(store: Store) -> None:
    survey, another = survey_of(store), survey_of(store)
    other = survey_of(store, "other")
    invite(store, survey, new("Jane", key="key"))

    assert store.remembered("shop", another, "key", NOW) is None
    assert store.remembered("other", other, "key", NOW) is None
    assert store.remembered("shop", survey, "another", NOW) is None
    assert invite(store, another, new("Jane", key="key")).id == 2
    assert invite(store, other, new("Jane", key="key"), "other").id == 1


def test_a_taken_key_adds_nothing(store: Store) -> None:
    survey = survey_of(store)
    invite(store, survey, new("Jane", key="key", fingerprint="first"))

    with pytest.raises(KeyTakenError):
        invite(store, survey, new("Mike", key="key", fingerprint="second"))

    found = store.survey("shop", survey)
    assert found
    assert found.invitations == 1
    assert len(store.invitations("shop", survey, offset=0, limit=10)) == 1
    remembered = store.remembered("shop", survey, "key", NOW)
    assert remembered
    assert remembered.fingerprint == "first"


def test_a_key_expires_by_the_callers_clock(store: Store) -> None:
    survey = survey_of(store)
    invite(store, survey, new("Jane", key="key"))
    before = LATER - timedelta(seconds=1)

    assert store.remembered("shop", survey, "key", before)
    assert store.remembered("shop", survey, "key", LATER) is None
    with pytest.raises(KeyTakenError):
        invite(store, survey, new("Jane", key="key", at=before))

    invite(store, survey, new("Mike", key="key", at=LATER, fingerprint="later"))
    assert len(store.invitations("shop", survey, offset=0, limit=10)) == 2


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_what_was_delivered_is_told(store: DynamoDBStore) -> None:
    """Nothing here delivers yet; what a later version records is read all the same."""
    survey = survey_of(store)
    added = invite(store, survey, new("Jane"))
    store._client.update_item(
        TableName=store._table,
        Key={"pk": {"S": f"A#shop#S#{survey}"}, "sk": {"S": f"I#{added.id:019d}"}},
        UpdateExpression="SET delivered_at = :at",
        ExpressionAttributeValues={":at": {"S": LATER.isoformat()}},
    )

    found = store.invitation("shop", survey, added.id)

    assert found
    assert found.delivered_at == LATER


def everything(store: DynamoDBStore) -> list[Any]:
    pages = store._client.get_paginator("scan").paginate(TableName=store._table)
    return [item for page in pages for item in page["Items"]]


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_a_refused_invitation_leaves_no_personal_data_behind(store: DynamoDBStore) -> None:
    survey = survey_of(store)
    invite(store, survey, new("Jane", key="key"))
    before = everything(store)

    with pytest.raises(KeyTakenError):
        invite(store, survey, new("Mike", key="key"))

    def but_the_counter(found: list[Any]) -> list[Any]:
        return [item for item in found if not item["sk"]["S"].startswith("N#")]

    assert but_the_counter(everything(store)) == but_the_counter(before)


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_every_key_names_the_account(store: DynamoDBStore) -> None:
    invite(store, survey_of(store), new("Jane", key="key"))

    keys = [item["pk"]["S"] for item in everything(store)]

    assert len(keys) == 6
    assert {key.split("#")[:2] == ["A", "shop"] for key in keys} == {True}


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_of_many_at_once_with_one_key_one_is_added(store: DynamoDBStore) -> None:
    survey = survey_of(store)

    def add(number: int) -> bool:
        try:
            invite(store, survey, new(f"P{number}", key="key"))
        except KeyTakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(24)))

    assert added.count(True) == 1
    [invitation] = store.invitations("shop", survey, offset=0, limit=100)
    found = store.survey("shop", survey)
    assert found
    assert found.invitations == 1
    assert len(list(store.recipients("shop", survey, invitation.id))) == 1
    assert sum("people" in item for item in everything(store)) == 1


MAILING = Mailing(token="81a2B7", template_id=1833, due_at=LATER, footer=False)


def mailed(
    *, key: str | None = None, quota: Quota | None = None, at: datetime = NOW
) -> NewInvitation:
    kept = Idempotency(key=key, fingerprint="call", kept_until=LATER) if key else None
    return NewInvitation(created_at=at, idempotency=kept, mailing=MAILING, quota=quota)


def test_an_invitation_by_webhook_keeps_its_mailing(store: Store) -> None:
    survey = survey_of(store)

    added = invite(store, survey, mailed())

    assert (added.status, added.recipients_count) == (Status.SCHEDULED, 1)
    assert added.mailing == MAILING
    assert store.invitation("shop", survey, added.id) == added
    assert store.invitations("shop", survey, offset=0, limit=10) == [added]
    assert list(store.recipients("shop", survey, added.id)) == []


def test_a_quota_ends_at_its_limit(store: Store) -> None:
    survey, another = survey_of(store), survey_of(store)
    quota = Quota(counter="387487#2026-11", limit=2)

    invite(store, survey, mailed(quota=quota))
    invite(store, another, mailed(quota=quota))
    with pytest.raises(QuotaReachedError):
        invite(store, survey, mailed(key="key", quota=quota))

    assert len(store.invitations("shop", survey, offset=0, limit=10)) == 1
    assert store.remembered("shop", survey, "key", NOW) is None


def test_quotas_of_periods_and_accounts_do_not_meet(store: Store) -> None:
    survey, other = survey_of(store), survey_of(store, "other")
    november, december = Quota(counter="1#2026-11", limit=1), Quota(counter="1#2026-12", limit=1)
    invite(store, survey, mailed(quota=november))

    assert invite(store, survey, mailed(quota=december)).id == 2
    assert invite(store, other, mailed(quota=november), "other").id == 1


def test_a_repeated_key_is_told_before_a_quota_and_uses_none_of_it(store: Store) -> None:
    survey, quota = survey_of(store), Quota(counter="1#2026-11", limit=2)
    invite(store, survey, mailed(key="key", quota=quota))
    with pytest.raises(KeyTakenError):
        invite(store, survey, mailed(key="key", quota=quota))
    invite(store, survey, mailed(key="another", quota=quota))

    with pytest.raises(KeyTakenError):
        invite(store, survey, mailed(key="key", quota=quota))
    with pytest.raises(QuotaReachedError):
        invite(store, survey, mailed(key="third", quota=quota))


def test_a_survey_may_have_an_id_of_the_callers(store: Store) -> None:
    survey = store.put_survey("shop", 419349, "Satisfaction", NOW)

    assert (survey.id, survey.name, survey.invitations) == (419349, "Satisfaction", 0)
    assert (survey.created_at, survey.updated_at) == (NOW, NOW)
    assert store.survey("shop", 419349) == survey
    assert store.survey("other", 419349) is None
    assert survey_of(store) == 419350
    assert survey_of(store, "other") == 1


def test_a_survey_that_is_put_again_keeps_all_but_its_name(store: Store) -> None:
    first, second = survey_of(store), survey_of(store)
    invite(store, first, new("Jane"))

    changed = store.put_survey("shop", first, "Another name", LATER)

    assert (changed.name, changed.created_at, changed.updated_at) == ("Another name", NOW, LATER)
    assert changed.invitations == 1
    assert store.survey("shop", first) == changed
    assert survey_of(store) == second + 1


def test_an_accounts_surveys_are_listed_newest_first(store: Store) -> None:
    first, second = survey_of(store), survey_of(store)
    survey_of(store, "other")
    store.put_survey("shop", 419349, "Satisfaction", NOW)
    invite(store, first, new("Jane"))

    listed = store.surveys("shop")

    assert [each.id for each in listed] == [419349, second, first]
    assert listed == [store.survey("shop", each.id) for each in listed]
    assert [each.invitations for each in listed] == [0, 0, 1]
    assert store.surveys("nobody") == []


def test_a_survey_changes_in_what_is_named_alone(store: Store) -> None:
    survey = survey_of(store)
    fields: dict[str, str | int] = {
        "name": "Another",
        "intro_text": "Hello\nthere",
        "relationship_id": 3,
    }

    store.update_survey("shop", survey, {"highlight_color": "#102030"}, NOW)
    changed = store.update_survey("shop", survey, fields, LATER)

    assert changed == store.survey("shop", survey)
    assert changed
    assert (changed.name, changed.created_at, changed.updated_at) == ("Another", NOW, LATER)
    assert changed.status is SurveyStatus.OPEN
    assert changed.settings == SurveySettings(
        intro_text="Hello\nthere", relationship_id=3, highlight_color="#102030"
    )


def test_a_survey_that_is_closed_stays_so_when_it_is_put_again(store: Store) -> None:
    survey = survey_of(store)

    closed = store.update_survey(
        "shop", survey, {"status": SurveyStatus.CLOSED, "from_email_id": 7}, LATER
    )
    renamed = store.put_survey("shop", survey, "Another name", LATER)

    assert closed
    assert (closed.status, closed.settings.from_email_id) == (SurveyStatus.CLOSED, 7)
    assert renamed == closed.model_copy(update={"name": "Another name"})


def test_a_survey_that_is_not_there_is_not_changed(store: Store) -> None:
    survey = survey_of(store)

    assert store.update_survey("shop", survey + 1, {"name": "x"}, NOW) is None
    assert store.update_survey("other", survey, {"name": "x"}, NOW) is None
    assert len(store.surveys("shop")) == 1


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_of_many_at_once_no_more_are_added_than_the_quota_allows(store: DynamoDBStore) -> None:
    survey, quota = survey_of(store), Quota(counter="1#2026-11", limit=5)

    def add(_: int) -> bool:
        try:
            invite(store, survey, mailed(key=f"key-{next(_ids)}", quota=quota))
        except QuotaReachedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(24)))

    assert added.count(True) == 5
    assert len(store.invitations("shop", survey, offset=0, limit=100)) == 5
