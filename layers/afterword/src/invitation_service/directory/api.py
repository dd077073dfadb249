"""The routes of our own extensions, all under `/api/v2/ours`, for admins alone."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.directory.records import is_token
from invitation_service.directory.service import DirectoryService
from invitation_service.web.answers import Answer, Routes, json_answer, read_body, read_id
from invitation_service.web.errors import RecordNotFoundError

_OURS = "/api/v2/ours"


class DirectoryRoutes:
    """Answers requests about surveys with given ids, templates and respondents.

    Args:
        directory: Does what is asked for.
        account: Returns the account of the request's admin, or raises.
        event: Returns the request.
    """

    def __init__(
        self,
        directory: DirectoryService,
        account: Callable[[], str],
        event: Callable[[], APIGatewayProxyEventV2],
    ) -> None:
        self._directory = directory
        self._account = account
        self._event = event

    def routes(self) -> Routes:
        """Return what answers what."""
        return {
            f"{_OURS}/surveys/<survey_id>": {"PUT": self._put_survey},
            f"{_OURS}/templates/<template_id>": {
                "GET": self._show_template,
                "PUT": self._put_template,
            },
            f"{_OURS}/respondents/<token>": {
                "DELETE": self._drop_respondent,
                "GET": self._show_respondent,
                "PUT": self._put_respondent,
            },
        }

    def _put_survey(self, survey_id: str) -> Answer:
        account, body = self._account(), read_body(self._event())
        survey = self._directory.put_survey(account, read_id(survey_id), body)
        return json_answer(200, {"survey": survey.shown()})

    def _show_template(self, template_id: str) -> Answer:
        template = self._directory.template(self._account(), read_id(template_id))
        return json_answer(200, {"template": template.shown()})

    def _put_template(self, template_id: str) -> Answer:
        account, body = self._account(), read_body(self._event())
        template = self._directory.put_template(account, read_id(template_id), body)
        return json_answer(200, {"template": template.shown()})

    def _show_respondent(self, token: str) -> Answer:
        respondent = self._directory.respondent(self._account(), _token(token))
        return json_answer(200, {"respondent": respondent})

    def _put_respondent(self, token: str) -> Answer:
        account, body = self._account(), read_body(self._event())
        respondent = self._directory.put_respondent(account, _token(token), body)
        return json_answer(200, {"respondent": respondent})

    def _drop_respondent(self, token: str) -> Answer:
        self._directory.drop_respondent(self._account(), _token(token))
        return json_answer(200, {})


def _token(text: str) -> str:
    if not is_token(text):
        raise RecordNotFoundError
    return text
