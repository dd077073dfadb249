"""How surveys with ids of their own, templates and respondents get in: extensions of ours."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from invitation_service.directory.records import PutRespondent, PutTemplate, Respondent, Template
from invitation_service.surveys import bodies
from invitation_service.surveys.models import CreateSurvey, Survey
from invitation_service.surveys.store import Store
from invitation_service.web.errors import RecordNotFoundError


class DirectoryService:
    """The directory of one account at a time.

    Every `put` replaces what has the id; its body is JSON. It raises MalformedRequestError for a
    body that is no JSON, and RecordInvalidError for a field that is missing or wrong.

    Args:
        store: Where it is kept.
        now: Returns the time in UTC, in whole seconds.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def put_survey(self, account: str, survey_id: int, body: bytes) -> Survey:
        """Keep a survey from `{"survey":{"name":…}}`."""
        request = bodies.read_model(CreateSurvey, bodies.read_json(body))
        return self._store.put_survey(account, survey_id, request.survey.name, self._now())

    def put_template(self, account: str, template_id: int, body: bytes) -> Template:
        """Keep a template from `{"template":{"subject":…,"text":…}}`."""
        request = bodies.read_model(PutTemplate, bodies.read_json(body)).template
        template = Template(
            id=template_id, subject=request.subject, text=request.text, updated_at=self._now()
        )
        self._store.put_template(account, template)
        return template

    def template(self, account: str, template_id: int) -> Template:
        """Return a template.

        Raises:
            RecordNotFoundError: The account has no such template.
        """
        template = self._store.template(account, template_id)
        if template is None:
            raise RecordNotFoundError
        return template

    def put_respondent(self, account: str, token: str, body: bytes) -> dict[str, Any]:
        """Keep a respondent from `{"respondent":{"email":…}}`; return what clients see."""
        request = bodies.read_model(PutRespondent, bodies.read_json(body)).respondent
        respondent = Respondent(
            token=token,
            email=request.email,
            language=request.language,
            labels=request.labels,
            updated_at=self._now(),
        )
        # First, so that nobody is found invitable in between.
        if request.unsubscribed is not None:
            self._store.set_unsubscribed(account, request.email, unsubscribed=request.unsubscribed)
        self._store.put_respondent(account, respondent)
        return self._shown(account, respondent)

    def respondent(self, account: str, token: str) -> dict[str, Any]:
        """Return what clients see of a respondent.

        Raises:
            RecordNotFoundError: The account has no such respondent.
        """
        respondent = self._store.respondent(account, token)
        if respondent is None:
            raise RecordNotFoundError
        return self._shown(account, respondent)

    def drop_respondent(self, account: str, token: str) -> None:
        """Forget a respondent, if there is one; whether the address is unsubscribed stays."""
        self._store.drop_respondent(account, token)

    def _shown(self, account: str, respondent: Respondent) -> dict[str, Any]:
        unsubscribed = self._store.is_unsubscribed(account, respondent.email)
        return {**respondent.shown(), "unsubscribed": unsubscribed}
