"""One contract for the fake and for the real thing: the provider against our own service's webhooks."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from afterword.sending.provider import Each, Puzzling, Recipient, Refused, Retry, Sent, Terms
from invitation_service.directory.records import Respondent, Template
from tests.support.api_gateway import through_gateway, to_event
from tests.support.invitation_service import WEBHOOK, Service
from tests.support.netquest import (
    LEFT,
    NO_TOKEN,
    QUOTA,
    SUCCESS,
    UNAUTHORIZED,
    Call,
    FakeHttp,
    netquest,
    secret,
)
from tests.support.servers import Exchange, Server, close, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterword.sending.calls import Answer
    from afterword.sending.netquest import NetquestProvider
    from afterword.sending.provider import Single

SURVEY = 419349
TERMS = Terms(template=1833, footer=False, delay=15)
PEOPLE = [Recipient(f"person-{n}@example.com", None, "cs", f"Token{n}") for n in range(3)]


class World(Protocol):
    """A provider, and a look behind it."""

    @property
    def invited(self) -> list[str]:
        """Every token that was invited, in alphabetical order, as often as it was."""
        ...

    def provider(self, key: str = ..., method: str = ...) -> NetquestProvider: ...

    def leave(self, person: Recipient) -> None: ...

    def allow(self, calls: int) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self._http = FakeHttp(otherwise=self._answer)
        self._one_by_one = Lock()
        self._left: set[str] = set()
        self._limit: int | None = None
        self._known = {each.token for each in PEOPLE}
        self.asked: list[str] = []

    @property
    def invited(self) -> list[str]:
        return sorted(self.asked)

    def provider(self, key: str = WEBHOOK["webhook_key"], method: str = "POST") -> NetquestProvider:
        return self._http.provider(lambda _: secret(key), method=method)

    def leave(self, person: Recipient) -> None:
        self._left.add(person.token or "")

    def allow(self, calls: int) -> None:
        self._limit = calls

    def _answer(self, call: Call) -> Answer:
        if WEBHOOK["webhook_key"] not in call.url:
            return UNAUTHORIZED
        if call.person not in self._known:
            return NO_TOKEN
        if call.person in self._left:
            return LEFT
        if call.person in self.asked:
            return SUCCESS
        with self._one_by_one:
            if len(self.asked) == self._limit:
                return QUOTA
            self.asked.append(call.person)
            return SUCCESS


def respondent(person: Recipient, service: Service) -> Respondent:
    return Respondent(token=person.token or "", email=person.email, updated_at=service.now)


class RealWorld:
    def __init__(self, server: Server) -> None:
        self.service, self._server = Service(), server
        store = self.service.store
        store.put_survey("shop", SURVEY, "How likely?", self.service.now)
        template = Template(id=1833, subject="Hello", text="[LINK]", updated_at=self.service.now)
        store.put_template("shop", template)
        for each in PEOPLE:
            store.put_respondent("shop", respondent(each, self.service))
        self._serve()

    def _serve(self) -> None:
        self._api = self.service.api()
        answer = through_gateway(self._api.answer)
        one_by_one = Lock()  # As transactions are; the store in memory has none.

        def alone(exchange: Exchange) -> None:
            with one_by_one:
                answer(exchange)

        self._server.otherwise = alone

    @property
    def invited(self) -> list[str]:
        kept = self.service.store.invitations("shop", SURVEY, offset=0, limit=1000)
        return sorted(each.mailing.token for each in kept if each.mailing)

    def provider(self, key: str = WEBHOOK["webhook_key"], method: str = "POST") -> NetquestProvider:
        return netquest(self._server.url, lambda _: secret(key), method=method)

    def leave(self, person: Recipient) -> None:
        self.service.store.set_unsubscribed("shop", person.email, unsubscribed=True)

    def allow(self, calls: int) -> None:
        quota = {"limit": calls, "period": "month"}
        self.service.webhook_accounts = [{**WEBHOOK, "quota": quota}]
        self._serve()

    def lose_the_next_answer(self) -> None:
        def lose(exchange: Exchange) -> None:
            self._api.answer(to_event(exchange.request), LambdaContext())
            close(exchange)

        self._server.will(lose)


@pytest.fixture(params=["fake", "invitation service"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield FakeWorld()
    else:
        with serving() as server:
            yield RealWorld(server)


@pytest.fixture
def real() -> Iterator[RealWorld]:
    with serving() as server:
        yield RealWorld(server)


def invite(world: World, *people: Recipient, terms: Terms = TERMS, **more: Any) -> Each:
    provider = world.provider(**more)
    return provider.invite(SURVEY, provider.encode(people, terms), "batch-1")


def ask(world: World, person: Recipient = PEOPLE[0], **more: Any) -> Single:
    (outcome,) = invite(world, person, **more).outcomes
    return outcome


def tokens(*people: Recipient) -> list[str]:
    return [each.token or "" for each in people]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_everybody_is_invited_once(world: World, method: str) -> None:
    assert invite(world, *PEOPLE, method=method) == Each((Sent(None),) * 3)
    assert world.invited == tokens(*PEOPLE)


def test_the_same_call_again_has_the_same_answer_and_invites_nobody_twice(world: World) -> None:
    assert ask(world) == Sent(None)
    assert ask(world) == Sent(None)
    assert world.invited == tokens(PEOPLE[0])


def test_who_unsubscribed_is_to_be_suppressed(world: World) -> None:
    world.leave(PEOPLE[1])
    left = Refused("respondent_not_found", suppresses=True)
    assert invite(world, *PEOPLE) == Each((Sent(None), left, Sent(None)))
    assert world.invited == tokens(PEOPLE[0], PEOPLE[2])


@pytest.mark.parametrize("token", ["nobody", "token0", "no such token", "žluťoučký"])
def test_a_token_that_nobody_has_is_refused(world: World, token: str) -> None:
    nobody = Recipient("jana@example.com", None, "cs", token)
    assert ask(world, nobody) == Refused("token_not_found")
    assert world.invited == []


def test_a_quota_that_is_used_up_closes_the_account(world: World) -> None:
    world.allow(2)
    outcomes = invite(world, *PEOPLE).outcomes
    assert len(world.invited) == 2
    (late,) = (each for each in outcomes if each != Sent(None))
    assert isinstance(late, Retry)
    assert (late.reason, late.whole_account, late.breaks) == ("quota", True, False)
    assert late.after


def test_a_wrong_key_opens_the_breaker(world: World) -> None:
    refused = Retry("credentials", whole_account=True, breaks=True)
    assert invite(world, *PEOPLE, key="another-key") == Each((refused,) * 3)
    assert world.invited == []


def test_our_own_service_is_told_what_the_campaign_says(real: RealWorld) -> None:
    assert ask(real) == Sent(None)
    (kept,) = real.service.store.invitations("shop", SURVEY, offset=0, limit=10)
    assert kept.mailing
    assert (kept.mailing.template_id, kept.mailing.footer) == (1833, False)
    assert (kept.mailing.due_at - kept.created_at).total_seconds() == 15 * 60


def test_our_own_service_takes_who_has_no_token_by_address(real: RealWorld) -> None:
    stranger = Recipient("new@example.com", None, "cs")
    assert ask(real, stranger) == Sent(None)
    assert len(real.invited) == 1


@pytest.mark.parametrize(
    ("survey", "template", "outcome"),
    [
        (SURVEY + 1, 1833, Retry("survey not found")),
        (SURVEY, 1834, Retry("template not found")),
    ],
)
def test_our_own_service_says_what_it_lacks(
    real: RealWorld, survey: int, template: int, outcome: Retry
) -> None:
    provider = real.provider()
    body = provider.encode(PEOPLE[:1], Terms(template=template))
    assert provider.invite(survey, body, "batch-1") == Each((outcome,))


def test_what_our_own_service_says_beyond_the_source_is_left_to_a_person(real: RealWorld) -> None:
    assert ask(real) == Sent(None)
    outcome = ask(real, terms=Terms(template=1833, delay=30))
    assert outcome == Puzzling("netquest: Respondent has just been invited")


def test_a_call_whose_answer_was_lost_may_be_sent_to_our_own_service_again(
    real: RealWorld,
) -> None:
    resends = Terms(template=1833, resends=True)
    real.lose_the_next_answer()
    assert ask(real, terms=resends) == Retry("uncertain_resent", doubtful=True)
    assert ask(real, terms=resends) == Sent(None)
    assert real.invited == tokens(PEOPLE[0])


def test_where_get_is_not_allowed_a_person_hears_of_it(real: RealWorld) -> None:
    real.service.webhook_accounts = [{**WEBHOOK, "get_allowed": False}]
    real._serve()
    assert ask(real, method="GET") == Puzzling("netquest: This account takes POST only")
    assert ask(real, method="POST") == Sent(None)
