"""What dead letters are, in plain words, and how they go back to the queue of shop events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from afterword.remembering.dead_letters import MOST_BYTES, MOST_ENTRIES, with_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from afterword.remembering.dead_letter_queue import DeadLetterQueue, Letter, Look

# What a look may take; longer ones see a letter twice, and know it.
HOLD = 120
_LONGEST_HOLD = 12 * 3600
# Letters a second, three calls for ten of them.
_AS_FAST_AS_IT_GOES = 50
UNDELIVERED = "not_delivered"
RECEIVED_TOO_OFTEN = "received_too_often"
NO_ROOM = "no_room_for_a_reason"
_REDRIVE = "Repair the cause, then redrive."
# What it means, and what to do. docs/events.md has more on the first seven.
EXPLAINED = {
    "not_json": ("The body is no JSON.", "Edit it, or have the shop send the event anew."),
    "no_known_event": (
        "Its type is none of the six shop events, or there is no mapping for its source.",
        "Put a mapping and redrive; edit it; or delete it, if it is no event of the shop's.",
    ),
    "unknown_version": ("Its version is not 1.", "Edit it, or have the shop send version 1."),
    "invalid_event": (
        "Fields are missing or wrong; the detail names them.",
        "Mend the mapping, or edit the fields, and redrive.",
    ),
    "no_notification": (
        "SNS says something else than a notification.",
        "Confirm the topic's subscription; the letter itself is of no use.",
    ),
    "too_many_envelopes": (
        "More than four envelopes, one in the other.",
        "Send the event on a shorter way, or edit the letter down to the event.",
    ),
    "in_the_future": (
        "It says that it will happen in over five minutes.",
        "Look at the shop's clock and zone. Once its time has come, redriving it is enough.",
    ),
    UNDELIVERED: (
        "EventBridge could not hand it to the queue for a day; the detail says why.",
        f"Look at the rule, and at the queue and its policy. {_REDRIVE}",
    ),
    RECEIVED_TOO_OFTEN: (
        "It failed for over a day: ledger or SSM were down, or it meets a fault of the software.",
        f"Look at the log of translate_events. {_REDRIVE}",
    ),
    NO_ROOM: (
        "Nobody says why: beside its body of 1 MiB is no room for a reason.",
        "The log of translate_events has it. Edit the letter down to the event.",
    ),
}
_UNKNOWN = ("A reason that this version does not know.", "See the documentation of what wrote it.")
_LONGEST_REASON = {"reason": "too_many_envelopes"}


@dataclass(frozen=True, slots=True)
class Why:
    """Why a letter is dead: the reason's name, its detail, what it means and what to do. No word of its body."""

    reason: str
    detail: str
    means: str
    then: str


def why(letter: Letter) -> Why:
    """Return why a letter is dead: by our own word, EventBridge's, or SQS's silence."""
    told = letter.attributes
    if "reason" in told:
        reason, detail = told["reason"], told.get("detail", "")
    elif "ERROR_CODE" in told:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        words = (told["ERROR_CODE"], told.get("ERROR_MESSAGE", ""))
        reason, detail = UNDELIVERED, ": ".join(filter(None, words))
    elif letter.source is None and not with_room(letter.body, _LONGEST_REASON):
        reason, detail = NO_ROOM, f"{len(letter.body.encode()):,} of {MOST_BYTES:,} bytes"
    else:
        reason, detail = RECEIVED_TOO_OFTEN, ""
    return Why(reason, detail, *EXPLAINED.get(reason, _UNKNOWN))


def source(letter: Letter) -> str:
    """Return where a letter came from: a queue's name, or a rule's."""
    told = letter.attributes
    arn = told.get("queue") or letter.source or told.get("RULE_ARN") or ""
    return arn.rpartition(":")[2]


def first_sent_at(letter: Letter) -> int:
    """Return when its message was sent at first (Unix seconds), as far as it is told."""
    told = letter.attributes.get("sent_at", "")
    return (int(told) if told.isascii() and told.isdigit() else letter.sent_at) // 1000


def find(queue: DeadLetterQueue, identity: str) -> Letter | None:
    """Look for a letter by its id, and leave all where they are; None: there is none."""
    with queue.look(HOLD) as look:
        return next((each for page in look for each in page if each.id == identity), None)


@dataclass(frozen=True, slots=True)
class Redrive:
    """Which letters are to go back, and how fast.

    Attributes:
        chosen: Tells which ones.
        before: Only those sent until then (Unix milliseconds): what comes back meanwhile stays.
        rate: At most so many a second; None: as fast as it goes.
        edited: What is sent in place of the body.
        hold: For how many seconds letters are hidden: about as long as it takes.
    """

    chosen: Callable[[Letter], bool]
    before: int
    rate: float | None = None
    edited: str | None = None
    hold: int = HOLD


def hold_for(letters: int, rate: float | None) -> int:
    """Return for how many seconds letters must be hidden, so that none shows twice while so many are sent back.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """
    return min(HOLD + int(2 * letters / (rate or _AS_FAST_AS_IT_GOES)), _LONGEST_HOLD)


def redrive(
    queue: DeadLetterQueue, wanted: Redrive, pause: Callable[[float], None]
) -> Iterator[list[Letter]]:
    """Send letters back, page by page: first sent, then deleted, so that whoever is interrupted loses nothing.

    Args:
        queue: The dead-letter queue.
        wanted: Which ones.
        pause: Waits so many seconds.

    Yields:
        What was sent, as it was sent.

    Raises:
        ClientError, BotoCoreError: SQS did not answer; what was not deleted stays.
    """
    with queue.look(wanted.hold) as look:
        for page in look:
            chosen = [each for each in page if each.sent_at <= wanted.before]
            chosen = [each for each in chosen if wanted.chosen(each)]
            for some in _in_steps(chosen, wanted.rate):
                yield _send(queue, look, some, wanted.edited)
                if wanted.rate:
                    pause(len(some) / wanted.rate)


def _in_steps(letters: list[Letter], rate: float | None) -> Iterator[list[Letter]]:
    step = max(1, min(MOST_ENTRIES, int(rate or MOST_ENTRIES)))
    for start in range(0, len(letters), step):
        yield letters[start : start + step]


def _send(
    queue: DeadLetterQueue, look: Look, letters: list[Letter], edited: str | None
) -> list[Letter]:
    if edited is not None:
        letters = [replace(each, body=edited) for each in letters]
    sent = queue.send_back(letters)
    done = [each for each in letters if each.id in sent]
    look.delete(done)
    return done


def digest(body: str) -> bytes:
    """Return what a body is known by once it has a new id; no word of it can be read from that."""
    return sha256(body.encode()).digest()[:16]


def back_again(
    queue: DeadLetterQueue, sent: set[bytes], since: int
) -> Iterator[tuple[bytes, Letter]]:
    """Look for letters that were sent and are dead again.

    Args:
        queue: The dead-letter queue.
        sent: Digests of what was sent.
        since: When the redrive began, Unix milliseconds.

    Yields:
        The digest, and the letter that it is now.
    """
    with queue.look(HOLD) as look:
        for page in look:
            for each in page:
                known = digest(each.body)
                if each.sent_at >= since and known in sent:
                    yield known, each
