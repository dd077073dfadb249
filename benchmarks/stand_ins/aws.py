"""One process that answers as DynamoDB, Parameter Store and SQS do, over their JSON protocol.

    python -m benchmarks.stand_ins.aws [PORT]

EventBridge Scheduler takes schedules, too. It prints its address and serves until its standard input ends. Below
`/stand-in/` it has paths of its own: `settings` (POST: `share` and `seed` of the faults, `delay` of every answer in
seconds, from then on), `counts` (calls, write and read units, faults, and its own CPU time in seconds), `items`
(`?table=…&start=…&count=…`: a line of JSON each), `firsts` (`?table=…&index=…`: the first key of each partition),
`heat` (likewise: see `Heat`, since it was last read) and `letters` (dead letters).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from benchmarks.stand_ins.dynamodb import DynamoDB, cancelled_by_conflict
from benchmarks.stand_ins.faults import Faults
from benchmarks.stand_ins.heat import Heat
from benchmarks.stand_ins.http import Request, Response, serve
from benchmarks.stand_ins.surroundings import DeadLetterQueue, ParameterStore, Scheduler
from benchmarks.stand_ins.tables import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

# "lost": the work is done, but its answer is a fault.
_KINDS = {
    "TransactWriteItems": ("throttled", "fault", "lost", "conflict"),
    "BatchGetItem": ("throttled", "fault", "partial"),
    "SendMessageBatch": ("throttled", "fault", "lost", "partial"),
}
_ALWAYS = ("throttled", "fault")
_THROTTLED = {"DynamoDB": "ProvisionedThroughputExceededException"}
_FAULT = "InternalServerError"
# This one has no target: its operation is the path.
_SCHEDULES = "/schedules/"


class Aws:
    """Answers requests.

    Args:
        dynamodb: The tables.
    """

    def __init__(self, dynamodb: DynamoDB) -> None:
        self._dynamodb = dynamodb
        self._parameters = ParameterStore()
        self._letters = DeadLetterQueue()
        self._scheduler = Scheduler()
        self._faults = Faults()
        self._delay = 0.0
        # Of services without tables.
        self._calls: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.target.startswith("/stand-in/"):
            return self._own(request)
        service, operation = _asked(request)
        if service != "DynamoDB":
            self._calls[f"{service} {operation}"] += 1
        response = self._respond(service, operation, request)
        return replace(response, seconds=self._delay) if self._delay else response

    def _respond(self, service: str, operation: str, request: Request) -> Response:
        if service == "Scheduler":
            return self._scheduler.answer(request.target.removeprefix(_SCHEDULES), request.body)
        kind = self._faults.next(f"{service} {operation}", _KINDS.get(operation, _ALWAYS))
        try:
            answer = self._answer(service, operation, request.body, kind)
        except RequestError as error:
            return Response(500 if error.code == _FAULT else 400, _error(error))
        if kind == "lost":
            return Response(500, orjson.dumps({"__type": _FAULT}))
        return Response(200, orjson.dumps(answer))

    def _answer(self, service: str, operation: str, body: bytes, kind: str | None) -> Any:  # noqa: ANN401 -- JSON
        if kind == "throttled":
            raise RequestError(_THROTTLED.get(service, "ThrottlingException"), "Rate exceeded")
        if kind == "fault":
            raise RequestError(_FAULT, "injected")
        if kind == "conflict":
            raise cancelled_by_conflict(body)
        match service:
            case "DynamoDB" if kind == "partial":
                return self._answer_half(operation, body)
            case "DynamoDB":
                return self._dynamodb.answer(operation, body)
            case "AmazonSSM":
                return self._parameters.answer(operation, orjson.loads(body))
            case "AmazonSQS":
                return self._letters.answer(operation, orjson.loads(body), kind)
            case _:
                raise RequestError("UnknownOperationException", f"there is no {service}")

    def _answer_half(self, operation: str, body: bytes) -> Any:  # noqa: ANN401 -- JSON
        """Read every second key, and leave the others to be asked for again."""
        request = orjson.loads(body)
        wanted = request["RequestItems"]
        left = {name: {**each, "Keys": each["Keys"][1::2]} for name, each in wanted.items()}
        now = {name: {**each, "Keys": each["Keys"][::2]} for name, each in wanted.items()}
        answer = self._dynamodb.answer(operation, orjson.dumps({"RequestItems": now}))
        answer["UnprocessedKeys"] = {name: each for name, each in left.items() if each["Keys"]}
        return answer

    def _own(self, request: Request) -> Response:
        parts = urlsplit(request.target)
        asked = dict(parse_qsl(parts.query))
        told: object
        match parts.path.removeprefix("/stand-in/"):
            case "settings":
                self._set(orjson.loads(request.body))
                return Response(200)
            case "items":
                table = self._dynamodb.tables[asked["table"]]
                found = table.raws(int(asked["start"]), int(asked["count"]))
                return Response(200, b"\n".join(found))
            case "counts":
                told = self._counts()
            case "firsts":
                entries = self._dynamodb.tables[asked["table"]].firsts(asked["index"])
                told = [each[:2] for each in entries]
            case "heat":
                heat = self._dynamodb.tables[asked["table"]].heat
                known, heat[asked["index"]] = heat[asked["index"]], Heat()
                told = {"written": known.written, "hottest": known.hottest}
            case "letters":
                told = [[*key, count] for key, count in self._letters.letters.items()]
            case _:
                return Response(404)
        return Response(200, orjson.dumps(told))

    def _set(self, settings: Mapping[str, Any]) -> None:
        faults = {name: settings[name] for name in ("share", "seed") if name in settings}
        if faults:
            self._faults = Faults(**faults, injected=self._faults.injected)
        self._delay = settings.get("delay", self._delay)

    def _counts(self) -> dict[str, Any]:
        counts = self._dynamodb.counts
        return {
            "cpu": time.process_time(),
            "other_calls": self._calls,
            "calls": counts.calls,
            "write_units": counts.write_units,
            "read_units": counts.read_units,
            "items": {name: len(table) for name, table in self._dynamodb.tables.items()},
            "faults": self._faults.injected,
        }


def _asked(request: Request) -> tuple[str, str]:
    """Return service and operation."""
    if request.target.startswith(_SCHEDULES):
        return "Scheduler", "CreateSchedule"
    service, _, operation = request.headers.get("x-amz-target", "").partition(".")
    return service.partition("_")[0], operation


def _error(error: RequestError) -> bytes:
    known = {"__type": error.code, "message": error.message}
    return orjson.dumps(known | error.more)


if __name__ == "__main__":
    serve(Aws(DynamoDB()).handle, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
