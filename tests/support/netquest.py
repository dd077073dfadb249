"""A Netquest account: behind a fake that answers by whom a call is for, or on a real server's address."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from afterword.deciding.accounts import Account, Credentials
from afterword.sending.calls import Answer
from afterword.sending.concurrent_http import ConcurrentHttp
from afterword.sending.netquest import NetquestProvider
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from afterword.sending.calls import Request

SECONDS = 20
# Account, key and authorisation of Netquest's own example.
ID_ACCOUNT = "387487"
KEY, AUTH = "TUwNjNDg3M", "84b750d6956f02503015938fc38bfe36"
ROTATED = "rotated-key"


def said(type_: str, msg: object = "", status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps({"type": type_, "msg": msg}).encode())


def error(msg: object) -> Answer:
    return said("error", msg)


SUCCESS = said("success", "Invitation has been sent")
LEFT = error("Respondents not found")
NO_TOKEN = error("token not found")
QUOTA = error("Invitations limit has been reached")
UNAUTHORIZED = error("Unauthorized")


def secret(key: str = KEY, auth: str = AUTH) -> Credentials:
    return Credentials.model_validate({"webhook_key": key, "webhook_auth": auth})


def unchanged(_: bool) -> Credentials | None:  # noqa: FBT001 -- the port's one argument
    return secret()


def account(base_url: str = "https://www.netquest.cz", **changes: Any) -> Account:
    known = {"name": "shop", "provider": "netquest", "id_account": ID_ACCOUNT}
    return Account.model_validate({**known, "base_url": base_url, **changes})


def netquest(
    base_url: str,
    credentials: Callable[[bool], Credentials | None] = unchanged,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], int] = lambda: NOW,
    **changes: Any,
) -> NetquestProvider:
    """Return a provider whose calls really go out."""
    http = ConcurrentHttp(SECONDS, clock)
    return NetquestProvider(account(base_url, **changes), http, credentials, wall)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it would have gone out; its parameters by whichever method."""

    method: str
    url: str
    query: str
    form: str
    headers: Mapping[str, str]
    deadline: float

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query + self.form))

    @property
    def person(self) -> str:
        return self.parameters.get("token") or self.parameters["email"]


type Reply = Answer | BaseException | Callable[[Call], Answer]


@dataclass
class FakeHttp:
    """Stands for `ConcurrentHttp`: answers by token or address, else with success; no sockets."""

    replies: dict[str, Reply] = field(default_factory=dict)
    otherwise: Reply = SUCCESS
    calls: list[Call] = field(default_factory=list)
    waves: list[tuple[int, int]] = field(default_factory=list)
    seconds: int = SECONDS

    def deadline(self) -> float:
        return 20.0

    @contextmanager
    def together(
        self, at_once: int
    ) -> Iterator[Callable[[Sequence[Request], float], list[Answer | BaseException]]]:
        def call(asked: Sequence[Request], deadline: float) -> list[Answer | BaseException]:
            self.waves.append((len(asked), at_once))
            return [self._answer(each, deadline) for each in asked]

        yield call

    def _answer(self, request: Request, deadline: float) -> Answer | BaseException:
        parts = urlsplit(request.url)
        address = parts._replace(query="").geturl()
        form = (request.body or b"").decode()
        call = Call(request.method, address, parts.query, form, request.headers, deadline)
        self.calls.append(call)
        reply = self.replies.get(call.person, self.otherwise)
        return reply(call) if callable(reply) else reply

    @property
    def asked(self) -> Counter[str]:
        """Whom it was asked to invite, and how often."""
        return Counter(each.person for each in self.calls)

    def provider(
        self,
        credentials: Callable[[bool], Credentials | None] = unchanged,
        wall: Callable[[], int] = lambda: NOW,
        **changes: Any,
    ) -> NetquestProvider:
        return NetquestProvider(account(**changes), cast("ConcurrentHttp", self), credentials, wall)
