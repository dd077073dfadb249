"""The service's door, for API Gateway's HTTP API (payload format 2.0): all routes lead through it."""

import re
import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.access.auth import Credentials
from invitation_service.answering.links import Links
from invitation_service.answering.pages import AnswerPages
from invitation_service.answering.refusals import is_page, refusal
from invitation_service.answering.results_page import ResultsRoutes
from invitation_service.delivering.api import DeliveryRoutes
from invitation_service.directory.api import DirectoryRoutes
from invitation_service.netquest.api import WebhookRoutes
from invitation_service.nps.api import NpsRoutes
from invitation_service.nps.request import Request
from invitation_service.surveys.service import InvitationService
from invitation_service.surveys.store import StoreBusyError
from invitation_service.web.answers import Answer, Routes, json_answer, text_answer
from invitation_service.web.errors import (
    DialectError,
    MethodNotAllowedError,
    RecordNotFoundError,
    UnavailableError,
    UnexpectedError,
)

_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
# Dropped before routing: what a custom domain's base path puts in front, and the optional suffix.
_IGNORED = [
    re.compile(r"^.*?(?=/(api/v2|webhooks)/)"),
    re.compile(r"^(?!.*/(api/v2|webhooks)/).*(?=/(s|u|results)/[^/]+\Z)"),
    re.compile(r"\.json\Z"),
]


class Api:
    """Answers requests.

    Args:
        service: Does what is asked for.
        credentials: Knows who may ask.
        logger: Gets ids, numbers and types of errors; never a body, a query or an address.
        links: Reads the links of mails.
        public_url: See `Settings.public_url`.

    Attributes:
        routes: What answers what.
    """

    def __init__(
        self,
        service: InvitationService,
        credentials: Credentials,
        logger: Logger,
        links: Links,
        public_url: str | None = None,
    ) -> None:
        self._service = service
        self._credentials = credentials
        self._logger = logger
        self._links = links
        self._public_url = public_url
        # What the answer under way is to say beside its own headers.
        self._told: dict[str, str] = {}
        # Debug mode would print whole requests, passwords included.
        self._app = APIGatewayHttpResolver(debug=False, strip_prefixes=list(_IGNORED))
        self._add_routes()

    def _add_routes(self) -> None:
        self.routes: Routes = {
            **NpsRoutes(self._service, self._request(), self._logger).routes(),
            **DirectoryRoutes(self._service.directory, self._account, self._current).routes(),
            **WebhookRoutes(
                self._service.webhooks, self._credentials, self._logger, self._current
            ).routes(),
            **AnswerPages(self._service.answers, self._links, self._logger, self._current).routes(),
            **DeliveryRoutes(self._service.deliveries, self._account).routes(),
            **ResultsRoutes(
                self._service.results, self._credentials.admin_account, self._current
            ).routes(),
        }
        for path, methods in self.routes.items():
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
        self._told.clear()
        answer = self._app.resolve(event, context)
        return answer | {"headers": answer["headers"] | self._told}

    def _current(self) -> APIGatewayProxyEventV2:
        return self._app.current_event

    def _path(self) -> str:
        return _IGNORED[1].sub("", self._current().path)

    def _account(self) -> str:
        return self._credentials.admin_account(self._current().headers.get("authorization"))

    def _request(self) -> Request:
        return Request(
            self._current,
            self._credentials,
            self._service.limits,
            self._told.update,
            self._public_url,
        )

    def _refuse_method(self, **_: str) -> Answer:
        raise MethodNotAllowedError

    def _refuse_path(self, _: NotFoundError) -> Answer:
        return self._refuse(RecordNotFoundError())

    def _refuse(self, error: DialectError) -> Answer:
        told = {"status": error.status, "error_type": type(error).__name__}
        if error.reason:
            told["reason"] = error.reason
        self._logger.info("refused", extra=told)
        if is_page(self._path()):
            return refusal(self._current(), error)
        body = error.body()
        if isinstance(body, str):
            return text_answer(error.status, body, error.headers)
        return json_answer(error.status, body, error.headers)

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
