"""One contract on invitations on their way, kept by the in-memory twin and by DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from invitation_service.delivering import steps
from invitation_service.delivering.records import Job, Progress
from invitation_service.delivering.store import MovedMeanwhileError
from invitation_service.mailing.outcomes import Delivered, Later, Refused
from invitation_service.people.records import Delivery, SurveyRecipient
from invitation_service.surveys.models import Mailing, Recipient, Status
from invitation_service.surveys.store import NewInvitation, StillSendingError
from tests.support.delivering import MailRoom

if TYPE_CHECKING:
    from invitation_service.delivering.records import Addressee
    from invitation_service.mailing.outcomes import Outcome
    from invitation_service.surveys.dynamodb import DynamoDBStore
    from invitation_service.surveys.store import Store

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=365)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def invite(store: Store, count: int = 3, *, account: str = "shop", survey: int = 0) -> Job:
    chosen = survey or store.add_survey(account, "How was it?", NOW).id
    people = [Recipient(email=f"p{each}@example.com", name=f"P {each}") for each in range(count)]
    made = store.add_invitation(account, chosen, NewInvitation(recipients=people, created_at=NOW))
    return Job(account, chosen, made.id)


def progress_of(store: Store, job: Job) -> Progress:
    found = store.progress(job)
    assert found
    return found


def person(job: Job, number: int, delivery: Delivery = Delivery.WAITING) -> SurveyRecipient:
    return SurveyRecipient(
        id=number,
        survey_id=job.survey_id,
        invitation_id=job.invitation_id,
        email=f"p{number}@example.com",
        name=f"P {number}",
        user_id=number,
        created_at=NOW,
        updated_at=NOW,
        delivery=delivery,
    )


def prepared(store: Store, count: int = 3) -> tuple[Job, list[Addressee]]:
    """An invitation whose recipients wait, with their addressees."""
    job = invite(store, count)
    first = store.number(job)
    people = [person(job, first + each) for each in range(count)]
    store.unfold(progress_of(store, job), people, count)
    return job, store.addressees(job, first, first + count - 1)


def counts(store: Store, job: Job) -> dict[str, int]:
    return {str(state): n for state, n in progress_of(store, job).counts.items() if n}


def test_an_invitation_begins_unprepared_and_untried(store: Store) -> None:
    job = invite(store)

    begun = progress_of(store, job)

    assert (begun.total, begun.prepared, begun.untried, begun.first_id) == (3, 0, 0, None)
    assert begun.invitation.status is Status.PREPARING
    assert not begun.is_prepared
    assert counts(store, job) == {}
    assert store.progress(replace(job, invitation_id=99)) is None
    assert store.progress(replace(job, account="other")) is None


def test_a_survey_takes_no_other_invitation_until_it_is_freed_by_the_right_one(
    store: Store,
) -> None:
    job = invite(store)

    with pytest.raises(StillSendingError):
        invite(store, survey=job.survey_id)
    survey = store.survey("shop", job.survey_id)
    assert survey
    assert (survey.sending, survey.invitations) == (job.invitation_id, 1)

    store.free_survey(replace(job, invitation_id=99))
    with pytest.raises(StillSendingError):
        invite(store, survey=job.survey_id)

    store.free_survey(job)
    assert invite(store, survey=job.survey_id).survey_id == job.survey_id


def test_numbers_are_given_once_and_lie_beside_each_other(store: Store) -> None:
    first, second = invite(store, 3), invite(store, 2)

    assert [store.number(each) for each in (first, second, first)] == [1, 4, 1]
    assert store.number(invite(store, account="other")) == 1
    assert progress_of(store, second).first_id == 4


def test_unfolded_recipients_are_there_and_counted(store: Store) -> None:
    job = invite(store, 4)
    store.number(job)
    people = [person(job, 1), person(job, 2, Delivery.SUPPRESSED), person(job, 3)]

    store.unfold(progress_of(store, job), people, 3)

    now = progress_of(store, job)
    assert (now.prepared, now.untried, now.is_prepared) == (3, 2, False)
    assert counts(store, job) == {"waiting": 2, "suppressed": 1}
    assert now.invitation.recipients_count == 3
    assert [each.recipient for each in store.addressees(job, 1, 4)] == people
    _, count = store.recipients_of_survey("shop", job.survey_id, offset=0, limit=9)
    assert count == 3
    assert store.recipients_at("shop", job.survey_id, "P2@example.com") == [people[1]]

    store.unfold(now, [], 1)
    assert progress_of(store, job).is_prepared
    assert progress_of(store, job).invitation.recipients_count == 2


def test_who_comes_second_unfolds_nothing(store: Store) -> None:
    job = invite(store)
    store.number(job)
    begun = progress_of(store, job)
    store.unfold(begun, [person(job, 1)], 1)

    with pytest.raises(MovedMeanwhileError):
        store.unfold(begun, [person(job, 1)], 1)

    assert counts(store, job) == {"waiting": 1}


def test_addressees_are_those_of_the_invitation_alone(store: Store) -> None:
    job, people = prepared(store)
    other, _ = prepared(store)

    assert [each.recipient.id for each in people] == [1, 2, 3]
    assert store.addressees(job, 2, 6) == people[1:]
    assert store.addressees(other, 1, 3) == []
    assert [number for number, _, _ in store.glimpses(job, 1, 9)] == [1, 2, 3]


def test_a_claim_is_for_one(store: Store) -> None:
    job, [first, second, third] = prepared(store)
    store.move(job, [steps.claimed(each, "mine", NOW) for each in (first, second)], NOW)

    with pytest.raises(MovedMeanwhileError):
        store.move(job, [steps.claimed(each, "yours", NOW) for each in (second, third)], NOW)

    assert counts(store, job) == {"sending": 2, "waiting": 1}
    assert progress_of(store, job).untried == 1
    claimed = store.addressees(job, 1, 3)
    assert [(each.claim, each.claimed_at) for each in claimed] == [
        ("mine", NOW),
        ("mine", NOW),
        ("", None),
    ]
    assert list(store.glimpses(job, 1, 3)) == [
        (1, Delivery.SENDING, NOW),
        (2, Delivery.SENDING, NOW),
        (3, Delivery.WAITING, None),
    ]


def test_who_lost_a_claim_moves_nobody_under_the_next_one(store: Store) -> None:
    job, [first, *_] = prepared(store)
    mine = steps.claimed(first, "mine", NOW)
    back = steps.put_back(mine.after)
    yours = steps.claimed(back.after, "yours", NOW)
    for each in (mine, back, yours):
        store.move(job, [each], NOW)

    with pytest.raises(MovedMeanwhileError):
        store.move(job, [steps.told(mine.after, Delivered(), NOW)], NOW)

    store.move(job, [steps.told(yours.after, Delivered(), NOW)], NOW)
    assert counts(store, job) == {"waiting": 2, "delivered": 1}


def test_what_became_of_mails_is_kept_and_counted(store: Store) -> None:
    job, people = prepared(store)
    claims = [steps.claimed(each, "mine", NOW) for each in people]
    store.move(job, claims, NOW)
    outcomes: list[Outcome] = [Delivered(), Refused("smtp_550"), Later("smtp_451")]
    told = [
        steps.told(claim.after, outcome, at(1))
        for claim, outcome in zip(claims, outcomes, strict=True)
    ]

    store.move(job, told, at(1))

    assert counts(store, job) == {"delivered": 1, "failed": 1, "waiting": 1}
    assert progress_of(store, job).untried == 0
    delivered, failed, later = store.addressees(job, 1, 3)
    assert (delivered.recipient.delivered_at, delivered.recipient.updated_at) == (at(1), at(1))
    assert (failed.recipient.reason, failed.recipient.updated_at) == ("smtp_550", NOW)
    assert (later.attempts, later.retry_at, later.first_tried_at) == (1, at(2), at(1))
    assert [each.claim for each in (delivered, failed, later)] == ["", "", ""]
    changed = store.changed_recipients("shop", at(1), after=None, limit=9).records
    assert changed == [delivered.recipient]
    assert list(store.glimpses(job, 3, 3)) == [(3, Delivery.WAITING, at(2))]

    again = steps.claimed(later, "yours", at(2))
    store.move(job, [again], at(2))
    assert progress_of(store, job).untried == 0
    with pytest.raises(MovedMeanwhileError):
        store.move(job, [steps.claimed(people[2], "stale", at(2))], at(2))


def test_who_was_put_back_is_untried_again(store: Store) -> None:
    job, [first, *_] = prepared(store)
    claim = steps.claimed(first, "mine", NOW)
    store.move(job, [claim], NOW)
    store.move(job, [steps.put_back(claim.after)], NOW)

    assert progress_of(store, job).untried == 3
    assert store.addressees(job, 1, 1) == [first]


def test_who_is_suppressed_is_not_counted_as_invited(store: Store) -> None:
    job, [first, *_] = prepared(store)
    store.move(job, [steps.suppressed(first, "unsubscribed")], NOW)

    assert progress_of(store, job).invitation.recipients_count == 2
    assert counts(store, job) == {"suppressed": 1, "waiting": 2}


def test_an_invitation_ends_when_nobody_waits_and_is_not_due_then(store: Store) -> None:
    job, people = prepared(store)
    waiting = progress_of(store, job)
    store.conclude(waiting, Status.SCHEDULED, at(1))
    assert progress_of(store, job).invitation.status is Status.SCHEDULED
    assert store.due(at(60), 9) == [job]
    with pytest.raises(MovedMeanwhileError):
        store.conclude(waiting, Status.SCHEDULED, at(1))

    claims = [steps.claimed(each, "mine", NOW) for each in people]
    store.move(job, claims, NOW)
    done = progress_of(store, job)
    store.move(job, [steps.told(each.after, Delivered(), at(2)) for each in claims], at(2))
    with pytest.raises(MovedMeanwhileError):
        store.conclude(replace(done, invitation=waiting.invitation), Status.DELIVERED, at(3))

    store.conclude(progress_of(store, job), Status.DELIVERED, at(3))

    shown = store.invitation("shop", job.survey_id, job.invitation_id)
    assert shown
    assert (shown.status, shown.delivered_at, shown.updated_at) == ("delivered", at(3), at(3))
    assert store.due(at(60), 9) == []
    store.look_again(job, at(4))
    assert store.due(at(60), 9) == []


def test_an_invitation_is_due_in_two_minutes_or_when_it_is_said(store: Store) -> None:
    job = invite(store)
    assert store.due(at(1), 9) == []
    assert store.due(at(2), 9) == [job]

    store.look_again(job, at(15))
    assert store.due(at(14), 9) == []
    store.look_again(job, at(20), sooner=True)
    assert store.due(at(15), 9) == [job]
    store.look_again(job, at(5), sooner=True)
    assert store.due(at(5), 9) == [job]


def test_what_is_due_later_by_now_is_not_put_off(store: Store) -> None:
    job = invite(store)
    store.put_off(job, at(2), at(17))
    assert store.due(at(16), 9) == []
    store.put_off(job, at(16), at(31))
    assert store.due(at(17), 9) == [job]


def test_the_longest_overdue_comes_first(store: Store) -> None:
    jobs = [invite(store), invite(store, account="other"), invite(store)]
    for job, minutes in zip(jobs, (30, 10, 20), strict=True):
        store.look_again(job, at(minutes))

    assert store.due(at(60), 9) == [jobs[1], jobs[2], jobs[0]]
    assert store.due(at(60), 2) == [jobs[1], jobs[2]]
    assert store.due(at(20), 9) == [jobs[1], jobs[2]]


def test_a_webhooks_invitation_is_due_at_its_time(store: Store) -> None:
    survey = store.add_survey("shop", "How was it?", NOW).id
    mailing = Mailing(token="81a2B7", template_id=1, due_at=at(3 * 1440), footer=True)
    new = NewInvitation(created_at=NOW, mailing=mailing)
    job = Job("shop", survey, store.add_invitation("shop", survey, new).id)

    begun = progress_of(store, job)

    assert (begun.total, begun.invitation.status) == (1, Status.SCHEDULED)
    assert store.due(at(3 * 1440 - 1), 9) == []
    assert store.due(at(3 * 1440), 9) == [job]
    assert invite(store, survey=survey).survey_id == survey


def test_a_mail_server_that_fails_is_left_alone_once_a_step(store: Store) -> None:
    job, _ = prepared(store)
    seen = progress_of(store, job)
    store.hold_off(seen, at(1), NOW)
    store.hold_off(seen, at(5), at(0))

    held = progress_of(store, job)
    assert (held.step, held.not_before, held.trouble_since) == (1, at(1), NOW)
    assert store.due(at(1), 9) == [job]

    store.hold_off(held, at(6), at(1))
    twice = progress_of(store, job)
    assert (twice.step, twice.not_before, twice.trouble_since) == (2, at(6), NOW)

    store.go_on(held)
    assert progress_of(store, job) == twice
    store.go_on(twice)
    free = progress_of(store, job)
    assert (free.step, free.not_before, free.trouble_since) == (0, None, None)


def test_a_minutes_mails_are_counted_for_each_account(store: Store) -> None:
    granted = [store.count_mails("shop", NOW, 10, 25) for _ in range(4)]

    assert granted == [10, 10, 5, 0]
    assert store.count_mails("shop", at(1), 10, 25) == 10
    assert store.count_mails("other", NOW, 10, 25) == 10


def test_who_unsubscribed_is_found_among_many(store: Store) -> None:
    for address in ("A@example.com", "c@example.com"):
        store.set_unsubscribed("shop", address, unsubscribed=True)
    store.set_unsubscribed("other", "b@example.com", unsubscribed=True)
    asked = [f"{letter}@example.com" for letter in "aBC"]

    assert store.unsubscribed_among("shop", asked) == {"a@example.com", "C@example.com"}
    many = [f"p{each}@example.com" for each in range(120)]
    assert store.unsubscribed_among("shop", many) == set()


def test_what_is_passed_over_is_kept(store: Store) -> None:
    job, _ = prepared(store)
    store.pass_over(job, 3)

    assert progress_of(store, job).low == 3


def test_a_stretch_and_a_group_fit_into_a_transaction(store: Store) -> None:
    job = invite(store, 90)
    first = store.number(job)
    people = [person(job, first + each) for each in range(90)]
    store.unfold(progress_of(store, job), people, 90)

    everybody = store.addressees(job, first, first + 89)
    store.move(job, [steps.claimed(each, "mine", NOW) for each in everybody[:40]], NOW)

    assert counts(store, job) == {"sending": 40, "waiting": 50}


def test_the_whole_way_from_call_to_mails(store: Store) -> None:
    room = MailRoom(store=store, now=NOW)
    room.mailer.answers["p00003@example.com"] = [Later("smtp_451")]
    room.mailer.answers["p00004@example.com"] = [Refused("smtp_550")]
    job = room.invite_many(130)
    room.work()
    assert room.told(job) == {"delivered": 128, "waiting": 1, "failed": 1}
    assert room.survey_is_free(job)

    room.pass_time(2)

    assert room.told(job) == {"delivered": 129, "failed": 1}
    assert room.status(job) == "delivered"
    assert len(room.mailer.taken) == len(set(room.mailer.taken)) == 129
    assert store.due(at(60), 9) == []


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_workers_at_the_same_time_mail_to_everybody_once(store: DynamoDBStore) -> None:
    room = MailRoom(store=store, now=NOW)
    job = room.invite_many(130)
    room.step()
    messages, room.queue = room.queue * 2, []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: room.worker().work(each, lambda: 300.0), messages))
    room.pass_time(20)

    assert room.told(job) == {"delivered": 130}
    assert sorted(room.mailer.taken) == sorted(set(room.mailer.taken))
    assert len(room.mailer.taken) == 130
    assert room.status(job) == "delivered"
    assert room.survey_is_free(job)
