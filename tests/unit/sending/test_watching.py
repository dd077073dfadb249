"""What calls to providers leave behind for metrics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from afterword.noting import Measured, Notes
from afterword.sending.provider import (
    Each,
    LookUpError,
    Puzzling,
    Recipient,
    Refused,
    Retry,
    Sent,
    Terms,
    Uncertain,
    label,
)
from afterword.sending.watching import Watched, timed
from tests.support.fakes import Clock, FakeProvider

if TYPE_CHECKING:
    from afterword.sending.provider import Outcome, Provider, Single

JANA = Recipient("jana@example.com", "Jana", "cs")
QUOTA = Retry("quota", after=3600, whole_account=True)


def watched(*outcomes: Outcome) -> tuple[Watched, FakeProvider, Notes]:
    notes, provider = Notes(), FakeProvider(Clock())
    provider.outcomes.extend(outcomes)
    return Watched(provider, "shop", notes), provider, notes


def outcomes(notes: Notes) -> Counter[str]:
    found = [each for each in notes.take_measured() if each.metric == "ProviderOutcomes"]
    assert {each.about["account"] for each in found} <= {"shop"}
    return Counter(each.about["outcome"] for each in found)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Sent(1), "sent"),
        (Refused("http_422"), "refused"),
        (Uncertain("no answer: time-out"), "uncertain"),
        (Retry("uncertain_resent", doubtful=True), "uncertain"),
        (Puzzling("netquest: unknown error"), "puzzling"),
        (Retry("unreachable: ConnectionError", outage=True), "unreachable"),
        (Retry("no answer: time-out", outage=True), "unreachable"),
        (Retry("credentials", breaks=True), "credentials"),
        (QUOTA, "quota"),
        (Retry("http_429"), "rate_limited"),
        (Retry("not_called"), "not_called"),
        (Retry("still_being_sent", after=60), "busy"),
        (Retry("http_404"), "retry"),
    ],
)
def test_an_outcome_is_one_of_a_few_words(outcome: Single, word: str) -> None:
    assert label(outcome) == word


def test_a_watched_provider_is_as_it_was() -> None:
    watch, provider, _ = watched()
    kept: Provider = watch
    for name in (
        "most_recipients",
        "call_seconds",
        "calls_per_minute",
        "replays_key",
        "one_by_one",
    ):
        assert getattr(kept, name) == getattr(provider, name)
    assert kept.fault(Terms()) is None
    assert watch.encode([JANA]) == provider.encode([JANA])
    assert kept.invite(1, kept.encode([JANA], Terms()), "B1") == Sent(1)
    assert provider.invited == ["jana@example.com"]


def test_each_call_is_noted_with_its_outcome() -> None:
    watch, _, notes = watched(Uncertain("http_502"), Sent(None))
    for _ in range(2):
        watch.invite(1, watch.encode([JANA]), "B1")
    assert outcomes(notes) == {"uncertain": 1, "sent": 1}


def test_of_one_by_one_each_recipient_is_noted() -> None:
    watch, _, notes = watched(Each((Sent(None), QUOTA, QUOTA)))
    watch.invite(1, watch.encode([JANA]), "B1")
    assert outcomes(notes) == {"sent": 1, "quota": 2}


def test_looks_are_noted_apart_from_invitations() -> None:
    watch, provider, notes = watched()
    assert watch.list_after(1, 0) == []
    watch.invite(1, watch.encode([JANA]), "B1")
    assert watch.show(1, 1).id == 1
    assert outcomes(notes) == {"answered": 2, "sent": 1}
    provider.unreachable = Retry("credentials", breaks=True)
    with pytest.raises(LookUpError):
        watch.list_after(1, 0)
    assert outcomes(notes) == {"credentials": 1}


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (Retry("http_429", after=90, whole_account=True), [90]),
        (Retry("http_503", after=5, whole_account=True), [5]),
        (Retry("http_429"), []),
        (Retry("still_being_sent", after=60), []),
        (Sent(1), []),
    ],
)
def test_how_long_a_provider_told_us_to_wait_is_noted_and_not_our_guess(
    outcome: Single, seconds: list[int]
) -> None:
    assert not isinstance(outcome, Puzzling)
    watch, _, notes = watched(outcome)
    watch.invite(1, watch.encode([JANA]), "B1")
    told = [each.value for each in notes.take_measured() if each.metric == "RetryAfter"]
    assert told == seconds


def test_a_request_is_counted_and_timed_however_it_ends() -> None:
    notes, moments = Notes(), iter([10.0, 10.0804, 20.0, 40.0])
    with timed(notes, "shop", lambda: next(moments)):
        pass
    with pytest.raises(TimeoutError), timed(notes, "shop", lambda: next(moments)):
        raise TimeoutError
    about = {"account": "shop"}
    assert notes.take_measured() == [
        Measured("ProviderCalls", 1, about),
        Measured("ProviderLatency", 80.4, about),
        Measured("ProviderCalls", 1, about),
        Measured("ProviderLatency", 20_000, about),
    ]
