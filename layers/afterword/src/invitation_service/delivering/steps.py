"""The steps that an addressee takes from state to state. Pure."""

from dataclasses import replace
from datetime import datetime

from invitation_service.delivering.records import Addressee, Move
from invitation_service.delivering.rules import GIVEN_UP_AFTER, delay, is_over
from invitation_service.mailing.outcomes import Delivered, Later, Outcome, Refused
from invitation_service.people.records import Delivery

GAVE_UP = "gave_up"


def claimed(addressee: Addressee, claim: str, now: datetime) -> Move:
    """Return the step by which somebody begins to mail."""
    return _to(addressee, Delivery.SENDING, claim=claim, claimed_at=now)


def put_back(addressee: Addressee) -> Move:
    """Return the step back of somebody who was claimed, but whom nobody tried to mail."""
    return _to(addressee, Delivery.WAITING)


def suppressed(addressee: Addressee, reason: str) -> Move:
    """Return the step of somebody who is not to be mailed."""
    return _to(addressee, Delivery.SUPPRESSED, reason)


def uncertain(addressee: Addressee, reason: str) -> Move:
    """Return the step of somebody of whom nobody knows whether they were mailed."""
    return _to(addressee, Delivery.UNCERTAIN, reason)


def given_up(addressee: Addressee) -> Move:
    """Return the step of somebody who was tried for too long."""
    return _to(addressee, Delivery.FAILED, GAVE_UP)


def told(addressee: Addressee, outcome: Outcome, now: datetime) -> Move:
    """Return the step that follows from what became of the mail."""
    match outcome:
        case Delivered():
            return _to(addressee, Delivery.DELIVERED)
        case Refused(reason):
            return _to(addressee, Delivery.FAILED, reason)
        case Later(reason):
            return _later(addressee, reason, now)
    return uncertain(addressee, outcome.reason)


def _later(addressee: Addressee, reason: str, now: datetime) -> Move:
    since = addressee.first_tried_at or now
    if is_over(since, GIVEN_UP_AFTER, now):
        return given_up(addressee)
    tries = addressee.attempts + 1
    move = _to(addressee, Delivery.WAITING, reason)
    after = replace(move.after, attempts=tries, first_tried_at=since, retry_at=now + delay(tries))
    return Move(addressee, after)


def _to(
    addressee: Addressee,
    delivery: Delivery,
    reason: str | None = None,
    *,
    claim: str = "",
    claimed_at: datetime | None = None,
) -> Move:
    recipient = addressee.recipient.model_copy(update={"delivery": delivery, "reason": reason})
    after = replace(
        addressee, recipient=recipient, claim=claim, claimed_at=claimed_at, retry_at=None
    )
    return Move(addressee, after)
