"""Who is asked as the event comes in: written once, and remembered only as far as it is needed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.customer_key import customer_key
from afterword.remembering.records import BatchState, Customer, State, customer_ref
from afterword.sending.batches import REPLAY_AFTER
from afterword.sending.mending import REPLAY_FOR
from afterword.sending.provider import Outcome, Refused, Retry, Uncertain
from tests.support.fakes import FakeProvider
from tests.support.model import Accidents
from tests.support.samples import DAY, HOUR, NOW, campaign, key
from tests.support.shop import INVOCATION, SECRET, Shop

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = INVOCATION + 60
DROPS = {"period": "P30D", "when_capped": "drop"}


class KilledError(BaseException):
    """SIGKILL."""


def lean(**more: Any) -> Shop:
    """Set up a shop that keeps no address of whom it has asked, as it is if nothing else is said."""
    shop = Shop([campaign(**more)])
    shop.ledger = Accidents(shop.ledger)
    return shop


def keeping(**more: Any) -> Shop:
    return Shop([campaign(keep_address="always", **more)])


def who(email: str) -> str:
    return customer_ref("demo", customer_key(email, SECRET))


def known(shop: Shop, email: str = "a-1@example.com") -> Customer | None:
    return shop.ledger.read_customers([who(email)]).get(who(email))


def at_operation(shop: Shop, name: str, do: Callable[[], object], *, after: bool = False) -> None:
    """Let something happen when the ledger's next operation of this name begins, or when it is done."""
    inner = getattr(shop.ledger, name)

    def operate(*arguments: Any) -> Any:
        delattr(shop.ledger, name)
        if not after:
            do()
        answer = inner(*arguments)
        if after:
            do()
        return answer

    setattr(shop.ledger, name, operate)


def die(*_: object) -> Outcome:
    raise KilledError


def test_a_campaign_may_keep_the_address_of_whom_it_has_asked_so_that_it_can_ask_again() -> None:
    shop = keeping()
    shop.translate(shop.purchase("A-1"))
    customer = known(shop)
    assert customer
    assert (customer.email, customer.name, customer.seen_at) == ("a-1@example.com", "Jana", NOW)


def test_no_address_is_kept_of_who_was_asked() -> None:
    shop = lean()
    counts = shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    assert counts == Counter({"event.purchase": 2, "sent": 2})
    assert shop.provider.invited == ["a-1@example.com", "a-2@example.com"]
    assert known(shop) is None
    assert shop.invitations(key("A-1"))[0].state is State.CLAIMED


def test_who_waits_is_remembered_all_the_same() -> None:
    shop = lean(delay="PT2H")
    shop.translate(shop.purchase("A-1"))
    assert known(shop)
    shop.clock.pass_by(2 * HOUR)
    assert shop.sweep()["sent"] == 1


def test_a_token_is_kept_for_the_campaigns_that_need_one() -> None:
    shop = lean()
    shop.provider = FakeProvider(shop.clock, one_by_one=True, most_recipients=25)
    person = {"email": "a-1@example.com", "token": "T-1"}
    shop.provider.outcomes.append(Retry("unreachable", outage=True))
    shop.translate(shop.event("purchase", order_id="A-1", customer=person))
    customer = known(shop)
    assert customer
    assert customer.token == "T-1"


@pytest.mark.parametrize(
    "outcome",
    [
        Uncertain("http_502"),
        Retry("http_429", after=60, whole_account=True),
        Refused("http_422"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_whoever_may_be_asked_later_on_is_remembered_after_the_call(outcome: Outcome) -> None:
    shop = lean()
    shop.provider.outcomes.append(outcome)
    shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    assert shop.provider.invited == []
    assert known(shop)
    shop.clock.pass_by(REPLAY_AFTER)
    assert shop.sweep()["sent"] == 2
    assert sorted(shop.provider.invited) == ["a-1@example.com", "a-2@example.com"]


def test_what_cannot_go_out_at_once_waits_as_any_other() -> None:
    shop = lean()
    shop.provider.outcomes.append(Retry("http_429", after=60, whole_account=True))
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.purchase("A-2"), shop.purchase("A-1"))
    assert counts == Counter({"event.purchase": 2, "duplicate": 1, "blocked.provider_paused": 1})
    assert known(shop, "a-2@example.com")
    shop.clock.pass_by(60)
    assert shop.sweep()["sent"] == 2


def test_the_same_event_again_is_counted_and_asks_nobody() -> None:
    shop = lean()
    shop.translate(shop.purchase("A-1"))
    counts = shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    assert (counts["duplicate"], counts["sent"]) == (1, 1)
    assert shop.provider.invited == ["a-1@example.com", "a-2@example.com"]


def test_what_the_ledger_knows_of_a_customer_goes_with_the_call() -> None:
    shop = lean()
    told = Customer(who("a-1@example.com"), "a-1@example.com", language="cs", seen_at=NOW - DAY)
    shop.ledger.remember_customers([told], NOW)
    bodies: list[bytes] = []
    encode = shop.provider.encode

    def noted(*call: Any) -> bytes:
        bodies.append(encode(*call))
        return bodies[-1]

    shop.provider.encode = noted  # type: ignore[assignment, method-assign]  # a spy
    shop.translate(shop.purchase("A-1"))
    assert b'"cs"' in bodies[0]


def test_an_event_older_than_what_the_ledger_knows_changes_nothing_there() -> None:
    shop = keeping()
    person = {"email": "a-1@example.com", "name": "Now"}
    shop.translate(shop.event("purchase", order_id="A-1", customer=person))
    was = {"email": "a-1@example.com", "name": "Before"}
    shop.translate(shop.event("purchase", order_id="A-0", customer=was, ago=HOUR))
    assert len(shop.provider.invited) == 2
    customer = known(shop)
    assert customer
    assert (customer.name, customer.seen_at) == ("Now", NOW)


@pytest.mark.parametrize("kind", ["unsubscribe", "erasure"])
def test_who_left_before_is_not_asked(kind: str) -> None:
    shop = lean()
    shop.translate(shop.event(kind, email="a-1@example.com"))
    reason = {"unsubscribe": "unsubscribed", "erasure": "erased"}[kind]
    assert shop.translate(shop.purchase("A-1"))[f"ended.{reason}"] == 1
    assert shop.provider.calls == []


@pytest.mark.parametrize("operation", ["read_way", "open_batch", "claim"])
def test_who_leaves_while_their_purchase_comes_in_is_not_asked(operation: str) -> None:
    shop = lean()
    leaves = shop.event("unsubscribe", email="a-1@example.com")
    at_operation(shop, operation, lambda: shop.translate(leaves))
    counts = shop.translate(shop.purchase("A-1"), shop.purchase("A-2"))
    assert counts["ended.unsubscribed"] == 1
    assert shop.provider.invited == ["a-2@example.com"]


@pytest.mark.parametrize("operation", ["open_batch", "claim"])
def test_what_is_refunded_while_it_comes_in_asks_nobody(operation: str) -> None:
    shop = lean()
    refund = shop.event("refund", order_id="A-1")
    at_operation(shop, operation, lambda: shop.translate(refund))
    assert shop.translate(shop.purchase("A-1"))["ended.refunded"] == 1
    assert shop.provider.calls == []


def test_a_refund_of_what_is_being_claimed_is_seen_before_the_call() -> None:
    shop = lean()
    refund = shop.event("refund", order_id="A-1")
    at_operation(shop, "claim", lambda: shop.translate(refund), after=True)
    assert shop.translate(shop.purchase("A-1"))["ended.refunded"] == 1
    assert shop.provider.calls == []


def test_who_is_capped_waits_and_is_remembered() -> None:
    shop = lean(contact_cap={"period": "P30D"})
    shop.translate(shop.purchase("A-1", email="jana@example.com"))
    customer = known(shop, "jana@example.com")
    assert customer
    assert (customer.email, customer.last_at) == (None, NOW)
    counts = shop.translate(shop.purchase("A-2", email="jana@example.com"))
    assert counts == Counter({"event.purchase": 1, "deferred": 1})
    shop.clock.pass_by(30 * DAY)
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["jana@example.com"] * 2


def test_where_no_campaign_keeps_a_cap_nothing_is_noted() -> None:
    shop = keeping()
    shop.translate(shop.purchase("A-1"))
    customer = known(shop)
    assert customer
    assert customer.last_at is None


def test_a_function_killed_in_mid_call_leaves_its_customers_to_the_queue() -> None:
    """Whoever looks after the batch waits until the events have come again, and asks nobody else."""
    shop = lean()
    shop.provider.outcomes.append(die)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LEASE)
    assert shop.sweep() == Counter(uncertain=1)
    shop.clock.pass_by(REPLAY_AFTER)
    assert shop.sweep() == Counter()
    assert shop.translate(shop.purchase("A-1"))["duplicate"] == 1
    shop.clock.pass_by(2 * REPLAY_AFTER)
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["a-1@example.com"]


def test_what_never_comes_again_is_left_to_a_person() -> None:
    shop = lean()
    shop.provider.outcomes.append(die)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    for _ in range(10 + REPLAY_FOR // LEASE):
        shop.clock.pass_by(LEASE)
        shop.sweep()
    (found,) = shop.invitations(key("A-1"))
    batch = shop.ledger.read_batch(found.batch or "")
    assert batch
    assert (batch.state, batch.reason) == (BatchState.HELD, "unanswered")


def test_a_function_killed_between_claim_and_call_is_made_up_for() -> None:
    shop = lean()
    at_operation(shop, "claim", die, after=True)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LEASE)
    assert shop.sweep()["released"] == 1
    assert shop.invitations(key("A-1"))[0].reason == "no_address"
    assert shop.translate(shop.purchase("A-1"))["duplicate"] == 1
    shop.clock.pass_by(HOUR)
    assert shop.sweep()["sent"] == 1


@pytest.mark.parametrize("keep", ["while_waiting", "always"])
def test_an_event_that_comes_again_after_its_customer_has_left_is_counted_as_such(
    keep: str,
) -> None:
    shop = Shop([campaign(keep_address=keep)])
    shop.translate(shop.purchase("A-1"))
    shop.translate(shop.event("unsubscribe", email="a-1@example.com"))
    counts = shop.translate(shop.purchase("A-1"))
    assert counts == Counter({"event.purchase": 1, "duplicate": 1})
    assert shop.invitations(key("A-1"))[0].state is State.CLAIMED


def test_an_event_that_comes_again_and_has_no_token_is_counted_as_such() -> None:
    shop = Shop()
    shop.provider = FakeProvider(shop.clock, one_by_one=True, most_recipients=25)
    assert shop.translate(shop.purchase("A-1"))["ended.no_token"] == 1
    counts = shop.translate(shop.purchase("A-1"))
    assert counts == Counter({"event.purchase": 1, "duplicate": 1})


def test_a_function_killed_before_it_remembers_whom_a_cap_defers_is_made_up_for() -> None:
    """Another campaign has asked this customer, and kept no address."""
    welcome = campaign("welcome", event="signup", survey=2)
    shop = Shop([welcome, campaign(contact_cap={"period": "P30D"})])
    shop.translate(shop.signup("S-1", email="jana@example.com"))
    purchase = shop.purchase("A-1", email="jana@example.com")
    at_operation(shop, "claim", lambda: at_operation(shop, "remember_customers", die))
    with pytest.raises(KilledError):
        shop.translate(purchase)
    assert shop.invitations(key("A-1"))[0].reason == "capped"
    assert shop.translate(purchase)["duplicate"] == 1
    shop.clock.pass_by(30 * DAY)
    assert shop.sweep()["sent"] == 1
    assert shop.provider.invited == ["jana@example.com"] * 2


def test_who_keeps_addresses_from_now_on_learns_them_as_events_come_again() -> None:
    shop = lean()
    at_operation(shop, "claim", die, after=True)
    with pytest.raises(KilledError):
        shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(LEASE)
    assert shop.sweep()["released"] == 1
    shop.campaigns = [campaign(keep_address="always")]
    assert shop.translate(shop.purchase("A-1"))["duplicate"] == 1
    shop.clock.pass_by(HOUR)
    assert shop.sweep()["sent"] == 1


def test_one_token_keeps_nobody_elses_address() -> None:
    shop = lean()
    person = {"email": "a-1@example.com", "token": "T-1"}
    told = shop.event("purchase", order_id="A-1", customer=person)
    assert shop.translate(told, shop.purchase("A-2"), shop.purchase("A-3"))["sent"] == 3
    assert known(shop)
    assert [known(shop, f"a-{n}@example.com") for n in (2, 3)] == [None, None]


@pytest.mark.parametrize(
    "first",
    [{"mode": "dry_run"}, {"account": "panel", "contact_cap": DROPS}, {}],
    ids=["dry", "capped", "sent"],
)
def test_a_token_is_kept_whatever_its_campaign_keeps_and_whether_it_asks(
    first: dict[str, Any],
) -> None:
    shop = Shop(
        [
            campaign("hello", event="signup", survey=2),
            campaign("first", **first),
        ]
    )
    shop.providers = {"panel": FakeProvider(shop.clock, one_by_one=True, most_recipients=25)}
    shop.translate(shop.signup("S-1", email="jana@example.com"))
    person = {"email": "jana@example.com", "token": "T-1"}
    shop.translate(shop.event("purchase", order_id="A-1", customer=person))
    customer = known(shop, "jana@example.com")
    assert customer
    assert customer.token == "T-1"
