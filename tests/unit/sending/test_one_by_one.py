"""Batches in which each person is a call of its own: from what is due to where each invitation ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from afterword.deciding.customer_key import customer_key
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.memory import MemoryLedger
from afterword.remembering.records import Batch, BatchState, State, customer_ref
from afterword.sending.batches import LOOK_AFTER, MOST_ATTEMPTS
from afterword.sending.calls import Answer, LostError, NeverSentError
from tests.support.netquest import LEFT, NO_TOKEN, QUOTA, SUCCESS, Call, FakeHttp, error, said
from tests.support.samples import DAY, HOUR, NOW, campaign, key
from tests.support.shop import INVOCATION, SECRET, Shop
from tests.support.tables import make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Customer, Invitation
    from tests.support.netquest import Reply

LEASE = INVOCATION + 60
# Longer than the longest pause that follows a failure.
PAUSE = 1000
LOST = LostError("time-out")
ODD = error("Out of order")


class Killed(BaseException):
    """As if Lambda had ended the function here."""


@dataclass
class NetquestShop(Shop):
    """A shop whose every account is at Netquest."""

    http: FakeHttp = field(default_factory=FakeHttp)
    provider: Any = field(init=False)

    def __post_init__(self) -> None:
        self.provider = self.http.provider(wall=self.clock)

    def buy(self, *orders: str) -> Counter[str]:
        """Somebody buys, known there as `T` and the order."""
        return self.translate(*map(self.known_purchase, orders))

    def known_purchase(self, order: str) -> dict[str, Any]:
        return self.event("purchase", order_id=order, customer=self.person(order))

    def person(self, order: str) -> dict[str, Any]:
        return {"email": f"{order.lower()}@example.com", "token": f"T{order}"}

    def invitation(self, order: str, campaign: str = "after-purchase") -> Invitation:
        (found,) = self.invitations(key(order, campaign))
        return found

    def batch(self, order: str) -> Batch:
        found = self.ledger.read_batch(self.invitation(order).batch or "")
        assert found
        return found

    def stands(self, order: str) -> tuple[State, str | None]:
        found = self.invitation(order)
        return found.state, found.reason

    def customer(self, order: str) -> Customer:
        name = customer_ref("demo", customer_key(f"{order.lower()}@example.com", SECRET))
        return self.ledger.read_customers([name])[name]


def netquest_campaign(name: str = "after-purchase", **changes: Any) -> Campaign:
    return campaign(name, **{"delay": "PT2H", "template": 1833, **changes})


def due(*orders: str, ledger: Ledger | None = None, **changes: Any) -> NetquestShop:
    """A shop whose purchases are due, and unsent yet."""
    shop = NetquestShop([netquest_campaign(**changes)], ledger=ledger or MemoryLedger())
    shop.buy(*orders)
    shop.clock.pass_by(2 * HOUR)
    return shop


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
    else:
        with mock_aws():
            client = boto3.client("dynamodb")
            table = make_table(client, "LedgerTable")
            yield DynamoDbLedger(client, table, pause=lambda _: None)


MIXED: dict[str, Reply] = {
    "TLEFT": LEFT,
    "TGONE": NO_TOKEN,
    "TFULL": QUOTA,
    "TLOST": LOST,
    "TODD": ODD,
    "TDOWN": NeverSentError("ConnectionError"),
}
ENDS = {
    "SENT": (State.CLAIMED, None),
    "LEFT": (State.ENDED, "respondent_not_found"),
    "GONE": (State.ENDED, "token_not_found"),
    "FULL": (State.PENDING, "quota"),
    "LOST": (State.HELD, "no answer: time-out"),
    "ODD": (State.HELD, "netquest: Out of order"),
    "DOWN": (State.PENDING, "unreachable: ConnectionError"),
}
MIXED_CAP = {"period": "P30D"}


def test_of_mixed_answers_each_invitation_has_its_own_end(ledger: Ledger) -> None:
    shop = due(*ENDS, ledger=ledger, contact_cap=MIXED_CAP)
    shop.http.replies |= MIXED
    assert shop.sweep() == Counter(
        {
            "sent": 1,
            "ended.respondent_not_found": 1,
            "ended.token_not_found": 1,
            "released": 2,
            "held": 2,
            "blocked_lanes": 1,
        }
    )
    assert {order: shop.stands(order) for order in ENDS} == ENDS
    batch = shop.batch("SENT")
    assert (batch.state, batch.size, batch.due) == (BatchState.SENT, 1, None)

    # Who was not asked, or left, is not counted by the contact cap; who perhaps was, is.
    sent_at = NOW + 2 * HOUR
    asked_at = {order: shop.customer(order).last_at or None for order in ENDS}
    assert asked_at == dict.fromkeys(ENDS) | {"SENT": sent_at, "LOST": sent_at}
    assert {order for order in ENDS if shop.customer(order).suppressed} == {"LEFT"}
    left = shop.customer("LEFT")
    assert (left.suppressed, left.email, left.token) == ("respondent_not_found", None, None)
    assert shop.customer("GONE").email == "gone@example.com"


def test_once_the_quota_begins_anew_those_who_wait_are_asked_and_nobody_else() -> None:
    shop = due(*ENDS, contact_cap=MIXED_CAP)
    shop.http.replies |= MIXED
    shop.sweep()
    shop.clock.now = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp()) - 1
    shop.http.replies.clear()
    assert shop.sweep() == Counter(blocked_lanes=1)
    shop.clock.pass_by(1)
    assert shop.sweep() == Counter(sent=2)
    assert shop.http.asked == Counter({f"T{order}": 1 for order in ENDS} | {"TFULL": 2, "TDOWN": 2})


def test_an_exhausted_account_does_not_stop_another() -> None:
    shop = NetquestShop([netquest_campaign(), netquest_campaign("there", account="other")])
    shop.buy("A-1")
    shop.clock.pass_by(2 * HOUR)
    full = iter([QUOTA])
    shop.http.otherwise = lambda _: next(full, SUCCESS)
    assert shop.sweep() == Counter({"released": 1, "blocked_lanes": 1, "sent": 1})
    assert shop.stands("A-1") == (State.PENDING, "quota")
    assert shop.invitation("A-1", "there").state is State.CLAIMED


def test_a_refund_stops_what_waits_for_the_quota() -> None:
    shop = due("A-1")
    shop.http.otherwise = QUOTA
    shop.sweep()
    shop.translate(shop.event("refund", order_id="A-1"))
    shop.clock.pass_by(31 * DAY)
    shop.http.otherwise = SUCCESS
    shop.sweep()
    assert shop.stands("A-1") == (State.ENDED, "refunded")
    assert len(shop.http.calls) == 1


def test_who_left_is_asked_by_no_campaign_any_more() -> None:
    shop = NetquestShop([netquest_campaign(), netquest_campaign("next", delay="P2D")])
    shop.buy("A-1")
    shop.http.otherwise = LEFT
    shop.clock.pass_by(2 * DAY)
    assert shop.sweep()["ended.respondent_not_found"] == 2
    assert len(shop.http.calls) == 1
    # Nor does a later purchase bring back what was forgotten.
    back = shop.person("A-1") | {"name": "Jana"}
    shop.translate(shop.event("purchase", order_id="A-2", customer=back))
    assert shop.stands("A-2") == (State.ENDED, "respondent_not_found")
    assert shop.customer("A-1").email is None


def test_a_crowd_goes_out_in_batches_of_25() -> None:
    orders = [f"A-{n}" for n in range(60)]
    shop = due(*orders)
    assert shop.sweep() == Counter(sent=60)
    assert shop.http.asked == Counter(f"T{order}" for order in orders)
    batches = {shop.batch(order).id: shop.batch(order).size for order in orders}
    assert sorted(batches.values()) == [10, 25, 25]


def test_every_call_counts_against_the_rate() -> None:
    shop = due(*(f"A-{n}" for n in range(60)))
    shop.provider = shop.http.provider(wall=shop.clock, calls_per_minute=30)
    assert shop.sweep()["sent"] == 30
    shop.clock.pass_by(60)
    assert shop.sweep() == Counter({"blocked.rate_budget": 30})
    shop.clock.pass_by(2)
    assert shop.sweep()["sent"] == 30


def test_many_unknown_tokens_are_held_for_the_survey_must_be_at_fault() -> None:
    orders = [f"A-{n}" for n in range(6)]
    shop = due(*orders, contact_cap=MIXED_CAP)
    shop.http.otherwise = NO_TOKEN
    assert shop.sweep() == Counter(held=6)
    assert {shop.stands(order) for order in orders} == {(State.HELD, "too_many_refused")}
    assert {shop.customer(order).last_at or None for order in orders} == {None}


def test_the_twentieth_unknown_token_among_many_is_still_a_single_one() -> None:
    orders = [f"A-{n}" for n in range(100)]
    shop = due(*orders)
    shop.http.replies |= {f"TA-{n}": NO_TOKEN for n in range(0, 100, 25)}
    assert shop.sweep() == Counter({"sent": 96, "ended.token_not_found": 4})


def test_those_who_left_are_no_fault_of_the_survey() -> None:
    orders = [f"A-{n}" for n in range(20)]
    shop = due(*orders)
    shop.http.otherwise = LEFT
    shop.http.replies["TA-0"] = NO_TOKEN
    counts = shop.sweep()
    assert counts == Counter({"ended.respondent_not_found": 19, "ended.token_not_found": 1})


def test_who_left_is_not_held_with_those_whom_the_survey_does_not_know() -> None:
    shop = due("LEFT", *(f"A-{n}" for n in range(6)))
    shop.http.otherwise = NO_TOKEN
    shop.http.replies["TLEFT"] = LEFT
    assert shop.sweep() == Counter({"held": 6, "ended.respondent_not_found": 1})


def test_an_outage_leaves_no_more_than_a_few_batches_in_doubt() -> None:
    shop = due(*(f"A-{n}" for n in range(200)))
    shop.http.otherwise = LOST
    assert shop.sweep() == Counter({"held": 75, "blocked.provider_paused": 125})
    assert len(shop.http.calls) == 75


def test_an_account_that_answers_nobody_sensibly_does_not_hold_a_whole_lane() -> None:
    shop = due(*(f"A-{n}" for n in range(200)))
    shop.http.otherwise = ODD
    assert shop.sweep()["held"] == 75
    assert len(shop.http.calls) == 75


def test_a_call_in_doubt_is_sent_again_where_the_campaign_says_so() -> None:
    shop = due("A-1", when_uncertain="resend", contact_cap=MIXED_CAP)
    shop.http.otherwise = LOST
    assert shop.sweep() == Counter(released=1)
    assert shop.stands("A-1") == (State.PENDING, "uncertain_resent")
    # Perhaps asked: other campaigns keep the cap, its own invitation may go out again.
    assert shop.customer("A-1").last_at == NOW + 2 * HOUR
    shop.http.otherwise = SUCCESS
    shop.clock.pass_by(LOOK_AFTER - 1)
    assert shop.sweep() == Counter()
    shop.clock.pass_by(1)
    assert shop.sweep() == Counter(sent=1)


def test_one_call_in_doubt_does_not_hold_up_the_others() -> None:
    shop = due("A-1", "A-2", when_uncertain="resend")
    shop.http.replies["TA-1"] = LOST
    assert shop.sweep() == Counter(released=1, sent=1)
    late = shop.event("purchase", ago=2 * HOUR, order_id="A-3", customer=shop.person("A-3"))
    assert shop.translate(late)["sent"] == 1


def test_nobody_is_asked_again_and_again() -> None:
    shop = due("A-1", when_uncertain="resend")
    shop.http.otherwise = LOST
    for _ in range(2 * MOST_ATTEMPTS):
        shop.sweep()
        shop.clock.pass_by(PAUSE)
    assert shop.http.asked == Counter({"TA-1": MOST_ATTEMPTS})
    assert shop.stands("A-1") == (State.HELD, "uncertain_resent")


def kill(_: Call) -> Answer:
    raise Killed


def killed_in_call(**changes: Any) -> NetquestShop:
    shop = due("A-1", "A-2", **changes)
    shop.http.replies["TA-2"] = kill
    with pytest.raises(Killed):
        shop.sweep()
    shop.http.replies.clear()
    return shop


def test_a_batch_whose_function_was_killed_in_mid_call_is_left_to_a_person() -> None:
    shop = killed_in_call()
    shop.clock.pass_by(LEASE - 1)
    assert shop.sweep() == Counter()
    shop.clock.pass_by(1)
    assert shop.sweep() == Counter(held=2)
    assert (shop.batch("A-1").state, shop.batch("A-1").reason) == (
        BatchState.HELD,
        "killed_in_call",
    )
    shop.clock.pass_by(DAY)
    assert shop.sweep() == Counter()
    assert shop.http.asked == Counter({"TA-1": 1, "TA-2": 1})


def test_a_batch_held_for_a_person_does_not_hold_up_the_others() -> None:
    shop = killed_in_call()
    shop.buy("A-3")
    shop.clock.pass_by(3 * HOUR)
    assert shop.sweep() == Counter(held=2, sent=1)


def test_or_is_sent_again_where_the_campaign_says_so() -> None:
    shop = killed_in_call(when_uncertain="resend", contact_cap=MIXED_CAP)
    shop.clock.pass_by(LEASE)
    assert shop.sweep() == Counter(released=2, sent=2)
    assert shop.http.asked == Counter({"TA-1": 2, "TA-2": 2})


def test_the_batch_of_a_campaign_that_was_deleted_meanwhile_is_held() -> None:
    shop = killed_in_call(when_uncertain="resend")
    shop.campaigns.clear()
    shop.clock.pass_by(LEASE)
    assert shop.sweep() == Counter(held=2)


def test_a_function_that_is_killed_each_time_is_not_tried_for_ever() -> None:
    shop = due("A-1", when_uncertain="resend")
    shop.http.otherwise = kill
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(Killed):
            shop.sweep()
        shop.clock.pass_by(LEASE + PAUSE)
    assert shop.sweep() == Counter(held=1)
    assert shop.stands("A-1") == (State.HELD, "killed_in_call")
    assert shop.http.asked == Counter({"TA-1": MOST_ATTEMPTS})


class DyingLedger(MemoryLedger):
    """Its function is killed in the step that is named, once a call has been made."""

    dies_in: str | None = None

    def _step(self, name: str) -> None:
        if name == self.dies_in:
            self.dies_in = None
            raise Killed

    def suppress(self, leavings: Any) -> None:
        self._step("suppress")
        super().suppress(leavings)

    def move(self, moves: Any) -> Any:
        self._step("move")
        return super().move(moves)

    def swap_way(self, old: Any, new: Any) -> bool:
        self._step("swap_way")
        return super().swap_way(old, new)

    def change_batch(self, old: Any, new: Any) -> bool:
        self._step("change_batch")
        return super().change_batch(old, new)


STEPS = ["suppress", "move", "swap_way", "change_batch"]


def killed_in(step: str, **changes: Any) -> NetquestShop:
    ledger = DyingLedger()
    shop = due("SENT", "LEFT", "GONE", ledger=ledger, **changes)

    def then_die(_: Call) -> Answer:
        ledger.dies_in = step
        return SUCCESS

    shop.http.replies |= {"TSENT": then_die, "TLEFT": LEFT, "TGONE": NO_TOKEN}
    with pytest.raises(Killed):
        shop.sweep()
    shop.http.replies["TSENT"] = SUCCESS
    shop.clock.pass_by(LEASE)
    return shop


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_all_is_recorded_nobody_is_asked_twice_and_nobody_lost(step: str) -> None:
    shop = killed_in(step)
    shop.sweep()
    assert shop.batch("SENT").state is BatchState.HELD
    assert shop.http.asked == Counter(TSENT=1, TLEFT=1, TGONE=1)
    for order in ("LEFT", "GONE"):
        told = shop.stands(order)[0] is State.ENDED
        assert told or shop.batch(order).state is BatchState.HELD


@pytest.mark.parametrize("step", STEPS[1:])
def test_killed_before_all_is_recorded_who_left_stays_known_as_such(step: str) -> None:
    shop = killed_in(step, when_uncertain="resend")
    assert shop.customer("LEFT").suppressed == "respondent_not_found"
    shop.sweep()
    assert shop.stands("LEFT") == (State.ENDED, "respondent_not_found")
    assert shop.http.asked["TLEFT"] == 1


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_all_is_recorded_the_others_may_be_sent_again(step: str) -> None:
    shop = killed_in(step, when_uncertain="resend")
    shop.sweep()
    assert shop.batch("SENT").state is BatchState.SENT
    assert shop.stands("LEFT") == (State.ENDED, "respondent_not_found")
    assert shop.stands("GONE") == (State.ENDED, "token_not_found")
    assert shop.http.asked["TSENT"] == 2


def test_a_campaign_without_a_template_waits_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    shop = due("A-1", template=None)
    assert shop.sweep() == Counter({"blocked.broken_campaign": 1})
    assert "campaign after-purchase waits: template: netquest needs it" in caplog.text
    assert shop.stands("A-1") == (State.PENDING, None)
    shop.campaigns[:] = [netquest_campaign()]
    assert shop.sweep() == Counter(sent=1)


def test_who_has_no_token_is_skipped_and_the_others_are_asked() -> None:
    shop = due("A-1")
    shop.translate(shop.purchase("A-2", ago=2 * HOUR))
    assert shop.stands("A-2") == (State.ENDED, "no_token")
    assert shop.sweep() == Counter(sent=1)
    assert shop.http.asked == Counter({"TA-1": 1})


def test_or_is_asked_by_address() -> None:
    shop = due("A-1", unknown_respondent="by_email")
    shop.translate(shop.purchase("A-2", ago=2 * HOUR))
    shop.sweep()
    assert shop.http.asked == Counter({"TA-1": 1, "a-2@example.com": 1})
    by_name = {each.person: each.url.rpartition("/")[2] for each in shop.http.calls}
    assert by_name == {
        "TA-1": "send-invitation-to-token",
        "a-2@example.com": "send-invitation",
    }


def test_a_delay_that_we_hold_is_none_in_the_call() -> None:
    shop = due("A-1")
    shop.sweep()
    assert [each.parameters["delay"] for each in shop.http.calls] == ["0"]


def test_a_delay_that_the_provider_holds_goes_out_at_once_in_minutes() -> None:
    shop = NetquestShop([netquest_campaign(delay="P1DT2H", delay_held_by="provider")])
    assert shop.buy("A-1")["sent"] == 1
    assert [each.parameters["delay"] for each in shop.http.calls] == [str(26 * 60)]


def test_before_that_call_a_refund_still_stops_it() -> None:
    shop = NetquestShop([netquest_campaign(delay="P1D", delay_held_by="provider")])
    shop.translate(shop.event("refund", order_id="A-1"), shop.known_purchase("A-1"))
    assert shop.stands("A-1") == (State.ENDED, "refunded")
    assert shop.http.calls == []


def test_a_success_that_the_status_denies_is_sent() -> None:
    shop = due("A-1")
    shop.http.otherwise = said("success", status=500)
    assert shop.sweep() == Counter(sent=1)
