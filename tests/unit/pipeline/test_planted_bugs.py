"""The model finds what it is there for: one bug of each kind is planted, and must make it fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from moto import mock_aws

from afterword.remembering import memory
from afterword.remembering.dynamodb import items
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import Invitation, State
from afterword.sending import batches, claiming
from afterword.sending.mending import Mender
from afterword.sending.provider import Retry, Uncertain
from tests.support.model import Pipeline, PipelineOnDynamoDb
from tests.support.samples import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from afterword.remembering.records import Batch, Claim, Customer, Key, Move

type Plant = Callable[[pytest.MonkeyPatch], None]


def create_without_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(self: MemoryLedger, invitations: Collection[Invitation], now: int) -> set[Key]:
        del now
        self._invitations |= {each.key: each for each in invitations}
        return {each.key for each in invitations}

    monkeypatch.setattr(MemoryLedger, "create", create)


def create_all_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    create = MemoryLedger.create

    def lose(self: MemoryLedger, invitations: Collection[Invitation], now: int) -> set[Key]:
        return create(self, list(invitations)[:5], now)

    monkeypatch.setattr(MemoryLedger, "create", lose)


def cap_outside_of_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_may_be_asked", lambda customer, *_: not customer.suppressed)


def claim_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(each: Invitation) -> Invitation:
        return replace(each, state=State.PENDING) if each.state is State.ENDED else each

    def read(self: MemoryLedger, keys: Collection[Key]) -> dict[Key, Invitation]:
        return {key: again(self._invitations[key]) for key in keys if key in self._invitations}

    def due(self: MemoryLedger, campaign: str, now: int, limit: int) -> list[Key]:
        found = map(again, self._invitations.values())
        ready = [each for each in found if each.state is State.PENDING and each.due <= now]
        return [each.key for each in ready if each.key.campaign == campaign][:limit]

    monkeypatch.setattr(memory, "_is_free", lambda *_: True)
    monkeypatch.setattr(MemoryLedger, "read_invitations", read)
    monkeypatch.setattr(MemoryLedger, "due", due)


def claim_what_another_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_is_free", lambda *_: True)


def mark_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "stopped_by", lambda *_: None)


def partial_refund_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    put = MemoryLedger.put_marks

    def whole(self: MemoryLedger, marks: Any, now: int) -> None:
        put(self, {key: replace(mark, partial=False) for key, mark in marks.items()}, now)

    monkeypatch.setattr(MemoryLedger, "put_marks", whole)


def uncertain_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    record = batches.record

    def again(ledger: Any, provider: Any, way: Any, batch: Any, outcome: Any, now: int) -> Any:
        if isinstance(outcome, Uncertain):
            outcome = Retry(outcome.reason)
        return record(ledger, provider, way, batch, outcome, now)

    monkeypatch.setattr(batches, "record", again)


def killed_call_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def release(self: Mender, batch: Any) -> Any:
        return batches.release(self._ledger, batch, reason="lease_ran_out")

    monkeypatch.setattr(Mender, "_doubt", release)


def claim_who_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    may_be_asked = memory._may_be_asked

    def whoever(customer: Customer, claim: Claim, now: int) -> bool:
        return may_be_asked(replace(customer, suppressed=None), claim, now)

    monkeypatch.setattr(memory, "_may_be_asked", whoever)


def batch_recorded_whatever_it_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(self: MemoryLedger, old: Batch, new: Batch) -> bool:
        self._batches[old.id] = new
        return True

    monkeypatch.setattr(MemoryLedger, "change_batch", record)


def move_whatever_it_has_become(monkeypatch: pytest.MonkeyPatch) -> None:
    move = MemoryLedger.move

    def insist(self: MemoryLedger, moves: Collection[Move]) -> set[Key]:
        self._invitations |= {each.invitation.key: each.invitation for each in moves}
        return move(self, moves)

    monkeypatch.setattr(MemoryLedger, "move", insist)


def address_kept_after_an_erasure(monkeypatch: pytest.MonkeyPatch) -> None:
    suppress = MemoryLedger.suppress

    def keep(self: MemoryLedger, leavings: Any) -> None:
        before = dict(self._customers)
        suppress(self, leavings)
        for each in leavings:
            if each.customer in before:
                kept = replace(self._customers[each.customer], email=before[each.customer].email)
                self._customers[each.customer] = kept

    monkeypatch.setattr(MemoryLedger, "suppress", keep)


def batch_never_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryLedger, "due_batches", lambda *_: [])


def index_forgotten_when_it_is_due_again(monkeypatch: pytest.MonkeyPatch) -> None:
    due = MemoryLedger.due

    def forget(self: MemoryLedger, campaign: str, now: int, limit: int) -> list[Key]:
        found = due(self, campaign, now, limit)
        return [key for key in found if self._invitations[key].reason is None]

    monkeypatch.setattr(MemoryLedger, "due", forget)


PLANTS: list[Plant] = [
    create_without_condition,
    create_all_but_one,
    cap_outside_of_the_claim,
    claim_what_has_ended,
    uncertain_sent_again,
    killed_call_taken_for_none,
    address_kept_after_an_erasure,
    batch_never_looked_after,
    index_forgotten_when_it_is_due_again,
]


def examples(most: int, steps: int) -> settings:
    # Found is enough: nobody reads how.
    return settings(
        max_examples=most,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(Exception):  # noqa: B017, PT011 -- each breaks something else
        run_state_machine_as_test(Pipeline, settings=examples(150, 30))


def asked_at_once(left: int) -> None:
    """Let a refund come in between, another sweep, or the same event, while somebody is asked."""
    for what in ("refund", "sweep", "purchase"):
        machine = begun()
        machine.plan_another_run(left, what)
        machine.order(0, "demo", "purchase")
        machine.nothing_is_wrong()
        machine.stop(1, "demo", "part")
        machine.order(1, "demo", "purchase")
        machine.nothing_is_wrong()
        machine.pass_time(2 * HOUR)
        machine.plan_another_run(left, what)
        machine.sweep(0)
        machine.teardown()


def leaving_meanwhile(left: int) -> None:
    """Let somebody leave while their purchase comes in."""
    machine = begun()
    machine.plan_another_run(left, "leave")
    machine.order(1, "demo", "purchase")
    machine.teardown()


def taken_for_dead(left: int) -> None:
    """Let a sweep by a clock that is ahead take over from one that is well, called or turned away."""
    for answers in ([], ["slow down"]):
        machine = begun()
        machine.order(0, "demo", "signup")
        machine.order(1, "demo", "signup")
        machine.pass_time(DAY)
        machine.plan(answers)
        machine.plan_another_run(left, "ahead")
        machine.sweep(0)
        machine.nothing_is_wrong()
        machine.teardown()


def begun(kind: type[Pipeline] = Pipeline) -> Pipeline:
    machine = kind()
    machine.begin(replays=False)
    return machine


type Play = Callable[[int], None]
# A run has no more operations before the one that matters.
LATEST = 40
# Too rare for random examples.
RARE: list[tuple[Plant, Play]] = [
    (mark_not_read, asked_at_once),
    (partial_refund_taken_for_a_whole_one, asked_at_once),
    (claim_what_another_has, asked_at_once),
    (claim_who_has_left, leaving_meanwhile),
    (batch_recorded_whatever_it_has_become, taken_for_dead),
    (move_whatever_it_has_become, taken_for_dead),
]


def at_each_operation(play: Play) -> None:
    for left in range(1, LATEST):
        play(left)


@pytest.mark.parametrize("play", [asked_at_once, leaving_meanwhile, taken_for_dead])
def test_whoever_comes_in_between_nobody_is_asked_twice(play: Play) -> None:
    at_each_operation(play)


@pytest.mark.parametrize(("plant", "play"), RARE, ids=lambda each: each.__name__)
def test_a_rare_bug_is_found_in_a_play(
    plant: Plant, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        at_each_operation(play)


def turned_away_on_dynamodb() -> None:
    """Let an invitation be due again."""
    with mock_aws():
        machine = begun(PipelineOnDynamoDb)
        machine.order(0, "demo", "signup")
        machine.pass_time(DAY)
        machine.plan(["slow down"])
        machine.sweep(0)
        machine.nothing_is_wrong()
        machine.teardown()


def test_on_dynamodb_a_lost_index_entry_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    turned_away_on_dynamodb()
    invitation_item = items.invitation_item

    def without_lane(invitation: Invitation) -> dict[str, Any]:
        item = invitation_item(invitation)
        return item | ({"lane": None} if invitation.reason else {})

    monkeypatch.setattr(items, "invitation_item", without_lane)
    with pytest.raises(AssertionError):
        turned_away_on_dynamodb()
