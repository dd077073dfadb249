"""One bounded HTTP call: total time, size, no redirects; and whether a failed one may have been processed."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from requests import PreparedRequest
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool

MOST_BYTES = 5_000_000
CONNECT_SECONDS = 5
_CHUNK = 65_536
_SECRET_REFUSED = {401, 403}
# What requests, urllib3 and sockets raise. A ValueError is an address or a header that cannot be sent.
_FAULTS = (OSError, HTTPError, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` may be cut off: the status is known all the same."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class NeverSentError(Exception):
    """Nothing of the request's body has left: DNS, refused connection, TLS handshake, no credentials."""


class LostError(Exception):
    """The request may have been processed; its answer is lost."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class _Body(BytesIO):
    """A request's body that knows whether any of it was taken.

    urllib3 takes it when connection and handshake are done and the headers are out. Headers that promise a body are
    not a request without it, so nobody can have processed one whose body was never taken.
    """

    taken = False
    over = False

    def read(self, size: int | None = -1, /) -> bytes:
        # In this order: whoever sets `over` looks at `taken` afterwards. A name that resolves late, or a function
        # that was frozen meanwhile, must not send what has been given up.
        self.taken = True
        if self.over:
            raise TimeoutError
        return super().read(size)


class _Attempt:
    """What the thread that makes a request and the one that waits for it know of it."""

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.body = None if request.body is None else _Body(request.body)
        self.head: Answer | None = None
        self.connected = self.over = False

    def connect(self) -> None:
        """Note that connection and handshake are done: a request without a body goes out now."""
        # In this order: as in `_Body.read`.
        self.connected = True
        if self.over:
            raise TimeoutError

    def fail(self, reason: str) -> NeverSentError | LostError:
        begun = self.body.taken if self.body else self.connected
        return LostError(reason) if begun else NeverSentError(reason)

    def give_up(self) -> Answer | NeverSentError | LostError:
        self.over = True
        if self.body:
            self.body.over = True
        # The status says what happened; a body that is missing says less, not something else.
        return self.head or self.fail("time-out")


class _Adapter(HTTPAdapter):
    """Tells an attempt when its connection is there. No error says so: TLS fails alike in and after its handshake."""

    def __init__(self, attempt: _Attempt) -> None:
        super().__init__()
        self._attempt = attempt

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 -- requests' signature
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(request, verify, proxies, cert)
        pool.ConnectionCls = partial(_connection, pool.ConnectionCls, self._attempt)
        return cast("HTTPConnectionPool", pool)


def _connection(
    made: Callable[..., HTTPConnection], attempt: _Attempt, **settings: object
) -> HTTPConnection:
    connection: Any = made(**settings)
    connect = connection.connect

    def connect_and_tell() -> None:
        connect()
        attempt.connect()

    connection.connect = connect_and_tell
    return cast("HTTPConnection", connection)


class Http:
    """Makes HTTP calls of bounded length, each on a connection of its own.

    A connection that was kept may have died while the function was frozen, and what is sent on it would be in doubt.

    No error here repeats the URL, a header or a body, nor does any exception chained to it.

    Args:
        seconds: The longest that a call takes, all in all.
        authenticate: Returns the headers that prove who we are; `True` reads the secret past any cache.
            Raises NeverSentError. Without it nothing proves who we are, and no call is repeated.
        clock: Monotonic seconds.
        watch: Makes what surrounds each request, to see how long it takes.
    """

    def __init__(
        self,
        seconds: int,
        authenticate: Callable[[bool], Mapping[str, str]] | None,
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
        request = _Request(method, url, headers or {}, body)
        answer = self._within(until, request, fresh=False)
        if self._authenticate and answer.status in _SECRET_REFUSED:
            answer = self._within(until, request, fresh=True)
        return answer

    def _within(self, deadline: float, request: _Request, *, fresh: bool) -> Answer:
        """Bound the whole attempt: requests' own time-outs start anew with each byte that trickles in."""
        left = deadline - self._clock()
        if left <= 0:
            raise NeverSentError("time-out")
        attempt = _Attempt(request)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        future = worker.submit(self._try, attempt, left, fresh=fresh)
        worker.shutdown(wait=False)
        with self._watch():
            try:
                result = future.result(timeout=max(deadline - self._clock(), 0))
            except TimeoutError:
                result = attempt.give_up()
        # Raised here, outside of every handler: an exception in whose context requests' own stand would carry the
        # address and the headers along, for whoever prints it.
        if not isinstance(result, Answer):
            raise result
        return result

    def _try(
        self, attempt: _Attempt, left: float, *, fresh: bool
    ) -> Answer | NeverSentError | LostError:
        try:
            secret = self._authenticate(fresh) if self._authenticate else {}
        except NeverSentError as error:
            return error
        try:
            return _send(attempt, secret, left)
        except _FAULTS as error:
            return attempt.fail(type(error).__name__)


def _send(attempt: _Attempt, secret: Mapping[str, str], left: float) -> Answer:
    # An adapter, not a session: a session follows the address of a redirect that it was told not to follow, as far as
    # reading its whole body; it keeps cookies; and it asks the environment for proxies and passwords.
    asked = attempt.request
    prepared = requests.Request(
        asked.method, asked.url, headers={**asked.headers, **secret}, data=attempt.body
    ).prepare()
    timeout = (min(CONNECT_SECONDS, left), left)
    with (
        closing(_Adapter(attempt)) as adapter,
        adapter.send(prepared, stream=True, timeout=timeout) as response,
    ):
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
        pass  # A body that is cut off: as in `_Attempt.give_up`.
    return received[:MOST_BYTES]
