"""Links carry who they are for, signed: nobody makes one up, and keys can be changed without breaking those sent."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invitation_service.answering.links import ForgedLinkError, Links, Who

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters!"
JANE = Who("shop", 419349, 7)
whos = st.builds(
    Who,
    st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    st.integers(1, 10**18),
    st.integers(1, 10**18),
)


def links(*keys: str) -> Links:
    return Links(lambda: keys, "https://answers.example.com")


def token_of(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


@given(whos)
def test_what_a_link_was_made_for_is_read_from_it(who: Who) -> None:
    ours = links(OLD)

    assert ours.read_answer(token_of(ours.score_url(who))) == who
    assert ours.read_unsubscribe(token_of(ours.unsubscribe_url(who))) == who


def test_a_link_leads_to_its_page_with_the_score_that_was_clicked() -> None:
    ours = links(OLD)
    page = ours.score_url(JANE)

    assert page.startswith("https://answers.example.com/s/")
    assert ours.score_url(JANE, 0) == f"{page}?score=0"
    assert ours.score_url(JANE, 10) == f"{page}?score=10"
    assert ours.unsubscribe_url(JANE).startswith("https://answers.example.com/u/")


def test_a_link_stays_the_same() -> None:
    """A mail that is composed once more after a fault is the same mail."""
    assert links(OLD).score_url(JANE) == links(OLD).score_url(JANE)


def test_a_link_is_short_enough_for_any_mail_client_and_needs_no_escaping() -> None:
    url = links(OLD).score_url(Who("a" * 64, 10**18, 10**18))

    assert len(urlsplit(url).path) < 250
    assert set(token_of(url)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


def test_one_kind_of_link_does_not_open_the_other() -> None:
    ours = links(OLD)

    with pytest.raises(ForgedLinkError):
        ours.read_unsubscribe(token_of(ours.score_url(JANE)))
    with pytest.raises(ForgedLinkError):
        ours.read_answer(token_of(ours.unsubscribe_url(JANE)))


def test_a_link_of_another_key_is_forged() -> None:
    with pytest.raises(ForgedLinkError):
        links(NEW).read_answer(token_of(links(OLD).score_url(JANE)))


def test_a_changed_link_is_forged() -> None:
    token = token_of(links(OLD).score_url(JANE))
    other = token_of(links(OLD).score_url(Who("shop", 419349, 8)))
    mixed = other.partition(".")[0] + "." + token.partition(".")[2]

    with pytest.raises(ForgedLinkError):
        links(OLD).read_answer(mixed)


@given(
    st.one_of(st.text(), st.just("a" * 100_000), st.binary().map(lambda raw: raw.decode("latin-1")))
)
def test_whatever_else_is_forged(token: str) -> None:
    with pytest.raises(ForgedLinkError) as caught:
        links(OLD).read_answer(token)

    assert str(caught.value) == ""
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_newest_key_signs_and_the_older_ones_are_still_accepted() -> None:
    rotated = links(NEW, OLD)

    assert rotated.read_answer(token_of(links(OLD).score_url(JANE))) == JANE
    assert links(NEW).read_answer(token_of(rotated.score_url(JANE))) == JANE


def test_an_unknown_key_is_looked_for_once_more() -> None:
    """The function that mails may have got the new key before the one that answers."""
    behind = Links(lambda: [OLD], "https://answers.example.com", lambda: [NEW, OLD])

    assert behind.read_answer(token_of(links(NEW).score_url(JANE))) == JANE


def test_without_keys_every_link_is_forged() -> None:
    with pytest.raises(ForgedLinkError):
        links().read_answer(token_of(links(OLD).score_url(JANE)))
