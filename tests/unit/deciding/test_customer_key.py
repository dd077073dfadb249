import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.deciding.customer_key import customer_key, normalise_email

STEADY = settings(derandomize=True, deadline=None, max_examples=200)
SECRET = b"a key of thirty-two bytes or more"


@pytest.mark.parametrize(
    "spelling",
    [
        "zoë@bücher.example.com",
        "  ZOË@BÜCHER.Example.COM\n",
        "zoe\N{COMBINING DIAERESIS}@bu\N{COMBINING DIAERESIS}cher.example.com",
        "zoë@xn--bcher-kva.example.com",
        "zoë@XN--BCHER-KVA.example.com",
        "zoë@bücher。example.com",
    ],
)
def test_one_mailbox_has_one_spelling(spelling: str) -> None:
    assert normalise_email(spelling) == "zoë@xn--bcher-kva.example.com"


@pytest.mark.parametrize("other", ["a.da@example.com", "ada+shop@example.com", "ada@example.org"])
def test_what_a_mail_host_may_tell_apart_stays_apart(other: str) -> None:
    assert customer_key(other, SECRET) != customer_key("ada@example.com", SECRET)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Folding case by itself takes these apart, though they are the same letters.
        pytest.param("\u1fb4", "\u03b1\u0345\u0301", id="marks-in-another-order"),
        pytest.param("\u0390", "\u03aa\u0301", id="folded-into-parts"),
    ],
)
def test_the_same_letters_make_the_same_customer(one: str, other: str) -> None:
    assert normalise_email(f"{one}@example.com") == normalise_email(f"{other}@example.com")


def test_a_sharp_s_is_two_in_the_local_part() -> None:
    assert normalise_email("STRAßE@example.com") == normalise_email("strasse@example.com")


def test_the_key_is_a_keyed_hash_with_its_version() -> None:
    expected = hmac.new(SECRET, b"ada@example.com", hashlib.sha256).hexdigest()
    assert customer_key(" Ada@Example.com ", SECRET) == f"v1:{expected}"


def test_another_secret_makes_other_keys() -> None:
    assert customer_key("ada@example.com", SECRET) != customer_key("ada@example.com", b"other")


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.com", "ada@pl4nted..com", "ada@pl4nted com"]
)
def test_what_is_no_address_is_an_error_that_does_not_quote_it(email: str) -> None:
    with pytest.raises(ValueError, match="not an address with a domain by IDNA") as caught:
        normalise_email(email)
    assert "pl4nted" not in str(caught.value)
    assert caught.value.__context__ is None


@STEADY
@given(st.text(min_size=1, max_size=60))
def test_letter_case_never_makes_another_customer(local: str) -> None:
    folded = customer_key(f"{local.casefold()}@example.com", SECRET)
    assert customer_key(f"{local}@EXAMPLE.com", SECRET) == folded
