"""A provider that can be told how to behave: in both dialects, on loopback."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

from local.cloud import LOOPBACK
from local.processes import free_port

WELL, REFUSES, FAILS, NO_QUOTA, UNREADABLE = "well", "refuses", "fails", "no quota", "unreadable"
_INVITATIONS = re.compile(r"/api/v2/nps/surveys/(\d+)/invitations")
_STATUS = {REFUSES: 401, FAILS: 500}
_SAID = {
    WELL: ("success", "Invitation has been sent"),
    NO_QUOTA: ("error", "Invitations limit has been reached"),
    UNREADABLE: ("error", "Something that nobody has documented"),
}


@dataclass
class Provider:
    """Invites as long as it is well. `asked`: how many calls it got."""

    behaves: str = WELL
    asked: int = 0
    port: int = field(default_factory=lambda: free_port(LOOPBACK))
    _ids: count[int] = field(default_factory=lambda: count(1))
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def open(self) -> None:
        """Begin to answer."""
        self._server = ThreadingHTTPServer((LOOPBACK, self.port), _handler(self))
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of an answer."""
        if path.startswith("/stand-in/"):
            return 200, {}  # A function that waits tells its time.
        self.asked += 1
        if self.behaves in _STATUS:
            return _STATUS[self.behaves], {}
        if "/webhooks/" in path:
            kind, text = _SAID[self.behaves]
            return 200, {"type": kind, "msg": text}
        return self._nps(method, path)

    def _nps(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        found = _INVITATIONS.search(path)
        if found and method == "POST":
            return 201, {"invitation": self._invitation(int(found[1]))}
        if found and path.endswith("/invitations.json"):
            return 200, {"invitations": []}
        return (200, {"invitation": self._invitation(int(found[1]))}) if found else (404, {})

    def _invitation(self, survey: int) -> dict[str, Any]:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "id": next(self._ids),
            "survey_id": survey,
            "status": "delivered",
            "created_at": now,
            "updated_at": now,
            "recipients_count": 1,
        }


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = provider.answer(self.command, self.path.partition("?")[0])
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_GET  # noqa: N815 - the base class calls it so.

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
