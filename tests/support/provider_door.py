"""Our own invitation service behind a real server that treats its callers as badly as told, and keeps its own books."""

from __future__ import annotations

import json
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.directory.records import Template
from invitation_service.surveys.models import Status
from tests.support.api_gateway import to_event
from tests.support.invitation_service import ADMIN, WEBHOOK, Service
from tests.support.servers import Exchange, Received, Server, reply, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.servers import Answer

SURVEY, TEMPLATE = 1, 1833
ACCOUNT = "shop"


@dataclass
class ProviderDoor:
    """The door of a provider that is really there.

    `planned`: how the next calls that invite are treated, in place of an answer in good order. `asked`: the calls that
    invite, accepted or not. `books`: everybody whom the provider was really made to invite, as often as it was.
    """

    clock: Callable[[], int]
    service: Service = field(default_factory=Service)
    planned: deque[Answer] = field(default_factory=deque)
    asked: list[Received] = field(default_factory=list)
    books: Counter[str] = field(default_factory=Counter)
    honours_keys: bool = True
    authorization: str | None = None
    reached: Event = field(default_factory=Event)
    server: Server = field(default_factory=Server)
    _alone: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        store = self.service.store
        store.put_survey(ACCOUNT, SURVEY, "How likely?", self.service.now)
        template = Template(
            id=TEMPLATE, subject="Hello", text="[LINK]", updated_at=self.service.now
        )
        store.put_template(ACCOUNT, template)
        self.reload()

    def reload(self) -> None:
        """Take up what was changed in the service's accounts."""
        self._api = self.service.api()

    def will(self, *answers: Answer) -> None:
        """Treat the next calls that invite like this."""
        self.planned.extend(answers)

    def answer(self, exchange: Exchange) -> None:
        if not _invites(exchange.request):
            self.serve(exchange)
            return
        self.asked.append(exchange.request)
        answer = self.planned.popleft() if self.planned else self.serve
        answer(exchange)

    def serve(self, exchange: Exchange) -> None:
        """Answer as the service does."""
        shown = exchange.request.headers.get("authorization")
        if self.authorization and shown != self.authorization:
            reply(401, {"error": "Couldn't authenticate you"})(exchange)
            return
        result = self.process(exchange.request)
        reply(result["statusCode"], result["body"].encode(), result["headers"])(exchange)

    def process(self, request: Received) -> dict[str, Any]:
        """Let the service do what is asked for, and write down whom that invited."""
        if not self.honours_keys:
            kept = {key: request.headers[key] for key in request.headers if key != _KEY}
            request = Received(request.method, request.path, request.query, kept, request.body)
        with self._alone:  # As transactions are; the store in memory has none.
            self.service.now = datetime.fromtimestamp(self.clock(), UTC)
            result = self._api.answer(to_event(request), LambdaContext())
            if _invites(request) and _is_accepted(result):
                self.books.update(_people(request))
        return result

    def processed(self, then: Answer) -> Answer:
        """Invite, and then treat the caller like this."""

        def answer(exchange: Exchange) -> None:
            assert _is_accepted(self.process(exchange.request))
            then(exchange)

        return answer

    def slowly(self, then: Answer) -> Answer:
        """Treat the caller like this, once somebody who waits for it has been told to give up."""

        def answer(exchange: Exchange) -> None:
            self.reached.set()
            then(exchange)

        return answer

    def invite(self, *emails: str) -> int:
        """Invite as some other program of the account would: on the same survey, under no key; return the id."""
        people = [{"email": each, "name": each} for each in emails]
        body = json.dumps({"invitation": {"recipients": people}}).encode()
        path = f"/api/v2/nps/surveys/{SURVEY}/invitations.json"
        result = self.process(Received("POST", path, "", {"authorization": ADMIN}, body))
        for each in emails:
            del self.books[each]
        created: int = json.loads(result["body"])["invitation"]["id"]
        return created

    def leave(self, email: str) -> None:
        """Let somebody unsubscribe there."""
        self.service.store.set_unsubscribed(ACCOUNT, email, unsubscribed=True)

    def allow(self, calls: int) -> None:
        """Limit the webhooks' invitations of this month."""
        self.service.webhook_accounts = [{**WEBHOOK, "quota": {"limit": calls, "period": "month"}}]
        self.reload()

    def becomes(self, status: str, recipients: int | None = None) -> None:
        """Let the survey's newest invitation come to this."""
        (newest,) = self.service.store.invitations(ACCOUNT, SURVEY, offset=0, limit=1)
        changes = {"status": Status(status), "recipients_count": recipients}
        told = {name: value for name, value in changes.items() if value is not None}
        kept = self.service.store._invitations[ACCOUNT, SURVEY]
        kept[newest.id] = newest.model_copy(update=told)


_KEY = "idempotency-key"


def _invites(request: Received) -> bool:
    webhook = request.path.rpartition("/")[2].startswith("send-invitation")
    return webhook or (request.method == "POST" and "/invitations" in request.path)


def _is_accepted(result: dict[str, Any]) -> bool:
    """Tell whether a call was accepted for the first time under its key."""
    headers = {name.lower(): value for name, value in result["headers"].items()}
    if headers.get("x-idempotency-lookup") == "hit":
        return False
    said = json.loads(result["body"])
    return bool(result["statusCode"] == 201 or said.get("type") == "success")


def _people(request: Received) -> list[str]:
    if request.path.startswith("/webhooks/"):
        form = dict(parse_qsl(request.query or request.body.decode()))
        return [form.get("email") or form["token"]]
    return [each["email"] for each in json.loads(request.body)["invitation"]["recipients"]]


@contextmanager
def provider_door(clock: Callable[[], int]) -> Iterator[ProviderDoor]:
    door = ProviderDoor(clock)
    with serving(otherwise=door.answer) as server:
        door.server = server
        yield door
