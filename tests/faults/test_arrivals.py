"""What comes in: bodies that nobody can read, and events that come again, late, or before what they belong to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.aws_door import UNAVAILABLE
from tests.support.samples import DAY
from tests.support.servers import reply

if TYPE_CHECKING:
    from tests.support.running import Running
    from tests.support.servers import Exchange


def envelope(body: str, **more: Any) -> str:
    """The event as EventBridge delivers it."""
    return json.dumps(
        {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "purchase",
            "source": "shop.demo",
            "account": "123456789012",
            "time": "2027-01-15T08:00:00Z",
            "region": "eu-west-1",
            "resources": [],
            "detail": json.loads(body),
        }
        | more
    )


POISON = {
    "no JSON at all": "not_json",
    "[1, 2]": "no_known_event",
    '{"type": "party"}': "no_known_event",
    '{"type": "purchase", "version": 1}': "invalid_event",
    "[" * 100_000: "not_json",
}


def reasons(running: Running) -> set[str]:
    return {each["MessageAttributes"]["reason"]["StringValue"] for each in running.letters}


@pytest.mark.parametrize(
    ("body", "reason"),
    POISON.items(),
    ids=["no JSON", "no object", "no event", "lacks fields", "deep"],
)
def test_what_nobody_can_read_alone_goes_to_the_dead_letters(
    running: Running, body: str, reason: str
) -> None:
    good = [running.purchase(order) for order in ("A-1", "A-2")]
    assert running.deliver(good[0], running.unreadable(body), good[1]) == []
    assert running.states == {"sent": 2}
    (letter,) = running.letters
    about = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}
    assert {"reason", "detail", "message_id", "queue", "sent_at"} <= set(about)
    assert (about["message_id"], about["reason"]) == ("m-1", reason)
    assert running.told["DeadLetters"] == 1


def test_what_lies_in_the_future_is_a_dead_letter_and_a_clock_a_little_ahead_is_none(
    running: Running,
) -> None:
    running.deliver(running.unreadable(running.purchase("A-1", ago=-301)))
    running.deliver(running.purchase("A-2", ago=-299))
    assert running.states == {"pending": 1}
    assert reasons(running) == {"in_the_future"}
    assert running.told["DeadLetters"] == 1


def test_a_batch_of_nothing_but_poison_is_done_with(running: Running) -> None:
    assert running.deliver(*(running.unreadable(f"no JSON {n}") for n in range(9))) == []
    assert running.told["DeadLetters"] == 9


def test_poison_comes_again_while_the_dead_letter_queue_does_not_take_it(running: Running) -> None:
    aws = running.through_the_door()
    aws.treat("SendMessageBatch", UNAVAILABLE, times=None)
    body = running.unreadable("no JSON")
    assert running.deliver(running.purchase(), body) == [body]
    assert running.state() == "sent"
    assert running.told["RecordsFailed"] == 1
    aws.mend()
    assert running.redeliver() == []


def test_single_letters_that_the_queue_refuses_come_again(running: Running) -> None:
    failed = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    done = {"Id": "0", "MessageId": "1", "MD5OfMessageBody": "1"}
    running.through_the_door().treat(
        "SendMessageBatch", reply(200, {"Successful": [done], "Failed": [failed]})
    )
    first = running.unreadable("first")
    second = running.unreadable("second")
    # The first one only seems to be kept: the door has swallowed it.
    del running.poison[first]
    assert running.deliver(first, second) == [second]
    assert running.redeliver() == []


@pytest.mark.parametrize("days", [0, 89], ids=["at once", "89 days later"])
@pytest.mark.parametrize("way", ["redelivered", "redriven", "twice in a batch", "replayed"])
def test_the_same_event_again_changes_nothing(running: Running, way: str, days: int) -> None:
    body = running.purchase()
    replayed = envelope(body, **{"replay-name": "after-the-outage"})
    first = running.messages(body)
    again = {
        "redelivered": first,
        "redriven": running.messages(body),
        "twice in a batch": running.messages(body, body),
        "replayed": running.messages(replayed),
    }
    assert running.hand_in(first) == []
    running.clock.pass_by(days * DAY)
    assert running.hand_in(again[way]) == []
    assert running.states == {"sent": 1}
    assert running.told["InvitationsSent"] == 1
    assert running.told["Duplicates"] == len(again[way])


def test_a_replay_after_ninety_days_is_not_even_a_second_look(running: Running) -> None:
    body = running.purchase()
    running.deliver(body)
    running.clock.pass_by(91 * DAY)
    running.deliver(body)
    running.deliver(running.purchase("A-2", ago=91 * DAY))
    assert running.states == {"sent": 1, "ended.too_old": 1}


def test_the_same_event_in_another_envelope_is_the_same(running: Running) -> None:
    body = running.purchase()
    running.deliver(body, envelope(body))
    running.deliver(envelope(body))
    assert running.states == {"sent": 1}
    assert running.told["Duplicates"] == 2


ENDS = {"refund": "refunded", "cancellation": "cancelled"}


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("order", ["after", "before", "in the same batch"])
def test_whichever_comes_first_who_was_refunded_is_not_asked(
    running: Running, kind: str, order: str
) -> None:
    running.campaign(delay="PT2H")
    purchase, stop = running.purchase(), running.event(kind, order_id="A-1")
    batches = {
        "after": [[purchase], [stop]],
        "before": [[stop], [purchase]],
        "in the same batch": [[stop, purchase]],
    }
    for batch in batches[order]:
        assert running.deliver(*batch) == []
    assert running.sweep_after(7200) == {}
    assert running.states == {f"ended.{ENDS[kind]}": 1}
    assert running.told["InvitationsEnded"] == 1


def test_a_refund_before_a_purchase_that_is_due_at_once_stops_it(running: Running) -> None:
    running.deliver(running.refund())
    running.deliver(running.purchase())
    assert running.states == {"ended.refunded": 1}
    assert not running.provider.asked


def test_a_refund_between_claim_and_call_is_seen_by_the_look_at_the_marks(running: Running) -> None:
    running.campaign(delay="PT2H")
    running.deliver(running.purchase("A-1"), running.purchase("A-2"))
    aws = running.through_the_door()

    def refund(exchange: Exchange) -> None:
        running.deliver(running.refund("A-1"))
        aws.pass_on(exchange)

    aws.treat("BatchGetItem", refund, where=lambda call: call.json_has({"S": "!"}))
    running.clock.pass_by(7200)
    assert running.sweep() == {"sent": 1, "ended.refunded": 1}
    assert running.states == {"sent": 1, "ended.refunded": 1}


@pytest.mark.parametrize("kind", ["unsubscribe", "erasure"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_who_has_left_is_not_asked_whichever_comes_first(
    running: Running, kind: str, *, first: bool
) -> None:
    running.campaign(delay="PT2H")
    bodies = [running.event(kind, email="a-1@example.com"), running.purchase()]
    for body in bodies if first else reversed(bodies):
        running.deliver(body)
    running.sweep_after(7200)
    assert running.states == {f"ended.{'erased' if kind == 'erasure' else 'unsubscribed'}": 1}


def test_what_no_campaign_wants_is_counted(running: Running) -> None:
    running.campaign(event="signup")
    running.taken.clear()
    message = running.messages(running.purchase())
    running.taken.clear()
    assert running.hand_in(message) == []
    assert running.states == {}
    assert running.told["EventsUnwanted"] == 1


def test_what_its_mapping_passes_over_is_counted_with_its_reason(running: Running) -> None:
    mapping = {"ready": "stripe-checkout-session-completed", "shop": "demo"}
    running.stage.store.put("mappings/stripe-purchases", json.dumps(mapping))
    at = int(datetime(2027, 1, 15, 8, tzinfo=UTC).timestamp())
    session = {"object": "checkout.session", "id": "cs_1", "mode": "payment", "created": at}
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "created": at,
        "livemode": False,
        "data": {"object": session | {"payment_status": "unpaid"}},
    }
    partner = envelope(
        json.dumps(event),
        **{
            "source": "aws.partner/stripe.com/ed_1",
            "detail-type": "checkout.session.completed",
        },
    )
    assert running.deliver(partner) == []
    assert running.states == {}
    assert running.letters == []
    assert running.told["EventsSkipped"] == 1
