"""What the mender leaves of the way to a provider, and what it does when something of its own breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.deciding.customer_key import customer_key
from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError
from afterword.remembering.records import BatchState, State, customer_ref
from afterword.sending.batches import LOOK_AFTER, REPLAY_AFTER
from afterword.sending.mending import LOOK_FOR, Mender
from afterword.sending.provider import Refused, Retry, Sent, Uncertain
from tests.support import samples
from tests.support.samples import DAY, HOUR, NOW, campaign, key
from tests.support.shop import INVOCATION, SECRET, Shop

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterword.remembering.records import Batch, Way
    from afterword.sending.provider import Outcome

LEASE = INVOCATION + 60


class KilledError(BaseException):
    """SIGKILL: no handler of ours sees it."""


def in_doubt(*, replays: bool = True) -> Shop:
    shop = Shop()
    shop.provider.replays_key = replays
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase("A-1"))
    return shop


def way_of(shop: Shop, survey: int = 1) -> Way:
    return shop.ledger.read_way("shop", survey)


def set_account(shop: Shop, **changes: Any) -> None:
    way = way_of(shop)
    shop.ledger.swap_way(way, replace(way, account_state=replace(way.account_state, **changes)))


def batch_of(shop: Shop, order: str = "A-1") -> Batch:
    (found,) = shop.invitations(key(order))
    read = shop.ledger.read_batch(found.batch or "")
    assert read
    return read


def mender(shop: Shop, provider_of: Callable[[str], Any] | None = None) -> Mender:
    by_id = {each.id: each for each in shop.campaigns}
    return Mender(
        shop.ledger,
        provider_of or (lambda _: shop.provider),
        by_id,
        shop.clock,
        shop.clock() + INVOCATION,
    )


@pytest.mark.parametrize("replays", [True, False])
@pytest.mark.parametrize(
    "outcome", [Uncertain("http_502"), Retry("unreachable", outage=True)], ids=["lost", "refused"]
)
def test_a_probe_that_failed_does_not_close_the_account_for_an_hour(
    outcome: Outcome, *, replays: bool
) -> None:
    shop = in_doubt(replays=replays)
    shop.clock.pass_by(LOOK_AFTER)
    set_account(shop, failures=3, not_before=0)
    shop.provider.outcomes.append(outcome)
    if isinstance(outcome, Retry):
        shop.provider.unreachable = outcome
    shop.sweep()
    assert way_of(shop).account_state.probe_until == 0
    shop.provider.unreachable = None
    for _ in range(4):
        shop.clock.pass_by(LOOK_AFTER)
        shop.sweep()
    assert shop.provider.invited == ["a-1@example.com"]
    assert batch_of(shop).state is BatchState.SENT


def test_a_probe_whose_function_was_killed_is_asked_about_as_soon_as_its_lease_is_over() -> None:
    shop = Shop([campaign(keep_address="always")])

    def die(emails: list[str]) -> Outcome:
        raise KilledError(len(emails))

    set_account(shop, failures=3)
    shop.provider.outcomes.append(die)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    assert way_of(shop).account_state.probe_until > shop.clock() + HOUR
    shop.clock.pass_by(LEASE)
    mender(shop).mend()
    assert way_of(shop).account_state.probe_until == 0
    shop.clock.pass_by(REPLAY_AFTER)
    mender(shop).mend()
    assert batch_of(shop).state is BatchState.SENT


def test_a_replay_that_fails_as_a_probe_opens_the_breaker_again() -> None:
    shop = in_doubt()
    shop.clock.pass_by(REPLAY_AFTER)
    set_account(shop, failures=3, not_before=0)
    shop.provider.outcomes.append(Uncertain("http_502"))
    mender(shop).mend()
    assert way_of(shop).account_state.not_before > shop.clock()
    assert way_of(shop).slot.holder == batch_of(shop).id


def test_whoever_is_blocked_by_a_probe_does_not_end_it() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LOOK_AFTER)
    set_account(shop, failures=3, probe_until=shop.clock() + 100)
    mender(shop).mend()
    assert way_of(shop).account_state.probe_until == shop.clock() + 100
    assert shop.provider.look_ups == 0


def test_a_batch_in_doubt_takes_no_slot_from_a_call_in_flight() -> None:
    shop = in_doubt()
    shop.clock.pass_by(REPLAY_AFTER)
    way = way_of(shop)
    flying = replace(way.slot, holder="another", until=shop.clock() + HOUR)
    shop.ledger.swap_way(way, replace(way, slot=flying))
    mender(shop).mend()
    assert way_of(shop).slot.holder == "another"
    assert batch_of(shop).due == shop.clock() + LOOK_AFTER


def test_a_batch_in_doubt_keeps_its_survey_for_as_long_as_its_account_waits() -> None:
    shop = in_doubt(replays=False)
    set_account(shop, not_before=shop.clock() + 3 * HOUR)
    for _ in range(16):
        shop.clock.pass_by(LOOK_AFTER)
        mender(shop).mend()
    slot = way_of(shop).slot
    assert slot.holder == batch_of(shop).id
    assert slot.until > shop.clock()


def test_two_batches_in_doubt_on_one_survey_are_both_resolved() -> None:
    # The schedule was off for hours; a call of the queue took the slot that had run out.
    shop = in_doubt()
    shop.clock.pass_by(2 * HOUR // 3 + HOUR)
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase("A-2"))
    assert batch_of(shop, "A-2").state is BatchState.UNCERTAIN
    for _ in range(30):
        shop.clock.pass_by(REPLAY_AFTER)
        shop.sweep()
    states = {batch_of(shop, order).state for order in ("A-1", "A-2")}
    assert states <= {BatchState.SENT, BatchState.HELD}
    assert BatchState.SENT in states


def test_a_broken_account_leaves_the_slot_to_a_call_that_may_have_been_made() -> None:
    shop = Shop()

    def die(emails: list[str]) -> Outcome:
        raise KilledError(len(emails))

    def broken(name: str) -> object:
        raise AccountError(name, ("base_url: is missing",))

    shop.provider.outcomes.append(die)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LEASE)
    assert mender(shop, broken).mend()["broken_account"] == 1
    assert batch_of(shop).state is BatchState.CALLING
    assert way_of(shop).slot.holder == batch_of(shop).id


def test_a_survey_that_never_answers_leaves_its_doubt_to_a_person() -> None:
    shop = in_doubt(replays=False)
    shop.provider.unreachable = Retry("http_404")
    for _ in range(LOOK_FOR // HOUR + 1):
        assert batch_of(shop).state is BatchState.UNCERTAIN
        shop.clock.pass_by(HOUR)
        shop.sweep()
    assert batch_of(shop).state is BatchState.HELD
    assert way_of(shop).slot.holder is None


def test_each_batch_that_is_due_gets_its_step_however_many_there_are() -> None:
    shop = Shop()
    for number in range(60):
        shop.translate(shop.purchase(f"A-{number}"))
    shop.clock.pass_by(LOOK_AFTER)
    mender(shop).mend()
    assert shop.provider.look_ups == 60


def test_mending_leaves_time_for_what_is_due() -> None:
    shop = Shop()
    for number in range(60):
        shop.translate(shop.purchase(f"A-{number}"))
    shop.clock.pass_by(LOOK_AFTER)
    show = shop.provider.show

    def slowly(survey: int, invitation: int) -> Any:
        shop.clock.pass_by(10)
        return show(survey, invitation)

    shop.provider.show = slowly  # type: ignore[method-assign]  # a slow provider
    begun = shop.clock()
    mender(shop).mend()
    assert shop.clock() - begun <= INVOCATION // 2 + 10
    assert shop.provider.look_ups > 5


@pytest.mark.parametrize(
    "fault", [KeyError("jana@example.com"), LedgerError("ValidationException")], ids=str
)
def test_a_batch_that_breaks_its_step_stops_no_other(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop()
    shop.ledger.open_batch(samples.batch("B-odd", due=NOW, state=BatchState.CLAIMING), [])
    shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LOOK_AFTER)
    read_members = shop.ledger.read_members

    def fail(batch: Batch) -> Any:
        if batch.id == "B-odd":
            raise fault
        return read_members(batch)

    shop.ledger.read_members = fail  # type: ignore[method-assign]  # a row that breaks
    counts = mender(shop).mend()
    assert counts["failed"] == 1
    assert shop.provider.look_ups == 1
    assert "B-odd" in caplog.text
    assert "jana" not in caplog.text


def test_parameters_that_cannot_be_read_put_a_batch_off_and_say_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = in_doubt()
    shop.clock.pass_by(REPLAY_AFTER)

    def down(name: str) -> object:
        raise ParametersError(f"accounts/{name}: ThrottlingException")

    assert mender(shop, down).mend()["broken_account"] == 1
    assert "accounts/shop: ThrottlingException" in caplog.text
    assert batch_of(shop).due == shop.clock() + LOOK_AFTER


def test_one_refused_just_before_a_kill_is_not_left_to_a_person() -> None:
    shop = Shop()
    shop.provider.outcomes.append(Refused("http_422"))
    change = shop.ledger.change_batch

    def die(old: Batch, new: Batch) -> bool:
        if new.state is BatchState.REFUSED:
            raise KilledError
        return change(old, new)

    shop.ledger.change_batch = die  # type: ignore[method-assign]  # the kill
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    shop.ledger.change_batch = change  # type: ignore[method-assign]  # restored
    shop.clock.pass_by(LEASE)
    shop.sweep()
    shop.clock.pass_by(REPLAY_AFTER)
    shop.sweep()
    assert batch_of(shop).state is BatchState.RELEASED
    assert shop.invitations(key("A-1"))[0].state is State.ENDED
    assert len(shop.provider.calls) == 1
    assert way_of(shop).slot.holder is None


@pytest.mark.parametrize("outcome", [Retry("http_429", after=1), Refused("http_422"), Sent(7)])
def test_a_kill_while_the_way_is_settled_blocks_the_survey_no_longer_than_the_lease(
    outcome: Outcome,
) -> None:
    shop = Shop()
    shop.provider.outcomes.append(outcome)
    swap, calls = shop.ledger.swap_way, 0

    def die(old: Way, new: Way) -> bool:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KilledError
        return swap(old, new)

    shop.ledger.swap_way = die  # type: ignore[method-assign]  # the kill
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    shop.ledger.swap_way = swap  # type: ignore[method-assign]  # restored
    shop.provider.unreachable = Retry("http_404")
    for _ in range(3):
        shop.clock.pass_by(LOOK_AFTER)
        shop.sweep()
    assert way_of(shop).slot.holder is None
    assert way_of(shop).account_state.probe_until == 0


def test_a_known_customer_s_call_can_be_replayed() -> None:
    shop = Shop([campaign(language="en-US")])
    person = {"email": "jana@example.com", "name": "Jana", "language": "cs"}
    shop.translate(shop.event("purchase", order_id="A-1", customer=person))
    shop.clock.pass_by(DAY)
    shop.provider.outcomes.append(Uncertain("http_502"))
    less = {"email": "jana@example.com"}
    shop.translate(shop.event("purchase", order_id="A-2", customer=less))
    shop.clock.pass_by(REPLAY_AFTER)
    shop.sweep()
    assert batch_of(shop, "A-2").state is BatchState.SENT


def test_an_older_event_does_not_say_who_a_customer_is() -> None:
    shop = Shop()
    newer = {"email": "jana@example.com", "name": "Jana Nová"}
    shop.translate(shop.event("purchase", order_id="A-1", customer=newer))
    shop.provider.outcomes.append(Uncertain("http_502"))
    older = {"email": "jana@example.com", "name": "Jana Stará"}
    shop.translate(shop.event("purchase", order_id="A-2", customer=older, ago=HOUR))
    shop.clock.pass_by(REPLAY_AFTER)
    shop.sweep()
    assert batch_of(shop, "A-2").state is BatchState.SENT


def test_a_customer_s_record_shows_no_person() -> None:
    shop = Shop([campaign(keep_address="always")])
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    who = customer_ref("demo", customer_key("jana@example.com", SECRET))
    found = shop.ledger.read_customers([who])[who]
    assert found.email == "jana@example.com"
    assert "jana" not in repr(found).lower()


def test_a_doubt_at_an_account_that_stays_broken_is_left_to_a_person() -> None:
    shop = in_doubt()
    shop.provider.outcomes.clear()

    def gone(name: str) -> object:
        raise AccountError(name, ("there is no such parameter",))

    for _ in range(LOOK_FOR // HOUR + 1):
        assert batch_of(shop).state is BatchState.UNCERTAIN
        shop.clock.pass_by(HOUR)
        mender(shop, gone).mend()
    assert (batch_of(shop).state, batch_of(shop).reason) == (BatchState.HELD, "broken_account")


def test_a_call_whose_answer_had_no_id_frees_its_way_even_if_its_function_could_not() -> None:
    shop = Shop()
    shop.provider.outcomes.append(Sent(None))
    swap, calls = shop.ledger.swap_way, 0

    def fail(old: Way, new: Way) -> bool:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise LedgerError("ThrottlingException")
        return swap(old, new)

    shop.ledger.swap_way = fail  # type: ignore[method-assign]  # the ledger is busy
    with pytest.raises(LedgerError):
        shop.translate(shop.purchase("A-1"))
    shop.ledger.swap_way = swap  # type: ignore[method-assign]  # restored
    shop.clock.pass_by(LOOK_AFTER)
    shop.sweep()
    assert way_of(shop).slot.holder is None
    assert batch_of(shop).state is BatchState.SENT
    assert batch_of(shop).due is None
    assert shop.provider.look_ups == 0


def test_a_verification_that_fails_keeps_the_breaker_open() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"))
    shop.provider.unreachable = Retry("no answer", outage=True)
    failures = []
    for _ in range(5):
        shop.clock.pass_by(1800)
        shop.sweep()
        failures.append(way_of(shop).account_state.failures)
    # The last one, too, which gives the verification up.
    assert failures == [1, 2, 3, 4, 5]
    assert way_of(shop).account_state.not_before > shop.clock()


def test_a_verification_that_finds_nothing_is_no_word_on_the_survey() -> None:
    shop = Shop()
    shop.translate(shop.purchase("A-1"))
    shop.provider.unreachable = Retry("http_404")
    shop.clock.pass_by(1800)
    shop.sweep()
    assert (way_of(shop).slot.failures, way_of(shop).account_state.failures) == (0, 0)
