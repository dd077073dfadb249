"""All routes of the NPS dialect, which Zendesk answered until 30 April 2023."""

from aws_lambda_powertools import Logger

from invitation_service.nps.exports import ExportRoutes
from invitation_service.nps.invitations import InvitationRoutes
from invitation_service.nps.recipients import RecipientRoutes
from invitation_service.nps.request import Request
from invitation_service.nps.responses import ResponseRoutes
from invitation_service.nps.surveys import SurveyRoutes
from invitation_service.surveys.service import InvitationService
from invitation_service.web.answers import Routes


class NpsRoutes:
    """Answers requests in the NPS dialect.

    Args:
        service: Does what is asked for.
        request: The request.
        logger: Gets ids, numbers and types of errors; never a body, a query or an address.
    """

    def __init__(self, service: InvitationService, request: Request, logger: Logger) -> None:
        self._rooms = (
            SurveyRoutes(service, request, logger),
            InvitationRoutes(service, request, logger),
            RecipientRoutes(service.people, request),
            ResponseRoutes(service.people, request),
            ExportRoutes(service.exports, request),
        )

    def routes(self) -> Routes:
        """Return what answers what."""
        return {path: methods for room in self._rooms for path, methods in room.routes().items()}
