"""The main job as a story: one step per event, each with what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from local.samples import EVENTS, read_sample
from local.waiting import wait_until
from local.witness import Seen, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from local.deployment import Deployment
    from local.witness import Witness

# The mail goes through a queue and a function that starts for it.
_SECONDS_TO_KEEP_A_PROMISE = 60
_NO_ANSWER = ""
_INVITED = "invitation *: delivered, 1 recipient"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done, and what is promised to come of it.

    Attributes:
        title: What is done, in a few words.
        act: Does it.
        look: Looks for what came of it.
        promise: What it will find; a `*` stands for any text. None: whatever it finds is right.
    """

    title: str
    act: Callable[[], None]
    look: Callable[[], Seen]
    promise: Seen | None


@dataclass(frozen=True, slots=True)
class Row:
    """How a step went.

    Attributes:
        title: What was done.
        seen: What was found at last.
        promise: What was promised, if anything was.
        kept: Whether it was found as promised.
        seconds: How long it took.
    """

    title: str
    seen: Seen
    promise: Seen | None
    kept: bool
    seconds: float


def take(step: Step, *, seconds: float = _SECONDS_TO_KEEP_A_PROMISE) -> Row:
    """Do a step, and look until its promise is kept or the time is over.

    Args:
        step: The step.
        seconds: How long to look for the promise after it was done.

    Returns:
        How it went.

    Raises:
        LocalError: It could not be done.
    """
    began, found = monotonic(), []
    step.act()

    def kept() -> bool:
        found.append(step.look())
        return _matches(found[-1], step.promise)

    as_promised = wait_until(kept, seconds=seconds)
    return Row(step.title, found[-1], step.promise, as_promised, monotonic() - began)


def sending(deployment: Deployment, witness: Witness, title: str, event: dict[str, Any]) -> Step:
    """Make the step of one event of which nothing is promised.

    Args:
        deployment: Where it is sent.
        witness: Looks for what comes of it.
        title: What is sent.
        event: The event.

    Returns:
        The step. It tells whether the event changed anything.
    """
    before = witness.look(event)

    def look() -> Seen:
        now = witness.look(event)
        # Not by the provider's answer: an invitation goes on to be mailed, whatever we do.
        is_new = now.decided != before.decided
        return now if is_new else Seen(f"nothing new\n{now.decided}", now.answered)

    return Step(title, partial(deployment.put_event, event), look, None)


def story(deployment: Deployment, witness: Witness, began: datetime) -> Iterator[Step]:
    """Tell what Afterword does, step by step; take each step before the next is asked for.

    Args:
        deployment: Afterword on a local cloud to which nothing has been sent yet.
        witness: Looks for what comes of the steps.
        began: When the events of the story happened: now.

    Yields:
        The steps.
    """
    in_2_hours = f"due on {moment(began + timedelta(hours=2))}"
    in_30_days = f"due on {moment(began + timedelta(days=30))}"

    def sample(name: str) -> dict[str, Any]:
        return read_sample(EVENTS / f"{name}.json", began)

    def event(title: str, name: str, decided: str, answered: str = _NO_ANSWER) -> Step:
        sent = sample(name)
        put, look = partial(deployment.put_event, sent), partial(witness.look, sent)
        return Step(title, put, look, Seen(decided, answered))

    def nothing_new(title: str, act: Callable[[], None], name: str, total: str) -> Step:
        before = witness.look(sample(name))

        def look() -> Seen:
            now = witness.look(sample(name))
            return Seen("nothing new" if now == before else now.decided, witness.total())

        return Step(title, act, look, Seen("nothing new", total))

    yield event("purchase A-1001", "purchase", "after-purchase: sent", _INVITED)
    again = partial(deployment.put_event, sample("purchase"))
    yield nothing_new("the same purchase again", again, "purchase", "1 invitation")
    yield event("signup C-2001", "signup", f"after-signup: {in_30_days}")
    yield event("large purchase A-1002", "purchase-waiting", f"after-large-purchase: {in_2_hours}")
    yield event("refund of A-1002", "refund", "after-large-purchase: ended, refunded")
    yield event(
        "large purchase A-1003", "purchase-to-cancel", f"after-large-purchase: {in_2_hours}"
    )
    yield event("cancellation of A-1003", "cancellation", "after-large-purchase: ended, cancelled")
    yield event("signup C-2002", "signup-to-unsubscribe", f"after-signup: {in_30_days}")
    never = "customer: never asked again"
    yield event(
        "unsubscription of C-2002",
        "unsubscribe",
        f"after-signup: ended, unsubscribed\n{never} (unsubscribed)*",
    )
    # This signup is seen as its erasure will be, so that the address is seen to be there first.
    third, erasure = sample("signup-to-erase"), sample("erasure")
    yield Step(
        "signup C-2003",
        partial(deployment.put_event, third),
        partial(witness.look, erasure),
        Seen(f"after-signup: {in_30_days}\ncustomer: may be asked, name and address known"),
    )
    yield event(
        "erasure of C-2003",
        "erasure",
        f"after-signup: ended, erased\n{never}*, name and address gone",
    )
    yield event("panel's purchase A-1010", "purchase-panel", "after-panel-purchase: sent", _INVITED)
    yield event(
        "panel's A-1011, who left",
        "purchase-panel-unsubscribed",
        "after-panel-purchase: ended, respondent_not_found",
    )
    yield event("an event of no known kind", "poison", "dead letter: no_known_event")
    ended = [sample(name) for name in ("refund", "cancellation", "unsubscribe", "erasure")]
    before = [witness.look(each) for each in ended]
    # A minute more, for the signup happened a moment after the story began.
    later = partial(deployment.send_due, began + timedelta(days=30, minutes=1))
    yield Step(
        "30 days later",
        later,
        partial(witness.look, sample("signup")),
        Seen("after-signup: sent", _INVITED),
    )
    yield nothing_new("once more, 30 days later", later, "signup", "3 invitations")
    yield Step(
        "what had ended",
        lambda: None,
        lambda: Seen(
            "ended as before" if [witness.look(each) for each in ended] == before else "changed",
            witness.total(),
        ),
        Seen("ended as before", "3 invitations"),
    )


def _matches(seen: Seen, promise: Seen | None) -> bool:
    if promise is None:
        return True
    return fnmatchcase(seen.decided, promise.decided) and fnmatchcase(
        seen.answered, promise.answered
    )
