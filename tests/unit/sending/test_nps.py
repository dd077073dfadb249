from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.sending.calls import Answer
from afterword.sending.nps import MOST_RECIPIENTS, _same_origin, read_status
from afterword.sending.provider import Recipient, Refused, Retry, Sent, Uncertain
from tests.support.nps import nps
from tests.support.samples import NOW

DAY = 86_400
JANA = Recipient("jana@example.com", "Jana Nováková", "cs-CZ")


def encode(*recipients: Recipient) -> bytes:
    return nps("https://nps.example.com").encode(recipients)


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): headers[name] for name in headers}, body)


def date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def test_the_same_recipients_give_the_same_bytes() -> None:
    again = Recipient("jana@example.com", "Jana Nováková", "cs-CZ")
    assert encode(JANA) == encode(again)
    assert encode(JANA) == (
        b'{"invitation":{"recipients":[{"email":"jana@example.com","language":"cs-CZ",'
        b'"name":"Jana Nov\\u00e1kov\\u00e1"}]}}'
    )


@pytest.mark.parametrize("name", [None, ""])
def test_who_has_no_name_goes_by_the_address(name: str | None) -> None:
    encoded = encode(Recipient("jana@example.com", name, "cs-CZ"))
    assert json.loads(encoded)["invitation"]["recipients"][0]["name"] == "jana@example.com"


def test_a_full_call_keeps_everybody_in_order() -> None:
    people = [Recipient(f"{n}@example.com", f"名{n} 🎈", "ja") for n in range(MOST_RECIPIENTS)]
    decoded = json.loads(encode(*people))["invitation"]["recipients"]
    assert [(each["email"], each["name"], each["language"]) for each in decoded] == [
        (each.email, each.name, each.language) for each in people
    ]


def test_whoever_prints_a_recipient_or_an_answer_shows_nothing_personal() -> None:
    shown = repr(JANA) + repr(answer(201, b"jana@example.com", Location="/jana@example.com"))
    assert "jana" not in shown.casefold()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_with_an_id_is_sent(status: int) -> None:
    assert read_status(answer(status, b'{"invitation":{"id":7}}'), NOW) == Sent(7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Created</html>",
        b'{"invitation":{"id":7',
        b"[]",
        b"null",
        b'{"invitation":[]}',
        b'{"invitation":{}}',
        b'{"invitation":{"id":"7"}}',
        b'{"invitation":{"id":true}}',
        b'{"invitation":{"id":0}}',
        b'{"invitation":{"id":' + b"9" * 40 + b"}}",
        b'{"invitation":{"id":' + b"9" * 5000 + b"}}",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_any_2xx_is_sent_whatever_its_body(body: bytes) -> None:
    assert read_status(answer(201, body), NOW) == Sent(None)


@pytest.mark.parametrize(
    ("given_answer", "meaning"),
    [
        # Below 200 the last word is still to come: nobody may call that "not processed".
        (answer(102), Uncertain("http_102")),
        (answer(103), Uncertain("http_103")),
        (answer(300), Retry("http_300")),
        (answer(301), Retry("http_301")),
        (answer(302), Retry("http_302")),
        (answer(307), Retry("http_307")),
        (answer(400, b'{"error":"TooManyValues","max_count":10000}'), Refused("http_400")),
        (answer(400, b'{"error":"IdempotentRequestError"}'), Uncertain("idempotency_mismatch")),
        (answer(401), Retry("credentials", whole_account=True, breaks=True)),
        (answer(403, b'{"error":{}}'), Retry("credentials", whole_account=True, breaks=True)),
        (answer(404, b'{"error":"RecordNotFound"}'), Retry("http_404")),
        (answer(408), Uncertain("http_408")),
        (answer(409), Retry("http_409")),
        (answer(413), Refused("http_413")),
        (answer(429), Retry("http_429", whole_account=True)),
        (answer(500), Uncertain("http_500")),
        (answer(502), Uncertain("http_502")),
        (answer(503), Uncertain("http_503")),
        (answer(503, Retry_After="soon"), Uncertain("http_503")),
        (answer(503, Retry_After="30"), Retry("http_503", 30, whole_account=True, outage=True)),
        (answer(504, Retry_After="30"), Uncertain("http_504")),
        (answer(599), Uncertain("http_599")),
        (answer(999), Uncertain("http_999")),
    ],
)
def test_what_an_answer_means(given_answer: Answer, meaning: object) -> None:
    assert read_status(given_answer, NOW) == meaning


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("93", 93),
        ("0", 1),
        ("86400", DAY),
        ("99999999999", DAY),
        (date(NOW + 120), 120),
        (date(NOW), 1),
        (date(NOW - DAY), 1),
        (date(NOW + 400 * DAY), DAY),
        (date(NOW + 120).replace("GMT", "-0000"), 120),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0.5", None),
        ("5, 5", None),
        ("³", None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999999999", None),
        ("Wed, 21 Oct 2015 07:28:00 +9999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(
    value: str, seconds: int | None
) -> None:
    assert read_status(answer(429, Retry_After=value), NOW) == Retry(
        "http_429", seconds, whole_account=True
    )


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ Oct \d+ \d+:\d+:\d+ [+-]?\d*"))
def test_no_retry_after_makes_reading_fail(value: str) -> None:
    outcome = read_status(answer(429, Retry_After=value), NOW)
    assert isinstance(outcome, Retry)
    assert outcome.after is None or 1 <= outcome.after <= DAY


@given(st.integers(100, 999), st.binary(max_size=60))
def test_every_answer_means_something(status: int, body: bytes) -> None:
    assert isinstance(read_status(answer(status, body), NOW), Sent | Refused | Retry | Uncertain)


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("https://nps.example.com/more?page=2", True),
        ("https://nps.example.com:443/more", True),
        ("HTTPS://NPS.Example.com/more", True),
        ("https://nps.example.com:80/more", False),
        ("https://nps.example.com:8443/more", False),
        ("http://nps.example.com/more", False),
        ("http://nps.example.com:443/more", False),
        ("https://nps.example.com@example.org/more", False),
        ("https://example.org\\@nps.example.com/more", False),
        ("https://nps.example.com\t.example.org/more", False),
    ],
)
def test_an_own_host_is_told_from_others(url: str, *, is_same: bool) -> None:
    assert _same_origin(url, "https://nps.example.com/base") is is_same
