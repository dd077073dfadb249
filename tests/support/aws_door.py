"""A door in front of the local cloud: calls pass, are counted, and are treated as badly as AWS can treat them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.servers import Exchange, close, reply, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.servers import Answer

READS, WRITES, QUERIES = "BatchGetItem", "TransactWriteItems", "Query"


@dataclass(frozen=True)
class Call:
    """One call of an SDK: such as `TransactWriteItems`, with its body as sent."""

    operation: str
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def json_has(self, value: object) -> bool:
        """Tell whether the body holds this value, at whatever place."""
        return json.dumps(value) in json.dumps(self.json)


type Rule = Callable[[Call], Answer | None]


@dataclass
class AwsDoor:
    """Lets calls through to a cloud, unless one of `rules` has another answer."""

    endpoint: str
    calls: list[Call] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    url: str = ""

    def answer(self, exchange: Exchange) -> None:
        target = exchange.request.headers.get("x-amz-target", "")
        call = Call(target.rpartition(".")[2], exchange.request.body.decode())
        self.calls.append(call)
        answers = (answer for rule in self.rules if (answer := rule(call)))
        next(answers, self.pass_on)(exchange)

    def pass_on(self, exchange: Exchange) -> None:
        """Let the cloud answer."""
        status, payload, headers = self.ask(exchange)
        reply(status, payload, headers)(exchange)

    def ask(self, exchange: Exchange) -> tuple[int, bytes, dict[str, str]]:
        """Let the cloud do it; return its answer."""
        request, host = exchange.request, urlsplit(self.endpoint)
        connection = HTTPConnection(host.hostname or "", host.port)
        path = f"{request.path}?{request.query}" if request.query else request.path
        connection.request(request.method, path, request.body, request.headers)
        answer = connection.getresponse()
        payload = answer.read()
        connection.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() in _KEPT}
        return answer.status, payload, kept

    def done_but_lost(self, exchange: Exchange) -> None:
        """Let the cloud do it, and lose the answer."""
        self.ask(exchange)
        close(exchange)

    def treat(
        self,
        operation: str,
        answer: Answer,
        times: int | None = 1,
        where: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Answer the next so many calls of an operation like this; None: all of them."""
        left = times

        def rule(call: Call) -> Answer | None:
            nonlocal left
            if call.operation != operation or left == 0 or not where(call):
                return None
            left = None if left is None else left - 1
            return answer

        self.rules.append(rule)

    def at_write(self, number: int, answer: Answer) -> None:
        """Answer the so-manieth write to the ledger from now like this."""
        after = self.count(WRITES) + number

        def rule(call: Call) -> Answer | None:
            return answer if call.operation == WRITES and self.count(WRITES) == after else None

        self.rules.append(rule)

    def mend(self) -> None:
        """Be a plain door again."""
        self.rules.clear()

    def count(self, operation: str) -> int:
        return sum(each.operation == operation for each in self.calls)


_KEPT = {"content-type", "x-amzn-requestid", "x-amz-crc32"}


def fault(code: str, status: int = 400, **more: Any) -> Answer:
    """An error as AWS's JSON protocols say it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    """
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "of the test"} | more
    return reply(status, body, {"Content-Type": "application/x-amz-json-1.0"})


THROTTLED = fault("ThrottlingException")
OVER_CAPACITY = fault("ProvisionedThroughputExceededException")
BROKEN = fault("InternalServerError", 500)
UNAVAILABLE = fault("ServiceUnavailable", 503)


def cancelled(code: str) -> Answer:
    """A transaction that was cancelled because of its first action.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """

    def answer(exchange: Exchange) -> None:
        actions = json.loads(exchange.request.body)["TransactItems"]
        reasons = [{"Code": code, "Message": "of the test"}]
        reasons += [{"Code": "None"} for _ in actions[1:]]
        fault("TransactionCanceledException", CancellationReasons=reasons)(exchange)

    return answer


def unprocessed(exchange: Exchange) -> None:
    """A BatchGetItem of which nothing was read this time."""
    wanted = json.loads(exchange.request.body)["RequestItems"]
    empty: dict[str, list[Any]] = {table: [] for table in wanted}
    reply(200, {"Responses": empty, "UnprocessedKeys": wanted})(exchange)


@contextmanager
def aws_door(endpoint: str) -> Iterator[AwsDoor]:
    door = AwsDoor(endpoint)
    with serving(otherwise=door.answer) as server:
        door.url = server.url
        yield door
