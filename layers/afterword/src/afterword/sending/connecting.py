"""How the connections of requests are made: who hears of them, whom they trust, and when one may serve again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from requests import PreparedRequest, Response
    from urllib3.response import HTTPResponse

_here = threading.local()


class Listener(Protocol):
    """Who wants to know that a connection is there. No error says so: TLS fails alike in and after its handshake."""

    def connect(self) -> None:
        """Hear that connection and handshake are done. What this raises ends the request before it is sent."""
        ...


if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _Heard(_Connection):
    """Tells the listener of its thread; serves again only where the server has said so.

    By HTTP/1.1 a server may keep a connection without a word. Yet some close theirs without one, and what is sent
    meanwhile would be in doubt.
    """

    _is_promised = False

    def connect(self) -> None:
        super().connect()
        _here.listener.connect()

    def request(self, *what: Any, **more: Any) -> None:  # noqa: ANN401 -- urllib3's signature
        if not self.is_closed:
            _here.listener.connect()
        super().request(*what, **more)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's: another than http.client's
        response = super().getresponse()
        self._is_promised = "keep-alive" in response.headers.get("Connection", "").lower()
        return response

    @property
    def is_connected(self) -> bool:
        """What urllib3 asks of a connection before it serves again."""
        return self._is_promised and super().is_connected


class _HttpConnection(_Heard, HTTPConnection):
    pass


class _HttpsConnection(_Heard, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class Adapter(HTTPAdapter):
    """Sends requests. A session would follow redirects, keep cookies, and ask the environment for proxies.

    Args:
        trust: Returns whom TLS trusts. requests would read the whole list of authorities for each connection, which
            takes 20 ms.
        connections: The most that are kept.
    """

    def __init__(self, trust: Callable[[], SSLContext], connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._trust = trust
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def build_connection_pool_key_attributes(
        self,
        request: PreparedRequest,
        verify: bool | str,  # noqa: FBT001 -- requests' signature
        cert: tuple[str, str] | str | None = None,
    ) -> tuple[Any, Any]:
        """Give connections their trust.

        https://requests.readthedocs.io/en/latest/api/#requests.adapters.HTTPAdapter.build_connection_pool_key_attributes
        """
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            settings["ssl_context"] = self._trust()
        return host, settings

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Leave connections their trust."""

    def close(self) -> None:
        """Close what was kept: urllib3 does so once nobody, not even an error, knows of the pool."""
        pools = self.poolmanager.pools
        for each in [pools[key] for key in pools.keys()]:  # noqa: SIM118 -- it has no other iterator
            each.close()
        super().close()

    def carry(
        self, request: PreparedRequest, listener: Listener, timeout: tuple[float, float]
    ) -> Response:
        """Send a request; its body is still to be read. Time-outs in seconds, to connect and between two bytes.

        Raises:
            OSError: Also HTTPError and ValueError, as requests, urllib3 and sockets do.
        """
        _here.listener = listener
        return self.send(request, stream=True, timeout=timeout)
