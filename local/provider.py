"""The provider as its clients see it: the invitation service's API, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 30


class Provider:
    """Reads and writes at the invitation service, signed in with an API token.

    Args:
        base_url: What stands before `/api/v2`.
        email: Who signs in.
        api_token: The token.
    """

    def __init__(self, base_url: str, email: str, api_token: str) -> None:
        self._surveys = f"{base_url}/api/v2/nps/surveys"
        self._ours = f"{base_url}/api/v2/ours"
        self._http = requests.Session()
        self._http.trust_env = False  # No proxy, no .netrc: this is loopback.
        self._http.auth = (f"{email}/token", api_token)

    def create_survey(self, name: str) -> int:
        """Create a survey.

        Args:
            name: Its name.

        Returns:
            Its id.
        """
        survey = self._ask("POST", "", {"survey": {"name": name}})["survey"]
        return int(survey["id"])

    def change_survey(self, survey: int, changes: Mapping[str, Any]) -> None:
        """Change what a survey's mails and pages say.

        Args:
            survey: Its id.
            changes: The fields that change, as docs/invitation-service.md names them.
        """
        self._ask("PUT", f"/{survey}", {"survey": changes})

    def invitation(self, survey: int, invitation: int) -> Mapping[str, Any]:
        """Show an invitation, with `status` and `recipients_count`.

        Args:
            survey: Its survey's id.
            invitation: Its id.

        Returns:
            Its fields.
        """
        shown: Mapping[str, Any]
        shown = self._ask("GET", f"/{survey}/invitations/{invitation}")["invitation"]
        return shown

    def count(self, survey: int) -> int:
        """Count the invitations of a survey.

        Args:
            survey: Its id.

        Returns:
            How many there are.
        """
        return int(self._ask("GET", f"/{survey}/invitations")["count"])

    def invitations(self, survey: int, *, page: int = 1, per_page: int = 100) -> Mapping[str, Any]:
        """List a page of a survey's invitations.

        Args:
            survey: Its id.
            page: The page's number, from 1.
            per_page: How many to a page.

        Returns:
            `invitations`, `count`, `next_page` and `previous_page`.
        """
        listed: Mapping[str, Any]
        listed = self._ask("GET", f"/{survey}/invitations?page={page}&per_page={per_page}")
        return listed

    def put(self, kind: str, key: int | str, record: Mapping[str, Any]) -> None:
        """Put a survey, template or respondent where webhooks find it.

        Args:
            kind: `surveys`, `templates` or `respondents`.
            key: Its id or token.
            record: As docs/invitation-service.md shows it.
        """
        self._send("PUT", f"{self._ours}/{kind}/{key}", record)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON.
        return self._send(method, self._surveys + path, body)

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - JSON.
        answer = self._http.request(method, url, json=body, timeout=_SECONDS)
        if not answer.ok:
            path = url.partition("/api/v2/")[2]
            raise LocalError(
                f"The invitation service answered {answer.status_code} to {method} {path}.",
                "Its log is in the local cloud's log in .local.",
            )
        return answer.json()
