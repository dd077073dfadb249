"""A shop with a survey and people who were invited, and the pages that they open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invitation_service.answering.answers import Answers
from invitation_service.answering.links import Links, Who
from invitation_service.people.store import NewRecipient
from tests.support.api_gateway import through_gateway
from tests.support.invitation_service import LINK_KEY, Service

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from invitation_service.people.records import Response, SurveyRecipient
    from tests.support.servers import Server

ACCOUNT, SURVEY = "shop", 1


class Invited:
    """Somebody who was invited, with their links."""

    def __init__(self, service: Service, recipient: SurveyRecipient) -> None:
        self.who = Who(ACCOUNT, recipient.survey_id, recipient.id)
        self.email = recipient.email
        self._service = service

    @property
    def page(self) -> str:
        return self._service.links.score_url(self.who)

    def score(self, score: int) -> str:
        return self._service.links.score_url(self.who, score)

    @property
    def unsubscribe(self) -> str:
        return self._service.links.unsubscribe_url(self.who)

    @property
    def response(self) -> Response | None:
        return self._service.store.response(ACCOUNT, self.who.survey_id, self.who.recipient_id)

    @property
    def answer(self) -> tuple[int, str | None] | None:
        """Score and comment, as they are kept."""
        return (self.response.rating, self.response.comment) if self.response else None

    @property
    def unsubscribed(self) -> bool:
        return self._service.store.is_unsubscribed(ACCOUNT, self.email)


class Shop:
    """A survey and its people, in the store of a service."""

    def __init__(self, service: Service, name: str = "Lípa & Daughters") -> None:
        self.service = service
        service.store.add_survey(ACCOUNT, name, service.now)

    def configure(self, **fields: Any) -> None:
        self.service.store.update_survey(ACCOUNT, SURVEY, fields, self.service.now)

    def invite(self, locale: str | None = None, email: str = "jane@example.com") -> Invited:
        new = NewRecipient(email=email, name="Jane Doe", locale=locale, created_at=self.service.now)
        return Invited(self.service, self.service.store.add_recipient(ACCOUNT, SURVEY, new))

    def answered(self, score: int, comment: str | None = None, **more: Any) -> Invited:
        invited = self.invite(**more)
        answers = Answers(self.service.store, lambda: self.service.now)
        answers.answer(invited.who, score, comment)
        return invited


class ServedShop(Shop):
    """The same, served over HTTP."""

    def __init__(self, server: Server) -> None:
        super().__init__(Service())
        self.url = server.url
        self._server = server
        self.service.links = Links(lambda: [LINK_KEY], server.url)
        server.otherwise = through_gateway(self.service.api().answer)

    def rename_www_authenticate(self) -> None:
        """Do as API Gateway does with some APIs' answers."""
        answer = self.service.api().answer

        def renaming(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
            made = answer(event, context)
            headers = made["headers"]
            if "WWW-Authenticate" in headers:
                headers["x-amzn-Remapped-WWW-Authenticate"] = headers.pop("WWW-Authenticate")
            return made

        self._server.otherwise = through_gateway(renaming)
