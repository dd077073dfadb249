"""The service's door, for API Gateway's HTTP API (payload format 2.0), and the NPS dialect's routes."""

import re
import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.access.auth import Credentials
from invitation_service.directory.api import DirectoryRoutes
from invitation_service.netquest.api import WebhookRoutes
from invitation_service.surveys.service import InvitationService
from invitation_service.surveys.store import StoreBusyError
from invitation_service.web.answers import Answer, Routes, json_answer, read_body, read_id
from invitation_service.web.errors import (
    DialectError,
    MethodNotAllowedError,
    RecordNotFoundError,
    UnavailableError,
    UnexpectedError,
)
from invitation_service.web.paging import address_of, links, read_page

_SURVEYS = "/api/v2/nps/surveys"
_SURVEY = f"{_SURVEYS}/<survey_id>"
_INVITATIONS = f"{_SURVEY}/invitations"
_INVITATION = f"{_INVITATIONS}/<invitation_id>"

_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
# Dropped before routing: what a custom domain's base path puts in front, and the optional suffix.
_IGNORED = [re.compile(r"^.*?(?=/(api/v2|webhooks)/)"), re.compile(r"\.json\Z")]


class Api:
    """Answers requests.

    Args:
        service: Does what is asked for.
        credentials: Knows who may ask.
        logger: Gets ids, numbers and types of errors; never a body, a query or an address.
        public_url: See `Settings.public_url`.
    """

    def __init__(
        self,
        service: InvitationService,
        credentials: Credentials,
        logger: Logger,
        public_url: str | None = None,
    ) -> None:
        self._service = service
        self._credentials = credentials
        self._logger = logger
        self._public_url = public_url
        # Debug mode would print whole requests, passwords included.
        self._app = APIGatewayHttpResolver(debug=False, strip_prefixes=list(_IGNORED))
        self._add_routes()

    def _add_routes(self) -> None:
        routes = {
            **self._nps_routes(),
            **DirectoryRoutes(self._service.directory, self._account, self._current).routes(),
            **WebhookRoutes(
                self._service.webhooks, self._credentials, self._logger, self._current
            ).routes(),
        }
        for path, methods in routes.items():
            for method, route in methods.items():
                self._app.route(path, method=method)(route)
            others = sorted(_METHODS - methods.keys())
            self._app.route(path, method=others)(self._refuse_method)
        self._app.not_found(self._refuse_path)
        self._app.exception_handler(DialectError)(self._refuse)
        self._app.exception_handler(StoreBusyError)(self._postpone)
        self._app.exception_handler(Exception)(self._give_up)

    def answer(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one request.

        Args:
            event: API Gateway's event, payload format 2.0:
                https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
            context: Lambda's context.

        Returns:
            The answer in API Gateway's shape.
        """
        # The same id stands in the answer's header `apigw-requestid` and in the access log.
        self._logger.append_keys(request=event["requestContext"].get("requestId"))
        return self._app.resolve(event, context)

    def _nps_routes(self) -> Routes:
        return {
            _SURVEYS: {"POST": self._create_survey},
            _SURVEY: {"GET": self._show_survey},
            _INVITATIONS: {"GET": self._list_invitations, "POST": self._create_invitation},
            _INVITATION: {"GET": self._show_invitation},
        }

    def _current(self) -> APIGatewayProxyEventV2:
        return self._app.current_event

    @property
    def _event(self) -> APIGatewayProxyEventV2:
        return self._current()

    def _account(self) -> str:
        return self._credentials.admin_account(self._event.headers.get("authorization"))

    def _create_survey(self) -> Answer:
        account = self._account()
        survey = self._service.create_survey(account, read_body(self._event))
        self._logger.info("survey created", account=account, survey=survey.id)
        return json_answer(201, {"survey": survey.shown()})

    def _show_survey(self, survey_id: str) -> Answer:
        survey = self._service.survey(self._account(), read_id(survey_id))
        return json_answer(200, {"survey": survey.shown()})

    def _list_invitations(self, survey_id: str) -> Answer:
        account, page = self._account(), read_page(self._event.query_string_parameters)
        invitations, count = self._service.invitations(
            account, read_id(survey_id), offset=page.offset, limit=page.size
        )
        shown = [invitation.shown() for invitation in invitations]
        address = address_of(self._event, self._public_url)
        return json_answer(200, {"invitations": shown, **links(address, page, count)})

    def _show_invitation(self, survey_id: str, invitation_id: str) -> Answer:
        invitation = self._service.invitation(
            self._account(), read_id(survey_id), read_id(invitation_id)
        )
        return json_answer(200, {"invitation": invitation.shown()})

    def _create_invitation(self, survey_id: str) -> Answer:
        account, key = self._account(), self._event.headers.get("idempotency-key", "").strip()
        created = self._service.create_invitation(
            account, read_id(survey_id), read_body(self._event), key or None
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

    def _refuse_method(self, **_: str) -> Answer:
        raise MethodNotAllowedError

    def _refuse_path(self, _: NotFoundError) -> Answer:
        return self._refuse(RecordNotFoundError())

    def _refuse(self, error: DialectError) -> Answer:
        told = {"status": error.status, "error_type": type(error).__name__}
        if error.reason:
            told["reason"] = error.reason
        self._logger.info("refused", extra=told)
        return json_answer(error.status, error.body(), error.headers)

    def _postpone(self, error: StoreBusyError) -> Answer:
        self._logger.warning("store busy", error_type=type(error.__cause__ or error).__name__)
        return self._refuse(UnavailableError())

    def _give_up(self, error: Exception) -> Answer:
        # No text: an exception's may hold what the client sent.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        self._logger.error(
            "unexpected error",
            error_type=type(error).__name__,
            raised_in=f"{frame.filename.rpartition('/')[2]}:{frame.lineno}",
        )
        return self._refuse(UnexpectedError())
