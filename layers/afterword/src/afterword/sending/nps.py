"""The NPS invitations API, as Zendesk's service spoke it and the invitation service does.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_invitations/
(the service behind it was switched off in April 2023)
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from afterword.sending.calls import Answer, LostError, NeverSentError
from afterword.sending.provider import (
    KEY_TAKEN,
    LAST_ID,
    LookUpError,
    Refused,
    Retry,
    Seen,
    Sent,
    Uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.sending.http import Http
    from afterword.sending.provider import Known, Outcome, Recipient, Terms

# "The maximum number of recipients you can be sent is 10000": the page above.
MOST_RECIPIENTS = 10_000
# A hundred pages of a hundred: beyond that the vendor's lists answered 400.
_MOST_PAGES = 100
_BUSY_PAUSE = 60
_LONGEST_WAIT = 86_400
# The ledger could not hold one of forty digits.
_IDS_END = LAST_ID + 1
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The vendor's documentation asked for the former.
_HEADERS = {"Accept": "application/json", "User-Agent": "afterword"}
# In these an earlier invitation of the survey may still be going out.
_BUSY = {"preparing", "scheduled"}


class _Shown(BaseModel):
    id: Annotated[int, Field(gt=0, lt=_IDS_END)]
    created_at: datetime
    status: str | None = None
    recipients_count: int | None = None

    def seen(self) -> Seen:
        # The vendor's times were UTC, whether or not they said so.
        zoned = self.created_at.replace(tzinfo=self.created_at.tzinfo or UTC)
        return Seen(self.id, int(zoned.timestamp()), self.status, self.recipients_count)


class _Listed(BaseModel):
    invitations: list[_Shown]
    next_page: str | None = None


class _ShownOne(BaseModel):
    invitation: _Shown


class NpsProvider:
    """An account that speaks the NPS dialect. See `Provider`.

    Args:
        base_url: Scheme, host and perhaps a path, without a slash at the end.
        http: Makes the calls.
        calls_per_minute: The account's rate.
        replays_key: Whether the account honours `Idempotency-Key`; the invitation service does.
        clock: Wall time in Unix seconds, for a Retry-After that names a date.
    """

    most_recipients = MOST_RECIPIENTS
    one_by_one = False

    def __init__(
        self,
        base_url: str,
        http: Http,
        *,
        calls_per_minute: int,
        replays_key: bool,
        clock: Callable[[], int],
    ) -> None:
        self._base_url = base_url
        self._http = http
        self._clock = clock
        self.call_seconds = http.seconds
        self.calls_per_minute = calls_per_minute
        self.replays_key = replays_key

    def fault(self, terms: Terms) -> str | None:
        """See `Provider`. This dialect knows a survey and nothing else."""
        del terms
        return None

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        """See `Provider`. A recipient without a name goes by the address: the field is mandatory."""
        del terms
        people = [
            {"email": each.email, "language": each.language, "name": each.name or each.email}
            for each in recipients
        ]
        return json.dumps({"invitation": {"recipients": people}}, separators=(",", ":")).encode()

    def invite(self, survey: int, body: bytes, key: str) -> Outcome:
        """See `Provider`."""
        headers = {**_HEADERS, "Content-Type": "application/json", "Idempotency-Key": key}
        deadline = self._http.deadline()
        try:
            answer = self._http.call(
                "POST", self._url(survey), body=body, headers=headers, deadline=deadline
            )
        except NeverSentError as error:
            return Retry(f"unreachable: {error}", outage=True)
        except LostError as error:
            return Uncertain(f"no answer: {error}")
        if answer.status == 422:  # noqa: PLR2004
            return self._read_422(survey, answer, deadline)
        return read_status(answer, self._clock())

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        """See `Provider`. Follows `next_page`, within the account's own host, and all in the time of one call."""
        return self._list(survey, after_id, self._http.deadline())

    def show(self, survey: int, invitation: int) -> Seen:
        """See `Provider`."""
        answer = self._get(self._url(survey, f"/{invitation}"), self._http.deadline())
        return _parse(_ShownOne, answer).invitation.seen()

    def _url(self, survey: int, rest: str = "") -> str:
        return f"{self._base_url}/api/v2/nps/surveys/{survey}/invitations{rest}.json"

    def _list(self, survey: int, after_id: int, deadline: float) -> list[Seen]:
        url = self._url(survey)
        found: dict[int, Seen] = {}
        for _ in range(_MOST_PAGES):
            page = _parse(_Listed, self._get(url, deadline))
            found |= {each.id: each.seen() for each in page.invitations if each.id > after_id}
            if page.next_page is None or after_id >= LAST_ID:
                return sorted(found.values(), key=lambda each: each.id)
            # The secret goes along with the next call.
            if not _same_origin(page.next_page, self._base_url):
                raise LookUpError(Retry("next_page leads to another host"))
            url = page.next_page
        raise LookUpError(Retry("the list of invitations does not end"))

    def _get(self, url: str, deadline: float) -> Answer:
        try:
            answer = self._http.call("GET", url, headers=_HEADERS, deadline=deadline)
        except (NeverSentError, LostError) as error:
            raise LookUpError(Retry(f"no answer: {error}", outage=True)) from None
        outcome = read_status(answer, self._clock())
        if isinstance(outcome, Sent):
            return answer
        retry = outcome if isinstance(outcome, Retry) else Retry(outcome.reason, outage=True)
        raise LookUpError(retry)

    def _read_422(self, survey: int, answer: Answer, deadline: float) -> Outcome:
        """Tell "still being sent" from a refusal. The former's body is documented nowhere."""
        if b"still being sent" in answer.body:
            return Retry("still_being_sent", after=_BUSY_PAUSE)
        if _faulty_fields(answer.body):
            return Refused("http_422")
        try:
            busy = any(each.status in _BUSY for each in self._list(survey, 0, deadline))
        except LookUpError as error:
            return error.retry
        return Retry("still_being_sent", after=_BUSY_PAUSE) if busy else Refused("http_422")


def read_status(answer: Answer, now: int) -> Known:  # noqa: PLR0911 -- a table, a line each
    """Return what an answer means (docs/design.md, rule 6).

    Args:
        answer: Any but a 422.
        now: Wall time in Unix seconds.
    """
    status, reason = answer.status, f"http_{answer.status}"
    after = _retry_after(answer.headers.get("Retry-After"), now)
    match status:
        case _ if 200 <= status < 300:  # noqa: PLR2004
            return Sent(_read_id(answer.body))
        case 400 if b"IdempotentRequestError" in answer.body:
            # The key is known with other recipients: a call that we don't remember was processed.
            return KEY_TAKEN
        case 400 | 413:
            return Refused(reason)
        case 401 | 403:
            return Retry("credentials", whole_account=True, breaks=True)
        case 429:
            return Retry(reason, after=after, whole_account=True)
        case 503 if after is not None:
            return Retry(reason, after=after, whole_account=True, outage=True)
        case _ if status < 200 or status >= 500 or status == 408:  # noqa: PLR2004
            # Below 200 it was no last word: that one nobody waited for.
            return Uncertain(reason)
        case _:
            return Retry(reason)


def _retry_after(value: str | None, now: int) -> int | None:
    """Read seconds or a date, from 1 second to a day: RFC 9110, section 10.2.3."""
    if value is None:
        return None
    try:
        if value.isascii() and value.isdigit():
            seconds = int(value)
        else:
            date = parsedate_to_datetime(value)
            seconds = int(date.replace(tzinfo=date.tzinfo or UTC).timestamp()) - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 1), _LONGEST_WAIT)


def _read_id(body: bytes) -> int | None:
    try:
        found = json.loads(body)["invitation"]["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if type(found) is int and 0 < found < _IDS_END else None


def _faulty_fields(body: bytes) -> set[str]:
    try:
        details = json.loads(body)["details"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return set()
    return set(details) - {"base"} if isinstance(details, dict) else set()


def _same_origin(url: str, base_url: str) -> bool:
    try:
        return _origin(url) == _origin(base_url)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str | None, int | None, str | None]:
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.username


def _parse[T: BaseModel](model: type[T], answer: Answer) -> T:
    with suppress(ValidationError):
        return model.model_validate_json(answer.body)
    # Outside of the handler: pydantic's error holds the answer.
    raise LookUpError(Retry("unreadable answer"))
