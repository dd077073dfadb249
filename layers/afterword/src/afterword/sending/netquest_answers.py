"""What Netquest's answers mean: judged by their body's `type`, never by their status."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from afterword.deciding.rules import Reason
from afterword.sending.calls import LostError, NeverSentError
from afterword.sending.nps import read_status
from afterword.sending.provider import Puzzling, Refused, Retry, Sent, Uncertain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterword.sending.calls import Answer, Result
    from afterword.sending.provider import Single

type Period = Literal["day", "month"]

_QUOTA = "invitations limit has been reached"
# Looked up in small letters: some pages name an error without its exact body.
_MEANS: Mapping[str, Single] = {
    "respondents not found": Refused(Reason.RESPONDENT_NOT_FOUND.value, suppresses=True),
    # The sister brands' pages name this error.
    "token not found": Refused(Reason.TOKEN_NOT_FOUND.value),
    # Netquest's own words for these are documented nowhere; the invitation service says them so.
    "unauthorized": Retry("credentials", whole_account=True, breaks=True),
    "survey not found": Retry("survey not found"),
    "template not found": Retry("template not found"),
}
# What may be kept of an unknown error: words, no addresses or numbers.
_PLAIN = re.compile(r"[A-Za-z ,.'-]{1,80}")


@dataclass(frozen=True, slots=True)
class _Judged:
    """What an answer's body says."""

    type: str
    msg: str


def judge(result: Result, period: Period, now: int, hidden: Sequence[str]) -> Single:
    """Return what became of a call.

    Args:
        result: What came of it.
        period: The quota's.
        now: Wall time, Unix seconds.
        hidden: Words that the outcome may not repeat.
    """
    match result:
        case NeverSentError():
            return Retry(f"unreachable: {result}", outage=True)
        case LostError():
            return Uncertain(f"no answer: {result}")
        case answer:
            return _judge_answer(answer, period, now, hidden)


def seconds_to_next(period: Period, now: int) -> int:
    """Return how long it is, in seconds, to the next day or month by UTC; `now` in Unix seconds."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0)
    if period == "day":
        begins = today + timedelta(days=1)
    else:
        begins = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return int(begins.timestamp()) - now


def _judge_answer(answer: Answer, period: Period, now: int, hidden: Sequence[str]) -> Single:
    said = _read(answer.body)
    if said is None:
        return _read_untyped(answer, now)
    if said.type == "success":
        return Sent(None)
    words = said.msg.strip(" .").casefold()
    if words == _QUOTA:
        return Retry("quota", after=seconds_to_next(period, now), whole_account=True)
    return _MEANS.get(words) or Puzzling(f"netquest: {_shown(said.msg, hidden)}")


def _shown(msg: str, hidden: Sequence[str]) -> str:
    said = msg.casefold()
    repeats = any(each.casefold() in said for each in hidden)
    return msg if _PLAIN.fullmatch(msg) and not repeats else "unknown error"


def _read(body: bytes) -> _Judged | None:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("type") not in ("success", "error"):
        return None
    msg = said.get("msg")
    return _Judged(said["type"], msg if isinstance(msg, str) else "")


def _read_untyped(answer: Answer, now: int) -> Single:
    if answer.status == 413:  # noqa: PLR2004
        return Retry("http_413")
    outcome = read_status(answer, now)
    return Uncertain("no_type") if isinstance(outcome, Sent | Refused) else outcome
