"""Genuine events of other systems, each read right or refused with a named reason.

They lie beside the repository and are no part of it. Files of our own in events/ cover the same shapes.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.mapping_texts import parse_mapping, ready_names
from afterword.deciding.mappings import Mappings
from afterword.reading.envelopes import Envelope, open_envelope
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.skips import SkippedError

if TYPE_CHECKING:
    from afterword.reading.shop_events import ShopEvent

PAYLOADS = Path(__file__).parents[3] / "shared" / "payloads"
pytestmark = pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the genuine files are not here")

NOW = 1_800_000_000
FOLDERS = ("sqs", "sns-sqs", "eventbridge", "eventbridge-sqs", "cloudevents")
ENVELOPES = {
    "sqs/sqs-lambda-python-sam_test-event.json": ["not_json"] * 10,
    "sqs/sqsDlqTriggerEvent.json": ["not_json"],
    "sqs/sqsEvent.json": ["not_json", "no_known_event"],
    "sns-sqs/snsSqsEvent.json": ["no_known_event"],
    "sns-sqs/snsSqsFifoEvent.json": ["no_known_event"],
    "eventbridge/eventBridgeEvent.json": ["no_known_event"],
    "eventbridge-sqs/README_eventbridge-sqs-dotnet-cdk.md": ["no_known_event"],
    # What is put on a bus is a list of entries; what a queue gets from it is in the file above.
    "eventbridge-sqs/event_put-events.json": ["no_known_event"],
    "cloudevents/base64_json_data.json": ["no_known_event"],
    "cloudevents/json_data_with_ext.json": ["no_known_event"],
    "cloudevents/json_data_with_fractional_time.json": ["no_known_event"],
    "cloudevents/min.json": ["invalid_event"],
}
# Those that can be opened: what the outside says, and what is inside.
OPENED = {
    "sns-sqs/snsSqsEvent.json": Envelope(
        "sns",
        {"message": "hello world", "username": "lessa"},
        source="arn:aws:sns:eu-west-1:231436140809:powertools265",
        id="d88d4479-6ec0-54fe-b63f-1cf9df4bb16e",
        time="2021-01-19T10:07:07.287Z",
    ),
    "sns-sqs/snsSqsFifoEvent.json": Envelope(
        "sns",
        {"message": "hello world", "username": "lessa"},
        source="arn:aws:sns:eu-west-1:231436140809:Test.fifo",
        id="a7c9d2fa-77fa-5184-9de9-89391027cc7d",
        time="2022-10-14T13:35:25.419Z",
    ),
    "eventbridge/eventBridgeEvent.json": Envelope(
        "eventbridge",
        {"instance_id": "i-1234567890abcdef0", "state": "terminated"},
        source="aws.ec2",
        detail_type="EC2 Instance State-change Notification",
        id="6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        time="2017-12-22T18:43:48Z",
    ),
    "eventbridge-sqs/README_eventbridge-sqs-dotnet-cdk.md": Envelope(
        "eventbridge",
        {"message": "Hello from EventBridge to SQS Queue!"},
        source="cdk.myapp",
        detail_type="message",
        id="c9257dc0-7c6c-6bb8-5fdc-2f6d87cd6cb4",
        time="2022-05-05T22:09:10Z",
    ),
} | {
    f"cloudevents/{name}.json": Envelope(
        "cloudevents",
        {},
        source="http://localhost/source",
        detail_type="mock.test",
        id="1",
        time=time,
    )
    for name, time in [
        ("base64_json_data", "2018-04-26T14:48:09+02:00"),
        ("json_data_with_ext", "2018-04-26T14:48:09+02:00"),
        ("json_data_with_fractional_time", "2018-04-26T14:48:09.1234Z"),
    ]
}


def bodies(name: str) -> list[str]:
    """The bodies of messages that a file holds, or is."""
    text = (PAYLOADS / name).read_text(encoding="utf-8")
    if name.endswith(".md"):
        (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
        return [each["Body"] for each in json.loads(shown)["Messages"]]
    parsed = json.loads(text)
    if isinstance(parsed, dict) and "Records" in parsed:
        return [each["body"] for each in parsed["Records"]]
    return [text]


def mappings(*changed: dict[str, Any]) -> Mappings:
    """Every ready mapping; those of `changed` come first."""
    texts = [*changed, *({"ready": name} for name in ready_names())]
    return Mappings([parse_mapping("m", json.dumps({"shop": "demo"} | each)) for each in texts])


def event(body: str, *changed: dict[str, Any]) -> ShopEvent:
    return read(body, NOW, mappings(*changed).read)


def outcome(body: str, *changed: dict[str, Any]) -> str:
    try:
        return event(body, *changed).type
    except PoisonError as error:
        return error.reason
    except SkippedError as skipped:
        return f"skipped.{skipped.reason}"


def test_no_genuine_envelope_is_left_out() -> None:
    found = {
        f"{folder}/{path.name}" for folder in FOLDERS for path in (PAYLOADS / folder).iterdir()
    }
    assert found == ENVELOPES.keys()


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_genuine_envelope_is_refused_with_the_reason_that_is_its_own(name: str) -> None:
    assert [outcome(body) for body in bodies(name)] == ENVELOPES[name]


@pytest.mark.parametrize("name", OPENED)
def test_what_is_in_a_genuine_envelope_is_found(name: str) -> None:
    (body,) = bodies(name)
    assert open_envelope(body) == OPENED[name]


STRIPE = "aws.partner/stripe.com/ed_demo"
# A shop that tries things out takes Stripe's test events in, too.
TESTING = [
    {"ready": name, "skip": {"test_event": None}}
    for name in ready_names()
    if name.startswith("stripe-")
]


def delivered(detail: dict[str, Any], source: str, detail_type: str) -> str:
    """As a partner's events come: detail and detail-type are the partner's, the rest is EventBridge's."""
    return json.dumps(
        {
            "version": "0",
            "id": "17e8dff5-d6cd-3770-ace9-aeac02b6ac3f",
            "detail-type": detail_type,
            "source": source,
            "time": "2026-11-01T10:00:00Z",
            "detail": detail,
        }
    )


def stripe(name: str, **changes: Any) -> str:
    known = json.loads((PAYLOADS / "stripe" / f"{name}.json").read_text(encoding="utf-8"))
    return delivered(known | changes, STRIPE, known["type"])


@pytest.mark.parametrize(
    ("name", "live", "testing"),
    [
        ("checkout.session.completed", "purchase", "purchase"),
        ("checkout.session.completed.payment_mode", "purchase", "purchase"),
        ("customer.created", "skipped.no_email", "skipped.no_email"),
        ("charge.refunded", "skipped.no_order", "skipped.no_order"),
        ("customer.deleted", "skipped.not_mapped", "skipped.not_mapped"),
    ],
)
def test_a_genuine_event_of_stripe_is_mapped_or_passed_over(
    name: str, live: str, testing: str
) -> None:
    """All of them are test events: as they are, they are passed over."""
    as_it_is = "skipped.not_mapped" if name == "customer.deleted" else "skipped.test_event"
    assert outcome(stripe(name)) == as_it_is
    assert outcome(stripe(name, livemode=True)) == live
    assert outcome(stripe(name), *TESTING) == testing


def test_a_checkout_says_who_bought_what_for_how_much() -> None:
    bought = event(stripe("checkout.session.completed", livemode=True)).model_dump(mode="json")
    assert bought == {
        "type": "purchase",
        "version": 1,
        "id": "evt_000000000000000000000000",
        "shop": "demo",
        "occurred_at": "2022-03-26T18:39:19Z",
        "order_id": "pi_000000000000000000000000",
        "customer": {
            "email": "stripe@example.com",
            "name": None,
            "language": None,
            "zone": None,
            "token": None,
        },
        "amount": "30.00",
        "currency": "USD",
        "labels": {},
    }


@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        ({"payment_status": "unpaid"}, "skipped.not_paid"),
        ({"payment_status": "no_payment_required"}, "skipped.not_paid"),
        ({"customer_details": None}, "skipped.no_email"),
        ({"customer_details": None, "customer_email": "ada@example.com"}, "purchase"),
        ({"payment_intent": None}, "purchase"),
        ({"locale": "auto"}, "purchase"),
        ({"currency": None}, "invalid_event"),
    ],
)
def test_a_checkout_that_is_not_as_usual_is_never_guessed(
    change: dict[str, Any], becomes: str
) -> None:
    body = json.loads(stripe("checkout.session.completed", livemode=True))
    body["detail"]["data"]["object"] |= change
    assert outcome(json.dumps(body)) == becomes


@pytest.mark.parametrize(("refunded", "partial"), [(40, True), (100, False)])
def test_a_refund_finds_its_purchase_by_the_payment_intent(refunded: int, *, partial: bool) -> None:
    body = json.loads(stripe("charge.refunded", livemode=True))
    intent = "pi_000000000000000000000000"
    body["detail"]["data"]["object"] |= {"payment_intent": intent, "amount_refunded": refunded}
    refund: Any = event(json.dumps(body))
    bought: Any = event(stripe("checkout.session.completed", livemode=True))
    assert refund.stops == ("purchase", bought.occasion)
    assert (refund.partial, refund.amount) == (partial, Decimal(refunded).scaleb(-2))


def literals(text: str) -> dict[str, Any]:
    """An object as JavaScript writes it, read as JSON."""
    quoted = text.replace("'", '"')
    named = re.sub(r"([{,]\s*)([A-Za-z_]\w*)\s*:", r'\1"\2":', quoted)
    parsed: dict[str, Any] = json.loads(re.sub(r",(\s*[}\]])", r"\1", named))
    return parsed


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("EVENTBRIDGE_PAYLOAD", "skipped.no_email"),
        ("EVENTGRID_PAYLOAD", "skipped.test_event"),
        ("EVENTBRIDGE_V2_PAYLOAD", "skipped.not_mapped"),
        ("EVENTGRID_V2_PAYLOAD", "skipped.not_mapped"),
        ("RAW_V2_NOTIFICATION", "no_known_event"),
        ("RAW_V1_EVENT", "no_known_event"),
    ],
)
def test_stripes_own_samples_are_told_apart(name: str, becomes: str) -> None:
    text = (PAYLOADS / "stripe-eventbridge" / "CloudProviderEvent.spec.ts").read_text()
    (found,) = re.findall(
        rf"^const {name} = JSON\.stringify\((.*?)\);$", text, re.DOTALL | re.MULTILINE
    )
    body = json.dumps(literals(found))
    over_event_grid = {"ready": "stripe-customer-created", "source": "/providers/stripe/*"}
    assert outcome(body, over_event_grid) == becomes
    without = "no_known_event" if "GRID" in name else becomes
    assert outcome(body) == without


SEGMENT = "aws.partner/segment.com/demo"


def segment(name: str) -> dict[str, Any]:
    text = (PAYLOADS / "segment" / f"{name}.json").read_text(encoding="utf-8")
    call: dict[str, Any] = json.loads(text)["input"]
    return call


def tracked(call: dict[str, Any]) -> str:
    return delivered(call, SEGMENT, call["type"])


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("track-order-completed", "skipped.no_email"),
        ("track-email-only", "skipped.not_mapped"),
        ("identify-email-only", "skipped.not_mapped"),
    ],
)
def test_a_genuine_call_of_segment_is_passed_over_with_its_reason(name: str, becomes: str) -> None:
    assert outcome(tracked(segment(name))) == becomes


def test_an_order_that_names_a_year_alone_is_refused() -> None:
    """And one that names the time is read. The e-mail is where Segment has it."""
    call = segment("track-order-completed") | {
        "context": {"traits": {"email": "ada@example.com"}, "timezone": "Wrong/Timezone"},
        "messageId": "msg-1",
    }
    with pytest.raises(PoisonError) as caught:
        event(tracked(call))
    assert caught.value.detail.startswith("mapping m: occurred_at: it should be a time by ISO 8601")
    bought: Any = event(tracked(call | {"timestamp": "2016-05-01T10:00:00.000Z"}))
    assert (bought.occasion, bought.amount, bought.currency) == ("order-id", 65, "USD")
    assert (bought.customer.email, bought.customer.zone) == ("ada@example.com", None)


def test_the_examples_of_segments_specification_are_read() -> None:
    text = (PAYLOADS / "segment" / "spec_b2b-saas_signed-up.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^### Signed Up$.*?```json\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    signup: Any = event(tracked(json.loads(shown)))
    assert (signup.type, signup.occasion) == ("signup", "019mr8mf4r")
    assert (signup.customer.email, signup.customer.name) == (
        "pgibbons@example.com",
        "Peter Gibbons",
    )
    text = (PAYLOADS / "segment" / "spec_ecommerce_v2.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        r"^analytics\.track\('Order Completed', (.*?)\);", text, re.DOTALL | re.MULTILINE
    )
    call: dict[str, Any] = {
        "type": "track",
        "event": "Order Completed",
        "properties": literals(shown),
    }
    assert outcome(tracked(call)) == "skipped.no_email"
    call["properties"]["email"] = "ada@example.com"
    for name in ("Order Completed", "Completed Order"):
        bought: Any = event(tracked(call | {"event": name}))
        assert bought.occasion == call["properties"]["order_id"]
        assert bought.amount == call["properties"]["total"]
