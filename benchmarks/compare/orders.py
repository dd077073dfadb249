"""Orders as a shop tells them: about two kilobytes each, of which an invitation needs little."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARN = "arn:aws:sqs:eu-west-1:123456789012:shop-events"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_LINES = (
    ("KB-1180", "Walnut chopping board, 40 x 28 cm", 1, "38.00"),
    ("GL-0417", "Set of six water glasses, recycled glass", 2, "24.90"),
    ("TX-2203", "Linen tea towel, natural", 3, "7.50"),
    ("CU-0032", "Cast iron pan, 26 cm, with two handles", 1, "59.00"),
)


def body(number: int, moment: datetime, run: str, *, tokens: bool) -> str:
    """Return an order's message.

    Args:
        number: Another number is another order, by another customer.
        moment: When it happened.
        run: Tells the orders of this run from those of another.
        tokens: Whether customers are known to a panel, and come with its token.
    """
    customer = {
        "email": f"customer.{number}.{run}@mail.example.com",
        "name": f"Jo Example {number}",
        "language": "en-GB",
        "zone": "Europe/London",
    }
    if tokens:
        customer["token"] = f"t-{run}-{number}"
    address = {
        "name": customer["name"],
        "line_1": f"{number % 90 + 1} High Street",
        "line_2": "Second floor",
        "town": "Example-on-Sea",
        "county": "Exampleshire",
        "postcode": "EX1 2MP",
        "country": "GB",
        "telephone": "+44 1632 960001",
    }
    lines = [_line(*each) for each in _LINES]
    return json.dumps(
        {
            "type": "purchase",
            "version": 1,
            "id": f"evt-{run}-{number}",
            "shop": "demo",
            "occurred_at": moment.isoformat(),
            "order_id": f"A-{run}-{number}",
            "customer": customer,
            "amount": "169.30",
            "currency": "EUR",
            "labels": {"channel": "web", "country": "GB"},
            "lines": lines,
            "delivery": {"address": address, "service": "standard", "price": "4.90"},
            "visit": {
                "agent": _AGENT,
                "campaign": "autumn",
                "referrer": "https://www.example.org/",
            },
            "billing": {"address": address, "method": "card", "reference": f"pay-{run}-{number}"},
        }
    )


def _line(sku: str, name: str, quantity: int, price: str) -> dict[str, Any]:
    vat = {"rate": "20.0", "included": True}
    picture = f"https://shop.example.com/pictures/{sku.lower()}.jpg"
    known = {"sku": sku, "name": name, "quantity": quantity, "price": price}
    return known | {"currency": "EUR", "vat": vat, "picture": picture}


def sqs_event(numbers: Iterable[int], run: str, *, tokens: bool = False) -> dict[str, Any]:
    """Return what Lambda hands to a function that a queue triggers, with orders of this moment.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html

    Args:
        numbers: The orders'.
        run: See `body`.
        tokens: See `body`.
    """
    moment = datetime.now(UTC)
    return {
        "Records": [
            _record(body(number, moment, run, tokens=tokens), number, moment) for number in numbers
        ]
    }


def _record(text: str, number: int, moment: datetime) -> dict[str, Any]:
    milliseconds = str(int(moment.timestamp() * 1000))
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": f"AQEB{number:0172}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": milliseconds,
        },
        "messageAttributes": {},
        "md5OfBody": f"{number:032x}",
        "eventSource": "aws:sqs",
        "eventSourceARN": _ARN,
        "awsRegion": "eu-west-1",
    }
