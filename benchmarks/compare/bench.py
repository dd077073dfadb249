"""Runs all configurations by turns, each against the same stand-ins."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, count, islice
from typing import TYPE_CHECKING, Any

from benchmarks.compare.instance import Instance, Taken
from benchmarks.compare.measuring import Books, Round
from benchmarks.compare.orders import sqs_event
from benchmarks.compare.subjects import PREFIX
from benchmarks.stand_ins.definition import make_table
from benchmarks.stand_ins.processes import running
from local import fake_account, functions, sam
from local.cloud import LOCAL, ROOT
from local.errors import LocalError
from local.rie import Function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.compare.subjects import Subject
    from benchmarks.stand_ins.processes import StandIn

LOG = LOCAL / "bench.log"
BUILT = LOCAL / "bench"
_LATER = timedelta(days=31)
_SECONDS = 290
_TOKEN = f"{PREFIX}/usual/token"


def build() -> Path:
    """Build functions and layers as they are deployed, and keep a copy that no other build changes.

    Returns:
        Where they are.

    Raises:
        LocalError: SAM CLI failed.
    """
    sam.build()
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.copytree(sam.BUILT, BUILT)
    return BUILT


@dataclass
class StandIns:
    """AWS and the provider, as processes."""

    aws: StandIn
    provider: StandIn

    def books(self) -> Books:
        """Read what they have counted."""
        return Books(self.aws.read("counts"), self.provider.read("counts"))

    def slow_down(self, subject: Subject) -> None:
        """Let them take as long as a configuration wants."""
        self.provider.tell(seconds=subject.latency / 1000)
        self.aws.tell(delay=subject.database / 1000)


class Runner:
    """A configuration's instances.

    Args:
        subject: The configuration.
        start: Starts an instance, by its folder in `functions` or its module below `usual`.
        stand_ins: What they run against.
        share: How large a round is, beside what is meant.

    Attributes:
        events: How many orders a round has.
        instances: By name, in the order in which an order comes to them.
        stand_ins: What they run against.
    """

    def __init__(
        self,
        subject: Subject,
        start: Callable[[str], Instance],
        stand_ins: StandIns,
        share: float,
    ) -> None:
        self._subject, self.stand_ins = subject, stand_ins
        self.events = subject.sized(share)
        self._numbers = count()
        self.instances = {name: start(name) for name in _PARTS[subject.kind]}
        # Clients are made, parameters are read, connections are there.
        self.stand_ins.slow_down(subject)
        self._run(min(subject.batch, 100))

    def round(self) -> Round:
        """Run a round.

        Raises:
            LocalError: A function failed, or somebody was not invited.
        """
        self.stand_ins.slow_down(self._subject)
        before = self.stand_ins.books()
        taken = self._run(self.events)
        found = Round.of(self.events, taken, before, self.stand_ins.books())
        if found.sent != found.events:
            raise LocalError(
                f"{self._subject.name}: {found.sent} of {found.events} were invited.", f"See {LOG}."
            )
        return found

    def _run(self, events: int) -> list[Taken]:
        numbers = islice(self._numbers, events)
        batches = [
            sqs_event(each, self._subject.key, tokens=self._subject.has_tokens)
            for each in batched(numbers, self._subject.batch, strict=False)
        ]
        first, *others = self.instances.values()
        taken = [first.invoke(each) for each in batches]
        if self._subject.kind == "usual follow-up":
            taken += [others[0].invoke(each) for each in batches]
        elif others:
            now = datetime.now(UTC) + _LATER
            taken.append(others[0].invoke({"now": now.isoformat()}))
        return taken

    def close(self) -> None:
        """End the instances."""
        for each in self.instances.values():
            each.close()


# In the order in which an order comes to them.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "usual": ("app",),
    "usual follow-up": ("follow_up", "app"),
    "ours": ("translate_events",),
    "our follow-up": ("translate_events", "send_due_invitations"),
}


@contextmanager
def runners(
    subjects: Sequence[Subject],
    share: float,
    profile: Path | None = None,
    made: Callable[[], Path] = build,
) -> Iterator[dict[str, Runner]]:
    """Start everything.

    Args:
        subjects: The configurations.
        share: How large rounds are, beside what is meant.
        profile: Where the profile of each first function goes in the end.
        made: Makes functions and layers, and returns where they are.
    """
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    built = made()
    with ExitStack() as stack:
        aws = stack.enter_context(running("aws"))
        provider = stack.enter_context(running("provider"))
        stand_ins = StandIns(aws, provider)
        _furnish_usual(aws)
        provider.tell(replays=[each.key for each in subjects if each.replays])
        started = {}
        for each in subjects:
            _furnish(each, stand_ins)

            def start(name: str, subject: Subject = each) -> Instance:
                function = _function(subject, name, stand_ins, built)
                return Instance(function, LOG, profile)

            runner = Runner(each, start, stand_ins, share)
            stack.callback(runner.close)
            started[each.name] = runner
        yield started


def _furnish_usual(aws: StandIn) -> None:
    client: Any = fake_account.client
    client("dynamodb", aws.url).create_table(
        TableName="idempotency",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("ssm", aws.url).put_parameter(Name=_TOKEN, Value="made-up", Type="String")


def _furnish(subject: Subject, stand_ins: StandIns) -> None:
    if subject.kind.startswith("usual"):
        return
    client: Any = fake_account.client
    make_table(client("dynamodb", stand_ins.aws.url), subject.key)
    for name, text in subject.parameters(stand_ins.provider.url):
        client("ssm", stand_ins.aws.url).put_parameter(Name=name, Value=text, Type="String")


def _function(subject: Subject, name: str, stand_ins: StandIns, built: Path) -> Function:
    environ = fake_account.fake_account({}, stand_ins.aws.url)
    layers = [built / each / "python" for each in functions.LAYERS]
    if subject.kind.startswith("usual"):
        survey = f"{stand_ins.provider.url}/{subject.key}/api/v2/nps/surveys/1/invitations.json"
        environ |= {
            "IDEMPOTENCY_TABLE": "idempotency",
            "TOKEN_PARAMETER": _TOKEN,
            "PROVIDER_URL": survey,
            "QUEUE_ARN": "arn:aws:sqs:eu-west-1:123456789012:shop-events",
            "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/schedules",
            "POWERTOOLS_SERVICE_NAME": "usual",
            "POWERTOOLS_METRICS_NAMESPACE": "Usual",
        }
        folders = [ROOT / "benchmarks", built / functions.LAYERS[0] / "python"]
        return Function(f"usual.{name}.handler", folders, environ, _SECONDS)
    environ |= {
        "STAGE": "local",
        "TABLE_NAME": subject.key,
        "PARAMETER_PREFIX": f"{PREFIX}/{subject.key}",
        "DEAD_LETTER_QUEUE_URL": f"{stand_ins.aws.url}/123456789012/dead-letters",
        "ALLOW_TIME_TRAVEL": "true",
        "POWERTOOLS_SERVICE_NAME": "afterword-bench",
        "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    folders = [built / functions.logical_id(name), *layers]
    return Function(f"functions.{name}.app.handler", folders, environ, _SECONDS)
