from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from invitation_service.surveys.bodies import read_invitation, read_json
from invitation_service.surveys.models import Recipient
from invitation_service.web.errors import (
    DialectError,
    MalformedRequestError,
    RecordInvalidError,
    TooManyValuesError,
)

JANE = {"email": "jane@example.com", "name": "Jane Doe"}
BLANK, INVALID = "BlankValue", "InvalidValue"


def recipients(*people: object) -> dict[str, Any]:
    return {"invitation": {"recipients": people}}


def read(body: object) -> list[tuple[str, str, str | None]]:
    people = read_invitation(json.dumps(body).encode()).invitation.people()
    return [(person.email, person.name, person.language) for person in people]


@pytest.mark.parametrize(
    ("language", "kept"),
    [
        ("en-US", "en-US"),
        ("CS", "CS"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("no such language", None),
        ("en\r\n", None),
        ("", None),
        (None, None),
        (7, None),
        (["en"], None),
    ],
)
def test_no_language_is_a_reason_to_refuse(language: object, kept: str | None) -> None:
    assert read(recipients({**JANE, "language": language})) == [
        ("jane@example.com", "Jane Doe", kept)
    ]


def test_addresses_are_kept_normalised_names_only_trimmed() -> None:
    assert read(recipients({"email": " Jane@EXAMPLE.com ", "name": "  O'Neil  <b> "})) == [
        ("Jane@example.com", "O'Neil  <b>", None)
    ]


def test_an_address_outside_of_ascii_is_an_address() -> None:
    assert read(recipients({"email": "žofie@příklad.cz", "name": "Žofie"})) == [
        ("žofie@příklad.cz", "Žofie", None)
    ]


def test_addresses_that_differ_in_case_alone_are_one() -> None:
    again = {"email": "JANE@Example.COM", "name": "Jane again"}

    assert read(recipients(JANE, again)) == [("jane@example.com", "Jane Doe", None)]


def test_unknown_fields_are_ignored() -> None:
    assert read({**recipients({**JANE, "phone": 1}), "x": 2}) == [
        ("jane@example.com", "Jane Doe", None)
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"invitation": NaN}',
        b"\xef\xbb\xbf{}",
        b"[" * 5_000,
        b"9" * 5_000,
    ],
)
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(MalformedRequestError, match="not valid JSON"):
        read_json(body)


def test_more_than_ten_thousand_are_counted_before_anything_is_read() -> None:
    with pytest.raises(TooManyValuesError):
        read(recipients(*[None] * 10_001))


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], {"base": INVALID}),
        (7, {"base": INVALID}),
        (None, {"base": INVALID}),
        ({}, {"invitation": BLANK}),
        ({"invitation": None}, {"invitation": BLANK}),
        ({"invitation": []}, {"invitation": INVALID}),
        ({"invitation": {}}, {"recipients": BLANK}),
        ({"invitation": {"recipients": None}}, {"recipients": BLANK}),
        ({"invitation": {"recipients": []}}, {"recipients": BLANK}),
        ({"invitation": {"recipients": {}}}, {"recipients": INVALID}),
        ({"invitation": {"recipients": "jane@example.com"}}, {"recipients": INVALID}),
        (recipients(None), {"recipients[0]": INVALID}),
        (recipients("jane@example.com"), {"recipients[0]": INVALID}),
        (recipients({}), {"recipients[0].email": BLANK, "recipients[0].name": BLANK}),
        (recipients({**JANE, "name": ""}, JANE), {"recipients[0].name": BLANK}),
        (recipients(JANE, {**JANE, "name": ""}), {"recipients[1].name": BLANK}),
    ],
)
def test_a_wrong_shape_names_its_place(body: object, details: dict[str, str]) -> None:
    assert refused(body) == details


@pytest.mark.parametrize(
    ("email", "error"),
    [
        (None, BLANK),
        (" ", BLANK),
        (7, INVALID),
        ("jane", INVALID),
        ("jane@localhost", INVALID),
        ("jane@shop.invalid", INVALID),
        ("jane@example.com, mike@example.com", INVALID),
        ("Jane <jane@example.com>", INVALID),
        ("jane@example.com\r\n", INVALID),
        ("jane@example.com\r\nBcc: all@example.com", INVALID),
        ("jane\x00@example.com", INVALID),
        ("j" * 400 + "@example.com", INVALID),
    ],
)
def test_what_is_no_address_is_refused(email: object, error: str) -> None:
    assert refused(recipients({**JANE, "email": email})) == {"recipients[0].email": error}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (None, BLANK),
        ("\u00a0", BLANK),
        (["Jane"], INVALID),
        ("Jane\nBcc: all@example.com", INVALID),
        ("Jane\rDoe", INVALID),
        ("Jane\x85Doe", INVALID),
        ("Jane\u2028Doe", INVALID),
        ("J" * 256, INVALID),
    ],
)
def test_what_is_no_name_is_refused(name: object, error: str) -> None:
    assert refused(recipients({**JANE, "name": name})) == {"recipients[0].name": error}


def refused(body: object) -> dict[str, str]:
    with pytest.raises(RecordInvalidError) as raised:
        read(body)
    return {field: complaint["error"] for field, [complaint] in raised.value.details.items()}


def test_an_error_says_what_is_wrong_but_never_repeats_what_came() -> None:
    with pytest.raises(RecordInvalidError) as raised:
        read(recipients({"email": "private", "name": "personal\n"}, {"email": "private\n"}))

    told = json.dumps(raised.value.body())
    assert "Email: is not a valid address" in told
    assert "Name: must not contain line breaks or control characters" in told
    assert "private" not in told
    assert "personal" not in told


def test_even_an_error_that_nobody_rendered_keeps_what_came_to_itself() -> None:
    with pytest.raises(ValidationError) as raised:
        Recipient(email="private", name="Jane")

    assert "private" not in str(raised.value)


def test_complaints_end_at_a_hundred() -> None:
    with pytest.raises(RecordInvalidError) as raised:
        read(recipients(*[{}] * 300))

    assert len(raised.value.details) == 100


# Control characters, and the two separators that some programs take for line breaks.
BREAKING = {"Cc", "Zl", "Zp"}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(person=st.fixed_dictionaries({"email": st.emails() | ANYTHING, "name": ANYTHING}))
def test_what_was_accepted_is_fit_for_a_mail_header(person: dict[str, object]) -> None:
    try:
        people = read(recipients(person))
    except DialectError:
        return
    for email, name, _ in people:
        assert "@" in email
        assert name == name.strip() != ""
        assert not [each for each in email + name if unicodedata.category(each) in BREAKING]
