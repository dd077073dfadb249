"""One contract for the fake and for the real thing: the NPS provider against our own invitation service."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from afterword.deciding.accounts import Credentials
from afterword.sending.provider import Recipient, Retry, Seen, Sent, Uncertain
from afterword.sending.providers import sign_in
from invitation_service.access.auth import Credentials as KnownCredentials
from invitation_service.answering.links import Links
from invitation_service.surveys.memory import InMemoryStore
from invitation_service.surveys.models import Status
from invitation_service.surveys.service import InvitationService
from invitation_service.web.door import Api
from tests.support.api_gateway import through_gateway, to_event
from tests.support.fakes import Clock, FakeProvider
from tests.support.nps import nps
from tests.support.samples import HOUR
from tests.support.servers import Exchange, Server, close, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from afterword.sending.provider import Outcome, Provider

KNOWN = [{"account": "shop", "email": "robot@example.com", "role": "admin", "api_token": "token-1"}]
CREDENTIALS = Credentials.model_validate({"email": "robot@example.com", "api_token": "token-1"})
PEOPLE = [Recipient(f"person-{n}@example.com", f"Čeněk {n}", "cs-CZ") for n in range(3)]


class World(Protocol):
    """A provider, and a look behind it."""

    clock: Clock
    provider: Provider

    @property
    def invited(self) -> list[str]: ...

    def become(self, invitation: int, status: str) -> None: ...

    def lose_the_next_answer(self) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.clock = Clock()
        self.fake = FakeProvider(self.clock)
        self.provider: Provider = self.fake

    @property
    def invited(self) -> list[str]:
        return self.fake.invited

    def become(self, invitation: int, status: str) -> None:
        next(each for each in self.fake.accepted if each.id == invitation).status = status

    def lose_the_next_answer(self) -> None:
        def lose(emails: list[str]) -> Outcome:
            self.fake.accept(emails, "batch-1")
            return Uncertain("no answer")

        self.fake.outcomes.append(lose)


class RealWorld:
    def __init__(self, server: Server) -> None:
        self.clock = Clock()
        self._server = server
        self._store = InMemoryStore()
        self._store.add_survey("shop", "How likely?", self._now())
        logger = Logger(service="provider-contract", stream=io.StringIO())
        known = KnownCredentials(_fetch, self.clock, logger)
        links = Links(list, "https://answers.example.com")
        self._api = Api(
            InvitationService(self._store, self._now, tell=self._store.free_survey),
            known,
            logger,
            links,
        )
        server.otherwise = through_gateway(self._api.answer)
        self.provider: Provider = nps(server.url, _authenticate, wall=self.clock)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def invited(self) -> list[str]:
        invitations = self._store.invitations("shop", 1, offset=0, limit=10_000)
        return [
            recipient.email
            for each in reversed(invitations)
            for recipient in self._store.recipients("shop", 1, each.id)
        ]

    def become(self, invitation: int, status: str) -> None:
        kept = self._store._invitations["shop", 1]
        kept[invitation] = kept[invitation].model_copy(update={"status": Status(status)})

    def lose_the_next_answer(self) -> None:
        def lose(exchange: Exchange) -> None:
            self._api.answer(to_event(exchange.request), LambdaContext())
            close(exchange)

        self._server.will(lose)


def _fetch(*, fresh: bool) -> str:  # noqa: ARG001 -- they never change.
    return json.dumps(KNOWN)


def _authenticate(_: bool) -> Mapping[str, str]:  # noqa: FBT001 -- the Http port's one argument
    return sign_in(CREDENTIALS)


@pytest.fixture(params=["fake", "invitation service"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeWorld()
    else:
        with serving() as server:
            yield RealWorld(server)


def invite(world: World, *people: Recipient, key: str = "batch-1") -> Outcome:
    return world.provider.invite(1, world.provider.encode(people), key)


def invited_id(world: World, *people: Recipient, key: str = "batch-1") -> int:
    outcome = invite(world, *people, key=key)
    assert isinstance(outcome, Sent)
    assert outcome.id is not None
    return outcome.id


def test_a_call_invites_everybody_once(world: World) -> None:
    assert invited_id(world, *PEOPLE) > 0
    assert world.invited == [each.email for each in PEOPLE]


def test_the_same_key_and_bytes_have_the_same_answer_and_invite_nobody_again(world: World) -> None:
    first = invited_id(world, *PEOPLE)
    world.clock.pass_by(HOUR)
    assert invited_id(world, *PEOPLE) == first
    assert world.invited == [each.email for each in PEOPLE]


def test_a_call_whose_answer_was_lost_is_made_good_under_its_key(world: World) -> None:
    world.lose_the_next_answer()
    assert isinstance(invite(world, *PEOPLE), Uncertain)
    assert invited_id(world, *PEOPLE) == world.provider.list_after(1, 0)[0].id
    assert world.invited == [each.email for each in PEOPLE]


def test_another_key_is_another_call_with_a_higher_id(world: World) -> None:
    first = invited_id(world, PEOPLE[0], key="batch-1")
    assert invited_id(world, PEOPLE[1], key="batch-2") > first
    assert world.invited == [PEOPLE[0].email, PEOPLE[1].email]


def test_what_came_after_an_id_is_listed_by_id(world: World) -> None:
    assert world.provider.list_after(1, 0) == []
    ids = []
    for number, person in enumerate(PEOPLE):
        ids.append(invited_id(world, person, key=f"batch-{number}"))
        world.clock.pass_by(HOUR)

    assert [each.id for each in world.provider.list_after(1, 0)] == ids
    later = world.provider.list_after(1, ids[0])
    assert [each.id for each in later] == ids[1:]
    assert [each.recipients for each in later] == [1, 1]
    assert later[1].created_at - later[0].created_at == HOUR
    assert world.provider.list_after(1, ids[-1]) == []


def test_a_list_of_many_pages_is_whole(world: World) -> None:
    ids = [invited_id(world, PEOPLE[0], key=f"batch-{number}") for number in range(230)]
    assert [each.id for each in world.provider.list_after(1, 0)] == ids
    assert [each.id for each in world.provider.list_after(1, ids[200])] == ids[201:]


def test_an_invitation_is_shown_as_it_stands(world: World) -> None:
    created = invited_id(world, *PEOPLE)
    at = world.clock()
    world.clock.pass_by(HOUR)
    shown = world.provider.show(1, created)
    assert shown.status in {"preparing", "scheduled"}
    assert replace(shown, status="scheduled") == Seen(created, at, "scheduled", 3)


@pytest.mark.parametrize(
    "status", ["preparing", "scheduled", "delivered", "failed", "zero_recipients"]
)
def test_every_status_is_shown_and_listed(world: World, status: str) -> None:
    created = invited_id(world, *PEOPLE)
    world.become(created, status)
    assert world.provider.show(1, created).status == status
    assert [each.status for each in world.provider.list_after(1, 0)] == [status]


def test_a_full_call_is_accepted(world: World) -> None:
    everybody = [Recipient(f"person-{n}@example.com", f"名{n}", "ja") for n in range(10_000)]
    created = invited_id(world, *everybody)
    assert world.provider.show(1, created).recipients == 10_000


def test_our_own_service_notices_other_bytes_under_a_known_key() -> None:
    with serving() as server:
        world = RealWorld(server)
        invited_id(world, PEOPLE[0])
        assert invite(world, PEOPLE[1]) == Uncertain("idempotency_mismatch")
        assert world.invited == [PEOPLE[0].email]


def test_our_own_service_says_which_survey_it_lacks() -> None:
    with serving() as server:
        provider = RealWorld(server).provider
        assert provider.invite(2, provider.encode(PEOPLE), "batch-1") == Retry("http_404")
