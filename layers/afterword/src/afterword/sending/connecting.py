"""How the connections of requests are made: who hears of them, and whom they trust."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from requests import PreparedRequest, Response

_here = threading.local()


if TYPE_CHECKING:
    _Connection = HTTPConnection
else:
    _Connection = object


class _Heard(_Connection):
    """Tells its thread's listener when connection and handshake are done.

    No error says so: TLS fails alike in its handshake and after it.
    """

    def connect(self) -> None:
        super().connect()
        _here.connected()


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
    """

    def __init__(self, trust: Callable[[], SSLContext]) -> None:
        super().__init__()
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
        self, request: PreparedRequest, connected: Callable[[], None], timeout: tuple[float, float]
    ) -> Response:
        """Send a request; its answer's body is still to be read.

        Args:
            request: What is sent.
            connected: Is called when connection and handshake are done. What it raises ends the request before it is
                sent.
            timeout: In seconds, to connect and between two bytes.

        Raises:
            OSError: Also HTTPError and ValueError, as requests, urllib3 and sockets do.
        """
        _here.connected = connected
        return self.send(request, stream=True, timeout=timeout)
