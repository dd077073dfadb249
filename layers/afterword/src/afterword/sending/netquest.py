"""Netquest's webhooks `send-invitation-to-token` and `send-invitation`: one call per person, judged by its body.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-odeslani-pozvanky-stavajicimu-respondentovi/

The secret stands in the path. No address of a call may reach a log or an error.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from afterword.sending.calls import Request
from afterword.sending.netquest_answers import judge
from afterword.sending.provider import (
    Each,
    LookUpError,
    Puzzling,
    Recipient,
    Retry,
    Sent,
    Terms,
    Uncertain,
    label,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from afterword.deciding.accounts import Account, Credentials
    from afterword.sending.calls import Result
    from afterword.sending.concurrent_http import ConcurrentHttp
    from afterword.sending.provider import Seen, Single

_logger = logging.getLogger(__name__)
# A batch holds what its account takes in a second, within these bounds. Few: nobody can be asked what became of calls
# whose answers were lost.
FEWEST_RECIPIENTS, MOST_RECIPIENTS = 25, 250
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 8, 75
_UNUSABLE = Retry("unreachable: no usable credentials", outage=True)
_NOT_CALLED = Retry("not_called")


class _Secret:
    """The account's secret during one batch: read once, and once past the cache if that seems to be at fault."""

    def __init__(self, read: Callable[[bool], Credentials | None]) -> None:
        self.current = read(False)  # noqa: FBT003 -- the port's one argument
        self._read = read
        self._is_fresh = False

    def renew(self) -> bool:
        """Read it past the cache, unless that was done before; tell whether it is another one now."""
        if self._is_fresh:
            return False
        known, self.current, self._is_fresh = self.current, self._read(True), True  # noqa: FBT003
        return self.current != known


@dataclass(frozen=True, slots=True)
class _Round:
    """What the calls of one batch have in common. `deadline` by the clock of `ConcurrentHttp`."""

    survey: int
    terms: Terms
    deadline: float
    secret: _Secret
    call: Callable[[Sequence[Request], float], list[Result]]


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
        http: ConcurrentHttp,
        credentials: Callable[[bool], Credentials | None],
        clock: Callable[[], int],
    ) -> None:
        self._account = account
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self.call_seconds = http.seconds
        self.calls_per_minute = account.calls_per_minute
        a_second = account.calls_per_minute // 60
        self._at_once = min(max(a_second, _FEWEST_AT_ONCE), _MOST_AT_ONCE)
        # Each is a call: a batch must fit into a minute's budget.
        self.most_recipients = min(
            max(a_second, FEWEST_RECIPIENTS), MOST_RECIPIENTS, account.calls_per_minute
        )

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
        if secret.current is None:
            outcomes: list[Single] = [_UNUSABLE] * len(people)
        else:
            with self._http.together(self._at_once) as call:
                shared = _Round(survey, Terms(**batch["terms"]), deadline, secret, call)
                outcomes = self._ask_all(shared, people)
        # Netquest knows no keys.
        _tell(people, outcomes, batch=key)
        return Each(tuple(outcomes))

    def list_after(self, survey: int, after_id: int) -> list[Seen]:
        """See `Provider`: Netquest has no list of invitations."""
        del survey, after_id
        raise LookUpError(Retry("netquest can't be asked"))

    def show(self, survey: int, invitation: int) -> Seen:
        """See `Provider`: nor a single one."""
        del survey, invitation
        raise LookUpError(Retry("netquest can't be asked"))

    def _ask_all(self, shared: _Round, people: Sequence[Recipient]) -> list[Single]:
        """Let some go ahead. Where their outcomes say that the way is not free, the others are not called.

        An outage puts no more in doubt than a few, however large the batch.
        """
        outcomes = self._ask(shared, people[:FEWEST_RECIPIENTS])
        if not (others := people[FEWEST_RECIPIENTS:]):
            return outcomes
        if isinstance(Each(tuple(outcomes)).for_the_way(), Sent):
            return outcomes + self._ask(shared, others)
        return outcomes + [_NOT_CALLED] * len(others)

    def _ask(self, shared: _Round, people: Sequence[Recipient]) -> list[Single]:
        outcomes = self._call(shared, people)
        again = [n for n, each in enumerate(outcomes) if _may_be_the_secret(each)]
        # The same would be answered alike.
        if again and shared.secret.renew():
            fresh = self._call(shared, [people[n] for n in again])
            for n, outcome in zip(again, fresh, strict=True):
                outcomes[n] = outcome
        if shared.terms.resends:
            doubtful = Retry("uncertain_resent", doubtful=True)
            return [doubtful if isinstance(each, Uncertain) else each for each in outcomes]
        return outcomes

    def _call(self, shared: _Round, people: Sequence[Recipient]) -> list[Single]:
        if shared.secret.current is None:
            return [_UNUSABLE] * len(people)
        secrets = _secrets(shared.secret.current)
        asked = [
            self._request(secrets, *parameters(shared.survey, shared.terms, person))
            for person in people
        ]
        results = shared.call(asked, shared.deadline)
        return [
            judge(result, self._account.quota_period, self._clock(), (*secrets, *_personal(person)))
            for result, person in zip(results, people, strict=True)
        ]

    def _request(self, secrets: Sequence[str], name: str, form: Mapping[str, str | int]) -> Request:
        url, encoded = self._url(secrets, name), urlencode(form)
        if self._account.method == "GET":
            return Request("GET", f"{url}?{encoded}", {}, None)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", url, headers, encoded.encode())

    def _url(self, secrets: Sequence[str], name: str) -> str:
        path = "/".join(quote(each, safe="") for each in secrets)
        return f"{self._account.base_url}/webhooks/{self._account.id_account}/{path}/{name}"


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


def _tell(people: Sequence[Recipient], outcomes: Sequence[Single], batch: str) -> None:
    """Log who was not invited. How many were is said of the batch; who, only to whoever asks for it."""
    for person, outcome in zip(people, outcomes, strict=True):
        level = logging.DEBUG if isinstance(outcome, Sent) else logging.INFO
        about = {"batch": batch, "correlation_id": person.correlation_id}
        _logger.log(level, "called: %s", label(outcome), extra=about)


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
