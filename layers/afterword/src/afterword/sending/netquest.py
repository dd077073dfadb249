"""Netquest's webhooks `send-invitation-to-token` and `send-invitation`: one call per person, judged by its body.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-odeslani-pozvanky-stavajicimu-respondentovi/

The secret stands in the path. No address of a call may reach a log or an error.
"""

from __future__ import annotations

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from afterword.deciding.rules import Reason
from afterword.sending.http import LostError, NeverSentError
from afterword.sending.nps import read_status
from afterword.sending.provider import (
    Each,
    LookUpError,
    Puzzling,
    Recipient,
    Refused,
    Retry,
    Sent,
    Terms,
    Uncertain,
    label,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from afterword.deciding.accounts import Account, Credentials
    from afterword.sending.http import Answer, Http
    from afterword.sending.provider import Seen, Single

_logger = logging.getLogger(__name__)
# So few that a batch whose answers were lost costs a person little: nobody can be asked what became of it.
MOST_RECIPIENTS = 25
_AT_ONCE = 8
_UNUSABLE = Retry("unreachable: no usable credentials", outage=True)
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


class _Secret:
    """The account's secret during one batch: read once, and once past the cache if that seems to be at fault."""

    def __init__(self, read: Callable[[bool], Credentials | None]) -> None:
        self.cached = read(False)  # noqa: FBT003 -- the port's one argument
        self._read = read
        self._fresh: list[Credentials | None] = []
        self._lock = Lock()

    def fresh(self) -> Credentials | None:
        with self._lock:
            if not self._fresh:
                self._fresh.append(self._read(True))  # noqa: FBT003
            return self._fresh[0]


@dataclass(frozen=True, slots=True)
class _Round:
    """What the calls of one batch have in common. `deadline` by the clock of `Http`."""

    survey: int
    terms: Terms
    deadline: float
    secret: _Secret
    batch: str


class NetquestProvider:
    """An account at Netquest or one of its sister brands. See `Provider`.

    Args:
        account: Base address, id, method, quota period, rate.
        http: Makes the calls; signs nothing, since the secret is in the path.
        credentials: Returns key and auth; `True` reads past any cache; None: there are none.
        clock: Wall time in Unix seconds.
    """

    replays_key = False
    one_by_one = True

    def __init__(
        self,
        account: Account,
        http: Http,
        credentials: Callable[[bool], Credentials | None],
        clock: Callable[[], int],
    ) -> None:
        self._account = account
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self.call_seconds = http.seconds
        self.calls_per_minute = account.calls_per_minute
        # Each is a call: a batch must fit into a minute's budget.
        self.most_recipients = min(MOST_RECIPIENTS, account.calls_per_minute)

    def fault(self, terms: Terms) -> str | None:
        """See `Provider`."""
        return "template: netquest needs it" if terms.template is None else None

    def encode(self, recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        """See `Provider`. Ours: it holds the parameters of every call."""
        people = [asdict(each) for each in recipients]
        return json.dumps({"terms": asdict(terms or Terms()), "people": people}).encode()

    def invite(self, survey: int, body: bytes, key: str) -> Each:
        """See `Provider`. Some calls at once, all in the time of one."""
        batch = json.loads(body)
        people = [Recipient(**each) for each in batch["people"]]
        # The deadline first: to read the secret takes some of the time, too.
        deadline = self._http.deadline()
        secret = _Secret(self._credentials)
        # Netquest knows no keys.
        shared = _Round(survey, Terms(**batch["terms"]), deadline, secret, batch=key)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="netquest") as workers:
            return Each(tuple(workers.map(partial(self._ask, shared), people)))

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        """See `Provider`: Netquest has no list of invitations."""
        del survey, after_id
        raise LookUpError(Retry("netquest can't be asked"))

    def show(self, survey: int, invitation: int) -> Seen:
        """See `Provider`: nor a single one."""
        del survey, invitation
        raise LookUpError(Retry("netquest can't be asked"))

    def _ask(self, shared: _Round, person: Recipient) -> Single:
        outcome = self._call(shared, person, shared.secret.cached)
        if _may_be_the_secret(outcome):
            fresh = shared.secret.fresh()
            # The same would be answered alike.
            if fresh != shared.secret.cached:
                outcome = self._call(shared, person, fresh)
        if isinstance(outcome, Uncertain) and shared.terms.resends:
            outcome = Retry("uncertain_resent", doubtful=True)
        about = {"batch": shared.batch, "correlation_id": person.correlation_id}
        _logger.info("called: %s", label(outcome), extra=about)
        return outcome

    def _call(self, shared: _Round, person: Recipient, credentials: Credentials | None) -> Single:
        if credentials is None:
            return _UNUSABLE
        name, form = parameters(shared.survey, shared.terms, person)
        secrets = _secrets(credentials)
        try:
            answer = self._send(self._url(secrets, name), form, shared.deadline)
        except NeverSentError as error:
            return Retry(f"unreachable: {error}", outage=True)
        except LostError as error:
            return Uncertain(f"no answer: {error}")
        return self._judge(answer, (*secrets, *_personal(person)))

    def _send(self, url: str, form: Mapping[str, str | int], deadline: float) -> Answer:
        encoded = urlencode(form)
        if self._account.method == "GET":
            return self._http.call("GET", f"{url}?{encoded}", deadline=deadline)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._http.call(
            "POST", url, body=encoded.encode(), headers=headers, deadline=deadline
        )

    def _url(self, secrets: Sequence[str], name: str) -> str:
        path = "/".join(quote(each, safe="") for each in secrets)
        return f"{self._account.base_url}/webhooks/{self._account.id_account}/{path}/{name}"

    def _judge(self, answer: Answer, hidden: Sequence[str]) -> Single:
        """Judge by `type`, never by the status; without one the status says what it can."""
        said = _read(answer.body)
        if said is None:
            return _read_untyped(answer, self._clock())
        if said.type == "success":
            return Sent(None)
        words = said.msg.strip(" .").casefold()
        if words == _QUOTA:
            left = seconds_to_next(self._account.quota_period, self._clock())
            return Retry("quota", after=left, whole_account=True)
        return _MEANS.get(words) or Puzzling(f"netquest: {_shown(said.msg, hidden)}")


def parameters(survey: int, terms: Terms, person: Recipient) -> tuple[str, dict[str, str | int]]:
    """Return the webhook's name and its parameters for one person: by token, else by e-mail.

    Args:
        survey: `id_survey`.
        terms: Template, footer and the delay that the provider is to hold, in minutes.
        person: Whom to invite.
    """
    form: dict[str, str | int] = {"id_survey": survey, "id_template": terms.template or 0}
    if person.token is None:
        name, form["email"] = "send-invitation", person.email
    else:
        name, form["token"] = "send-invitation-to-token", person.token
    form["delay"] = terms.delay
    if not terms.footer:
        form["footer"] = 0
    return name, form


def seconds_to_next(period: Literal["day", "month"], now: int) -> int:
    """Return how long it is, in seconds, to the next day or month by UTC; `now` in Unix seconds."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0)
    if period == "day":
        begins = today + timedelta(days=1)
    else:
        begins = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return int(begins.timestamp()) - now


def _may_be_the_secret(outcome: Single) -> bool:
    """Tell whether nobody was invited, and the secret may be why.

    How a wrong one is answered is documented nowhere. It stands in the path, so it may be a page that isn't there.
    """
    match outcome:
        case Puzzling() | Retry(breaks=True) | Retry(reason="http_404"):
            return True
        case _:
            return False


def _secrets(credentials: Credentials) -> list[str]:
    both = (credentials.webhook_key, credentials.webhook_auth)
    return [each.get_secret_value() for each in both if each]


def _personal(person: Recipient) -> list[str]:
    whole = (
        f"{person.email} {person.email.partition('@')[0]} {person.name or ''} {person.token or ''}"
    )
    return whole.split()


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
