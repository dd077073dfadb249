"""Recipients and responses of one account at a time, free of HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from invitation_service.people.bodies import (
    CreateRecipient,
    CreateResponse,
    UpdateRecipient,
    UpdateResponse,
)
from invitation_service.people.records import Category, Response, SurveyRecipient
from invitation_service.people.store import (
    NewRecipient,
    People,
    SurveyClosedError,
    UnknownRecipientError,
)
from invitation_service.surveys import bodies
from invitation_service.surveys.models import Address, Survey
from invitation_service.surveys.store import UnknownSurveyError
from invitation_service.web.errors import (
    RecordInvalidError,
    RecordNotFoundError,
    survey_closed,
)

_ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


class Memory(People, Protocol):
    """What this service needs to remember."""

    def survey(self, account: str, survey_id: int) -> Survey | None:
        """Return a survey, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Filters:
    """Which responses are asked for; None is all of them."""

    category: Category | None = None
    has_comment: bool | None = None


class PeopleService:
    """Does what is asked for.

    Each method raises RecordNotFoundError if the account has no such survey, recipient or response.

    Args:
        store: Where everything is kept.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, store: Memory, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def _look_for_survey(self, account: str, survey_id: int) -> None:
        if self._store.survey(account, survey_id) is None:
            raise RecordNotFoundError

    def recipients(
        self, account: str, survey_id: int, *, offset: int, limit: int
    ) -> tuple[list[SurveyRecipient], int]:
        """Return a stretch of a survey's recipients, newest first, and how many there are."""
        self._look_for_survey(account, survey_id)
        return self._store.recipients_of_survey(account, survey_id, offset=offset, limit=limit)

    def recipients_at(self, account: str, survey_id: int, email: str) -> list[SurveyRecipient]:
        """Return a survey's recipients with an address, newest first."""
        self._look_for_survey(account, survey_id)
        try:
            address = _ADDRESS.validate_python(email)
        except ValidationError:
            # What is no address, nobody has.
            return []
        return self._store.recipients_at(account, survey_id, address)

    def recipient(self, account: str, survey_id: int, recipient_id: int) -> SurveyRecipient:
        """Return a recipient."""
        recipient = self._store.recipient(account, survey_id, recipient_id)
        if recipient is None:
            raise RecordNotFoundError
        return recipient

    def add_recipient(self, account: str, survey_id: int, body: bytes) -> SurveyRecipient:
        """Keep a recipient from `{"recipient":{…}}`. Nobody mails them.

        Raises:
            MalformedRequestError: The body is no JSON.
            RecordInvalidError: A field is missing or wrong.
        """
        self._look_for_survey(account, survey_id)
        wanted = bodies.read_model(CreateRecipient, bodies.read_json(body)).recipient
        new = NewRecipient(
            email=wanted.email, name=wanted.name, locale=wanted.locale, created_at=self._now()
        )
        try:
            return self._store.add_recipient(account, survey_id, new)
        except UnknownSurveyError:
            raise RecordNotFoundError from None

    def change_recipient(
        self, account: str, survey_id: int, recipient_id: int, body: bytes
    ) -> SurveyRecipient:
        """Change what `{"recipient":{…}}` names; raises as `add_recipient` does."""
        known = self.recipient(account, survey_id, recipient_id)
        changes = bodies.read_model(UpdateRecipient, bodies.read_json(body)).recipient.given()
        changed = known.model_copy(update=changes | {"updated_at": self._now()})
        try:
            self._store.put_recipient(account, changed)
        except UnknownRecipientError:
            raise RecordNotFoundError from None
        return self.recipient(account, survey_id, recipient_id)

    def responses(
        self, account: str, survey_id: int, filters: Filters, *, offset: int, limit: int
    ) -> tuple[list[Response], int]:
        """Return a stretch of a survey's responses, newest first, and how many pass the filters."""
        self._look_for_survey(account, survey_id)
        return self._store.responses(
            account,
            survey_id,
            category=filters.category,
            has_comment=filters.has_comment,
            offset=offset,
            limit=limit,
        )

    def response(self, account: str, survey_id: int, response_id: int) -> Response:
        """Return a response."""
        response = self._store.response(account, survey_id, response_id)
        if response is None:
            raise RecordNotFoundError
        return response

    def add_response(self, account: str, survey_id: int, body: bytes) -> Response:
        """Keep an answer from `{"response":{…}}`; it replaces the recipient's earlier one.

        Raises:
            MalformedRequestError: The body is no JSON.
            RecordInvalidError: A field is missing or wrong, or the survey is closed.
        """
        self._look_for_survey(account, survey_id)
        wanted = bodies.read_model(CreateResponse, bodies.read_json(body)).response
        now = self._now()

        def replace(earlier: Response | None) -> Response:
            return Response(
                id=wanted.recipient_id,
                survey_id=survey_id,
                recipient_id=wanted.recipient_id,
                rating=wanted.rating,
                comment=wanted.comment,
                created_at=earlier.created_at if earlier else now,
                updated_at=now,
            )

        try:
            return self._respond(account, survey_id, wanted.recipient_id, replace)
        except UnknownRecipientError:
            text = "Recipient_id: is no recipient of this survey"
            details = {"recipient_id": [{"description": text, "error": "InvalidValue"}]}
            raise RecordInvalidError(details) from None

    def change_response(
        self, account: str, survey_id: int, response_id: int, body: bytes
    ) -> Response:
        """Change what `{"response":{…}}` names; raises as `add_response` does."""
        self.response(account, survey_id, response_id)
        changes = bodies.read_model(UpdateResponse, bodies.read_json(body)).response.given()
        now = self._now()

        def alter(earlier: Response | None) -> Response:
            if earlier is None:
                raise UnknownRecipientError
            return earlier.model_copy(update=changes | {"updated_at": now})

        try:
            return self._respond(account, survey_id, response_id, alter)
        except UnknownRecipientError:
            raise RecordNotFoundError from None

    def _respond(
        self,
        account: str,
        survey_id: int,
        recipient_id: int,
        change: Callable[[Response | None], Response],
    ) -> Response:
        try:
            return self._store.respond(account, survey_id, recipient_id, change)
        except SurveyClosedError:
            raise survey_closed() from None
