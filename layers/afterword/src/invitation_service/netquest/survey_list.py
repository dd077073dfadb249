"""The webhook `survey-list`, free of HTTP.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-ziskani-seznamu-dotazniku-z-uctu/
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from invitation_service.access.accounts import WebhookAccount
from invitation_service.netquest.calls import ListCall, read_call
from invitation_service.surveys.models import Survey, SurveyStatus
from invitation_service.surveys.store import Store

# The page shows the 1 of a survey that runs; the others are ours.
_STATUSES = {SurveyStatus.DRAFT: 0, SurveyStatus.OPEN: 1, SurveyStatus.CLOSED: 2}
_KIND = "survey"
_KIND_NUMBER = 0


class SurveyList:
    """Lists an account's surveys.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, caller: WebhookAccount, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        """`survey-list`: return the surveys that are asked for, newest first.

        Raises:
            WebhookError: A parameter is not valid.
            StoreBusyError: Try again.
        """
        call = read_call(ListCall, parameters)
        found = chosen(self._store.surveys(caller.account), call)
        return [shown(each, self._store.tally(caller.account, each.id).answers) for each in found]


def chosen(surveys: list[Survey], call: ListCall) -> list[Survey]:
    """Return the surveys that are asked for, newest first; tests and widgets there are none."""
    title = call.title.casefold()
    fitting = [each for each in surveys if call.type == _KIND and title in each.name.casefold()]
    newest_first = sorted(fitting, key=lambda each: -each.id)
    return newest_first[call.offset - 1 :][: call.limit]


def shown(survey: Survey, answers: int) -> dict[str, Any]:
    """Return what clients see of a survey; what there is none of here is null."""
    created = _moment(survey.created_at)
    return {
        "id": survey.id,
        "title": survey.name,
        "user_title": survey.name,
        "url_title": None,
        "date_created": created,
        "date_published": created,
        "date_modified": _moment(survey.updated_at),
        "date_end": None,
        "security_level": 0,
        "answers_count": answers,
        "status": _STATUSES[survey.status],
        "type": _KIND_NUMBER,
        # Each recipient has a link of their own.
        "link": None,
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
