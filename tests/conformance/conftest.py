from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from invitation_service.people.store import NewRecipient
from tests.support import clients
from tests.support.api_gateway import through_gateway
from tests.support.invitation_service import CREDENTIALS, WEBHOOK, Service
from tests.support.servers import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from invitation_service.surveys.store import Store

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
    """The invitation service at an address."""

    url: str
    store: Store

    def fill(self, survey: int, count: int) -> None:
        """Add recipients where they are kept, since a call for each would take long."""
        now = datetime.now(UTC).replace(microsecond=0)
        for number in range(count):
            person = NewRecipient(email=f"p{number}@example.com", name="P", created_at=now)
            self.store.add_recipient("shop", survey, person)

    def new_survey(self, name: str = "After a purchase") -> int:
        """Make a survey by our own call: the dialect has none."""
        answer = requests.post(
            f"{self.url}/api/v2/nps/surveys",
            json={"survey": {"name": name}},
            auth=ADMIN,
            timeout=30,
        )
        number: int = answer.json()["survey"]["id"]
        return number

    def put(self, path: str, body: object) -> None:
        """Put something by our own calls."""
        answer = requests.put(f"{self.url}/api/v2/ours/{path}", json=body, auth=ADMIN, timeout=30)
        answer.raise_for_status()


@contextmanager
def _in_process() -> Iterator[Site]:
    service = Service(webhook_accounts=[WEBHOOK, HURRIED])
    with serving(otherwise=through_gateway(service.api().answer)) as server:
        yield Site(server.url, service.store)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with _in_process() as site:
        yield site


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
