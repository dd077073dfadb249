"""Tells the queue of all invitations that somebody must look after now."""

from collections.abc import Callable
from datetime import datetime
from itertools import batched

from invitation_service.delivering.messages import Message, Queue
from invitation_service.delivering.rules import LOOKED_AFTER_AGAIN
from invitation_service.delivering.store import Deliveries

# More than that are told of a minute later.
_MOST = 2_000
_AT_ONCE = 10


def sweep(store: Deliveries, queue: Queue, now: datetime, seconds_left: Callable[[], float]) -> int:
    """Tell of what is due, and let it be due again a quarter of an hour later.

    Args:
        store: Where deliveries are kept.
        queue: Where messages go.
        now: The time in UTC.
        seconds_left: Returns for how long this may go on.

    Returns:
        How many were told of.
    """
    count = 0
    for jobs in batched(store.due(now, _MOST), _AT_ONCE, strict=False):
        if seconds_left() < _AT_ONCE:
            break
        queue.send([Message.about(job) for job in jobs])
        # After: who is told of twice does nothing twice, who is not told of at all would wait.
        for job in jobs:
            store.put_off(job, now, now + LOOKED_AFTER_AGAIN)
        count += len(jobs)
    return count
