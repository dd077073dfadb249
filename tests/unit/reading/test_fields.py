"""Fields that shop events and campaigns share."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import validate_email
from pydantic_core import PydanticCustomError

from afterword.reading.fields import address

ADDRESSES = st.builds(
    "{}@{}".format,
    st.one_of(
        st.text(st.sampled_from("aZ9.+-_ '\"@é<"), max_size=8),
        st.text(st.sampled_from("ab9.+-_"), max_size=66),
    ),
    st.one_of(
        st.sampled_from(
            ["example.com", "Bücher.example", "a.test", "localhost", "-a.com", "a..com", "a b", ""]
        ),
        st.text(st.sampled_from("aé.-[]>@1 "), max_size=8),
        st.just("a." * 120 + "com"),
    ),
)


def outcome(read: object, text: str) -> str:
    try:
        return str(read(text))  # type: ignore[operator]  # a function of one text
    except (ValueError, PydanticCustomError):
        return "refused"


@given(ADDRESSES)
@example("Postmaster@example.com")
@example("POSTMASTER@example.com")
@example("info@example.com\n")
@example("a\n@example.com")
@example(f"{'a' * 64}@example.com")
@example(f"{'a' * 65}@example.com")
@example(f"{'a' * 60}@{'b.' * 100}com")
@settings(derandomize=True, deadline=None, max_examples=400)
def test_an_address_is_what_email_validator_makes_of_it(text: str) -> None:
    """Whichever way it goes: most of them need nothing but their domain looked at, and that once."""
    assert outcome(address, text) == outcome(lambda whole: validate_email(whole)[1], text)
