"""What is known of a request decides whether it may be sent again."""

from __future__ import annotations

import pytest

from afterword.sending.attempts import Attempt
from afterword.sending.calls import Answer, LostError, NeverSentError, Request

REQUEST = Request("POST", "https://example.com", {}, b"a=1")
HEAD = Answer(200, {}, b"")


def test_what_has_not_begun_was_never_sent() -> None:
    assert isinstance(Attempt(REQUEST).fail("refused"), NeverSentError)


def test_what_has_begun_may_have_been_processed() -> None:
    one = Attempt(REQUEST)
    one.begin()
    assert isinstance(one.fail("reset"), LostError)


def test_what_was_given_up_does_not_begin() -> None:
    one = Attempt(REQUEST)
    assert isinstance(one.give_up(), NeverSentError)
    with pytest.raises(TimeoutError):
        one.begin()


def test_who_gives_up_while_it_begins_takes_it_for_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    one, found = Attempt(REQUEST), []
    monkeypatch.setattr(one, "go_on", lambda: found.append(one.give_up()))
    one.begin()
    assert isinstance(found[0], LostError)


def test_a_status_that_is_known_is_not_given_up() -> None:
    one = Attempt(REQUEST)
    one.begin()
    one.head = HEAD
    assert one.give_up() is HEAD
    one.result = Answer(200, {}, b"{}")
    assert one.give_up() is one.result
