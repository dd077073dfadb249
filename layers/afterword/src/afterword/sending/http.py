"""One bounded HTTP call: total time, size, no redirects; and whether a failed one may have been processed."""

from __future__ import annotations

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import MaxRetryError, SSLError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 5_000_000
CONNECT_SECONDS = 5
_CHUNK = 65_536
# A TLS fault with one of these reasons is the handshake's: not a byte of the request has left.
_HANDSHAKE = {
    "CERTIFICATE_VERIFY_FAILED",
    "NO_PROTOCOLS_AVAILABLE",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` may be cut off: the status is known all the same."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NeverSentError(Exception):
    """Not a byte of the request reached the other side: DNS, refused connection, TLS handshake."""


class LostError(Exception):
    """The request may have been processed; its answer is lost."""


class Http:
    """Makes HTTP calls of bounded length.

    No error here repeats the URL, a header or a body: exceptions are chained from nothing.

    Args:
        seconds: The longest that a call takes, all in all.
        authenticate: Returns the headers that prove who we are; `fresh=True` reads the secret past any cache.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        seconds: int,
        authenticate: Callable[[bool], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._authenticate = authenticate
        self._clock = clock
        self._session = requests.Session()
        # No netrc, no proxies from the environment: the account's URL is where the call goes.
        self._session.trust_env = False

    def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call, and once more with a fresh secret where the first one was refused (401, 403).

        Raises:
            NeverSentError: Certainly not processed.
            LostError: Perhaps processed.
        """
        deadline = self._clock() + self.seconds
        answer = self._within(deadline, method, url, body, headers or {}, fresh=False)
        if answer.status in {requests.codes.unauthorized, requests.codes.forbidden}:
            answer = self._within(deadline, method, url, body, headers or {}, fresh=True)
        return answer

    def _within(
        self,
        deadline: float,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        fresh: bool,
    ) -> Answer:
        """Bound the whole call: requests' own time-outs start anew with each byte that trickles in."""
        headers = {**headers, **self._authenticate(fresh)}
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        future = worker.submit(self._request, deadline, method, url, body, headers)
        worker.shutdown(wait=False)
        try:
            return future.result(timeout=max(deadline - self._clock(), 0))
        except TimeoutError:
            raise LostError("time-out") from None
        except requests.RequestException as error:
            if _was_never_sent(error):
                raise NeverSentError(type(error).__name__) from None
            raise LostError(type(error).__name__) from None

    def _request(
        self, deadline: float, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        left = max(deadline - self._clock(), 0.001)
        with self._session.request(
            method,
            url,
            data=body,
            headers=dict(headers),
            timeout=(min(CONNECT_SECONDS, left), left),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, response.headers, _read(response))


def _read(response: requests.Response) -> bytes:
    received = b""
    try:
        for chunk in response.iter_content(_CHUNK):
            received += chunk
            if len(received) > MOST_BYTES:
                break
    except requests.RequestException:
        pass  # The status says what happened; a body that is cut off says less, not something else.
    return received[:MOST_BYTES]


def _was_never_sent(error: requests.RequestException) -> bool:
    """urllib3 wraps what failed before the request went out in MaxRetryError, and raises the rest as it is."""
    cause = error.args[0] if error.args else None
    if not isinstance(cause, MaxRetryError):
        return isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema)
    if not isinstance(cause.reason, SSLError):
        return True
    inner = cause.reason.args[0] if cause.reason.args else None
    return isinstance(inner, ssl.SSLError) and inner.reason in _HANDSHAKE
