"""The dialect's incremental exports.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_incremental_exports_-_recipients/
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from invitation_service.nps.request import Request
from invitation_service.people.exports import Export, Exports
from invitation_service.web.answers import Answer, Routes, json_answer
from invitation_service.web.errors import MalformedRequestError, RecordInvalidError

_EXPORTS = "/api/v2/nps/incremental"
# Until the year 5138.
_SECONDS = re.compile(r"[0-9]{1,11}")
# A moment, a survey and an id; only the store knows more about it.
_CURSOR = re.compile(r"[0-9T:+.-]{10,40}#[0-9]{19}#[0-9]{19}")

type Turn = Callable[[str, datetime, str | None], Export]


class ExportRoutes:
    """Answers requests for exports.

    Args:
        exports: Does what is asked for.
        request: The request.
    """

    def __init__(self, exports: Exports, request: Request) -> None:
        self._exports = exports
        self._request = request

    def routes(self) -> Routes:
        """Return what answers what."""
        return {
            f"{_EXPORTS}/recipients": {"GET": self._recipients},
            f"{_EXPORTS}/responses": {"GET": self._responses},
        }

    def _recipients(self) -> Answer:
        return json_answer(200, self._page("recipients", self._exports.recipients))

    def _responses(self) -> Answer:
        return json_answer(200, self._page("responses", self._exports.responses))

    def _page(self, name: str, turn: Turn) -> dict[str, Any]:
        account, query = self._request.exporting_account(), self._request.query()
        since, cursor = _start_time(query), _cursor(query)
        if not self._exports.is_settled(since):
            text = "Start time: must be five minutes ago or earlier"
            details = {"start_time": [{"description": text, "error": "InvalidValue"}]}
            raise RecordInvalidError(details)
        export = turn(account, since, cursor)
        return {
            name: export.records,
            "count": len(export.records),
            "end_time": int(export.end_time.timestamp()),
            "next_page": self._next_page(since, export.after),
        }

    def _next_page(self, since: datetime, after: str | None) -> str | None:
        # Null on the last page: zenpy would go on for ever.
        if after is None:
            return None
        query = urlencode({"start_time": int(since.timestamp()), "cursor": after})
        return f"{self._request.address()}?{query}"


def _start_time(query: Mapping[str, str]) -> datetime:
    text = query.get("start_time", "")
    if not _SECONDS.fullmatch(text):
        raise MalformedRequestError("InvalidStartTime", "start_time must be Unix seconds")
    return datetime.fromtimestamp(int(text), UTC)


def _cursor(query: Mapping[str, str]) -> str | None:
    cursor = query.get("cursor")
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise MalformedRequestError("InvalidCursor", "cursor must be that of a next_page")
    return cursor
