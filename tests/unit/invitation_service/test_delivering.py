"""From a call that invites to mails that are out, and the truth about them at every moment."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from invitation_service.delivering.messages import Message
from invitation_service.delivering.sweep import sweep
from invitation_service.directory.records import Respondent, Template
from invitation_service.mailing.outcomes import (
    Later,
    MailServerError,
    Refused,
    Uncertain,
)
from invitation_service.surveys.store import StillSendingError, StoreBusyError
from invitation_service.web.errors import UnavailableError
from tests.support.delivering import NOON, FakeMailer, Killed, MailRoom, fragile, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

    from invitation_service.delivering.records import Job

DAY = 24 * 60


@pytest.fixture
def room() -> MailRoom:
    return MailRoom()


def put_respondent(room: MailRoom, email: str = "pavel@example.com") -> None:
    room.store.put_template(
        "shop", Template(id=1833, subject="Hi", text="Dear [L1]", updated_at=NOON)
    )
    respondent = Respondent(
        token="81a2B7", email=email, language="cs", labels={"l1": "Pavel"}, updated_at=NOON
    )
    room.store.put_respondent("shop", respondent)


def test_an_invitation_goes_from_preparing_over_scheduled_to_delivered(room: MailRoom) -> None:
    job = room.invite("jane", "mike")
    assert room.status(job) == "preparing"

    room.step()
    assert room.status(job) == "scheduled"
    assert room.told(job) == {"waiting": 2}

    room.step()
    assert room.status(job) == "delivered"
    assert room.told(job) == {"delivered": 2}
    assert room.mailer.taken == ["jane@example.com", "mike@example.com"]
    shown = room.progress(job).invitation.shown()
    assert shown["delivered_at"] == "2026-11-21T12:00:00Z"
    assert shown["recipients_count"] == 2


def test_a_recipient_is_what_the_call_said_and_tells_when_it_was_mailed(room: MailRoom) -> None:
    job = room.invite("jane")
    room.now += timedelta(minutes=1)
    room.work()

    found, count = room.store.recipients_of_survey("shop", job.survey_id, offset=0, limit=9)
    assert count == 1
    [jane] = found
    assert (jane.invitation_id, jane.email, jane.name) == (
        job.invitation_id,
        "jane@example.com",
        "Jane",
    )
    assert jane.delivered_at == jane.updated_at == room.now
    assert room.store.recipients_at("shop", job.survey_id, "JANE@example.com") == [jane]
    page = room.store.changed_recipients("shop", room.now, after=None, limit=9)
    assert page.records == [jane]


def test_each_mail_has_the_links_of_its_recipient_alone(room: MailRoom) -> None:
    room.invite("jane", "mike")
    room.work()

    links = [set(each.get_content().split()) for each in room.mailer.letters]
    assert len(links[0]) > 11
    shared = links[0] & links[1]
    assert not any("https://" in each for each in shared)
    unsubscribe = {each["X-Unsubscribe"] for each in room.mailer.letters}
    assert len(unsubscribe) == 2


def test_many_recipients_go_out_in_slices_over_one_connection_each(room: MailRoom) -> None:
    job = room.invite_many(230)
    room.step()

    slices = [(each.first, each.last) for each in room.queue]
    assert slices == [(1, 50), (51, 100), (101, 150), (151, 200), (201, 250)]
    room.work()

    assert room.mailer.sessions == 5
    assert room.told(job) == {"delivered": 230}
    assert Counter(room.mailer.taken).most_common(1)[0][1] == 1
    assert room.counts == {"delivered": 230}


def test_two_invitations_have_recipients_of_their_own(room: MailRoom) -> None:
    first = room.invite("jane", "mike")
    second = room.invite("jane")
    room.work()

    assert [room.progress(each).first_id for each in (first, second)] == [1, 3]
    assert room.told(first) == {"delivered": 2}
    assert room.told(second) == {"delivered": 1}
    assert len(room.mailer.taken) == 3


def test_who_unsubscribed_before_is_left_out_and_not_counted(room: MailRoom) -> None:
    room.store.set_unsubscribed("shop", "Jane@example.com", unsubscribed=True)
    job = room.invite("jane", "mike")
    room.step()

    assert room.told(job) == {"suppressed": 1, "waiting": 1}
    assert room.progress(job).invitation.recipients_count == 1
    room.work()
    assert room.mailer.taken == ["mike@example.com"]
    assert room.status(job) == "delivered"


def test_who_unsubscribes_in_between_is_not_mailed(room: MailRoom) -> None:
    job = room.invite("jane", "mike")
    room.step()
    room.store.set_unsubscribed("shop", "jane@example.com", unsubscribed=True)
    room.work()

    assert room.mailer.taken == ["mike@example.com"]
    assert room.told(job) == {"delivered": 1, "suppressed": 1}
    assert room.progress(job).invitation.recipients_count == 1
    assert room.reasons(job)["jane@example.com"] == "unsubscribed"


def test_if_nobody_is_left_there_were_zero_recipients(room: MailRoom) -> None:
    for name in ("jane", "mike"):
        room.store.set_unsubscribed("shop", f"{name}@example.com", unsubscribed=True)
    job = room.invite("jane")
    room.step()
    assert (room.status(job), room.queue) == ("zero_recipients", [])
    assert room.survey_is_free(job)
    assert room.progress(job).invitation.recipients_count == 0

    room.store.set_unsubscribed("shop", "mike@example.com", unsubscribed=False)
    later = room.invite("mike")
    room.step()
    room.store.set_unsubscribed("shop", "mike@example.com", unsubscribed=True)
    room.work()
    assert room.status(later) == "zero_recipients"


def test_a_survey_takes_the_next_invitation_once_everybody_was_tried(room: MailRoom) -> None:
    room.mailer.answers["mike@example.com"] = [Later("smtp_451")]
    job = room.invite("jane", "mike")
    with pytest.raises(StillSendingError):
        room.invite("anna", survey=job.survey_id)
    room.step()
    with pytest.raises(StillSendingError):
        room.invite("anna", survey=job.survey_id)

    room.work()

    assert room.told(job) == {"delivered": 1, "waiting": 1}
    room.invite("anna", survey=job.survey_id)


def test_a_refusal_ends_that_recipients_mail_alone(room: MailRoom) -> None:
    room.mailer.answers["jane@example.com"] = [Refused("smtp_550")]
    job = room.invite("jane", "mike")
    room.work()

    assert room.told(job) == {"failed": 1, "delivered": 1}
    assert room.reasons(job)["jane@example.com"] == "smtp_550"
    assert room.status(job) == "delivered"
    assert room.counts == {"failed": 1, "delivered": 1}


def test_if_nobody_was_delivered_to_it_failed(room: MailRoom) -> None:
    room.mailer.answers = {
        "jane@example.com": [Refused("smtp_550")],
        "mike@example.com": [Uncertain("no_answer")],
    }
    job = room.invite("jane", "mike")
    room.work()

    assert room.status(job) == "failed"
    assert "delivered_at" not in room.progress(job).invitation.shown()


def test_who_is_to_be_tried_later_is_tried_after_1_5_and_15_minutes(room: MailRoom) -> None:
    tried: list[int] = []
    room.mailer.before = lambda _: tried.append((room.now - NOON) // timedelta(minutes=1))
    room.mailer.answers["jane@example.com"] = [Later("smtp_451")] * 4
    job = room.invite("jane")
    room.work()
    assert room.told(job) == {"waiting": 1}
    assert room.reasons(job) == {"jane@example.com": "smtp_451"}

    room.pass_time(60)

    assert tried == [0, 1, 6, 21, 36]
    assert room.status(job) == "delivered"
    assert room.counts == {"later": 4, "delivered": 1}


def test_a_slice_that_comes_twice_tries_nobody_before_their_time(room: MailRoom) -> None:
    room.mailer.answers["jane@example.com"] = [Later("smtp_451")]
    job = room.invite("jane")
    room.step()
    room.send(room.queue)
    room.work()

    assert room.told(job) == {"waiting": 1}
    assert room.mailer.taken == []


def test_who_is_put_off_for_a_day_is_given_up(room: MailRoom) -> None:
    room.mailer.answers["jane@example.com"] = [Later("smtp_451")] * 1_000
    job = room.invite("jane", "mike")
    room.work()

    room.pass_time(DAY - 1)
    assert room.told(job) == {"delivered": 1, "waiting": 1}
    room.pass_time(20)

    assert room.told(job) == {"delivered": 1, "failed": 1}
    assert room.reasons(job)["jane@example.com"] == "gave_up"
    assert room.status(job) == "delivered"


def test_a_mail_server_that_is_down_is_asked_after_growing_delays(room: MailRoom) -> None:
    job = room.invite_many(120)
    room.mailer.down = MailServerError("refused_connection")
    room.work()
    assert room.mailer.sessions == 1, "the other slices leave it alone"
    assert room.told(job) == {"waiting": 120}

    asked = []
    for minute in range(1, 40):
        before = room.mailer.sessions
        room.pass_time(1)
        asked += [minute] * (room.mailer.sessions - before)
    assert asked == [1, 6, 21, 36]
    assert not room.survey_is_free(job)

    room.mailer.down = None
    room.pass_time(15)
    assert room.told(job) == {"delivered": 120}
    assert room.status(job) == "delivered"
    assert room.survey_is_free(job)


def test_a_mail_server_that_is_down_for_a_day_fails_everybody(room: MailRoom) -> None:
    job = room.invite_many(120)
    room.mailer.down = MailServerError("auth_refused", account_fault=True)
    room.work()
    room.pass_time(DAY - 1)
    assert room.told(job) == {"waiting": 120}
    room.pass_time(30)

    assert room.told(job) == {"failed": 120}
    assert set(room.reasons(job).values()) == {"gave_up"}
    assert room.status(job) == "failed"
    assert room.survey_is_free(job)
    assert room.counts["account_fault"] > 0
    assert room.mailer.taken == []


def test_trouble_that_ended_does_not_count_towards_the_next(room: MailRoom) -> None:
    room.settings = settings(mails_per_minute=50)
    job = room.invite_many(100)
    room.mailer.down = MailServerError("timeout")
    room.work()
    room.pass_time(DAY - 60)
    room.mailer.down = None
    while not room.told(job).get("delivered"):
        room.pass_time(1)
    assert room.told(job) == {"delivered": 50, "waiting": 50}
    room.mailer.down = MailServerError("timeout")

    room.pass_time(180)
    assert room.told(job) == {"delivered": 50, "waiting": 50}
    room.mailer.down = None
    room.pass_time(20)
    assert room.told(job) == {"delivered": 100}


def test_a_fault_of_the_account_in_mid_slice_leaves_the_rest_waiting(room: MailRoom) -> None:
    fault = Later("smtp_530", account_fault=True)
    room.mailer.answers["p00005@example.com"] = [fault]
    job = room.invite_many(20)
    room.work()

    assert room.told(job) == {"delivered": 5, "waiting": 15}
    assert room.counts["account_fault"] == 1
    room.pass_time(2)
    assert room.told(job) == {"delivered": 20}
    assert Counter(room.mailer.taken).most_common(1)[0][1] == 1


def test_what_is_uncertain_is_never_mailed_again(room: MailRoom) -> None:
    room.mailer.answers["jane@example.com"] = [Uncertain("no_answer")]
    job = room.invite("jane", "mike")
    room.work()
    room.pass_time(60)

    assert room.told(job) == {"uncertain": 1, "delivered": 1}
    assert room.mailer.taken == ["mike@example.com"]
    assert room.reasons(job)["jane@example.com"] == "no_answer"


def test_a_mail_server_that_always_falls_silent_is_left_alone_before_it_has_everybodys_mail(
    room: MailRoom,
) -> None:
    job = room.invite_many(120)
    for number in range(120):
        room.mailer.answers[f"p{number:05d}@example.com"] = [Uncertain("no_answer")]
    room.work()
    assert room.told(job) == {"uncertain": 3, "waiting": 117}

    room.mailer.answers.clear()
    room.pass_time(2)
    assert room.told(job) == {"uncertain": 3, "delivered": 117}
    assert room.progress(job).step == 0


def test_mails_of_which_nobody_knows_now_and_then_hold_up_nobody(room: MailRoom) -> None:
    job = room.invite_many(12)
    for number in (0, 1, 3, 4, 6, 7):
        room.mailer.answers[f"p{number:05d}@example.com"] = [Uncertain("no_answer")]
    room.work()

    assert room.told(job) == {"uncertain": 6, "delivered": 6}


def test_a_mailer_that_breaks_leaves_that_mail_uncertain_and_tells_no_address(
    room: MailRoom,
) -> None:
    def break_at(address: str) -> None:
        if address == "jane@example.com":
            raise RuntimeError(address)

    room.mailer.before = break_at
    job = room.invite("jane", "mike")
    room.work()

    assert room.told(job) == {"uncertain": 1, "delivered": 1}
    assert "RuntimeError" in room.log.getvalue()
    assert "jane" not in room.log.getvalue()


def test_no_more_mails_go_out_in_a_minute_than_the_account_allows(room: MailRoom) -> None:
    room.settings = settings(mails_per_minute=7)
    job, other = room.invite_many(12), room.invite("jane", "mike", "anna")
    minutes: Counter[int] = Counter()
    room.mailer.before = lambda _: minutes.update([(room.now - NOON) // timedelta(minutes=1)])
    room.work()
    room.pass_time(5)

    assert room.told(job) == {"delivered": 12}
    assert room.told(other) == {"delivered": 3}
    assert max(minutes.values()) == 7
    assert sum(minutes.values()) == 15


def test_nobody_connects_to_a_mail_server_with_nothing_to_mail_this_minute(room: MailRoom) -> None:
    room.settings = settings(mails_per_minute=1)
    jobs = [room.invite(name) for name in ("jane", "mike", "anna")]
    room.work()
    assert room.mailer.sessions == len(room.mailer.taken) == 1

    room.pass_time(2)
    assert [room.status(job) for job in jobs] == ["delivered"] * 3
    assert room.mailer.sessions == 3


def test_an_account_that_may_mail_little_is_not_told_of_much(room: MailRoom) -> None:
    room.settings = settings(mails_per_minute=60)
    job = room.invite_many(400)
    room.step()
    assert len(room.queue) == 2

    room.work()
    assert room.told(job) == {"delivered": 60, "waiting": 340}
    most = 0
    while room.status(job) == "scheduled":
        room.now += timedelta(minutes=1)
        room.sweep()
        while room.queue:
            most = max(most, len(room.queue))
            room.step()
    assert most <= 2
    assert (room.now - NOON) == timedelta(minutes=6)
    assert room.told(job) == {"delivered": 400}


def test_a_message_that_comes_twice_mails_nobody_twice(room: MailRoom) -> None:
    job = room.invite_many(60)
    room.queue *= 2
    room.step()
    room.queue = [*room.queue, *room.queue]
    room.work()
    room.send([Message.about(job), Message.about(job, 1, 50)])
    room.work()

    assert sorted(room.mailer.taken) == sorted(set(room.mailer.taken))
    assert room.told(job) == {"delivered": 60}


def test_two_workers_on_one_slice_share_it(room: MailRoom) -> None:
    job = room.invite_many(50)
    room.step()
    [whole] = room.queue
    other = room.worker()
    calls = itertools.count()

    def interrupt(_: str) -> None:
        # In the middle of the first worker's first group, another worker gets the same message.
        if next(calls) == 3:
            room.mailer.before = lambda _: None
            other.work(whole, lambda: 300.0)

    room.mailer.before = interrupt
    room.work()

    assert sorted(room.mailer.taken) == [f"p{number:05d}@example.com" for number in range(50)]
    assert room.told(job) == {"delivered": 50}
    assert room.status(job) == "delivered"


def test_two_who_prepare_at_once_make_each_recipient_once(room: MailRoom) -> None:
    job = room.invite_many(300)
    [message] = room.queue
    other = room.worker()
    calls = itertools.count()

    def seconds_left() -> float:
        if next(calls) == 1:
            other.work(message, lambda: 300.0)
        return 300.0

    room.worker().work(message, seconds_left)
    room.queue.pop(0)

    assert room.told(job) == {"waiting": 300}
    found = room.store.survey("shop", job.survey_id)
    assert found
    _, count = room.store.recipients_of_survey("shop", job.survey_id, offset=0, limit=1)
    assert count == 300
    room.work()
    assert len(room.mailer.taken) == len(set(room.mailer.taken)) == 300


def test_who_has_no_time_to_prepare_all_goes_on_in_a_new_message(room: MailRoom) -> None:
    job = room.invite_many(250)
    time = iter([300.0, 29.0])
    room.worker().work(room.queue.pop(0), lambda: next(time))

    assert room.told(job) == {"waiting": 90}
    assert room.status(job) == "preparing"
    assert room.queue == [Message.about(job)]
    room.work()
    assert room.told(job) == {"delivered": 250}


def test_who_runs_out_of_time_in_mid_slice_puts_back_whom_he_did_not_reach(
    room: MailRoom,
) -> None:
    job = room.invite_many(30)
    room.step()
    room.mailer.before = lambda _: setattr(room, "seconds", room.seconds - 20)
    room.step()

    assert room.told(job) == {"delivered": 8, "waiting": 22}
    room.seconds = 300.0
    room.mailer.before = lambda _: None
    room.pass_time(1)
    assert room.told(job) == {"delivered": 30}
    assert len(room.mailer.taken) == 30


def test_a_lost_message_is_made_up_for_by_the_sweep(room: MailRoom) -> None:
    job = room.invite("jane")
    room.queue.clear()
    room.pass_time(2)
    assert room.status(job) == "delivered"


def test_a_lost_slice_is_made_up_for_by_the_sweep(room: MailRoom) -> None:
    job = room.invite_many(120)
    room.step()
    del room.queue[1]
    room.work()
    assert room.told(job) == {"delivered": 70, "waiting": 50}

    room.pass_time(15)
    assert room.told(job) == {"delivered": 120}
    assert len(room.mailer.taken) == 120


class AtOnce:
    """A queue whose messages are worked on before whoever sent them goes on."""

    def __init__(self, room: MailRoom) -> None:
        self._worker = room.worker(queue=cast("MailRoom", self))

    def send(self, messages: Sequence[Message]) -> None:
        for each in messages:
            self._worker.work(each, lambda: 300.0)


@pytest.fixture
def slow_to_send(room: MailRoom) -> Job:
    """Return an invitation that the sweep finds, of 120 of whom 50 may be mailed in a minute."""
    room.settings = settings(mails_per_minute=50)
    job = room.invite_many(120)
    room.queue.clear()
    room.now += timedelta(minutes=2)
    return job


def test_a_sweep_does_not_put_off_what_a_worker_wants_sooner(
    room: MailRoom, slow_to_send: Job
) -> None:
    for _ in range(3):
        sweep(room.store, AtOnce(room), room.now, lambda: room.seconds)
        room.now += timedelta(minutes=1)

    assert room.told(slow_to_send) == {"delivered": 120}


def test_who_sends_slices_out_does_not_put_off_what_one_wants_sooner(
    room: MailRoom, slow_to_send: Job
) -> None:
    room.settings = settings()
    room.mailer.down = MailServerError("timeout")
    AtOnce(room).send([Message.about(slow_to_send)])

    assert room.store.due(room.now + timedelta(minutes=1), 9) == [slow_to_send]


def test_what_has_ended_is_not_due(room: MailRoom) -> None:
    room.invite("jane")
    room.work()
    room.now += timedelta(days=30)

    assert room.sweep() == 0
    assert room.queue == []


def test_a_webhooks_invitation_goes_out_with_template_labels_and_footer(room: MailRoom) -> None:
    put_respondent(room)
    job = room.invite_by_webhook("81a2B7", footer=False)
    room.work()

    assert room.told(job) == {"delivered": 1}
    assert room.status(job) == "delivered"
    [letter] = room.mailer.letters
    text = letter.get_content()
    assert letter["To"] == "pavel@example.com"
    assert "Dear [L1]" in text
    assert "Pavel" in text
    assert "81a2B7" in text
    assert "footer=False" in text
    [recipient] = room.store.recipients_at("shop", job.survey_id, "pavel@example.com")
    assert recipient.locale == "cs"


def test_a_webhooks_invitation_waits_for_its_time_and_takes_the_respondent_of_then(
    room: MailRoom,
) -> None:
    put_respondent(room)
    job = room.invite_by_webhook("81a2B7", delay=3 * DAY)
    room.pass_time(3 * DAY - 1)
    assert (room.status(job), room.states(job), room.mailer.taken) == ("scheduled", {}, [])

    put_respondent(room, email="new@example.com")
    room.pass_time(1)

    assert room.mailer.taken == ["new@example.com"]
    assert room.status(job) == "delivered"


def test_a_message_that_comes_too_early_invites_nobody(room: MailRoom) -> None:
    put_respondent(room)
    job = room.invite_by_webhook("81a2B7", delay=60)
    room.send([Message.about(job)])
    room.work()
    assert room.mailer.taken == []

    room.pass_time(60)
    assert room.mailer.taken == ["pavel@example.com"]


@pytest.mark.parametrize("prepared", [False, True])
def test_who_is_deleted_before_the_mail_is_not_mailed(room: MailRoom, *, prepared: bool) -> None:
    put_respondent(room)
    job = room.invite_by_webhook("81a2B7")
    if prepared:
        room.step()
    room.store.drop_respondent("shop", "81a2B7")
    room.work()

    assert room.mailer.taken == []
    assert room.status(job) == "zero_recipients"
    assert room.progress(job).invitation.recipients_count == 0


def test_a_survey_that_is_closed_in_between_mails_nobody_more(room: MailRoom) -> None:
    room.settings = settings(mails_per_minute=10)
    job = room.invite_many(15)
    room.work()
    room.store.update_survey("shop", job.survey_id, {"status": "closed"}, room.now)
    room.pass_time(2)

    assert room.told(job) == {"delivered": 10, "suppressed": 5}
    assert set(room.reasons(job).values()) == {None, "survey_closed"}
    assert room.status(job) == "delivered"
    assert room.survey_is_free(job)


def test_a_webhooks_respondent_who_unsubscribed_is_not_mailed(room: MailRoom) -> None:
    put_respondent(room)
    job = room.invite_by_webhook("81a2B7", delay=30)
    room.store.set_unsubscribed("shop", "pavel@example.com", unsubscribed=True)
    room.pass_time(31)

    assert room.told(job) == {"suppressed": 1}
    assert room.status(job) == "zero_recipients"


def test_a_webhook_does_not_mind_a_mailing_and_does_not_hold_one_up(room: MailRoom) -> None:
    put_respondent(room)
    by_webhook = room.invite_by_webhook("81a2B7", delay=30)
    room.invite("jane", survey=by_webhook.survey_id)

    survey = room.store.survey("shop", by_webhook.survey_id)
    assert survey
    assert survey.sending


def run_until_killed(room: MailRoom, step: int, *, after: bool) -> bool:
    """Work with a worker that is killed at a step; say whether it came to that."""
    worker, steps = fragile(room, step, after=after)
    with suppress(Killed):
        while room.queue:
            worker.work(room.queue[0], lambda: 300.0)
            room.queue.pop(0)
    return steps[0] <= 0


@pytest.mark.parametrize("after", [False, True])
def test_whoever_is_killed_at_whatever_step_nobody_is_mailed_twice_or_lost(*, after: bool) -> None:
    """The message comes again, as the queue's does, and the sweep comes by."""
    for step in itertools.count(1):  # pragma: no branch - it ends by itself.
        room = MailRoom()
        job = room.invite_many(23)
        killed = run_until_killed(room, step, after=after)
        room.told(job)
        room.work()
        room.told(job)
        room.pass_time(31)

        told = room.told(job)
        assert {"delivered", "uncertain"} >= told.keys()
        assert sum(told.values()) == 23
        assert told.get("uncertain", 0) <= 10
        assert Counter(room.mailer.taken).most_common(1)[0][1] == 1
        # Who is not known to have got it is uncertain, and nobody else is.
        assert told["delivered"] <= len(room.mailer.taken)
        assert room.status(job) == "delivered"
        assert room.survey_is_free(job)
        if not killed:
            break
    assert step > 20


@pytest.mark.parametrize("number", [0, 9, 10, 49, 50, 94])
def test_killed_while_mailing_leaves_the_group_uncertain_and_mails_the_rest(number: int) -> None:
    room = MailRoom()
    job = room.invite_many(95)
    calls = itertools.count()

    def kill(_: str) -> None:
        if next(calls) == number:
            raise Killed

    room.mailer.before = kill
    with pytest.raises(Killed):
        room.work()
    room.told(job)

    room.pass_time(30)

    told = room.told(job)
    # The last group of ten is one of five.
    group = 5 if number >= 90 else 10
    assert told == {"delivered": 95 - group, "uncertain": group}
    assert Counter(room.mailer.taken).most_common(1)[0][1] == 1
    assert set(room.reasons(job).values()) == {None, "interrupted"}


def test_a_store_that_fails_after_mails_keeps_what_it_knows_of_them(room: MailRoom) -> None:
    job = room.invite_many(20)
    room.step()
    calls = itertools.count()
    move = room.store.move

    def busy(*args: object) -> None:
        if next(calls) == 1:
            raise StoreBusyError
        move(*args)  # type: ignore[arg-type]  # handed on as it came.

    room.store.move = busy  # type: ignore[assignment,method-assign]  # it fails once.
    with pytest.raises(StoreBusyError):
        room.step()

    assert room.told(job) == {"delivered": 10, "waiting": 10}
    room.pass_time(2)
    assert room.told(job) == {"delivered": 20}


def test_a_letter_that_can_not_be_written_fails_alone(room: MailRoom) -> None:
    job = room.invite("jane", "mike")
    room.step()
    worker = room.worker()
    write = worker._desk.letters._write

    def broken(letter: object, *more: object) -> object:
        if "jane" in repr(getattr(letter, "recipient").email):  # noqa: B009 - of a fake's letter.
            raise ValueError("jane@example.com")
        return write(letter, *more)  # type: ignore[arg-type]  # handed on as it came.

    worker._desk.letters._write = broken  # type: ignore[assignment]  # as above.
    room.step(worker)

    assert room.told(job) == {"failed": 1, "delivered": 1}
    assert room.reasons(job)["jane@example.com"] == "not_written"
    assert "jane" not in room.log.getvalue()


def test_without_mail_settings_everybody_waits_for_them(room: MailRoom) -> None:
    room.settings = MailServerError("no_settings", account_fault=True)
    job = room.invite_many(60)
    room.work()
    assert room.told(job) == {"waiting": 60}
    assert room.counts == {"later": 50, "account_fault": 1}

    room.settings = settings()
    room.pass_time(2)
    assert room.told(job) == {"delivered": 60}


def test_without_keys_for_links_everybody_waits_for_them(room: MailRoom) -> None:
    job = room.invite("jane", "mike")
    room.step()
    worker = room.worker()

    def no_keys(*_: object) -> EmailMessage:
        raise UnavailableError

    worker._desk.letters._write = no_keys
    room.step(worker)
    assert room.told(job) == {"waiting": 2}
    assert room.counts["account_fault"] == 1

    room.pass_time(2)
    assert room.told(job) == {"delivered": 2}


def test_who_looks_after_an_invitation_leaves_alone_whom_another_mails_or_puts_off(
    room: MailRoom,
) -> None:
    room.mailer.answers["p00001@example.com"] = [Later("smtp_451")]
    job = room.invite_many(12)
    room.step()
    seen: list[dict[str, int]] = []

    def look(address: str) -> None:
        if address == "p00011@example.com":
            room.worker().work(Message.about(job), lambda: 300.0)
            seen.append(room.told(job))

    room.mailer.before = look
    room.step()

    assert seen == [{"delivered": 9, "waiting": 1, "sending": 2}]
    assert room.queue == []
    room.pass_time(2)
    assert room.told(job) == {"delivered": 12}


def test_who_looks_after_an_invitation_leaves_a_broken_mail_server_alone(room: MailRoom) -> None:
    room.mailer.down = MailServerError("timeout")
    job = room.invite("jane")
    room.work()
    room.send([Message.about(job)])
    room.work()

    assert room.mailer.sessions == 1
    assert room.queue == []


def test_who_was_taken_for_dead_does_not_undo_what_others_made_of_it(room: MailRoom) -> None:
    job = room.invite_many(12)
    room.step()
    [whole] = room.queue
    calls = itertools.count()

    def sleep(_: str) -> None:
        if next(calls) == 3:
            room.now += timedelta(minutes=7)
            room.worker().work(whole, lambda: 300.0)

    room.mailer.before = sleep
    room.work()

    assert room.told(job) == {"uncertain": 10, "delivered": 2}
    assert sorted(room.mailer.taken) == [f"p{number:05d}@example.com" for number in range(12)]


def test_an_unknown_invitation_is_nobodys_business(room: MailRoom) -> None:
    job = room.invite("jane")
    room.queue = [Message(account="shop", survey=job.survey_id, invitation=99)]
    room.work()

    assert room.mailer == FakeMailer()
