"""What a person says of something held happens once, and takes back or keeps what the contact cap knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.operating import held
from afterword.operating.held import Resolution, Resolved
from afterword.remembering.records import Batch, BatchState, Claim, Invitation, Move, State
from afterword.sending.provider import Refused, Uncertain
from tests.support.samples import DAY, HOUR, batch, campaign, customer, invitation, key
from tests.support.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable

CAPPED: dict[str, Any] = {"contact_cap": {"period": "P30D", "when_capped": "drop"}}
EVERY = list(Resolution)


def doubtful(**changes: Any) -> Shop:
    """A batch of two that nobody could be asked about for a day, and so is held."""
    shop = Shop([campaign(**CAPPED | changes)])
    shop.provider.replays_key = False
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    shop.provider.accept(["somebody@example.com"], "theirs")
    shop.provider.accept(["else@example.com"], "theirs")
    shop.clock.pass_by(HOUR)
    assert shop.sweep()["held"] == 2
    return shop


def refused(number: int = 4) -> Shop:
    """So many refusals that the survey must be at fault: from the fourth on they are held, one by one."""
    shop = Shop([campaign(**CAPPED)])
    for order in range(number):
        shop.provider.outcomes.append(Refused("http_422"))
        shop.translate(shop.purchase(f"A-{order}"))
    return shop


def resolve(shop: Shop, resolution: Resolution) -> Resolved:
    found = held.find(shop.ledger, shop.ledger.campaigns())
    return held.resolve_all(shop.ledger, found, resolution, shop.clock(), lambda _: None)


def only(shop: Shop) -> Invitation | Batch:
    (found,) = held.find(shop.ledger, shop.ledger.campaigns())
    return found


def last_at(shop: Shop, order: str) -> int | None:
    (invitation,) = shop.invitations(key(order))
    return shop.ledger.read_customers([invitation.customer])[invitation.customer].last_at


def test_what_is_held_is_found_by_reason_with_its_members() -> None:
    shop = doubtful()
    stuck = only(shop)
    assert isinstance(stuck, Batch)
    assert stuck.reason == "ambiguous_at_provider"
    assert [each.key for each in held.members(shop.ledger, stuck)] == [key("A-1"), key("A-2")]
    assert list(held.find(shop.ledger, ["after-purchase"], "ambiguous_at_provider")) == [stuck]
    assert list(held.find(shop.ledger, ["after-purchase"], "no_address")) == []
    alone = only(refused())
    assert isinstance(alone, Invitation)
    assert (alone.reason, alone.held_at) == ("too_many_refused", shop.clock() - HOUR)
    assert held.members(shop.ledger, alone) == [alone]


def test_what_is_named_is_read_and_what_there_is_not_is_none() -> None:
    shop = doubtful()
    stuck = only(shop)
    assert isinstance(stuck, Batch)
    assert held.read(shop.ledger, stuck.id) == stuck
    assert held.read(shop.ledger, str(key("A-1"))) == shop.invitations(key("A-1"))[0]
    for unknown in ("B-none", str(key("A-9")), "a#b", "#"):
        assert held.read(shop.ledger, unknown) is None


def test_a_batch_said_to_be_sent_is_sent_and_counts_for_the_cap() -> None:
    shop = doubtful()
    assert resolve(shop, Resolution.SENT) == Resolved(1, 2)
    sent = shop.ledger.read_batch(shop.invitations(key("A-1"))[0].batch or "")
    assert sent
    assert (sent.state, sent.reason, sent.due) == (BatchState.SENT, "sent_by_operator", None)
    assert last_at(shop, "A-1") == shop.clock() - HOUR
    assert shop.translate(shop.purchase("A-3", email="a-1@example.com"))["ended.capped"] == 1
    assert shop.sweep()["sent"] == 0


def test_an_invitation_said_to_be_sent_ends_so_and_counts_for_the_cap() -> None:
    shop = refused()
    assert last_at(shop, "A-3") is None
    shop.clock.pass_by(HOUR)
    assert resolve(shop, Resolution.SENT) == Resolved(1, 1)
    (found,) = shop.invitations(key("A-3"))
    assert (found.state, found.reason) == (State.ENDED, "sent_by_operator")
    assert last_at(shop, "A-3") == shop.clock() - HOUR
    assert shop.translate(shop.purchase("A-9", email="a-3@example.com"))["ended.capped"] == 1


def test_what_is_to_be_asked_again_goes_out_with_the_next_sweep() -> None:
    shop = doubtful()
    assert resolve(shop, Resolution.RESEND) == Resolved(1, 2)
    assert {each.attempts for each in shop.invitations(key("A-1"), key("A-2"))} == {0}
    assert {each.reason for each in shop.invitations(key("A-1"))} == {"resent_by_operator"}
    assert last_at(shop, "A-1") == shop.clock() - HOUR, "perhaps it was asked"
    assert shop.sweep()["sent"] == 2
    assert shop.provider.invited[2:] == ["a-1@example.com", "a-2@example.com"]


@pytest.mark.parametrize("keep", ["while_waiting", "always"])
@pytest.mark.parametrize("comes_again", [True, False])
def test_what_failed_at_the_provider_is_asked_again_where_its_address_is_known(
    keep: str, *, comes_again: bool
) -> None:
    shop = Shop([campaign(keep_address=keep)])
    shop.translate(shop.purchase("A-1"))
    shop.provider.accepted[0].status = "failed"
    shop.clock.pass_by(HOUR)
    assert shop.sweep()["held"] == 1
    if comes_again:
        assert shop.translate(shop.purchase("A-1", ago=HOUR))["duplicate"] == 1
    assert resolve(shop, Resolution.RESEND) == Resolved(1, 1)
    is_known = comes_again or keep == "always"
    assert shop.sweep()["sent"] == is_known
    (found,) = shop.invitations(key("A-1"))
    assert is_known or (found.state, found.reason) == (State.PENDING, "no_address")
    assert shop.provider.invited == ["a-1@example.com"] * (1 + is_known)


def test_an_invitation_that_is_asked_again_begins_anew_but_expires_as_ever() -> None:
    shop = refused()
    shop.clock.pass_by(HOUR)
    resolve(shop, Resolution.RESEND)
    (found,) = shop.invitations(key("A-3"))
    assert (found.state, found.attempts, found.held_at) == (State.PENDING, 0, None)
    assert (found.due, found.first_due) == (shop.clock(), shop.clock() - HOUR)
    assert shop.sweep(shop.clock() + 91 * DAY)["ended.expired"] == 1


def test_what_is_asked_again_but_was_refunded_since_is_not_asked() -> None:
    shop = doubtful()
    shop.translate(shop.event("refund", order_id="A-1"))
    resolve(shop, Resolution.RESEND)
    counts = shop.sweep()
    assert (counts["sent"], counts["ended.refunded"]) == (1, 1)


@pytest.mark.parametrize("made", [doubtful, refused])
def test_what_is_dropped_ends_and_frees_the_customer(made: Callable[[], Shop]) -> None:
    shop = made()
    keys = [each.key for each in held.members(shop.ledger, only(shop))]
    assert resolve(shop, Resolution.DROP) == Resolved(1, len(keys))
    assert {(each.state, each.reason) for each in shop.invitations(*keys)} == {
        (State.ENDED, "dropped_by_operator")
    }
    assert last_at(shop, keys[0].occasion.id) is None
    assert shop.sweep()["sent"] == 0


def perhaps_asked() -> Shop:
    """One that was called five times, each time without an answer: its reservation stands."""
    shop = Shop([campaign(**CAPPED)])
    pending = invitation("A-1", due=shop.clock())
    shop.ledger.remember_customers([customer("v1:A-1")], shop.clock())
    shop.ledger.create([pending], shop.clock())
    opened = batch("B1")
    shop.ledger.open_batch(opened, [pending.key])
    shop.ledger.claim(opened, [Claim(pending)], shop.clock())
    (mine,) = shop.invitations(pending.key)
    at = shop.clock()
    shop.ledger.move([Move(mine, State.HELD, reason="read_timeout", attempts=5, held_at=at)])
    return shop


def test_one_that_was_perhaps_asked_gives_the_customer_free_when_it_is_dropped() -> None:
    shop = perhaps_asked()
    assert last_at(shop, "A-1") == shop.clock()
    resolve(shop, Resolution.DROP)
    assert last_at(shop, "A-1") is None


def test_one_that_was_perhaps_asked_has_all_its_attempts_again_and_counts_for_the_cap() -> None:
    shop = perhaps_asked()
    resolve(shop, Resolution.RESEND)
    assert shop.invitations(key("A-1"))[0].attempts == 0
    assert last_at(shop, "A-1") == shop.clock()


@pytest.mark.parametrize("resolution", EVERY)
def test_a_resolved_batch_frees_its_survey_and_needs_nobody_any_more(
    resolution: Resolution,
) -> None:
    shop = doubtful()
    stuck = only(shop)
    assert isinstance(stuck, Batch)
    # Its function may have been killed before it could free the slot.
    way = shop.ledger.read_way("shop", 1)
    shop.ledger.swap_way(way, replace(way, slot=replace(way.slot, holder=stuck.id, until=2**40)))
    resolve(shop, resolution)
    assert shop.ledger.read_way("shop", 1).slot.holder is None
    assert list(shop.ledger.open_batches()) == []
    assert shop.ledger.count_held("after-purchase", 10) == 0


@pytest.mark.parametrize("made", [doubtful, refused])
@pytest.mark.parametrize("first", EVERY)
@pytest.mark.parametrize("second", EVERY)
def test_of_two_operators_the_first_one_counts(
    made: Callable[[], Shop], first: Resolution, second: Resolution
) -> None:
    shop = made()
    read_by_both = only(shop)
    keys = [each.key for each in held.members(shop.ledger, read_by_both)]

    def say(resolution: Resolution) -> Resolved:
        return held.resolve_all(
            shop.ledger, [read_by_both], resolution, shop.clock(), lambda _: None
        )

    assert say(first) == Resolved(1, len(keys))
    after = shop.invitations(*keys)
    assert say(second) == Resolved()
    assert resolve(shop, second) == Resolved()
    assert shop.invitations(*keys) == after


def test_what_is_not_held_is_passed_over() -> None:
    shop = Shop([campaign()])
    shop.translate(shop.purchase())
    (sent,) = shop.invitations(key())
    call = shop.ledger.read_batch(sent.batch or "")
    assert call
    found: list[Invitation | Batch] = [sent, call]
    for resolution in EVERY:
        done = held.resolve_all(shop.ledger, found, resolution, shop.clock(), lambda _: None)
        assert done == Resolved()
    assert shop.ledger.read_batch(call.id) == call


@pytest.mark.parametrize("resolution", [Resolution.RESEND, Resolution.DROP])
def test_what_an_operator_could_not_finish_a_sweep_does(
    resolution: Resolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = doubtful()

    def killed(moves: list[object]) -> set[object]:
        if moves:
            raise KeyboardInterrupt
        return set()

    with monkeypatch.context() as patch:
        patch.setattr(shop.ledger, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            resolve(shop, resolution)
    assert not shop.sweep()["sent"], "the operator's still"
    shop.clock.pass_by(HOUR)
    counts = shop.sweep()
    dropped = resolution is Resolution.DROP
    assert (counts["ended.dropped_by_operator"], counts["sent"]) == ((2, 0) if dropped else (0, 2))


def test_many_are_resolved_in_steps_that_are_told() -> None:
    shop = Shop([campaign()])
    shop.ledger.create(
        [
            Invitation(key(f"A-{n}"), f"v1:{n}", 0, 0, State.HELD, "restored", held_at=shop.clock())
            for n in range(250)
        ],
        shop.clock(),
    )
    told: list[int] = []
    found = held.find(shop.ledger, ["after-purchase"])
    done = held.resolve_all(shop.ledger, found, Resolution.DROP, shop.clock(), told.append)
    assert (done, told) == (Resolved(250, 250), [100, 200, 250])
