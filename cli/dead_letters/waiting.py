"""What became of letters that were sent back: the ledger's word, or the letter that they are again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afterword.deciding.mappings import Mappings
from afterword.operating.becoming import Trace, became, trace
from afterword.operating.dead_letters import back_again, digest, why
from cli.progress import counting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.remembering.dead_letter_queue import DeadLetterQueue, Letter
    from cli.places import Place

DEAD_AGAIN = "dead again"
_EVERY = 2


@dataclass
class Sent:
    """What was sent back: of each letter its id and how to find it again, never its body."""

    place: Place
    now: int
    traces: dict[bytes, tuple[str, Trace | str]] = field(default_factory=dict)
    read: Callable[[str], Trace | str] = field(init=False)

    def __post_init__(self) -> None:
        """Load what it takes to read a body. Raises ParametersError."""
        parameters = self.place.parameters()
        mapper, secret = Mappings(parameters.mappings().loaded).read, parameters.customer_secret()
        self.read = lambda body: trace(body, self.now, mapper, secret)

    def __call__(self, letters: Sequence[Letter]) -> None:
        """Take in what was sent."""
        for each in letters:
            self.traces[digest(each.body)] = (each.id, self.read(each.body))


def wait_until_taken(
    queue: DeadLetterQueue,
    seconds: int,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait until the queue of shop events is empty, or for so many seconds; tell whether it is."""
    until = clock() + seconds
    with counting("messages still wait") as show:
        while left := queue.waiting():
            if clock() >= until:
                return False
            show(left)
            pause(_EVERY)
    return True


def outcomes(queue: DeadLetterQueue, sent: Sent, since: int) -> dict[str, str]:
    """Return by id what became of each letter.

    Args:
        queue: The dead-letter queue.
        sent: What was sent.
        since: When the redrive began, Unix milliseconds.
    """
    found: dict[str, str] = {}
    for known, letter in back_again(queue, set(sent.traces), since):
        identity, _ = sent.traces[known]
        found[identity] = f"{DEAD_AGAIN}: {why(letter).reason}"
    ledger = sent.place.ledger()
    campaigns = ledger.campaigns()
    with counting("letters", len(sent.traces)) as show:
        for number, (identity, traced) in enumerate(sent.traces.values(), 1):
            if identity not in found:
                known_now = traced if isinstance(traced, str) else became(ledger, traced, campaigns)
                found[identity] = (
                    known_now or "nothing in the ledger: no campaign wants it, or not yet"
                )
            show(number)
    return found
