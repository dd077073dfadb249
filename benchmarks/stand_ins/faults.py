"""Which calls fail, and how: a seeded share of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Faults:
    """Chooses the calls that fail.

    Attributes:
        share: From 0 to 1.
        seed: The same seed and calls give the same faults.
        injected: How many there were, by kind.
    """

    share: float = 0
    seed: int = 0
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin at the seed."""
        self._random = Random(self.seed)  # noqa: S311 -- chance, no secret

    def next(self, what: str, kinds: Sequence[str]) -> str | None:
        """Return how this call fails; None: it does not.

        Args:
            what: Names the call, for the count.
            kinds: What may happen to it. A kind that stands there twice happens twice as often.
        """
        if not self.share or self._random.random() >= self.share:
            return None
        kind = self._random.choice(kinds)
        self.injected[f"{what}: {kind}"] += 1
        return kind
