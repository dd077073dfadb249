from __future__ import annotations

import pytest

from cli.respondents.respondent import RefusedError, Respondent, read_respondent

EMAIL = "jana@example.com"


def test_all_that_is_told_is_taken_and_trimmed() -> None:
    told = {
        "email": f" {EMAIL} ",
        "token": "T-1",
        "language": "cs_cz",
        "zone": "Europe/Prague",
        "name": " Jana Nová",
    }
    assert read_respondent(told) == Respondent(
        email=EMAIL, token="T-1", language="cs-CZ", zone="Europe/Prague", name="Jana Nová"
    )


def test_an_empty_field_tells_nothing() -> None:
    told = read_respondent({"email": EMAIL, "token": "", "name": "  "})
    assert (told.token, told.name) == (None, None)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("email", "planted", "email: value is not a valid email address"),
        ("email", "planted@-.example", "email: value is not a valid email address"),
        ("email", "planted@" + "x" * 255 + ".example", "email: value is not a valid email address"),
        ("email", " ", "email: Field required"),
        ("token", "planted\x07", "token: String should match pattern"),
        ("token", "planted" * 60, "token: String should have at most 256 characters"),
        ("token", "ž" * 200, "token: it should have at most 256 bytes in UTF-8"),
        ("language", "planted language", "language: it should be a BCP 47 tag, as in en-GB"),
        ("zone", "Planted/Zone", "zone: it should be an IANA name, as in Europe/Prague"),
        ("name", "planted" * 60, "name: String should have at most 200 characters"),
        ("name", "planted\nname", "name: it should be one line without control characters"),
        ("name", "planted\u2028name", "name: it should be one line without control characters"),
    ],
)
def test_what_cannot_be_used_is_refused_by_field_and_not_shown(
    field: str, value: str, reason: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_respondent({"email": EMAIL} | {field: value})
    assert str(caught.value).startswith(reason)
    assert "planted" not in str(caught.value).lower()


def test_every_field_at_fault_is_named() -> None:
    with pytest.raises(RefusedError, match=r"^email: .*; zone: .*"):
        read_respondent({"email": "x", "zone": "x"})
