"""What came in, what the ledger, the dead letters and the provider say of it, and every difference."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from afterword.deciding.customer_key import customer_key
from benchmarks.soak.campaigns import CAMPAIGNS, SECRET
from benchmarks.soak.events import LEAVES, STOPS, Events, Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.soak.campaigns import Campaign

type Survey = tuple[str, int]

_OPEN = {"pending", "unfinished"}
# What an ending says of its cause.
_STOPPED = {"ended.refunded", "ended.cancelled", "ended.partially_refunded"}
_LEFT = {"ended.unsubscribed", "ended.erased"}
# Beside these nothing is said of a batch's members: somebody still has to look after it.
_SETTLED = {"sent": "sent", "provider_dropped": "ended.provider_dropped"}


@dataclass
class Ledger:
    """What the ledger holds in the end, by key.

    Attributes:
        invitations: Their states, `ended.<reason>`, `held.<reason>`, or the batch that claimed them.
        batches: Their states, or `held.<reason>`.
        marks: The occasions that were stopped.
        left: The customers who do not want to be asked.
    """

    invitations: dict[str, str] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    def take(self, lines: Iterable[bytes]) -> None:
        """Take in items, each as a line of typed JSON."""
        for line in lines:
            item = orjson.loads(line)
            pk, sk = item["pk"]["S"], item["sk"]["S"]
            if pk.startswith("O#") and sk == "!":
                self.marks.add(pk)
            elif pk.startswith("O#"):
                self.invitations[f"{pk}|{sk}"] = _state(item)
            elif pk.startswith("B#") and sk == "-":
                self.batches[pk.removeprefix("B#")] = _state(item)
            elif pk.startswith("C#") and "suppressed" in item:
                self.left.add(pk)

    def outcome(self, key: str) -> str | None:
        """Return what became of an invitation; None: nobody knows of it."""
        state = self.invitations.get(key)
        if state is None or not state.startswith("claimed."):
            return state
        batch = self.batches.get(state.removeprefix("claimed."), "")
        return batch if batch.startswith("held.") else _SETTLED.get(batch, "unfinished")


@dataclass
class Sheet:
    """A balance sheet.

    Attributes:
        events: What came in, by what it was.
        invitations: What became of those that were wanted.
        provider: What the provider says.
        errors: Every difference.
    """

    events: Counter[str] = field(default_factory=Counter)
    invitations: Counter[str] = field(default_factory=Counter)
    provider: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterable[str]:
        """Return it as a person reads it."""
        for title, counts in (
            ("events in", self.events),
            ("invitations that these asked for", self.invitations),
            ("people whom the providers accepted", self.provider),
        ):
            yield f"{title:<46}{counts.total():>12,}"
            for name, count in sorted(counts.items()):
                yield f"  {name:<44}{count:>12,}"
        yield f"{'sent twice':<46}{self.errors['sent twice']:>12,}"
        yield f"{'lost':<46}{self.lost():>12,}"
        for name, count in sorted((+self.errors).items()):
            yield f"ERROR {name}: {count:,}"

    def lost(self) -> int:
        """Count what is nowhere."""
        return sum(count for name, count in self.errors.items() if name.startswith("lost"))


class Balance:
    """Compares what should be with what is.

    Args:
        events: What came in.
        ledger: What the ledger holds.
        letters: Dead letters by message id: reason and the body's checksum.
    """

    def __init__(
        self, events: Events, ledger: Ledger, letters: Mapping[str, tuple[str, int]]
    ) -> None:
        self._events = events
        self._ledger = ledger
        self._letters = letters
        self._sheet = Sheet()
        self._sent: dict[Survey, Counter[str]] = defaultdict(Counter)
        self._held: dict[Survey, Counter[str]] = defaultdict(Counter)
        facts = [fact for fact in map(events.fact, range(events.count)) if fact.role != "ask"]
        self._stopped = {_occasion(each) for each in facts if each.role in STOPS}
        self._ended = {_occasion(each) for each in facts if each.role in STOPS - {"partial refund"}}
        self._left = {(each.shop, each.person) for each in facts if each.role in LEAVES}

    def sheet(
        self,
        accepted: Callable[[str, int], Mapping[str, int]],
        tell: Callable[[int], None] = lambda _: None,
    ) -> Sheet:
        """Draw up the sheet.

        Args:
            accepted: Returns how often each person was accepted, by account and survey.
            tell: Hears how many events were looked at.
        """
        for number in range(self._events.count):
            self._look(number, self._events.fact(number))
            tell(number + 1)
        errors, sheet = self._sheet.errors, self._sheet
        errors["not expected"] = len(self._ledger.invitations) - sheet.invitations.total()
        poison = sum(count for name, count in sheet.events.items() if name.startswith("dead"))
        errors["good events among the dead letters"] = len(self._letters) - poison
        for survey in {(each.account, each.survey) for each in CAMPAIGNS}:
            self._compare(accepted(*survey), self._sent[survey], self._held[survey])
        sheet.errors = Counter({name: count for name, count in errors.items() if count})
        return sheet

    def _look(self, number: int, fact: Fact) -> None:
        events, errors = self._sheet.events, self._sheet.errors
        match fact.role:
            case "ask":
                campaigns = fact.campaigns()
                events["purchases and signups" if campaigns else "wanted by no campaign"] += 1
                for campaign in campaigns:
                    self._look_at(fact, campaign)
            case "poison":
                events[f"dead letters: {fact.poison}"] += 1
                letter = (fact.poison, crc32(self._events.body(number).encode()))
                errors["lost dead letters"] += self._letters.get(str(number)) != letter
            case "again":
                events["the same event again"] += 1
            case role if role in STOPS:
                events["refunds and cancellations"] += 1
                errors["lost stops"] += fact.occasion not in self._ledger.marks
            case _:
                events["unsubscriptions and erasures"] += 1
                key = customer_key(fact.email, SECRET.encode())
                errors["lost leavings"] += f"C#{fact.shop}#{key}" not in self._ledger.left

    def _look_at(self, fact: Fact, campaign: Campaign) -> None:
        errors, survey = self._sheet.errors, (campaign.account, campaign.survey)
        outcome = self._ledger.outcome(f"{fact.occasion}|I#{campaign.id}")
        if outcome is None:
            errors["lost invitations"] += 1
            return
        self._sheet.invitations[outcome] += 1
        person = fact.token if campaign.account == "panel" else fact.email
        if outcome == "sent":
            self._sent[survey][person or ""] += 1
        if outcome.startswith("held."):
            self._held[survey][person or ""] += 1
        stopped, left = _occasion(fact), (fact.shop, fact.person)
        errors["not finished"] += outcome in _OPEN
        errors["stopped, nobody knows why"] += outcome in _STOPPED and stopped not in self._stopped
        errors["left, nobody knows why"] += outcome in _LEFT and left not in self._left
        gone = stopped in self._ended or left in self._left
        errors["asked although stopped"] += campaign.slow and gone and outcome == "sent"

    def _compare(self, accepted: Mapping[str, int], sent: Counter[str], held: Counter[str]) -> None:
        """Hold the provider's books against the ledger: of who is held, they say whether they were asked."""
        provider, errors = self._sheet.provider, self._sheet.errors
        for person in {*accepted, *sent, *held}:
            times, known = accepted.get(person, 0), sent[person]
            asked = min(max(times - known, 0), held[person])
            provider["sent, as the ledger says"] += min(times, known)
            provider["held, and in truth sent"] += asked
            errors["sent twice"] += max(times - known - asked, 0)
            errors["lost: sent, but the provider knows nothing"] += max(known - times, 0)


def _state(item: Mapping[str, Any]) -> str:
    state: str = item["state"]["S"]
    match state:
        case "ended" | "held":
            return f"{state}.{item['reason']['S']}"
        case "claimed":
            return f"claimed.{item['batch']['S']}"
        case _:
            return state


def _occasion(fact: Fact) -> tuple[str, int]:
    return fact.kind, fact.about
