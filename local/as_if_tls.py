"""The local cloud as its callers would see it behind TLS. It runs in the local cloud's environment.

Where roles are enforced, so are the queues' policies, and those refuse plain HTTP. Real TLS would
need a certificate that every function trusts; each request says instead that it came over TLS.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

type Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_OVER_TLS = (b"x-forwarded-proto", b"https")


def over_tls(application: Application) -> Application:
    """Let every HTTP request to an ASGI application say that it came over TLS.

    Args:
        application: The application (https://asgi.readthedocs.io/en/latest/specs/www.html).

    Returns:
        The same, so wrapped.
    """

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own.
        if scope["type"] == "http":
            scope = scope | {"headers": [*scope["headers"], _OVER_TLS]}
        await application(scope, receive, send)

    return wrapped


app = over_tls(importlib.import_module("ministack.app").app)
