"""The rules: pure, without a clock. Every time is in Unix seconds.

They are asked twice, when an event comes in and when its invitation is due: a rule that is checked
only at first would invite people who have been refunded since.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from afterword.deciding.campaigns import MAX_EXPIRY, OLDEST_EVENT, Campaign, ContactCap, Mode
from afterword.reading.shop_events import Purchase, Signup


class Reason(StrEnum):
    """Why an invitation ended, mostly without having been sent. docs/campaigns.md has a line on each."""

    TOO_OLD = "too_old"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    CANCELLED = "cancelled"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"
    EXPIRED = "expired"
    CAPPED = "capped"
    DRY_RUN = "dry_run"
    NOT_ON_ALLOW_LIST = "not_on_allow_list"
    REFUSED = "refused"
    PROVIDER_DROPPED = "provider_dropped"
    NO_TOKEN = "no_token"  # noqa: S105 - A reason.
    TOKEN_NOT_FOUND = "token_not_found"  # noqa: S105 - A reason.
    RESPONDENT_NOT_FOUND = "respondent_not_found"
    CAMPAIGN_CHANGED = "campaign_changed"
    SENT_BY_OPERATOR = "sent_by_operator"
    DROPPED_BY_OPERATOR = "dropped_by_operator"


@dataclass(frozen=True, slots=True)
class StopMark:
    """What a refund or a cancellation leaves at an occasion, whether or not it was known yet.

    Attributes:
        why: Which of the two it was.
        at: When it happened.
        amount: What went back, as the shop wrote it; None if it did not say.
        partial: Whether only a part of the order went back.
    """

    why: Literal["refunded", "cancelled"]
    at: int
    amount: str | None
    partial: bool


@dataclass(frozen=True, slots=True)
class Due:
    """The invitation waits until then."""

    at: int


@dataclass(frozen=True, slots=True)
class Send:
    """The invitation may go out now."""


@dataclass(frozen=True, slots=True)
class End:
    """The invitation ends, unsent."""

    reason: Reason


Decision = Due | End


def on_arrival(event: Purchase | Signup, campaign: Campaign, now: int) -> Decision | None:
    """What an event means to a campaign.

    Args:
        event: What happened.
        campaign: One campaign, whatever its mode: the mode is looked at when the time has come.
        now: Business now.

    Returns:
        None if the campaign does not want the event: another shop, another kind, or a condition
        that does not hold.
    """
    if not _is_wanted(event, campaign):
        return None
    # A delay that the provider holds begins with the call.
    delay = 0 if campaign.delay_held_by == "provider" else _seconds(campaign.delay)
    due = event.occurred + delay
    if now - event.occurred > _seconds(OLDEST_EVENT) or _before_start(campaign, event.occurred):
        return End(Reason.TOO_OLD)
    if _has_expired(campaign, due, now):
        return End(Reason.EXPIRED)
    return Due(due)


def when_due(  # noqa: PLR0913 - An invitation's row, by name.
    campaign: Campaign, *, kind: str, shop: str, occurred: int, due: int, email: str, now: int
) -> Send | End:
    """Decide again, now that the time has come.

    The campaign may have been changed since. Its conditions are not looked at again: the ledger
    does not keep the event.

    Args:
        campaign: The campaign as it is now.
        kind: The invitation's kind: `purchase` or `signup`.
        shop: The invitation's shop.
        occurred: When the event happened.
        due: When the invitation was due at first, so before any cap, retry or outage moved it:
            from there its expiry counts.
        email: The customer's address.
        now: Business now.
    """
    if (kind, shop) != (campaign.event, campaign.shop):
        return End(Reason.CAMPAIGN_CHANGED)
    if _before_start(campaign, occurred):
        return End(Reason.TOO_OLD)
    if _has_expired(campaign, due, now):
        return End(Reason.EXPIRED)
    if campaign.mode is Mode.DRY_RUN:
        return End(Reason.DRY_RUN)
    if campaign.mode is Mode.ALLOW_LIST and not campaign.allows(email):
        return End(Reason.NOT_ON_ALLOW_LIST)
    return Send()


def stopped_by(mark: StopMark | None, campaign: Campaign) -> Reason | None:
    """Why a stop mark ends an invitation; None if it does not."""
    if mark is None:
        return None
    if mark.why == "cancelled":
        return Reason.CANCELLED
    if not mark.partial:
        return Reason.REFUNDED
    return Reason.PARTIALLY_REFUNDED if campaign.on_partial_refund == "cancel" else None


def capped(last_at: int | None, cap: ContactCap | None, now: int) -> int | None:
    """Until when a customer is to be left alone.

    Args:
        last_at: When the customer was last invited, by any campaign; None: never.
        cap: The campaign's cap, if it has one.
        now: Business now.

    Returns:
        None if the customer may be invited, else the time from which this is so.
    """
    if last_at is None or cap is None:
        return None
    free_at = last_at + _seconds(cap.period)
    return None if now >= free_at else free_at


def _is_wanted(event: Purchase | Signup, campaign: Campaign) -> bool:
    same = (event.type, event.shop) == (campaign.event, campaign.shop)
    return same and all(condition.holds(event) for condition in campaign.conditions)


def _before_start(campaign: Campaign, occurred: int) -> bool:
    return campaign.starts_at is not None and occurred < campaign.starts_at.timestamp()


def _has_expired(campaign: Campaign, due: int, now: int) -> bool:
    # Without an expiry of its own, an invitation still ends before the ledger forgets it.
    return now - due > _seconds(campaign.expires_after or MAX_EXPIRY)


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
