"""The balance: a world in which all went well balances, and each thing that can be wrong is found."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import pytest

from afterword.deciding.customer_key import customer_key
from benchmarks.soak.balance import Balance, Ledger, Sheet
from benchmarks.soak.campaigns import SECRET
from benchmarks.soak.events import LEAVES, STOPS, Events, Fact

EVENTS = Events(3, 1500, 1000)


@dataclass
class World:
    """What a perfect run leaves behind."""

    ledger: Ledger = field(default_factory=Ledger)
    letters: dict[str, tuple[str, int]] = field(default_factory=dict)
    accepted: dict[tuple[str, int], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def __post_init__(self) -> None:
        self.ledger.batches["B1"] = "sent"
        for number in range(EVENTS.count):
            self.take(number, EVENTS.fact(number))

    def take(self, number: int, fact: Fact) -> None:
        if fact.poison:
            self.letters[str(number)] = fact.poison, crc32(EVENTS.body(number).encode())
        elif fact.role in STOPS:
            self.ledger.marks.add(fact.occasion)
        elif fact.role in LEAVES:
            key = customer_key(fact.email, SECRET.encode())
            self.ledger.left.add(f"C#{fact.shop}#{key}")
        elif fact.role == "ask":
            for campaign in fact.campaigns():
                gone = campaign.slow
                state = "ended.expired" if gone else "claimed.B1"
                self.ledger.invitations[f"{fact.occasion}|I#{campaign.id}"] = state
                if not gone:
                    person = fact.token if campaign.account == "panel" else fact.email
                    self.accepted[campaign.account, campaign.survey][person or ""] += 1

    def sheet(self) -> Sheet:
        balance = Balance(EVENTS, self.ledger, self.letters)
        return balance.sheet(lambda account, survey: self.accepted[account, survey])

    def one(self, state: str = "claimed.B1", campaign: str = "north-purchase") -> str:
        """Return an invitation's key."""
        return next(
            key
            for key, found in self.ledger.invitations.items()
            if found == state and key.endswith(f"I#{campaign}")
        )


@pytest.fixture
def world() -> World:
    return World()


def test_a_world_in_which_all_went_well_balances(world: World) -> None:
    sheet = world.sheet()
    assert sheet.errors == {}
    assert sheet.events.total() == EVENTS.count
    assert sheet.invitations.total() == len(world.ledger.invitations)
    assert sheet.provider["sent, as the ledger says"] == sheet.invitations["sent"] > 500
    printed = "\n".join(sheet.lines())
    assert "ERROR" not in printed


def break_(world: World, what: str) -> None:
    ledger = world.ledger
    match what:
        case "lost invitations":
            del ledger.invitations[world.one("ended.expired", "north-signup")]
        case "lost dead letters":
            world.letters.popitem()
            world.letters["x"] = "not_json", 0
        case "good events among the dead letters":
            world.letters["x"] = "not_json", 0
        case "lost stops":
            ledger.marks.pop()
        case "lost leavings":
            ledger.left.pop()
        case "not finished":
            ledger.invitations[world.one("ended.expired", "north-signup")] = "pending"
        case "not expected":
            ledger.invitations["O#north#purchase#x|I#north-purchase"] = "ended.expired"
        case "sent twice":
            world.accepted["shop", 1].update([next(iter(world.accepted["shop", 1]))])
        case "lost: sent, but the provider knows nothing":
            del world.accepted["shop", 1][next(iter(world.accepted["shop", 1]))]
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize(
    "what",
    [
        "lost invitations",
        "lost dead letters",
        "good events among the dead letters",
        "lost stops",
        "lost leavings",
        "not finished",
        "not expected",
        "sent twice",
        "lost: sent, but the provider knows nothing",
    ],
)
def test_what_is_wrong_is_found(world: World, what: str) -> None:
    break_(world, what)
    sheet = world.sheet()
    assert sheet.errors[what] > 0
    assert f"ERROR {what}: " in "\n".join(sheet.lines())
    assert (sheet.lost() > 0) == what.startswith("lost")


def test_an_ending_needs_its_cause(world: World) -> None:
    stopped = {EVENTS.fact(n).occasion for n in range(EVENTS.count) if EVENTS.fact(n).role in STOPS}
    slow = [key for key, state in world.ledger.invitations.items() if state == "ended.expired"]
    known = next(key for key in slow if key.partition("|")[0] in stopped)
    unknown = next(key for key in slow if key.partition("|")[0] not in stopped)
    world.ledger.invitations[known] = "ended.cancelled"
    assert world.sheet().errors == {}
    world.ledger.invitations[unknown] = "ended.cancelled"
    assert world.sheet().errors == {"stopped, nobody knows why": 1}
    world.ledger.invitations[unknown] = "ended.erased"
    assert world.sheet().errors == {"left, nobody knows why": 1}


def test_who_was_asked_long_after_a_cancellation_is_found(world: World) -> None:
    for number in range(EVENTS.count):
        fact = EVENTS.fact(number)
        if fact.role == "cancellation" and fact.kind == "signup" and fact.shop == "south":
            world.ledger.invitations[f"{fact.occasion}|I#south-signup"] = "claimed.B1"
            world.accepted["vendor", 2][fact.email] += 1
    errors = world.sheet().errors
    assert errors.keys() == {"asked although stopped"}


def test_of_who_is_held_the_provider_says_whether_they_were_asked(world: World) -> None:
    world.ledger.batches["B2"] = "held.ambiguous_at_provider"
    asked, other = world.one(), world.one(campaign="south-purchase")
    world.ledger.invitations[asked] = "claimed.B2"
    world.ledger.invitations[other] = "held.no_address"
    number = int(other.partition("|")[0].rpartition("#")[2])
    world.accepted["vendor", 1][EVENTS.fact(number).email] -= 1
    sheet = world.sheet()
    assert sheet.errors == {}
    assert sheet.invitations["held.ambiguous_at_provider"] == 1
    assert sheet.invitations["held.no_address"] == 1
    assert sheet.provider["held, and in truth sent"] == 1


def test_the_ledger_is_read_from_its_items() -> None:
    def item(pk: str, sk: str, **more: Any) -> bytes:
        texts = {"pk": pk, "sk": sk, **more}
        return json.dumps({name: {"S": text} for name, text in texts.items()}).encode()

    ledger = Ledger()
    ledger.take(
        [
            item("O#a", "!"),
            item("O#a", "I#c", state="ended", reason="refunded"),
            item("O#b", "I#c", state="claimed", batch="1"),
            item("O#b", "I#d", state="claimed", batch="2"),
            item("O#b", "I#e", state="claimed", batch="3"),
            item("O#b", "I#f", state="pending"),
            item("B#1", "-", state="sent"),
            item("B#2", "-", state="held", reason="killed_in_call"),
            item("B#3", "-", state="calling"),
            item("B#1", "M#0000"),
            item("C#x", "-", suppressed="erased"),
            item("C#y", "-"),
            item("P#shop", "-"),
        ]
    )
    assert (ledger.marks, ledger.left) == ({"O#a"}, {"C#x"})
    assert {key: ledger.outcome(key) for key in [*ledger.invitations, "O#x|I#c"]} == {
        "O#a|I#c": "ended.refunded",
        "O#b|I#c": "sent",
        "O#b|I#d": "held.killed_in_call",
        "O#b|I#e": "unfinished",
        "O#b|I#f": "pending",
        "O#x|I#c": None,
    }
