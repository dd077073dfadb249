"""A person's word that nothing goes out for now: to anybody, through an account, or for a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING = "all"
# The last second that a datetime can name: a pause without an end is lifted by a person.
FOR_GOOD = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when, until when (wall times, Unix seconds; None: until somebody resumes) and why."""

    since: int
    until: int | None = None
    reason: str | None = None

    @property
    def end(self) -> int:
        """When it ends by itself."""
        return FOR_GOOD if self.until is None else self.until


def of_account(account: str) -> str:
    """Return the name of a pause of one account."""
    return f"account:{account}"


def of_campaign(campaign: str) -> str:
    """Return the name of a pause of one campaign."""
    return f"campaign:{campaign}"


def paused_until(pauses: Mapping[str, Pause], account: str, campaign: str | None) -> int:
    """Return until when an account's and a campaign's calls are paused; 0: they never were.

    Args:
        pauses: By name.
        account: The account.
        campaign: The campaign; None: whichever.
    """
    names = [EVERYTHING, of_account(account), *([of_campaign(campaign)] if campaign else [])]
    return max((pauses[name].end for name in names if name in pauses), default=0)
