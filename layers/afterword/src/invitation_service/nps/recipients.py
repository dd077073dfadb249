"""The dialect's calls about recipients.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_recipients/
"""

from invitation_service.nps.request import Request
from invitation_service.people.service import PeopleService
from invitation_service.web.answers import Answer, Routes, json_answer, read_id
from invitation_service.web.errors import RecordInvalidError
from invitation_service.web.paging import links

_RECIPIENTS = "/api/v2/nps/surveys/<survey_id>/recipients"


class RecipientRoutes:
    """Answers requests about recipients.

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
            _RECIPIENTS: {"GET": self._list, "POST": self._create},
            # Before the next one, which would take "search" for an id.
            f"{_RECIPIENTS}/search": {"GET": self._search},
            f"{_RECIPIENTS}/<recipient_id>": {"GET": self._show, "PUT": self._update},
        }

    def _list(self, survey_id: str) -> Answer:
        account, page = self._request.account(), self._request.page()
        found, count = self._people.recipients(
            account, read_id(survey_id), offset=page.offset, limit=page.size
        )
        shown = [each.shown() for each in found]
        return json_answer(
            200, {"recipients": shown, **links(self._request.address(), page, count)}
        )

    def _search(self, survey_id: str) -> Answer:
        account, number = self._request.account(), read_id(survey_id)
        email = self._request.query().get("email", "")
        if not email:
            details = {"email": [{"description": "Email: cannot be blank", "error": "BlankValue"}]}
            raise RecordInvalidError(details)
        shown = [each.shown() for each in self._people.recipients_at(account, number, email)]
        # All of them stand on one page.
        paging = {"next_page": None, "previous_page": None, "count": len(shown)}
        return json_answer(200, {"recipients": shown, **paging})

    def _create(self, survey_id: str) -> Answer:
        recipient = self._people.add_recipient(
            self._request.account(), read_id(survey_id), self._request.body()
        )
        return json_answer(201, {"recipient": recipient.shown()})

    def _show(self, survey_id: str, recipient_id: str) -> Answer:
        recipient = self._people.recipient(
            self._request.account(), read_id(survey_id), read_id(recipient_id)
        )
        return json_answer(200, {"recipient": recipient.shown()})

    def _update(self, survey_id: str, recipient_id: str) -> Answer:
        recipient = self._people.change_recipient(
            self._request.account(),
            read_id(survey_id),
            read_id(recipient_id),
            self._request.body(),
        )
        return json_answer(200, {"recipient": recipient.shown()})
