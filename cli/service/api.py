"""The invitation service over HTTP, as its admins call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3 import Retry

from cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invitation_service.access.accounts import Credential

_SECONDS = 30
# Every call here is a GET or a PUT, so that it can be repeated.
_RETRIES = Retry(
    total=6,
    # An address where nobody listens is told at once.
    connect=0,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=("GET", "PUT"),
    raise_on_status=False,
)


class RejectedError(Exception):
    """The service refused a record. The text names its fields, never what they hold."""


class ServiceApi:
    """Reads and writes at the invitation service. May be used by several threads.

    Args:
        base_url: What stands before `/api/v2`.
        admin: Who signs in.
    """

    def __init__(self, base_url: str, admin: Credential) -> None:
        self._base_url = base_url
        self._session = requests.Session()
        # A password in the operator's .netrc is not meant.
        self._session.trust_env = False
        _sign_in(self._session, admin)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRIES, pool_maxsize=16))

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON.
        """Read what stands under `/api/v2`. Raises CommandError."""
        try:
            return self._send("GET", path, None)
        except RejectedError as error:
            raise CommandError(
                f"The invitation service says: {error}.", "Look at the id."
            ) from None

    def put(self, path: str, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON.
        """Write a record under `/api/v2`.

        Raises:
            RejectedError: The record is refused.
            CommandError: The service can't be reached, or does not let us in.
        """
        return self._send("PUT", path, record)

    def close_survey(self, survey: int) -> Any:  # noqa: ANN401 - JSON.
        """Close a survey. Raises RejectedError, CommandError."""
        return self._send("POST", f"nps/surveys/{survey}/close", {})

    def _send(self, method: str, path: str, record: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        url = f"{self._base_url}/api/v2/{path}"
        try:
            answer = self._session.request(method, url, json=record, timeout=_SECONDS)
        except requests.RequestException as error:
            # Its text may hold the path, and a path a token.
            raise CommandError(
                f"The invitation service can't be reached ({type(error).__name__}).",
                "Look at its address: --url, or the stack's output InvitationServiceUrl.",
            ) from None
        if answer.ok:
            return answer.json()
        if answer.status_code in {400, 404, 422}:
            raise RejectedError(_reason(answer))
        raise CommandError(
            f"The invitation service answered {answer.status_code}.",
            "Its log says why, under the header apigw-requestid.",
        )


def _sign_in(session: requests.Session, admin: Credential) -> None:
    if admin.bearer:
        session.headers["Authorization"] = f"Bearer {admin.bearer}"
        return
    user = f"{admin.email}/token" if admin.api_token else admin.email
    # Bytes: requests would encode text as Latin-1.
    session.auth = HTTPBasicAuth(user.encode(), str(admin.api_token or admin.password).encode())


def _reason(answer: requests.Response) -> str:
    try:
        body = answer.json()
        details = body.get("details") or {}
        reasons = [f"{field}: {faults[0]['description']}" for field, faults in details.items()]
        return "; ".join(reasons) or str(body["description"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"status {answer.status_code}"
