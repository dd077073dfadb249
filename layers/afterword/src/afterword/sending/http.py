"""One bounded HTTP call: total time, size, no redirects; and whether a failed one may have been processed."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from io import BytesIO
from typing import TYPE_CHECKING

import requests
from requests import adapters
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from afterword.sending.connecting import Adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from ssl import SSLContext

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


type Result = Answer | NeverSentError | LostError


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: GET or POST; a body, if there is one, is not empty. `repr` hides all that may be secret."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


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

    def __init__(self, request: Request) -> None:
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

    def give_up(self) -> Result:
        self.over = True
        if self.body:
            self.body.over = True
        # The status says what happened; a body that is missing says less, not something else.
        return self.head or self.fail("time-out")


class Http:
    """Makes HTTP calls of bounded length, each on a connection of its own, but for those that are made together.

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
        request = Request(method, url, headers or {}, body)
        answer = self._within(until, request, fresh=False)
        if self._authenticate and answer.status in _SECRET_REFUSED:
            answer = self._within(until, request, fresh=True)
        return answer

    @contextmanager
    def together(
        self, at_once: int
    ) -> Iterator[Callable[[Sequence[Request], float], list[Result]]]:
        """Make several calls, some of them at once and on each other's connections; none is repeated.

        Args:
            at_once: The most that are in flight.

        Yields:
            What makes calls until a deadline, as `deadline()` returned it, and returns what came of each, in their
            order; errors as `call` raises them.
        """
        workers = ThreadPoolExecutor(at_once, thread_name_prefix="http")
        try:
            with closing(self._adapter(at_once)) as adapter:
                yield partial(self._call_all, workers, adapter)
        finally:
            workers.shutdown(wait=False)

    def _call_all(
        self,
        workers: ThreadPoolExecutor,
        adapter: Adapter,
        asked: Sequence[Request],
        deadline: float,
    ) -> list[Result]:
        left = deadline - self._clock()
        if left <= 0:
            return [NeverSentError("time-out") for _ in asked]
        # Some servers promise only what they were asked for.
        attempts = [
            _Attempt(replace(each, headers={**each.headers, "Connection": "keep-alive"}))
            for each in asked
        ]

        def make(attempt: _Attempt) -> Result:
            if attempt.over or self._clock() >= deadline:
                return NeverSentError("time-out")
            with self._watch():
                return self._try(attempt, adapter, left, fresh=False)

        futures = [workers.submit(make, each) for each in attempts]
        return [
            self._await(future, each, deadline)
            for future, each in zip(futures, attempts, strict=True)
        ]

    def _within(self, deadline: float, request: Request, *, fresh: bool) -> Answer:
        """Bound the whole attempt: requests' own time-outs start anew with each byte that trickles in."""
        left = deadline - self._clock()
        if left <= 0:
            raise NeverSentError("time-out")
        attempt = _Attempt(request)
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="http")
        future = worker.submit(self._try_alone, attempt, left, fresh=fresh)
        worker.shutdown(wait=False)
        with self._watch():
            result = self._await(future, attempt, deadline)
        # Raised here, outside of every handler: an exception in whose context requests' own stand would carry the
        # address and the headers along, for whoever prints it.
        if not isinstance(result, Answer):
            raise result
        return result

    def _await(self, future: Future[Result], attempt: _Attempt, deadline: float) -> Result:
        try:
            return future.result(timeout=max(deadline - self._clock(), 0))
        except TimeoutError:
            return attempt.give_up()

    def _try_alone(self, attempt: _Attempt, left: float, *, fresh: bool) -> Result:
        with closing(self._adapter(1)) as adapter:
            return self._try(attempt, adapter, left, fresh=fresh)

    def _try(self, attempt: _Attempt, adapter: Adapter, left: float, *, fresh: bool) -> Result:
        try:
            secret = self._authenticate(fresh) if self._authenticate else {}
        except NeverSentError as error:
            return error
        try:
            return _send(attempt, adapter, secret, left)
        except _FAULTS as error:
            return attempt.fail(type(error).__name__)

    def _adapter(self, connections: int) -> Adapter:
        return Adapter(lambda: self._trust, connections)

    @cached_property
    def _trust(self) -> SSLContext:
        context = create_urllib3_context()
        context.load_verify_locations(adapters.DEFAULT_CA_BUNDLE_PATH)
        return context


def _send(attempt: _Attempt, adapter: Adapter, secret: Mapping[str, str], left: float) -> Answer:
    asked = attempt.request
    prepared = requests.Request(
        asked.method, asked.url, headers={**asked.headers, **secret}, data=attempt.body
    ).prepare()
    timeout = (min(CONNECT_SECONDS, left), left)
    with adapter.carry(prepared, attempt, timeout) as response:
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
