from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests

from invitation_service.people.store import NewRecipient
from invitation_service.surveys.dynamodb import DynamoDBStore
from invitation_service.writes import pause_with_jitter
from tests.support import clients
from tests.support.api_gateway import through_gateway
from tests.support.invitation_service import CREDENTIALS, WEBHOOK, Service
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from invitation_service.surveys.store import Store
    from local.deployment import Deployment

ADMIN = ("admin@example.com/token", "token-1")
# Who may make one call a minute, in an account of their own.
HURRIED: dict[str, Any] = {
    "account": "hurried",
    "email": "hurried@example.com",
    "role": "admin",
    "api_token": "token-4",
    "calls_per_minute": 1,
}


@dataclass(frozen=True, slots=True)
class Site:
    """The invitation service at an address.

    Attributes:
        url: What stands before `/api/v2`.
        store: Its memory.
        next_minute: Lets a minute pass, where that takes none.
        writers: How many may write to the memory at once.
    """

    url: str
    store: Store
    next_minute: Callable[[], None]
    writers: int

    def fill(self, survey: int, count: int) -> None:
        """Add recipients where they are kept, since a call for each would take long."""
        now = datetime.now(UTC).replace(microsecond=0)
        people = [
            NewRecipient(email=f"p{number}@example.com", name="P", created_at=now)
            for number in range(count)
        ]
        with ThreadPoolExecutor(self.writers) as pool:
            list(pool.map(lambda each: self.store.add_recipient("shop", survey, each), people))

    def new_survey(self, name: str = "After a purchase") -> int:
        """Make a survey by our own call: the dialect has none."""
        answer = requests.post(
            f"{self.url}/api/v2/nps/surveys",
            json={"survey": {"name": name}},
            auth=ADMIN,
            timeout=60,
        )
        number: int = answer.json()["survey"]["id"]
        return number

    def put(self, path: str, body: object) -> None:
        """Put something by our own calls."""
        answer = requests.put(f"{self.url}/api/v2/ours/{path}", json=body, auth=ADMIN, timeout=60)
        answer.raise_for_status()


@contextmanager
def _in_process() -> Iterator[Site]:
    service = Service(webhook_accounts=[WEBHOOK, HURRIED])
    with serving(otherwise=through_gateway(service.api().answer)) as server:
        yield Site(server.url, service.store, lambda: service.later(minutes=1), 1)


@pytest.fixture(scope="session")
def deployment(deployment: Deployment) -> Deployment:
    """The stack, with the tests' accounts, and a mail server for `shop`."""
    name = "invitation-service/credentials"
    known = [*json.loads(deployment.parameter(name)), *CREDENTIALS, WEBHOOK, HURRIED]
    deployment.put_parameter(name, json.dumps(known), secret=True)
    assert deployment.cloud.mail
    sender = {"from_name": "The shop", "from_address": "shop@example.com"}
    mail = {**deployment.cloud.mail.settings(), **sender, "mails_per_minute": 60_000}
    deployment.put_parameter("invitation-service/mail/shop", json.dumps(mail), secret=True)
    return deployment


def _deployed(deployment: Deployment) -> Site:
    client = deployment.cloud.client("dynamodb")
    table = deployment.outputs["InvitationServiceTableName"]
    store = DynamoDBStore(
        lambda: client, table, new_id=lambda: str(uuid4()), pause=pause_with_jitter
    )
    return Site(deployment.service_url, store, lambda: None, 8)


@pytest.fixture(
    scope="session",
    params=["in_process", pytest.param("deployed", marks=pytest.mark.local_cloud)],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The service in this process, then as it is deployed."""
    if request.param == "deployed":
        yield _deployed(request.getfixturevalue("deployment"))
        return
    with _in_process() as site:
        yield site


@pytest.fixture(autouse=True)
def _minute(request: pytest.FixtureRequest) -> None:
    if "site" in request.fixturenames:
        request.getfixturevalue("site").next_minute()


@pytest.fixture(scope="session")
def _installed() -> None:
    clients.install()


@pytest.fixture(scope="session")
def zdesk(site: Site, _installed: None) -> Iterator[clients.Client]:
    admin = CREDENTIALS[0]
    with clients.zdesk(
        site.url, zdesk_email=admin["email"], zdesk_api=admin["api_token"]
    ) as client:
        yield client


@pytest.fixture(scope="session")
def zenpy(site: Site, _installed: None) -> Iterator[clients.Client]:
    admin = CREDENTIALS[0]
    with clients.zenpy(site.url, email=admin["email"], token=admin["api_token"]) as client:
        yield client


@pytest.fixture(scope="session")
def node_zendesk(site: Site, _installed: None) -> Iterator[clients.Client]:
    admin = CREDENTIALS[0]
    with clients.node_zendesk(
        site.url, username=admin["email"], token=admin["api_token"]
    ) as client:
        yield client
