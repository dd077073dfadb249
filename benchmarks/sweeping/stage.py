"""A deployed sweep over a ledger that is full already: the real function, the stand-ins, and what they counted."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import batched, chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from benchmarks.compare.instance import Instance
from benchmarks.stand_ins.definition import make_table
from benchmarks.stand_ins.processes import running
from benchmarks.sweeping.rows import SHOP, campaigns_item
from local import fake_account, functions, sam
from local.cloud import LOCAL
from local.errors import LocalError
from local.rie import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.stand_ins.processes import StandIn
    from benchmarks.sweeping.rows import Item, Waiting

LOG = LOCAL / "bench-sweep.log"
_BUILT = LOCAL / "bench-sweep"
_NAME = "send_due_invitations"
_TABLE = "ledger"
_PREFIX = "/bench-sweep"
_INDEX = "due"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_MOST_PUTS = 25
# As the template has it.
SECONDS = 290
BUSY = "after-signup"
# Another six have nothing to send.
CAMPAIGNS = (BUSY, *(f"quiet-{number}" for number in range(1, 7)))


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did, and what it took.

    Attributes:
        sent: How many were sent.
        queries: Its calls of Query; each is a page.
        reads: Its calls of BatchGetItem.
        writes: Its calls of TransactWriteItems.
        read_units: What its reads would be charged.
        write_units: What its writes would be charged.
        seconds: How long it took.
        peak: The most memory that the instance had until then, in bytes.
        written: Entries that it put into the due index or took out, by shard of the campaign's lane.
        hottest: Of any thousand of these in a row: the most that were of one shard.
    """

    sent: int
    queries: int
    reads: int
    writes: int
    read_units: float
    write_units: int
    seconds: float
    peak: int
    written: tuple[int, ...]
    hottest: int


def build() -> Path:
    """Build the function as it is deployed, and keep a copy that no other build changes. Raises LocalError."""
    sam.build()
    shutil.rmtree(_BUILT, ignore_errors=True)
    shutil.copytree(sam.BUILT, _BUILT)
    return _BUILT


class Stage:
    """The stand-ins, and the function's environment there.

    Args:
        aws: The stand-in for AWS.
        provider: The one for the provider.
        built: Where the built function is.
    """

    def __init__(self, aws: StandIn, provider: StandIn, built: Path) -> None:
        self._aws, self._provider, self._built = aws, provider, built
        client: Any = fake_account.client
        make_table(client("dynamodb", aws.url), _TABLE)
        for name, text in _parameters(provider.url):
            client("ssm", aws.url).put_parameter(Name=name, Value=text, Type="String")
        provider.tell(replays=["shop"])
        self._put([campaigns_item(CAMPAIGNS)])

    def fill(self, waiting: Iterable[Waiting]) -> Iterator[int]:
        """Put invitations there, without any of our own code; yield how many items were put, now and then."""
        found = chain.from_iterable(each.items() for each in waiting)
        for chunk in batched(found, _MOST_PUTS * 200, strict=False):
            self._put(chunk)
            yield len(chunk)
        self._aws.read(f"heat?table={_TABLE}&index={_INDEX}")

    def _put(self, items: Iterable[Item]) -> None:
        headers = {"X-Amz-Target": "DynamoDB_20120810.BatchWriteItem"}
        connection = HTTPConnection(urlsplit(self._aws.url).netloc)
        for chunk in batched(items, _MOST_PUTS, strict=False):
            puts = [{"PutRequest": {"Item": each}} for each in chunk]
            connection.request("POST", "/", orjson.dumps({"RequestItems": {_TABLE: puts}}), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:  # noqa: PLR2004
                raise LocalError(f"The ledger could not be filled: {text!r}", "Mend its rows.")
        connection.close()

    @contextmanager
    def instance(self, seconds: int = SECONDS) -> Iterator[Instance]:
        """Start an instance of the function.

        Args:
            seconds: How long it believes that each of its invocations may take.
        """
        layers = [self._built / each / "python" for each in functions.LAYERS]
        environ = fake_account.fake_account({}, self._aws.url) | {
            "STAGE": "local",
            "TABLE_NAME": _TABLE,
            "PARAMETER_PREFIX": _PREFIX,
            "ALLOW_TIME_TRAVEL": "true",
            "POWERTOOLS_SERVICE_NAME": "afterword-bench",
            "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        folders = [self._built / functions.logical_id(_NAME), *layers]
        function = Function(f"functions.{_NAME}.app.handler", folders, environ, seconds)
        instance = Instance(function, LOG)
        try:
            yield instance
        finally:
            instance.close()

    def sweep(self, instance: Instance, now: int) -> Swept:
        """Sweep once by business time `now`. Raises LocalError: it failed."""
        before = self._aws.read("counts")
        taken = instance.invoke({"now": datetime.fromtimestamp(now, UTC).isoformat()})
        after = self._aws.read("counts")
        heat = self._aws.read(f"heat?table={_TABLE}&index={_INDEX}")
        calls = {
            name: count - before["calls"].get(name, 0) for name, count in after["calls"].items()
        }
        lanes = sorted(each for each in heat["written"] if each.startswith(f"{BUSY}#"))
        return Swept(
            sent=taken.payload["counts"].get("sent", 0),
            queries=calls.get("Query", 0),
            reads=calls.get("BatchGetItem", 0),
            writes=calls.get("TransactWriteItems", 0),
            read_units=_sum(after, "read_units") - _sum(before, "read_units"),
            write_units=round(_sum(after, "write_units") - _sum(before, "write_units")),
            seconds=taken.seconds,
            peak=taken.peak,
            written=tuple(heat["written"][each] for each in lanes),
            hottest=heat["hottest"],
        )

    def asked(self) -> tuple[int, int]:
        """Return how many people the provider accepted, and how often it accepted the one whom it did most often."""
        found = self._provider.read("books?account=shop&survey=1")
        return len(found), max(found.values(), default=0)


@contextmanager
def stage(built: Path) -> Iterator[Stage]:
    """Run the stand-ins.

    Args:
        built: Where the built function is.
    """
    with running("aws") as aws, running("provider") as provider:
        yield Stage(aws, provider, built)


def _parameters(provider: str) -> Iterator[tuple[str, str]]:
    for survey, name in enumerate(CAMPAIGNS, 1):
        campaign = {"mode": "live", "shop": SHOP, "event": "signup", "delay": "P1D"}
        sender = {"account": "shop", "survey": survey}
        yield f"{_PREFIX}/campaigns/{name}", json.dumps(campaign | sender)
    account = {
        "provider": "nps",
        "base_url": f"{provider}/shop",
        "calls_per_minute": 100_000,
        "replays_idempotency_key": True,
    }
    yield f"{_PREFIX}/accounts/shop", json.dumps(account)
    yield f"{_PREFIX}/secrets/accounts/shop", json.dumps({"bearer": "made-up"})


def _sum(counts: dict[str, Any], name: str) -> float:
    return float(sum(counts[name].values()))
