"""The invitation service in memory, called as API Gateway calls it."""

from __future__ import annotations

import base64
import io
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.invitation_service import app
from invitation_service.access.auth import Credentials
from invitation_service.answering.links import Links
from invitation_service.surveys.memory import InMemoryStore
from invitation_service.surveys.service import InvitationService
from invitation_service.web.door import Api

if TYPE_CHECKING:
    from invitation_service.delivering.records import Job

CREDENTIALS = [
    {"account": "shop", "email": "admin@example.com", "role": "admin", "api_token": "token-1"},
    {"account": "shop", "email": "boss@example.com", "role": "admin", "password": "pass:wörd"},
    {"account": "shop", "email": "robot@example.com", "role": "admin", "bearer": "bearer-1"},
    {"account": "shop", "email": "agent@example.com", "role": "agent", "api_token": "token-2"},
    {"account": "other", "email": "admin@example.org", "role": "admin", "api_token": "token-3"},
]
# The account, key and authorisation of Netquest's own example.
WEBHOOK = {
    "account": "shop",
    "id_account": "387487",
    "webhook_key": "TUwNjNDg3M",
    "webhook_auth": "84b750d6956f02503015938fc38bfe36",
}

LINK_KEY = "a link key for tests alone, of no use"

_service_names = itertools.count()


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


ADMIN = basic("admin@example.com/token", "token-1")
AGENT = basic("agent@example.com/token", "token-2")
OTHER_ACCOUNT = basic("admin@example.org/token", "token-3")


def event(
    method: str,
    path: str,
    *,
    body: str | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    is_base64: bool = False,
) -> dict[str, Any]:
    """An HTTP API event in payload format 2.0, which leaves out what is empty."""
    optional: dict[str, Any] = {"body": body, "queryStringParameters": query}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.example.com", "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "isBase64Encoded": is_base64,
        **{name: value for name, value in optional.items() if value is not None},
    }


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Service:
    """The whole service in memory, called through its Lambda handler."""

    store: InMemoryStore = field(default_factory=InMemoryStore)
    now: datetime = datetime(2026, 11, 21, 10, 22, 0, 987654, tzinfo=UTC)
    log: io.StringIO = field(default_factory=io.StringIO)
    authorization: str | None = ADMIN
    webhook_accounts: list[dict[str, Any]] = field(default_factory=lambda: [WEBHOOK])
    links: Links = field(
        default_factory=lambda: Links(lambda: [LINK_KEY], "https://answers.example.com")
    )

    told: list[Job] = field(default_factory=list)
    slow_mail: bool = False
    """Whether a survey waits until its invitation has been mailed; else that is done at once."""

    def tell(self, job: Job) -> None:
        self.told.append(job)
        if not self.slow_mail:
            self.store.free_survey(job)

    def fetch(self, *, fresh: bool) -> str:  # noqa: ARG002 - nothing is cached.
        return json.dumps([*CREDENTIALS, *self.webhook_accounts])

    def api(self, public_url: str | None = None) -> Api:
        logger = Logger(service=f"test-{next(_service_names)}", stream=self.log, level="DEBUG")
        credentials = Credentials(self.fetch, self.now.timestamp, logger)
        service = InvitationService(self.store, lambda: self.now, tell=self.tell)
        return Api(service, credentials, logger, self.links, public_url)

    def handle(self, request: dict[str, Any]) -> Answer:
        answer = app.handler(request, LambdaContext())
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def send(self, method: str, path: str, data: object = None, **more: Any) -> Answer:
        headers = {"authorization": self.authorization} if self.authorization else {}
        body = data if isinstance(data, str | None) else json.dumps(data)
        return self.handle(
            event(method, path, body=body, **{**more, "headers": headers | more.get("headers", {})})
        )

    def invite(self, data: object, survey: object = 1, key: str | None = None) -> Answer:
        headers = {"idempotency-key": key} if key else {}
        path = f"/api/v2/nps/surveys/{survey}/invitations.json"
        return self.send("POST", path, data, headers=headers)

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", f"/api/v2/nps/surveys{path}", **more)

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)
