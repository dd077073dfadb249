"""Rule 6 against our own invitation service: it never says "not sent" of what was, and "held" when it can't know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.servers import Exchange, close, reply, silence

if TYPE_CHECKING:
    from tests.support.running import Running
    from tests.support.servers import Received

LOOK = 600


@pytest.fixture
def alone(running: Running) -> Running:
    """An account that knows no keys: what became of a call is looked for in the survey's list."""
    running.without_keys()
    return running


def lose(running: Running, *, accepted: bool) -> None:
    running.provider.will(running.provider.processed(close) if accepted else close)
    running.deliver(running.purchase("A-1"), running.purchase("A-2"))
    assert running.states == {"uncertain": 2}


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
def test_one_that_fits_is_ours_and_none_at_two_looks_was_never_sent(
    alone: Running, *, accepted: bool
) -> None:
    lose(alone, accepted=accepted)
    assert alone.sweep_after(LOOK - 1)["sent"] == 0
    assert alone.sweep_after(1)["sent"] == (2 if accepted else 0)
    assert alone.sweep_after(LOOK)["sent"] == (0 if accepted else 2)
    assert alone.states == {"sent": 2}


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_another_senders_at_the_same_time_is_for_a_person_to_decide_if_it_can_be_told(
    alone: Running, size: int, *, accepted: bool
) -> None:
    """Ours had two recipients. A call of somebody else's with as many or fewer looks just like it.

    Then nobody is asked twice, and two are taken for asked who were not: a limit, and it stands in docs/reliability.md.
    """
    lose(alone, accepted=accepted)
    alone.provider.invite(*(f"someone-{n}@example.org" for n in range(size)))
    alone.settle()
    if not accepted and size <= 2:
        alone.excused |= {"A-1", "A-2"}
        assert alone.states == {"sent": 2}
    else:
        assert alone.states == {"held.ambiguous_at_provider": 2}
        assert alone.told["InvitationsHeld"] == 2


@pytest.mark.parametrize("when", ["before", "long after"])
@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
def test_another_senders_at_another_time_is_not_taken_for_ours(
    alone: Running, when: str, *, accepted: bool
) -> None:
    if when == "before":
        alone.provider.invite("someone@example.org")
        lose(alone, accepted=accepted)
        expected = "sent"
    else:
        lose(alone, accepted=accepted)
        alone.clock.pass_by(LOOK - 1)
        alone.provider.invite("someone@example.org")
        # Two unknown ones, or one that does not fit: nobody can know.
        expected = "held.ambiguous_at_provider"
    alone.settle()
    assert alone.states == {expected: 2}


@pytest.mark.parametrize("counted", [0, 1, 2])
def test_fewer_recipients_than_were_sent_are_still_ours(alone: Running, counted: int) -> None:
    """A provider drops whom it must not ask: it does not add."""
    lose(alone, accepted=True)
    alone.provider.becomes("scheduled", counted)
    assert alone.sweep_after(LOOK)["sent"] == 2


def test_more_recipients_than_were_sent_are_not_ours(alone: Running) -> None:
    lose(alone, accepted=True)
    alone.provider.becomes("scheduled", 3)
    assert alone.sweep_after(LOOK)["held"] == 2


@pytest.mark.parametrize(
    ("minutes", "states"),
    [
        (1, {"sent": 1}),
        (5, {"held.ambiguous_at_provider": 1}),
        (15, {"held.ambiguous_at_provider": 1}),
    ],
)
def test_a_request_that_is_processed_after_its_caller_gave_up_is_never_not_sent(
    alone: Running, minutes: int, states: dict[str, int]
) -> None:
    """Within two minutes it is ours; later nobody can know; and it is not sent again."""
    late = arrives_late(alone)
    alone.clock.pass_by(60 * minutes)
    alone.sweep()
    alone.provider.process(late)
    alone.settle()
    assert alone.states == states
    assert len(alone.provider.asked) == 1


def arrives_late(running: Running) -> Received:
    """Let a call hang until its caller gives up; return the request, which nobody has processed yet."""
    hanging: list[Received] = []

    def hang(exchange: Exchange) -> None:
        hanging.append(exchange.request)
        silence(exchange)

    running.provider.will(running.provider.slowly(hang))
    calls_before = 0 if running.provider.honours_keys else 1
    with running.giving_up(running.provider.reached, after_calls=calls_before):
        running.deliver(running.purchase())
    (request,) = hanging or [running.provider.asked[-1]]
    return request


@pytest.mark.parametrize("minutes", [0, 2, 30])
def test_under_its_key_a_late_request_and_its_replay_are_one(
    running: Running, minutes: int
) -> None:
    late = arrives_late(running)
    running.clock.pass_by(60 * minutes)
    running.settle()
    running.provider.process(late)
    running.settle()
    assert running.states == {"sent": 1}
    assert running.provider.books == {"a-1@example.com": 1}


@pytest.mark.parametrize("lost", [1, 3])
def test_replays_whose_answers_are_lost_too_are_repeated_until_one_is_heard(
    running: Running, lost: int
) -> None:
    running.provider.will(running.provider.processed(close), *[close] * lost)
    running.deliver(running.purchase())
    running.settle()
    assert running.states == {"sent": 1}
    bodies = {each.body for each in running.provider.asked}
    keys = {each.headers["idempotency-key"] for each in running.provider.asked}
    assert (len(bodies), len(keys)) == (1, 1)


@pytest.mark.parametrize("processed", [True, False])
def test_whoever_changed_since_is_asked_once_all_the_same(
    running: Running, *, processed: bool
) -> None:
    running.provider.will(running.provider.processed(close) if processed else close)
    running.deliver(running.purchase())
    running.campaign(language="de")
    running.deliver(running.purchase("A-1", customer={"email": "a-1@example.com", "name": "Other"}))
    running.new_instances()
    running.settle()
    assert running.states == {"sent": 1}
    assert running.provider.books == {"a-1@example.com": 1}
    assert len({each.body for each in running.provider.asked}) == 2


def test_a_batch_whose_members_all_left_is_held(running: Running) -> None:
    running.provider.will(close)
    running.deliver(running.purchase())
    running.deliver(running.event("erasure", email="a-1@example.com"))
    running.settle()
    assert running.states == {"held.replay_would_differ": 1}
    assert running.told["InvitationsHeld"] == 1


def test_a_provider_that_cannot_be_asked_for_a_day_leaves_it_to_a_person(alone: Running) -> None:
    lose(alone, accepted=True)
    # The survey's list is gone, and so is the service.
    alone.provider.server.otherwise = reply(500)
    alone.sweep_after(*[6 * 3600] * 5)
    assert alone.states == {"held.unanswered": 2}
    assert alone.told["InvitationsHeld"] == 2


def test_nobody_else_may_call_the_survey_while_one_is_in_doubt(alone: Running) -> None:
    lose(alone, accepted=False)
    alone.deliver(alone.purchase("A-3"))
    assert alone.state("A-3") == "pending"
    alone.settle()
    assert alone.states == {"sent": 3}


def test_the_list_is_looked_at_before_the_call_and_a_list_that_fails_means_no_call(
    alone: Running,
) -> None:
    serve = alone.provider.serve
    alone.provider.server.otherwise = reply(502)
    alone.deliver(alone.purchase())
    assert alone.states == {"pending": 1}
    assert not alone.provider.asked
    alone.provider.server.otherwise = alone.provider.answer
    del serve
    assert alone.settle()["sent"] == 1
