"""Whatever lies in the queue, the real function takes it in: an event, or a dead letter with a plain reason."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.functions import purchase, sqs_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.functions import Stage

REASONS = {
    "not_json",
    "no_known_event",
    "unknown_version",
    "invalid_event",
    "no_notification",
    "too_many_envelopes",
    "in_the_future",
}
# It stands wherever a person or a secret could; nothing of it may be told.
PERSON = "hidden.person@example.com"
TOLD = ("hidden", "s3cr3t")
MEBIBYTE = 1_048_576
_numbers = count()

type Take = Callable[[list[str]], tuple[dict[str, int], str]]


@pytest.fixture(scope="module")
def books(stage: Stage) -> Callable[[], list[dict[str, Any]]]:
    """Return what takes the dead letters out."""
    client = boto3.client("sqs")

    def take_all() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while letters := stage.letters():
            found += letters
            for each in letters:
                client.delete_message(
                    QueueUrl=stage.dead_letters, ReceiptHandle=each["ReceiptHandle"]
                )
        return found

    return take_all


@pytest.fixture
def take(
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    stage: Stage,
    books: Callable[[], list[dict[str, Any]]],
) -> Take:
    """Return what sends bodies between two good events, and holds the function to all that is promised of any body."""
    # A logger of its own for each test: powertools keeps it, and where it writes to, by its name.
    stage.set(POWERTOOLS_SERVICE_NAME=f"hostile-{next(_numbers)}")
    translate = cache(stage.function)
    table = boto3.client("dynamodb")

    def take(bodies: list[str]) -> tuple[dict[str, int], str]:
        now, number = int(time.time()), next(_numbers)
        good = [f"GOOD-{number}-{part}" for part in ("first", "last")]
        first, last = (purchase(order, now) for order in good)
        capsys.readouterr()
        caplog.clear()
        answer = translate("translate_events")(sqs_event(first, *bodies, last))
        printed = capsys.readouterr().out + caplog.text
        # Nothing comes again: what nobody can read is a dead letter, all else is remembered.
        assert answer == {"batchItemFailures": []}
        for order in good:
            key = {"pk": {"S": f"O#demo#purchase#{order}"}, "sk": {"S": "I#after-purchase"}}
            assert "Item" in table.get_item(TableName=stage.table, Key=key)
        lines = map(json.loads, (each for each in printed.splitlines() if each.startswith("{")))
        (line,) = [each for each in lines if "counts" in each]
        letters = books()
        for each in letters:
            attributes = each.get("MessageAttributes", {})
            about = {name: told["StringValue"] for name, told in attributes.items()}
            # A body that leaves no room for its reason has it in the log alone.
            if len(each["Body"]) < MEBIBYTE - 2000:
                assert about["reason"] in REASONS
                assert about["detail"]
            assert not [word for word in TOLD if word in str(about).lower()]
        assert not [word for word in TOLD if word in printed.lower()]
        counts: dict[str, int] = line["counts"]
        # Each of them became something, and was counted.
        became = sum(
            number
            for name, number in counts.items()
            if name.startswith(("event.", "dead_letter.", "skipped."))
        )
        assert became == len(bodies) + 2
        assert sum(n for name, n in counts.items() if name.startswith("dead_letter.")) == len(
            letters
        )
        return counts, printed

    return take


def event(**changes: Any) -> dict[str, Any]:
    text = purchase(f"H-{next(_numbers)}", int(time.time()))
    known: dict[str, Any] = json.loads(text)
    known["customer"] = {"email": PERSON, "name": "Hidden s3cr3t"}
    return known | changes


def raw(field: str, value: str) -> str:
    """Return an event with something in the place of a field that `json.dumps` would not write."""
    text = json.dumps(event() | {field: "HERE"})
    return text.replace('"HERE"', value)


DEEP = 100_000
ODD: dict[str, Callable[[], str]] = {
    "brackets": lambda: "[" * DEEP,
    "closed brackets": lambda: "[" * DEEP + "]" * DEEP,
    "braces": lambda: '{"a":' * DEEP + "1" + "}" * DEEP,
    "a deep label": lambda: raw("labels", '{"a":' * DEEP + "1" + "}" * DEEP),
    "NaN": lambda: raw("amount", "NaN"),
    "Infinity": lambda: raw("amount", "-Infinity"),
    "an integer of 100,000 digits": lambda: raw("amount", "9" * 100_000),
    "an exponent": lambda: raw("amount", "1e999999999"),
    "a small exponent": lambda: raw("amount", "1e-999999999"),
    "an exponent as a text": lambda: raw("amount", '"1E999999999"'),
    "a version of 400 digits": lambda: raw("version", "1" * 400),
    "a version with a point": lambda: raw("version", "1.0"),
    "a version as a text": lambda: raw("version", '"1"'),
    "a lone surrogate": lambda: raw("order_id", '"\\ud800"'),
    "a lone surrogate in a name": lambda: raw("id", '"hidden\\udfff"'),
    "a surrogate that is no escape": lambda: "\ud800",
    "a zero character": lambda: raw("order_id", '"a\\u0000b"'),
    "a byte order mark": lambda: "\ufeff" + json.dumps(event()),
    "UTF-16 read as Latin 1": lambda: json.dumps(event()).encode("utf-16").decode("latin-1"),
    "UTF-8 read as Latin 1": lambda: (
        json.dumps(event(order_id="Žluťoučký"), ensure_ascii=False).encode().decode("latin-1")
    ),
    "the same key twice": lambda: json.dumps(event())[:-1] + f', "order_id": "H-{PERSON}"}}',
    "the type twice": lambda: json.dumps(event())[:-1] + ', "type": "hidden"}',
    "thousands of labels": lambda: json.dumps(
        event(labels={f"hidden{n}": "s3cr3t" for n in range(20_000)})
    ),
    "thousands of unknown fields": lambda: json.dumps(
        event() | dict.fromkeys(map(str, range(20_000)), PERSON)
    ),
    "a mebibyte of one word": lambda: "x" * MEBIBYTE,
    "a mebibyte of one field": lambda: json.dumps(event(note="x" * (MEBIBYTE - 2000))),
    "the year 1": lambda: raw("occurred_at", '"0001-01-01T00:00:00+14:00"'),
    "the year 9999": lambda: raw("occurred_at", '"9999-12-31T23:59:59-14:00"'),
    "a leap second": lambda: raw("occurred_at", '"2026-06-30T23:59:60Z"'),
    "no zone": lambda: raw("occurred_at", '"2026-06-30T23:59:59"'),
    "a zone of days": lambda: raw("occurred_at", '"2026-06-30T23:59:59+99:99"'),
    "the 30th of February": lambda: raw("occurred_at", '"2026-02-30T00:00:00Z"'),
    "seconds since 1970": lambda: raw("occurred_at", "1790000000"),
    "a bare year": lambda: raw("occurred_at", '"2026"'),
    "envelopes without an end": lambda: nested(100),
    "base64 that is none": lambda: json.dumps(
        {"specversion": "1.0", "id": "1", "source": "a", "type": "b", "data_base64": PERSON}
    ),
    "an empty body": lambda: "",
    "blanks": lambda: " \t\n",
    "null": lambda: "null",
    "a list of events": lambda: json.dumps([event()]),
}


def nested(depth: int) -> str:
    inner: dict[str, Any] = event()
    for _ in range(depth):
        inner = {"detail-type": "hidden", "source": "s3cr3t", "detail": inner}
    return json.dumps(inner)


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_an_odd_body_is_an_event_or_a_dead_letter(body: Callable[[], str], take: Take) -> None:
    take([body()])


def test_all_of_them_in_one_batch_take_little_time_and_memory(take: Take) -> None:
    bodies = [body() for body in ODD.values()]
    tracemalloc.start()
    begun = time.process_time()
    take(bodies)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Of a function with a gigabyte and a minute. Generous: tracing alone takes four times as long.
    assert most < 150 * MEBIBYTE
    assert time.process_time() - begun < 30


FIELDS = [
    "type",
    "version",
    "id",
    "shop",
    "occurred_at",
    "order_id",
    "customer",
    "amount",
    "currency",
    "labels",
]
PERSONAL = ["email", "name", "language", "zone", "token"]
HUGE = "hidden s3cr3t " * 20_000
VALUES: list[Any] = [
    HUGE,
    PERSON,
    "",
    " ",
    "\x00",
    "\u202ehidden",
    "hidden\r\nBcc: s3cr3t@example.com",
    None,
    True,
    0,
    -1,
    1.5,
    2**70,
    [],
    {},
    [PERSON] * 1000,
    {"email": {"email": PERSON}},
    {HUGE[:100]: HUGE},
]


@pytest.mark.parametrize("field", [*FIELDS, *(f"customer.{each}" for each in PERSONAL)])
def test_any_value_in_any_field(field: str, take: Take) -> None:
    bodies = []
    for value in VALUES:
        odd = event()
        place = odd["customer"] if "." in field else odd
        place[field.removeprefix("customer.")] = value
        bodies.append(json.dumps(odd))
    take(bodies)


LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
FUZZED = settings(
    max_examples=3000 if LONG else 30,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
texts = st.text(max_size=30) | st.sampled_from(
    [PERSON, "purchase", "1.0", "Notification", "s3cr3t"]
)
names = st.sampled_from(
    (
        *(*FIELDS, *PERSONAL, "specversion", "data", "data_base64", "source", "detail"),
        *("detail-type", "Type", "TopicArn", "Message", "account_id", "partial", "hidden"),
    )
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=6),
    max_leaves=20,
)


@FUZZED
@given(bodies=st.lists(st.binary(max_size=300) | values, min_size=1, max_size=12))
@example(bodies=[b"\xff\xfe{\x00}\x00"])
def test_any_bytes_and_any_json(bodies: list[Any], take: Take) -> None:
    take(
        [each.decode("latin-1") if isinstance(each, bytes) else json.dumps(each) for each in bodies]
    )


@FUZZED
@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from(FIELDS), values, max_size=3), min_size=1, max_size=12
    )
)
def test_an_event_of_which_some_fields_are_anything(
    changes: list[dict[str, Any]], take: Take
) -> None:
    take([json.dumps(event(**each)) for each in changes])
