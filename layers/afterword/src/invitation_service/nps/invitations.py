"""The dialect's calls about invitations.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_invitations/
"""

from aws_lambda_powertools import Logger

from invitation_service.nps.request import Request
from invitation_service.surveys.service import InvitationService
from invitation_service.web.answers import Answer, Routes, json_answer, read_id
from invitation_service.web.paging import links

_INVITATIONS = "/api/v2/nps/surveys/<survey_id>/invitations"


class InvitationRoutes:
    """Answers requests about invitations.

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
            _INVITATIONS: {"GET": self._list, "POST": self._create},
            f"{_INVITATIONS}/<invitation_id>": {"GET": self._show},
        }

    def _list(self, survey_id: str) -> Answer:
        account, page = self._request.account(), self._request.page()
        invitations, count = self._service.invitations(
            account, read_id(survey_id), offset=page.offset, limit=page.size
        )
        shown = [invitation.shown() for invitation in invitations]
        return json_answer(
            200, {"invitations": shown, **links(self._request.address(), page, count)}
        )

    def _show(self, survey_id: str, invitation_id: str) -> Answer:
        invitation = self._service.invitation(
            self._request.account(), read_id(survey_id), read_id(invitation_id)
        )
        return json_answer(200, {"invitation": invitation.shown()})

    def _create(self, survey_id: str) -> Answer:
        account, key = self._request.account(), self._request.header("idempotency-key")
        created = self._service.create_invitation(
            account, read_id(survey_id), self._request.body(), key or None
        )
        lookup = {"x-idempotency-lookup": "hit" if created.repeated else "miss"} if key else {}
        self._logger.info(
            "invitation created",
            account=account,
            survey=created.survey_id,
            invitation=created.invitation_id,
            repeated=created.repeated,
        )
        return json_answer(201, {"invitation": created.shown()}, lookup)
