"""The dialect's calls about surveys.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_surveys/
"""

from dataclasses import asdict

from aws_lambda_powertools import Logger

from invitation_service.nps.request import Request
from invitation_service.surveys.service import InvitationService
from invitation_service.web.answers import Answer, Routes, json_answer, read_id
from invitation_service.web.paging import links

_SURVEYS = "/api/v2/nps/surveys"
_SURVEY = f"{_SURVEYS}/<survey_id>"


class SurveyRoutes:
    """Answers requests about surveys.

    Args:
        service: Does what is asked for.
        request: The request.
        logger: Gets ids alone.
    """

    def __init__(self, service: InvitationService, request: Request, logger: Logger) -> None:
        self._service = service
        self._request = request
        self._logger = logger

    def routes(self) -> Routes:
        """Return what answers what."""
        return {
            _SURVEYS: {"GET": self._list, "POST": self._create},
            _SURVEY: {"GET": self._show, "PUT": self._update},
            f"{_SURVEY}/close": {"POST": self._close},
            f"{_SURVEY}/preview": {"GET": self._preview},
        }

    def _list(self) -> Answer:
        account, page = self._request.account(), self._request.page()
        surveys = self._service.surveys(account)
        shown = [each.shown() for each in surveys[page.offset : page.offset + page.size]]
        return json_answer(
            200, {"surveys": shown, **links(self._request.address(), page, len(surveys))}
        )

    def _create(self) -> Answer:
        account = self._request.account()
        survey = self._service.create_survey(account, self._request.body())
        self._logger.info("survey created", account=account, survey=survey.id)
        return json_answer(201, {"survey": survey.shown()})

    def _show(self, survey_id: str) -> Answer:
        survey = self._service.survey(self._request.account(), read_id(survey_id))
        return json_answer(200, {"survey": survey.shown()})

    def _update(self, survey_id: str) -> Answer:
        account = self._request.account()
        survey = self._service.update_survey(account, read_id(survey_id), self._request.body())
        self._logger.info("survey changed", account=account, survey=survey.id)
        return json_answer(200, {"survey": survey.shown()})

    def _preview(self, survey_id: str) -> Answer:
        # No other call needs what makes mails, and it takes long to load.
        from invitation_service.mailing.preview import preview  # noqa: PLC0415

        survey = self._service.survey(self._request.account(), read_id(survey_id))
        shown = preview(survey, self._request.query().get("locale"), survey.updated_at)
        return json_answer(200, {"preview": asdict(shown)})

    def _close(self, survey_id: str) -> Answer:
        account = self._request.account()
        survey = self._service.close_survey(account, read_id(survey_id))
        self._logger.info("survey closed", account=account, survey=survey.id)
        return json_answer(200, {"survey": survey.shown()})
