"""The numbers that delivering goes by, and the times that follow from them. Pure."""

from datetime import datetime, timedelta

# One connection for so many; few enough for a message to be done in a fraction of its time.
SLICE = 50
# Who is killed leaves as many uncertain at most. Twice as many and one fit in a transaction.
GROUP = 10
# Two more actions count them; a transaction has at most 100.
STRETCH = 90
# Longer than the function that claims may run, so that nobody is at it any more.
CLAIMS_LAST = timedelta(minutes=6)
# The sweep finds by then what a lost message, or a killed worker, left undone.
LOOKED_AFTER_AGAIN = timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(hours=24)
# A mail may take two connections, three commands and the server's last word.
SECONDS_FOR_A_MAIL = 160.0
# A mail server that lets go of so many in a row would soon have let go of all.
UNCERTAIN_IN_A_ROW = 3
SECONDS_FOR_A_STRETCH = 30.0

_DELAYS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))


def delay(tries: int) -> timedelta:
    """Return how long is waited after so many tries that failed, at least 1."""
    return _DELAYS[min(tries, len(_DELAYS)) - 1]


def minute_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's minute."""
    return moment.replace(second=0, microsecond=0)


def next_minute(moment: datetime) -> datetime:
    """Return the beginning of the minute after a moment's."""
    return minute_of(moment) + timedelta(minutes=1)


def is_over(since: datetime | None, lasts: timedelta, now: datetime) -> bool:
    """Say whether what began at a moment has lasted for long enough; never, if it has not begun."""
    return since is not None and now - since >= lasts
