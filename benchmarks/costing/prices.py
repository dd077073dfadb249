"""AWS's list prices, and what so much of each comes to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES = Path(__file__).parents[1] / "prices.json"


@dataclass(frozen=True, slots=True)
class Price:
    """A price in US dollars.

    Attributes:
        usd: For so many.
        per: How many.
        free: How many an account has free of charge each month.
        what: Of what.
        sources: Two pages that say so.
    """

    usd: float
    per: float
    free: float
    what: str
    sources: tuple[str, ...]

    def of(self, amount: float, *, less_free: bool = False) -> float:
        """Return what an amount costs a month, in US dollars; `less_free`: if the account uses nothing else."""
        return max(0.0, amount - (self.free if less_free else 0)) * self.usd / self.per


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices by name, where they hold, and when they were looked up (ISO 8601)."""

    region: str
    read: str
    prices: Mapping[str, Price]

    def bill(self, amounts: Mapping[str, float], *, less_free: bool = False) -> dict[str, float]:
        """Return what amounts by the price's name cost, in US dollars.

        Raises:
            KeyError: There is no such price.
        """
        return {
            name: self.prices[name].of(amount, less_free=less_free)
            for name, amount in amounts.items()
        }


def read_prices(path: Path = PRICES) -> PriceList:
    """Read a price list from JSON."""
    found = json.loads(path.read_text(encoding="utf-8"))
    prices = {
        name: Price(**(each | {"sources": tuple(each["sources"])}))
        for name, each in found["prices"].items()
    }
    return PriceList(found["region"], found["read"], prices)
