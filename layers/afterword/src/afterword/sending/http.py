"""One bounded HTTP call: total time, size, no redirects; and whether a failed one may have been processed."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from afterword.sending.attempts import Attempt
from afterword.sending.calls import (
    CONNECT_SECONDS,
    MOST_BYTES,
    Answer,
    NeverSentError,
    Request,
    trust,
)
from afterword.sending.connecting import Adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from ssl import SSLContext

    from afterword.sending.calls import Result

_CHUNK = 65_536
_SECRET_REFUSED = {401, 403}
# What requests, urllib3 and sockets raise. A ValueError is an address or a header that cannot be sent.
_FAULTS = (OSError, HTTPError, ValueError)


class _Body(BytesIO):
    """A request's body that tells when it is taken.

    urllib3 takes it when connection and handshake are done and the headers are out. Headers that promise a body are
    not a request without it, so nobody can have processed one whose body was never taken.
    """

    def __init__(self, body: bytes, taken: Callable[[], None]) -> None:
        super().__init__(body)
        self._taken = taken

    def read(self, size: int | None = -1, /) -> bytes:
        self._taken()
        return super().read(size)


class Http:
    """Makes HTTP calls of bounded length, each on a connection of its own.

    A connection that was kept may have died while the function was frozen, and what is sent on it would be in doubt.

    No error here repeats the URL, a header or a body, nor does any exception chained to it.

    Args:
        seconds: The longest that a call takes, all in all.
        authenticate: Returns the headers that prove who we are; `True` reads the secret past any cache.
            Raises NeverSentError.
        clock: Monotonic seconds.
        watch: Makes what surrounds each request, to see how long it takes.
    """

    def __init__(
        self,
        seconds: int,
        authenticate: Callable[[bool], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.seconds = seconds
        self._authenticate = authenticate
        self._clock = clock
        self._watch = watch
        # It logs addresses, some of them as warnings.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)

    def deadline(self) -> float:
        """Return when a call that begins now has to end, by this object's clock."""
        return self._clock() + self.seconds

    def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """Call, and once more with a fresh secret where the first one was refused (401, 403).

        Args:
            method: GET or POST.
            url: Where to.
            body: Not empty, if there is one.
            headers: Besides those that authenticate.
            deadline: As `deadline()` returned it, for several calls that share one; without it, a new one.

        Raises:
            NeverSentError: Certainly not processed.
            LostError: Perhaps processed.
        """
        until = self.deadline() if deadline is None else deadline
        request = Request(method, url, headers or {}, body)
        answer = self._within(until, request, fresh=False)
        if answer.status in _SECRET_REFUSED:
            answer = self._within(until, request, fresh=True)
        return answer

    def _within(self, deadline: float, request: Request, *, fresh: bool) -> Answer:
        """Bound the whole attempt: requests' own time-outs start anew with each byte that trickles in."""
        left = deadline - self._clock()
        if left <= 0:
            raise NeverSentError("time-out")
        attempt = Attempt(request)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        future = worker.submit(self._try, attempt, left, fresh=fresh)
        worker.shutdown(wait=False)
        with self._watch():
            result = self._await(future, attempt, deadline)
        # Raised here, outside of every handler: an exception in whose context requests' own stand would carry the
        # address and the headers along, for whoever prints it.
        if not isinstance(result, Answer):
            raise result
        return result

    def _await(self, future: Future[Result], attempt: Attempt, deadline: float) -> Result:
        try:
            return future.result(timeout=max(deadline - self._clock(), 0))
        except TimeoutError:
            return attempt.give_up()

    def _try(self, attempt: Attempt, left: float, *, fresh: bool) -> Result:
        try:
            secret = self._authenticate(fresh)
        except NeverSentError as error:
            return error
        try:
            with closing(Adapter(lambda: self._trust)) as adapter:
                return _send(attempt, adapter, secret, left)
        except _FAULTS as error:
            return attempt.fail(type(error).__name__)

    @cached_property
    def _trust(self) -> SSLContext:
        return trust()


def _send(attempt: Attempt, adapter: Adapter, secret: Mapping[str, str], left: float) -> Answer:
    asked = attempt.request
    body = None if asked.body is None else _Body(asked.body, attempt.begin)
    prepared = requests.Request(
        asked.method, asked.url, headers={**asked.headers, **secret}, data=body
    ).prepare()
    timeout = (min(CONNECT_SECONDS, left), left)
    # A request without a body goes out when connection and handshake are done.
    connected = attempt.go_on if body else attempt.begin
    with adapter.carry(prepared, connected, timeout) as response:
        attempt.head = Answer(response.status_code, response.headers, b"")
        return Answer(response.status_code, response.headers, _read(response))


def _read(response: requests.Response) -> bytes:
    received = b""
    try:
        for chunk in response.iter_content(_CHUNK):
            received += chunk
            if len(received) > MOST_BYTES:
                break
    except requests.RequestException:
        pass  # A body that is cut off: as in `Attempt.give_up`.
    return received[:MOST_BYTES]
