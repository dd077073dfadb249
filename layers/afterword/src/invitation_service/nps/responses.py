"""The dialect's calls about responses.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_responses/
"""

from collections.abc import Mapping

from invitation_service.nps.request import Request
from invitation_service.people.records import Category
from invitation_service.people.service import Filters, PeopleService
from invitation_service.web.answers import Answer, Routes, json_answer, read_id
from invitation_service.web.errors import MalformedRequestError
from invitation_service.web.paging import links

_RESPONSES = "/api/v2/nps/surveys/<survey_id>/responses"
_FILTERS = {"category", "has_comment"}
_COMMENTED = {"true": True, "false": False}


class ResponseRoutes:
    """Answers requests about responses.

    Args:
        people: Does what is asked for.
        request: The request.
    """

    def __init__(self, people: PeopleService, request: Request) -> None:
        self._people = people
        self._request = request

    def routes(self) -> Routes:
        """Return what answers what."""
        return {
            _RESPONSES: {"GET": self._list, "POST": self._create},
            f"{_RESPONSES}/<response_id>": {"GET": self._show, "PUT": self._update},
        }

    def _list(self, survey_id: str) -> Answer:
        account, page, query = self._request.account(), self._request.page(), self._request.query()
        found, count = self._people.responses(
            account, read_id(survey_id), _filters(query), offset=page.offset, limit=page.size
        )
        # The next page has the same filters.
        kept = {name: text for name, text in query.items() if name in _FILTERS}
        paging = links(self._request.address(), page, count, kept)
        return json_answer(200, {"responses": [each.shown() for each in found], **paging})

    def _create(self, survey_id: str) -> Answer:
        response = self._people.add_response(
            self._request.account(), read_id(survey_id), self._request.body()
        )
        return json_answer(201, {"response": response.shown()})

    def _show(self, survey_id: str, response_id: str) -> Answer:
        response = self._people.response(
            self._request.account(), read_id(survey_id), read_id(response_id)
        )
        return json_answer(200, {"response": response.shown()})

    def _update(self, survey_id: str, response_id: str) -> Answer:
        response = self._people.change_response(
            self._request.account(),
            read_id(survey_id),
            read_id(response_id),
            self._request.body(),
        )
        return json_answer(200, {"response": response.shown()})


def _filters(query: Mapping[str, str]) -> Filters:
    category, commented = query.get("category"), query.get("has_comment")
    if category is not None and category not in {*Category}:
        text = "category must be detractors, passives or promoters"
        raise MalformedRequestError("InvalidFilter", text)
    if commented is not None and commented not in _COMMENTED:
        raise MalformedRequestError("InvalidFilter", "has_comment must be true or false")
    return Filters(
        category=Category(category) if category else None,
        has_comment=None if commented is None else _COMMENTED[commented],
    )
