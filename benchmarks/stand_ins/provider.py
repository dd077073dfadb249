"""One process that invites as both providers do, fails as told, and remembers whom it accepted.

    python -m benchmarks.stand_ins.provider [PORT]

The first part of a path names the account: `/<account>/api/v2/nps/…`, `/<account>/webhooks/…`. Below `/stand-in/` it
has `settings` (POST: see `Settings`), `books` (`?account=…&survey=…`: how often each person was accepted) and `counts`
(calls, faults, all who were accepted, its own CPU time in seconds).
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from benchmarks.stand_ins.faults import Faults
from benchmarks.stand_ins.http import Request, Response, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NPS = re.compile(r"/([a-z0-9-]+)/api/v2/nps/surveys/(\d+)/invitations(?:/(\d+))?\.json")
_NETQUEST = re.compile(r"/([a-z0-9-]+)/webhooks/[^/]+/[^/]+/[^/]+/(send-invitation[a-z-]*)")
_DAY = 86_400
_MOST_RECIPIENTS = 10_000
_BUSY = b'{"error":"RecordInvalid","description":"invitations are still being sent"}'
_INVALID = b'{"error":"RecordInvalid","details":{"recipients":[{"description":"invalid"}]}}'
# Nothing was done, and the answer says so, or the doubt is the caller's.
_BEFORE: dict[str, Response] = {
    "429": Response(429, headers={"Retry-After": "7"}),
    "503 later": Response(503, headers={"Retry-After": "7"}),
    "500 before": Response(500),
    "reset before": Response(0, instead="reset"),
}
_REFUSED: dict[str, Response] = {
    "422 busy": Response(422, _BUSY),
    "422": Response(422, _INVALID),
}
# All was done, and the caller can't know.
_AFTER: dict[str, Response] = {
    "500": Response(500),
    "502": Response(502, b"<html>"),
    "504": Response(504),
    "reset": Response(0, instead="reset"),
}
# The status came through.
_TRUNCATED = Response(201, b'{"invi', {"Content-Length": "99"}, instead="truncated")
_NO_JSON = Response(200, b"<html>")
_KINDS_OF_INVITE = (*_BEFORE, *_REFUSED, *_AFTER, *_AFTER, "truncated")
_KINDS_OF_LOOK = ("500 before", "429", "reset before")
_KINDS_OF_WEBHOOK = (*_BEFORE, *_AFTER, "no json")


@dataclass
class Settings:
    """How it answers.

    Attributes:
        share: Of the calls that fail, from 0 to 1.
        seed: Of the choice.
        seconds: What an answer takes.
        now: Unix seconds; None: the wall clock's.
        daily: The invitations that a Netquest account has a day; None: no end of them.
        replays: The accounts that honour Idempotency-Key.
    """

    share: float = 0
    seed: int = 0
    seconds: float = 0
    now: int | None = None
    daily: int | None = None
    replays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Invitation:
    id: int
    survey: int
    created_at: int
    recipients: int

    def shown(self) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.created_at, UTC).isoformat()
        return {
            "id": self.id,
            "survey_id": self.survey,
            "created_at": created,
            "updated_at": created,
            "status": "delivered",
            "recipients_count": self.recipients,
        }


@dataclass
class _Account:
    invitations: dict[int, _Invitation] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, _Invitation]] = field(default_factory=dict)
    accepted: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    used: Counter[int] = field(default_factory=Counter)


class Provider:
    """Answers requests.

    Args:
        clock: Unix seconds, where none are set.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._settings = Settings()
        self._faults = Faults()
        self._accounts: dict[str, _Account] = defaultdict(_Account)
        self._calls: Counter[str] = Counter()
        self._accepted = 0

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        parts = urlsplit(request.target)
        if parts.path.startswith("/stand-in/"):
            return self._own(parts.path, dict(parse_qsl(parts.query)), request.body)
        if found := _NPS.fullmatch(parts.path):
            response = self._nps(found, request)
        elif found := _NETQUEST.fullmatch(parts.path):
            form = dict(parse_qsl(parts.query + request.body.decode()))
            response = self._netquest(found[1], found[2], form)
        else:
            response = Response(404)
        if not self._settings.seconds:
            return response
        return Response(
            response.status,
            response.body,
            response.headers,
            self._settings.seconds,
            response.instead,
        )

    def _now(self) -> int:
        return int(self._clock()) if self._settings.now is None else self._settings.now

    def _nps(self, found: re.Match[str], request: Request) -> Response:
        account, survey = self._accounts[found[1]], int(found[2])
        if request.method == "GET":
            self._calls["nps look"] += 1
            if kind := self._faults.next("nps look", _KINDS_OF_LOOK):
                return _BEFORE[kind]
            return self._show(account, survey, found[3])
        self._calls["nps invite"] += 1
        kind = self._faults.next("nps invite", _KINDS_OF_INVITE)
        if kind in _BEFORE or kind in _REFUSED:
            return (_BEFORE | _REFUSED)[kind]
        response = self._invite(found[1], survey, request)
        if kind is None or response.status != 201:  # noqa: PLR2004
            return response
        return _TRUNCATED if kind == "truncated" else _AFTER[kind]

    def _invite(self, name: str, survey: int, request: Request) -> Response:
        account, digest = self._accounts[name], sha256(request.body).digest()
        key = request.headers.get("idempotency-key", "") if name in self._settings.replays else ""
        if key in account.keys:
            known, invitation = account.keys[key]
            if known != digest:
                return Response(400, b'{"error":"IdempotentRequestError"}')
            return Response(201, orjson.dumps({"invitation": invitation.shown()}))
        people = orjson.loads(request.body)["invitation"]["recipients"]
        if not 1 <= len(people) <= _MOST_RECIPIENTS:
            return Response(422, _INVALID)
        number = len(account.invitations) + 1
        invitation = _Invitation(number, survey, self._now(), len(people))
        account.invitations[number] = invitation
        if key:
            account.keys[key] = digest, invitation
        account.accepted[survey].update(each["email"] for each in people)
        self._accepted += len(people)
        return Response(201, orjson.dumps({"invitation": invitation.shown()}))

    def _show(self, account: _Account, survey: int, number: str | None) -> Response:
        if number is None:
            # All on one page.
            listed = [
                each.shown() for each in account.invitations.values() if each.survey == survey
            ]
            return Response(200, orjson.dumps({"invitations": listed}))
        invitation = account.invitations.get(int(number))
        if invitation is None or invitation.survey != survey:
            return Response(404)
        return Response(200, orjson.dumps({"invitation": invitation.shown()}))

    def _netquest(self, name: str, webhook: str, form: Mapping[str, str]) -> Response:
        self._calls["netquest"] += 1
        kind = self._faults.next("netquest", _KINDS_OF_WEBHOOK)
        if kind in _BEFORE:
            return _BEFORE[kind]
        account, survey, today = self._accounts[name], int(form["id_survey"]), self._now() // _DAY
        person = form["token" if webhook.endswith("token") else "email"]
        if fault := _unknown(person):
            return _said("error", fault)
        if self._settings.daily is not None and account.used[today] >= self._settings.daily:
            return _said("error", "Invitations limit has been reached")
        account.used[today] += 1
        account.accepted[survey][person] += 1
        self._accepted += 1
        if kind is None:
            return _said("success", "Invitation has been sent")
        return _NO_JSON if kind == "no json" else _AFTER[kind]

    def _own(self, path: str, asked: Mapping[str, str], body: bytes) -> Response:
        match path.removeprefix("/stand-in/"):
            case "settings":
                self._set(orjson.loads(body))
                return Response(200)
            case "books":
                accepted = self._accounts[asked["account"]].accepted[int(asked["survey"])]
                return Response(200, orjson.dumps(accepted))
            case "counts":
                counts = {
                    "calls": self._calls,
                    "accepted": self._accepted,
                    "cpu": time.process_time(),
                }
                return Response(200, orjson.dumps(counts | {"faults": self._faults.injected}))
            case _:
                return Response(404)

    def _set(self, changes: dict[str, Any]) -> None:
        if self._settings.now is not None:
            # Two callers may move it; it never goes back.
            changes["now"] = max(changes.get("now", 0), self._settings.now)
        for name, value in changes.items():
            setattr(self._settings, name, value)
        if changes.keys() & {"share", "seed"}:
            known = self._faults.injected
            self._faults = Faults(self._settings.share, self._settings.seed, known)


def _unknown(person: str) -> str | None:
    """Return what is said of a token that means nobody: its beginning says which."""
    if person.startswith("left-"):
        return "Respondents not found"
    return "Token not found" if person.startswith("unknown-") else None


def _said(type_: str, msg: str) -> Response:
    return Response(200, orjson.dumps({"type": type_, "msg": msg}))


if __name__ == "__main__":
    serve(Provider().handle, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
