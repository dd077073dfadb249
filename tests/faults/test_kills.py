"""SIGKILL, wherever it strikes: a real process, a real signal, and whoever comes after it when the lease is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.killing import Doomed, Nursery
from tests.support.running import SEND_DUE, TIMEOUTS, TRANSLATE, event_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.aws_door import AwsDoor, Call
    from tests.support.running import Running
    from tests.support.servers import Answer, Exchange

LEASE = 60
# More than either function writes to send one invitation.
MOST_WRITES = 80


def writes(state: str) -> Callable[[Call], bool]:
    return lambda call: call.operation == "TransactWriteItems" and call.json_has({"S": state})


def translate_and_die(running: Running, doomed: Doomed, *bodies: str) -> None:
    """Let the SQS function die; SQS gives its messages to the next one."""
    messages = running.messages(*bodies)
    doomed.run(TRANSLATE, event_of(messages), TIMEOUTS[TRANSLATE], running.clock())
    running.queue += messages if doomed.killed else []


def sweep_and_die(running: Running, doomed: Doomed) -> None:
    doomed.run(SEND_DUE, {}, TIMEOUTS[SEND_DUE], running.clock())


def lease_is_over(running: Running, name: str = TRANSLATE) -> None:
    running.clock.pass_by(TIMEOUTS[name] + LEASE)


def before(aws: AwsDoor, doomed: Doomed) -> Answer:
    del aws
    return doomed.kill


def after(aws: AwsDoor, doomed: Doomed) -> Answer:
    def done(exchange: Exchange) -> None:
        aws.ask(exchange)

    return doomed.killed_after(done)


# Where, and whether somebody was asked by then.
POINTS: dict[str, tuple[Callable[[Call], bool], Callable[[AwsDoor, Doomed], Answer], bool]] = {
    "before the claim": (writes("claimed"), before, False),
    "after the claim": (writes("claimed"), after, False),
    "before the call": (writes("calling"), before, False),
    "before the record": (writes("sent"), before, True),
    "after the record": (writes("sent"), after, True),
}


@pytest.fixture
def aws(running: Running) -> AwsDoor:
    """The door through which those go that are to be killed."""
    return running.door()


@pytest.fixture
def doomed(children: Nursery, aws: AwsDoor) -> Doomed:
    return Doomed(children, aws.url)


@pytest.fixture(params=["keys", "no keys"])
def dialect(running: Running, request: pytest.FixtureRequest) -> str:
    if request.param == "no keys":
        running.without_keys()
    return str(request.param)


@pytest.mark.parametrize("name", POINTS)
def test_killed_around_its_call(
    running: Running, aws: AwsDoor, doomed: Doomed, dialect: str, name: str
) -> None:
    del dialect
    where, how, asked = POINTS[name]
    aws.treat("TransactWriteItems", how(aws, doomed), where=where)
    translate_and_die(running, doomed, running.purchase())
    assert doomed.killed
    assert bool(running.provider.books) == asked
    # Until the lease is over nobody touches it, whoever delivers or sweeps. What had not been written yet waits.
    stands = running.states or {"pending": 1}
    running.redeliver()
    running.sweep()
    assert running.states == stands
    lease_is_over(running)
    running.settle()
    assert running.states == {"sent": 1}
    assert running.provider.books == {"a-1@example.com": 1}


def test_killed_with_the_call_decided_on_and_not_made(
    running: Running, aws: AwsDoor, doomed: Doomed, dialect: str
) -> None:
    """The ledger can't tell it from a call that was made: it is looked into."""
    del dialect
    aws.treat("TransactWriteItems", after(aws, doomed), where=writes("calling"))
    translate_and_die(running, doomed, running.purchase())
    assert running.states == {"calling": 1}
    assert not running.provider.asked
    running.redeliver()
    lease_is_over(running)
    assert running.sweep()["uncertain"] == 1
    assert running.told["InvitationsUncertain"] == 1
    running.settle()
    assert running.states == {"sent": 1}
    assert len(running.provider.asked) == 1


@pytest.mark.parametrize("accepted", [True, False], ids=["processed", "not processed"])
def test_killed_in_mid_call(
    running: Running, doomed: Doomed, dialect: str, *, accepted: bool
) -> None:
    del dialect
    running.provider.will(running.provider.processed(doomed.kill) if accepted else doomed.kill)
    translate_and_die(running, doomed, running.purchase())
    assert running.states == {"calling": 1}
    running.redeliver()
    assert running.states == {"calling": 1}
    lease_is_over(running)
    running.settle()
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("policy", ["hold", "resend"])
def test_netquest_killed_in_mid_call_goes_by_the_campaigns_policy(
    running: Running, doomed: Doomed, policy: str
) -> None:
    running.netquest(when_uncertain=policy)
    running.provider.will(doomed.kill)
    translate_and_die(running, doomed, running.purchase())
    assert running.states == {"calling": 1}
    running.redeliver()
    lease_is_over(running)
    running.sweep()
    assert running.states == {"held.killed_in_call" if policy == "hold" else "sent": 1}
    assert running.told["InvitationsHeld"] == (1 if policy == "hold" else 0)


def test_killed_before_each_of_its_writes(
    running: Running, children: Nursery, aws: AwsDoor
) -> None:
    """One order after the other, each function killed one write later than the last, until one comes to its end.

    Killed before a write is killed after the one before it, and anywhere in between: what it reads leaves no trace.
    """
    for number in range(1, MOST_WRITES):
        doomed = Doomed(children, aws.url)
        aws.at_write(number, doomed.kill)
        translate_and_die(running, doomed, running.purchase(f"A-{number}"))
        aws.mend()
        if not doomed.killed:
            break
        running.redeliver()
        lease_is_over(running)
        # Or its survey would stay taken, and the next one would only write down what waits.
        running.sweep()
    assert 5 < number < MOST_WRITES
    running.settle()
    assert running.states == {"sent": number}


def test_a_sweep_killed_before_each_of_its_writes(
    running: Running, children: Nursery, aws: AwsDoor
) -> None:
    running.campaign(delay="PT10M")
    for number in range(1, MOST_WRITES):
        running.deliver(running.purchase(f"A-{number}"))
        running.clock.pass_by(600)
        doomed = Doomed(children, aws.url)
        aws.at_write(number, doomed.kill)
        sweep_and_die(running, doomed)
        aws.mend()
        if not doomed.killed:
            break
        lease_is_over(running, SEND_DUE)
        running.sweep()
    assert 5 < number < MOST_WRITES
    running.settle()
    assert running.states == {"sent": number}
