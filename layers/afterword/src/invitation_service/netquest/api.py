"""The routes of the Netquest dialect. Its paths hold secrets: nothing here may tell a path."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.access.accounts import WebhookAccount
from invitation_service.access.auth import Credentials, PresentedKey
from invitation_service.netquest.calls import read_parameters
from invitation_service.netquest.webhooks import Scheduled, Webhooks
from invitation_service.web.answers import Answer, Routes, json_answer
from invitation_service.web.errors import UnauthenticatedError, WebhookError

PATH = "/webhooks/<id_account>/<webhook_key>/<webhook_auth>/<webhook_name>"

type Webhook = Callable[[WebhookAccount, Mapping[str, str]], Any]


class WebhookRoutes:
    """Answers webhooks.

    Args:
        webhooks: Does what is asked for.
        credentials: Knows who may ask.
        logger: Gets accounts, ids and reasons of ours; never a path, a query or a form.
        event: Returns the request.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        credentials: Credentials,
        logger: Logger,
        event: Callable[[], APIGatewayProxyEventV2],
    ) -> None:
        self._credentials = credentials
        self._logger = logger
        self._event = event
        respondents = webhooks.respondents
        self._webhooks: dict[str, tuple[Webhook, str]] = {
            "send-invitation": (webhooks.invite_address, "Invitation has been scheduled"),
            "send-invitation-to-token": (webhooks.invite_token, "Invitation has been scheduled"),
            "add-respondent": (
                respondents.add,
                "Respondent has been added to the survey's mailing list",
            ),
            "update-respondent": (
                respondents.update,
                "Respondent has been updated on the survey's mailing list",
            ),
            "unsubscribe": (respondents.unsubscribe, "E-mail has been unsubscribed"),
            "survey-list": (webhooks.surveys.answer, ""),
        }

    def routes(self) -> Routes:
        """Return what answers what."""
        return {PATH: {"GET": self._answer, "POST": self._answer}}

    def _answer(
        self, id_account: str, webhook_key: str, webhook_auth: str, webhook_name: str
    ) -> Answer:
        caller = self._caller(PresentedKey(id_account, webhook_key, webhook_auth))
        if webhook_name not in self._webhooks:
            raise WebhookError("Unknown webhook")
        if self._event().http_method == "GET" and not caller.get_allowed:
            raise WebhookError("This account takes POST only")
        webhook, success = self._webhooks[webhook_name]
        made = webhook(caller, read_parameters(self._event()))
        self._tell(webhook_name, caller, made)
        return json_answer(200, {"type": "success", "msg": success} if success else made)

    def _tell(self, name: str, caller: WebhookAccount, made: object) -> None:
        ids: dict[str, object] = {}
        if isinstance(made, Scheduled):
            ids = {
                "survey": made.survey_id,
                "invitation": made.invitation_id,
                "repeated": made.repeated,
            }
        self._logger.info("webhook answered", webhook=name, account=caller.account, extra=ids)

    def _caller(self, presented: PresentedKey) -> WebhookAccount:
        try:
            return self._credentials.webhook_account(presented)
        except UnauthenticatedError:
            raise WebhookError("Unauthorized") from None
