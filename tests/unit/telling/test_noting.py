from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from afterword.noting import Measured, Notes, shown


def test_what_was_noted_is_told_once_and_in_its_order() -> None:
    notes = Notes()
    notes.measure("RetryAfter", 30, account="shop")
    notes.measure("ProviderCalls", account="shop")
    assert notes.take_measured() == [
        Measured("RetryAfter", 30, {"account": "shop"}),
        Measured("ProviderCalls", 1, {"account": "shop"}),
    ]
    assert notes.take_measured() == []


def test_what_became_of_a_campaigns_invitations_adds_up() -> None:
    notes = Notes()
    counts = Counter(sent=2)
    notes.became("one", counts)
    notes.became("one", Counter(sent=1, held=1))
    notes.became("two", Counter(held=1))
    assert notes.take_became() == {"one": Counter(sent=3, held=1), "two": Counter(held=1)}
    assert (notes.take_became(), counts) == ({}, Counter(sent=2))


def test_threads_may_note_while_it_is_told() -> None:
    notes = Notes()
    told = []
    with ThreadPoolExecutor(4) as workers:
        for _ in range(400):
            workers.submit(notes.measure, "ProviderCalls", account="shop")
            told += notes.take_measured()
    assert len(told + notes.take_measured()) == 400


@pytest.mark.parametrize("plain", ["A-1001", "demo#purchase#A-1", "8a21-44f0"])
def test_an_id_is_shown_as_it_is(plain: str) -> None:
    assert shown(plain) == plain


@pytest.mark.parametrize(
    "address",
    [
        "jana@shop.test",
        "demo#purchase#jana%40shop.test#after",
        "jana planted",
        "demo#purchase#jana%20planted#after",
        "jana\u00edna",
        "jana" * 51,
    ],
)
def test_what_a_person_may_be_read_from_is_shown_as_a_hash_that_stays_the_same(
    address: str,
) -> None:
    hidden = shown(address)
    assert hidden.startswith("sha256:")
    assert "jana" not in hidden
    assert hidden == shown(address) != shown(f"x{address}")
