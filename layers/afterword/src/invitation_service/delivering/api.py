"""The route that tells how far an invitation's mails are: ours, for admins."""

from collections.abc import Callable

from invitation_service.delivering.records import Job
from invitation_service.delivering.store import Deliveries
from invitation_service.web.answers import Answer, Routes, json_answer, read_id
from invitation_service.web.errors import RecordNotFoundError

PATH = "/api/v2/ours/surveys/<survey_id>/invitations/<invitation_id>/delivery"


class DeliveryRoutes:
    """Answers how far invitations are.

    Args:
        store: Where deliveries are kept.
        account: Returns the account of the admin who asks, or refuses.
    """

    def __init__(self, store: Deliveries, account: Callable[[], str]) -> None:
        self._store = store
        self._account = account

    def routes(self) -> Routes:
        """Return what answers what."""
        return {PATH: {"GET": self._show}}

    def _show(self, survey_id: str, invitation_id: str) -> Answer:
        job = Job(self._account(), read_id(survey_id), read_id(invitation_id))
        progress = self._store.progress(job)
        if progress is None:
            raise RecordNotFoundError
        return json_answer(200, {"delivery": progress.shown()})
