"""One contract on recipients and responses, kept by the in-memory twin and by DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from invitation_service.people.records import Category, Response, SurveyRecipient, Tally
from invitation_service.people.store import (
    NewRecipient,
    SurveyClosedError,
    UnknownRecipientError,
)
from invitation_service.surveys.store import UnknownSurveyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from invitation_service.surveys.dynamodb import DynamoDBStore
    from invitation_service.surveys.store import Store

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def survey_of(store: Store, account: str = "shop") -> int:
    return store.add_survey(account, "After the purchase", NOW).id


def add(
    store: Store,
    survey: int,
    email: str = "jane@example.com",
    *,
    account: str = "shop",
    when: datetime = NOW,
    locale: str | None = "en-US",
) -> SurveyRecipient:
    new = NewRecipient(email=email, name="Jané <b>", locale=locale, created_at=when)
    return store.add_recipient(account, survey, new)


def rating(
    recipient: SurveyRecipient, stars: int, comment: str | None = None, when: datetime = NOW
) -> Callable[[Response | None], Response]:
    def change(known: Response | None) -> Response:
        return Response(
            id=recipient.id,
            survey_id=recipient.survey_id,
            recipient_id=recipient.id,
            rating=stars,
            comment=comment,
            created_at=known.created_at if known else when,
            updated_at=when,
        )

    return change


def answer(
    store: Store,
    recipient: SurveyRecipient,
    stars: int,
    comment: str | None = None,
    when: datetime = NOW,
) -> Response:
    change = rating(recipient, stars, comment, when)
    return store.respond("shop", recipient.survey_id, recipient.id, change)


def test_a_recipient_is_found_as_it_was_added(store: Store) -> None:
    survey = survey_of(store)

    added = add(store, survey)

    assert (added.id, added.survey_id, added.invitation_id) == (1, survey, None)
    assert (added.email, added.name, added.locale) == ("jane@example.com", "Jané <b>", "en-US")
    assert (added.created_at, added.updated_at, added.delivered_at) == (NOW, NOW, None)
    assert store.recipient("shop", survey, added.id) == added


def test_a_recipient_may_have_no_locale(store: Store) -> None:
    survey = survey_of(store)

    assert store.recipient("shop", survey, add(store, survey, locale=None).id) == SurveyRecipient(
        id=1,
        survey_id=survey,
        email="jane@example.com",
        name="Jané <b>",
        user_id=add(store, survey, locale=None).user_id,
        created_at=NOW,
        updated_at=NOW,
    )


def test_an_address_has_one_user_id_in_an_account_and_another_elsewhere(store: Store) -> None:
    survey, second = survey_of(store), survey_of(store)
    survey_of(store, "other")

    ids = [
        add(store, survey).user_id,
        add(store, second, "JANE@example.com").user_id,
        add(store, survey, "mike@example.com").user_id,
        add(store, 1, account="other").user_id,
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert max(ids) < 2**53


def test_recipients_are_numbered_over_all_surveys_of_an_account(store: Store) -> None:
    first, second = survey_of(store), survey_of(store)
    survey_of(store, "other")

    assert [add(store, survey).id for survey in (first, second, first)] == [1, 2, 3]
    assert add(store, 1, account="other").id == 1


def test_a_recipient_belongs_to_its_account_and_survey(store: Store) -> None:
    survey, second = survey_of(store), survey_of(store)
    survey_of(store, "other")
    added = add(store, survey)

    assert store.recipient("shop", second, added.id) is None
    assert store.recipient("other", survey, added.id) is None
    assert store.recipients_at("shop", second, added.email) == []
    assert store.recipients_at("other", survey, added.email) == []
    assert store.recipients_of_survey("other", survey, offset=0, limit=9) == ([], 0)


def test_an_unknown_survey_takes_no_recipient(store: Store) -> None:
    with pytest.raises(UnknownSurveyError):
        add(store, 7)

    assert store.recipient("shop", 7, 1) is None
    assert store.recipients_at("shop", 7, "jane@example.com") == []


def test_recipients_come_newest_first_in_stretches(store: Store) -> None:
    survey = survey_of(store)
    for number in range(12):
        add(store, survey, f"p{number}@example.com")

    def stretch(offset: int, limit: int) -> list[int]:
        found, count = store.recipients_of_survey("shop", survey, offset=offset, limit=limit)
        assert count == 12
        return [each.id for each in found]

    assert stretch(0, 3) == [12, 11, 10]
    assert stretch(10, 5) == [2, 1]
    assert stretch(12, 5) == []


def test_recipients_are_found_by_address_without_regard_to_case(store: Store) -> None:
    survey = survey_of(store)
    first, _, second = (
        add(store, survey, "Jane@Example.com"),
        add(store, survey, "mike@example.com"),
        add(store, survey, "jane@example.com"),
    )

    assert store.recipients_at("shop", survey, "JANE@example.com") == [second, first]
    assert store.recipients_at("shop", survey, "nobody@example.com") == []


def test_a_recipient_changes_in_four_fields_and_what_follows_the_address(store: Store) -> None:
    survey = survey_of(store)
    janet = add(store, survey, "janet@example.com")
    added = add(store, survey)
    wanted = added.model_copy(
        update={
            "email": "janet@example.com",
            "name": "Janet",
            "locale": None,
            "updated_at": at(1),
            "user_id": 1,
            "reason": "made up",
        }
    )

    store.put_recipient("shop", wanted)

    kept = wanted.model_copy(update={"user_id": janet.user_id, "reason": None})
    assert store.recipient("shop", survey, added.id) == kept
    assert store.recipients_at("shop", survey, "janet@example.com") == [kept, janet]
    assert store.recipients_at("shop", survey, "jane@example.com") == []


def test_an_address_that_changes_twice_at_once_leads_nowhere_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane = add(store, survey_of(store))
    read, others = store.recipient, iter(["second@example.com"])

    def overtaken(account: str, survey_id: int, recipient_id: int) -> SurveyRecipient | None:
        known = read(account, survey_id, recipient_id)
        for email in others:
            store.put_recipient("shop", jane.model_copy(update={"email": email}))
        return known

    monkeypatch.setattr(store, "recipient", overtaken)
    store.put_recipient("shop", jane.model_copy(update={"email": "third@example.com"}))

    found = [
        [each.email for each in store.recipients_at("shop", jane.survey_id, email)]
        for email in (jane.email, "second@example.com", "third@example.com")
    ]
    assert found == [[], [], ["third@example.com"]]


def test_a_changed_name_leaves_the_address_where_it_leads(store: Store) -> None:
    survey = survey_of(store)
    added = add(store, survey)

    store.put_recipient("shop", added.model_copy(update={"name": "Janet", "locale": "cs"}))

    [kept] = store.recipients_at("shop", survey, "jane@example.com")
    assert (kept.name, kept.locale) == ("Janet", "cs")


def test_many_recipients_are_read_at_once_and_unknown_ones_left_out(store: Store) -> None:
    first, second = survey_of(store), survey_of(store)
    people = [add(store, survey) for survey in (first, second, first)]
    places = [(each.survey_id, each.id) for each in people]

    found = store.recipients_named("shop", [*places, (first, 99), (second, people[0].id)])

    assert sorted(found, key=lambda each: each.id) == people
    assert store.recipients_named("shop", []) == []
    assert store.recipients_named("other", places) == []


def test_an_unknown_recipient_can_not_be_changed(store: Store) -> None:
    survey, second = survey_of(store), survey_of(store)
    added = add(store, survey)

    with pytest.raises(UnknownRecipientError):
        store.put_recipient("shop", added.model_copy(update={"survey_id": second}))
    with pytest.raises(UnknownRecipientError):
        store.put_recipient("shop", added.model_copy(update={"id": 99}))

    assert store.recipient("shop", second, added.id) is None
    assert store.recipients_of_survey("shop", survey, offset=0, limit=9) == ([added], 1)


def test_an_answer_is_found_as_it_was_given(store: Store) -> None:
    survey = survey_of(store)
    recipient = add(store, survey)

    given = answer(store, recipient, 9, "Čau <b>", at(3))

    assert store.response("shop", survey, given.id) == given
    assert (given.rating, given.comment, given.created_at) == (9, "Čau <b>", at(3))
    assert store.response("other", survey, given.id) is None
    assert store.response("shop", survey, 99) is None


def test_an_answer_moves_its_recipients_time(store: Store) -> None:
    recipient = add(store, survey_of(store))

    answer(store, recipient, 9, when=at(3))

    moved = store.recipient("shop", recipient.survey_id, recipient.id)
    assert moved == recipient.model_copy(update={"updated_at": at(3)})


def test_a_later_answer_replaces_the_earlier_one_and_knows_it(store: Store) -> None:
    recipient = add(store, survey_of(store))
    answer(store, recipient, 9, "Good", at(3))

    changed = answer(store, recipient, 2, None, at(5))

    assert (changed.rating, changed.comment) == (2, None)
    assert (changed.created_at, changed.updated_at) == (at(3), at(5))
    assert store.response("shop", recipient.survey_id, recipient.id) == changed
    _, count = store.responses("shop", recipient.survey_id, offset=0, limit=9)
    assert count == 1


def test_the_tally_follows_every_answer(store: Store) -> None:
    survey = survey_of(store)
    one, two, three = (add(store, survey, f"p{n}@example.com") for n in range(3))
    assert store.tally("shop", survey) == Tally()

    answer(store, one, 10, "Great")
    answer(store, two, 8)
    answer(store, three, 0)
    assert store.tally("shop", survey) == Tally(
        promoters=1, passives=1, detractors=1, promoters_with_comment=1
    )

    answer(store, one, 9)
    answer(store, two, 7)
    answer(store, three, 10, "Better now")
    assert store.tally("shop", survey) == Tally(promoters=2, passives=1, promoters_with_comment=1)
    assert store.tally("other", survey) == Tally()
    assert store.tally("shop", 99) == Tally()


def test_an_answer_that_is_overtaken_counts_from_the_one_that_overtook_it(store: Store) -> None:
    jane = add(store, survey_of(store))
    answer(store, jane, 9)
    others = iter([0])

    def change(known: Response | None) -> Response:
        for stars in others:
            answer(store, jane, stars)
        return rating(jane, 7)(known)

    store.respond("shop", jane.survey_id, jane.id, change)

    assert store.tally("shop", jane.survey_id) == Tally(passives=1)


def test_nobody_unknown_can_answer(store: Store) -> None:
    survey, second = survey_of(store), survey_of(store)
    recipient = add(store, survey)

    for place, number in ((survey, 99), (second, recipient.id), (99, recipient.id)):
        stranger = recipient.model_copy(update={"survey_id": place, "id": number})
        with pytest.raises(UnknownRecipientError):
            answer(store, stranger, 9)

    assert store.tally("shop", survey) == Tally()
    assert store.response("shop", survey, recipient.id) is None


def test_a_closed_survey_takes_no_answer_until_it_is_open_again(store: Store) -> None:
    survey = survey_of(store)
    recipient = add(store, survey)
    answer(store, recipient, 9, when=at(1))
    store.update_survey("shop", survey, {"status": "closed"}, at(2))

    with pytest.raises(SurveyClosedError):
        answer(store, recipient, 1, when=at(3))
    assert store.tally("shop", survey) == Tally(promoters=1)

    store.update_survey("shop", survey, {"status": "open"}, at(4))
    answer(store, recipient, 1, when=at(5))
    assert store.tally("shop", survey) == Tally(detractors=1)


def test_responses_come_newest_first_and_pass_filters(store: Store) -> None:
    survey = survey_of(store)
    given = [(10, "a"), (9, None), (8, "b"), (7, ""), (6, None), (0, "c")]
    for number, (stars, comment) in enumerate(given):
        answer(store, add(store, survey, f"p{number}@example.com"), stars, comment)

    def found(
        category: Category | None = None,
        *,
        has_comment: bool | None = None,
        offset: int = 0,
        limit: int = 9,
    ) -> tuple[list[int], int]:
        page, count = store.responses(
            "shop",
            survey,
            category=category,
            has_comment=has_comment,
            offset=offset,
            limit=limit,
        )
        return [each.rating for each in page], count

    assert found() == ([0, 6, 7, 8, 9, 10], 6)
    assert found(offset=1, limit=2) == ([6, 7], 6)
    assert found(Category.PROMOTERS) == ([9, 10], 2)
    assert found(Category.DETRACTORS, has_comment=True) == ([0], 1)
    assert found(Category.PASSIVES, has_comment=False) == ([7], 1)
    assert found(has_comment=True) == ([0, 8, 10], 3)
    assert found(has_comment=False, offset=1, limit=1) == ([7], 3)


def test_exports_tell_who_changed_in_that_order(store: Store) -> None:
    survey, second = survey_of(store), survey_of(store)
    first = add(store, second, "p1@example.com", when=at(1))
    later = add(store, survey, "p2@example.com", when=at(2))
    same = add(store, survey, "p3@example.com", when=at(2))
    survey_of(store, "other")
    add(store, 1, account="other", when=at(2))

    assert store.changed_recipients("shop", at(0), after=None, limit=9).records == [
        first,
        later,
        same,
    ]
    assert store.changed_recipients("shop", at(2), after=None, limit=9).records == [later, same]
    assert store.changed_recipients("shop", at(3), after=None, limit=9).records == []

    answer(store, first, 9, when=at(4))

    page = store.changed_recipients("shop", at(2), after=None, limit=9)
    assert [each.id for each in page.records] == [later.id, same.id, first.id]


def test_exports_go_on_where_a_page_ended(store: Store) -> None:
    survey = survey_of(store)
    everybody = [add(store, survey, f"p{n}@example.com", when=at(n // 3)) for n in range(7)]
    given = [answer(store, each, 9, when=at(20 + n // 3)) for n, each in enumerate(everybody)]

    seen: list[Response] = []
    after: str | None = None
    sizes = []
    while True:
        page = store.changed_responses("shop", at(0), after=after, limit=3)
        seen += page.records
        sizes.append(len(page.records))
        after = page.after
        if after is None:
            break

    assert seen == given
    assert sizes == [3, 3, 1]
    assert store.changed_responses("shop", at(21), after=None, limit=9).records == given[3:]
    assert store.changed_responses("shop", at(0), after=None, limit=7).after is None


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_what_changes_while_it_is_exported_comes_once_under_its_new_time(
    store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = survey_of(store)
    jane, mike = add(store, survey), add(store, survey, "mike@example.com", when=at(1))
    look = store._client.batch_get_item

    def late(**request: Any) -> Any:
        store.put_recipient("shop", jane.model_copy(update={"updated_at": at(2)}))
        return look(**request)

    with monkeypatch.context() as patched:
        patched.setattr(store._client, "batch_get_item", late)
        page = store.changed_recipients("shop", NOW, after=None, limit=9)
    assert [each.id for each in page.records] == [mike.id]

    later = store.changed_recipients("shop", at(2), after=None, limit=9)
    assert [each.id for each in later.records] == [jane.id]


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_what_holds_personal_data_goes_after_four_hundred_days(store: DynamoDBStore) -> None:
    recipient = add(store, survey_of(store))
    answer(store, recipient, 9, "Good")

    pages = store._client.get_paginator("scan").paginate(TableName=store._table)
    items = [item for page in pages for item in page["Items"]]

    kept = {item["sk"]["S"][:2]: item.get("ttl", {}).get("N") for item in items}
    until = str(int((NOW + timedelta(days=400)).timestamp()))
    assert kept == {"N#": None, "S#": None, "R#": until, "P#": until}


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_of_many_answers_at_once_the_tally_counts_each_person_once(store: DynamoDBStore) -> None:
    survey = survey_of(store)
    people = [add(store, survey, f"p{number}@example.com") for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: answer(store, people[n % 4], n % 11), range(16)))

    found, count = store.responses("shop", survey, offset=0, limit=9)
    assert count == len(found) == 4
    by_category = [sum(each.category is kind for each in found) for kind in Category]
    tally = store.tally("shop", survey)
    assert [tally.detractors, tally.passives, tally.promoters] == by_category
