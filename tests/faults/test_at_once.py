"""Two at once, out of time, a clock that is off, a schedule that missed its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from afterword.deciding.clocks import TimeTravelError
from afterword.sweep import Sweep, SweepError
from tests.support.aws_door import WRITES
from tests.support.samples import DAY, HOUR
from tests.support.servers import reply

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from tests.support.running import Running
    from tests.support.servers import Answer, Exchange

MOST_WRITES = 80


def waiting(running: Running, *orders: str) -> None:
    """Let purchases wait for a time that then has come."""
    running.campaign(delay="PT2H")
    running.deliver(*(running.purchase(order) for order in orders))
    running.clock.pass_by(2 * HOUR)


def meanwhile(running: Running, other: Callable[[], object], then: Answer) -> Answer:
    """While somebody waits for an answer, another instance runs from its beginning to its end."""

    def answer(exchange: Exchange) -> None:
        with running.another("second"):
            other()
        then(exchange)

    return answer


def test_a_second_sweep_in_the_middle_of_a_call_sends_nothing(running: Running) -> None:
    waiting(running, "A-1", "A-2")
    seen: list[Counter[str]] = []
    running.provider.will(
        meanwhile(running, lambda: seen.append(running.sweep()), running.provider.serve)
    )
    assert running.sweep() == {"sent": 2}
    assert seen == [{}]
    assert len(running.provider.asked) == 1


def test_the_same_event_delivered_twice_at_once_is_asked_about_once(running: Running) -> None:
    body = running.purchase()
    running.provider.will(meanwhile(running, lambda: running.deliver(body), running.provider.serve))
    running.deliver(body)
    assert running.states == {"sent": 1}
    assert running.told["Duplicates"] == 1


def test_two_sweeps_at_once_whichever_write_the_second_comes_before(
    running: Running,
) -> None:
    """One order after the other, each time one write later: what the first one has read is old by then."""
    running.campaign(delay="PT10M")
    aws = running.door()
    for number in range(1, MOST_WRITES):
        running.deliver(running.purchase(f"A-{number}"))
        running.clock.pass_by(10 * 60)
        before = aws.count(WRITES)
        aws.at_write(number, meanwhile(running, running.sweep, aws.pass_on))
        with running.another("first", aws.url):
            running.sweep()
        aws.mend()
        if aws.count(WRITES) < before + number:
            break
    assert 5 < number < MOST_WRITES
    running.settle()
    assert running.states == {"sent": number}


def test_of_two_capped_campaigns_at_once_one_may_ask(running: Running) -> None:
    """They share the customer, not the invitation."""
    cap = {"period": "P30D", "when_capped": "drop"}
    running.campaign(delay="PT2H", contact_cap=cap)
    running.campaign("second", delay="PT2H", contact_cap=cap, shop="demo", event="signup", survey=2)
    running.provider.service.store.put_survey("shop", 2, "?", running.provider.service.now)
    running.deliver(running.purchase())
    signup = running.event("signup", account_id="S-1", customer={"email": "a-1@example.com"})
    running.hand_in(running.messages(signup))
    running.taken.append(running.purchase("S-1"))
    running.excused |= {"A-1", "S-1"}  # One person has both.
    running.clock.pass_by(2 * HOUR)
    running.provider.will(meanwhile(running, running.sweep, running.provider.serve))
    running.sweep()
    assert sorted(running.by_order.values()) == ["ended.capped", "sent"]
    assert len(running.provider.asked) == 1


def test_out_of_time_before_the_call_leaves_the_invitation_due(running: Running) -> None:
    assert running.deliver(running.purchase(), seconds=24) == []
    assert running.states == {"pending": 1}
    assert running.told["InvitationsBlocked"] == 1
    assert running.sweep()["sent"] == 1


def test_out_of_time_in_mid_batch_sends_what_it_can_and_leaves_the_rest(running: Running) -> None:
    """The first call takes so long that a second would not fit any more."""
    running.campaign("second", survey=2, shop="other")
    running.provider.service.store.put_survey("shop", 2, "?", running.provider.service.now)

    def slow(exchange: Exchange) -> None:
        running.clock.pass_by(15)
        running.provider.serve(exchange)

    running.provider.will(slow)
    assert (
        running.deliver(running.purchase("A-1"), running.purchase("B-1", shop="other"), seconds=30)
        == []
    )
    assert running.states == {"sent": 1, "pending": 1}
    running.settle()
    assert running.states == {"sent": 2}


def test_out_of_time_after_the_claim_gives_it_back(running: Running) -> None:
    aws = running.through_the_door()

    def slow(exchange: Exchange) -> None:
        running.clock.pass_by(40)
        aws.pass_on(exchange)

    aws.treat(WRITES, slow, where=lambda call: call.json_has({"S": "claimed"}))
    running.deliver(running.purchase())
    assert running.states == {"pending": 1}
    assert not running.provider.asked
    assert running.sweep()["sent"] == 1


def test_a_lease_that_ran_out_in_the_claim_is_not_called_upon(running: Running) -> None:
    """The instance was frozen after its claim; by the time it wakes up another has taken the batch over."""
    aws = running.through_the_door()

    def frozen(exchange: Exchange) -> None:
        aws.pass_on(exchange)

    def other() -> None:
        aws.mend()
        running.clock.pass_by(60 + 60)
        running.sweep()
        running.clock.pass_by(-120)

    aws.treat(
        WRITES,
        meanwhile(running, other, frozen),
        where=lambda call: call.json_has({"S": "calling"}),
    )
    running.deliver(running.purchase())
    # The other one met it before its address was remembered, and looks again in a quarter of an hour.
    assert running.states == {"pending": 1}
    running.settle()
    assert running.states == {"sent": 1}
    assert len(running.provider.asked) == 1


@pytest.mark.parametrize("seconds", [-600, 600], ids=["behind", "ahead"])
def test_a_sweep_whose_clock_is_off_asks_nobody_twice(running: Running, seconds: int) -> None:
    waiting(running, "A-1")
    running.provider.will(running.provider.processed(reply(502)))
    with running.clock_off(seconds):
        running.sweep()
    assert running.states in ({"uncertain": 1}, {"pending": 1})
    running.settle()
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("seconds", [-600, 600], ids=["behind", "ahead"])
def test_a_delivery_whose_clock_is_off_loses_nothing(running: Running, seconds: int) -> None:
    """Ahead, an event is only older; behind, it seems to lie in the future and is a dead letter, to be redriven."""
    body = running.purchase()
    with running.clock_off(seconds):
        running.deliver(running.unreadable(body) if seconds < 0 else body)
    if seconds < 0:
        assert running.told["DeadLetters"] == 1
        running.poison.clear()
        (letter,) = running.letters
        running.letters.clear()
        assert running.deliver(letter["Body"]) == []
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("seconds", [-600, 600], ids=["behind", "ahead"])
def test_a_clock_that_is_off_takes_no_ones_lease(running: Running, seconds: int) -> None:
    """Ten minutes ahead it seems over: the call is taken for one in doubt, not for one that was never made."""
    waiting(running, "A-1")

    def other() -> None:
        with running.clock_off(seconds):
            running.sweep()

    running.provider.will(meanwhile(running, other, running.provider.serve))
    running.sweep()
    running.settle()
    assert running.states == {"sent": 1}


@pytest.mark.filterwarnings("ignore:No application metrics to publish:UserWarning")
def test_a_schedule_that_is_ahead_of_the_clock_is_refused(running: Running) -> None:
    waiting(running, "A-1")
    with pytest.raises(TimeTravelError):
        running.sweep(now="2027-01-17T08:00:00Z")
    running.sweep()


def test_after_a_day_without_a_schedule_the_next_run_takes_everything(running: Running) -> None:
    running.campaign(delay="PT2H")
    for hour in range(0, 24, 6):
        running.deliver(*(running.purchase(f"A-{hour}-{number}") for number in range(5)))
        running.clock.pass_by(6 * HOUR)
    running.clock.pass_by(DAY)
    assert running.sweep() == {"sent": 20}
    assert len(running.provider.asked) == 1
    assert running.told["OverdueInvitations"] == 0


def test_what_a_run_could_not_take_is_counted_as_overdue(running: Running) -> None:
    waiting(running, "A-1")
    running.clock.pass_by(901)
    running.sweep(seconds=20)
    assert running.told["OverdueInvitations"] == 1
    running.sweep()


def test_a_row_that_cannot_be_sent_is_held_after_five_looks_and_the_others_go_on(
    running: Running,
) -> None:
    waiting(running, "A-1", "A-2")
    running.forget("a-1@example.com")
    for _ in range(5):
        running.sweep_after(900)
    assert running.by_order == {"A-1": "held.no_address", "A-2": "sent"}
    assert running.told["InvitationsHeld"] == 1


def test_a_campaign_that_makes_a_sweep_fail_does_not_stop_the_others(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.campaign("zzz", shop="other", survey=2, delay="PT2H")
    waiting(running, "A-1")
    run = Sweep._sweep

    def fail(self: Sweep, campaign: object, now: int) -> Counter[str]:
        if getattr(campaign, "id", "") == "zzz":
            raise KeyError("a-1@example.com")
        return run(self, campaign, now)  # type: ignore[arg-type]  # it is one

    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "_sweep", fail)
        with pytest.raises(SweepError):
            running.sweep()
    assert running.states == {"sent": 1}
    assert running.told["RecordsFailed"] == 1
