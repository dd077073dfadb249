"""How the writes of an index are spread over its partitions, each of which bears 1,000 units a second.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

WINDOW = 1000


@dataclass(slots=True)
class Heat:
    """Entries that were put in or taken out.

    Attributes:
        written: How many, by partition.
        hottest: The most of any thousand in a row that were of the same partition.
    """

    written: Counter[str] = field(default_factory=Counter)
    hottest: int = 0
    _window: Counter[str] = field(default_factory=Counter)
    _left: int = WINDOW

    def note(self, partition: str) -> None:
        """Count an entry."""
        self.written[partition] += 1
        self._window[partition] += 1
        self._left -= 1
        if self._left == 0:
            self.hottest = max(self.hottest, *self._window.values())
            self._window.clear()
            self._left = WINDOW
