"""Lambda handler of the invitation service, behind API Gateway's HTTP API."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from invitation_service.aws import quiet_libraries
from invitation_service.delivering.sqs import teller
from invitation_service.settings import Settings
from invitation_service.surveys.service import InvitationService
from invitation_service.web.door import Api
from invitation_service.wiring import Wiring, now


@cache
def _api() -> Api:
    quiet_libraries()
    settings, logger = Settings.from_env(os.environ), Logger()
    parts = Wiring(settings, logger)
    service = InvitationService(parts.store, now, tell=teller(parts.queue, logger))
    return Api(service, parts.credentials(), logger, parts.read_links(), settings.public_url)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway; see `Api.answer`."""
    return _api().answer(event, context)
