"""The functions: their own handlers, each in a process of its own, with a clock that is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.soak.function import PROVIDER, Call, Function
from local.drill.series import Metric
from local.drill.shop import PREFIX
from local.drill.stack import STAGE
from local.fake_account import fake_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local.drill.template import Node

TRANSLATE, SEND_DUE = "translate_events", "send_due_invitations"
SERVICE, DELIVER, ENQUEUE = "invitation_service", "deliver_invitations", "enqueue_due_invitations"
LOGICAL = {
    name: f"{name.title().replace('_', '')}Function"
    for name in (TRANSLATE, SEND_DUE, SERVICE, DELIVER, ENQUEUE)
}
# A connection there is refused.
NOWHERE = "http://127.0.0.1:9"
_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """What an invocation led to.

    Attributes:
        answer: What the function answered; None: it failed.
        printed: What it printed.
        samples: What AWS/Lambda says of it.
    """

    answer: Any
    printed: str
    samples: tuple[tuple[Metric, float], ...]


@dataclass
class Functions:
    """The functions, and what is wrong with them.

    Attributes:
        outputs: The stack's.
        endpoint: The local cloud's.
        clock: Where a function that waits tells its time.
        document: The template.
        log: Where their lines go.
        throttled: Those that Lambda does not start at the first try.
        slow: What one takes, in seconds, where it takes long.
    """

    outputs: Mapping[str, str]
    endpoint: str
    clock: str
    document: Node
    log: Path
    throttled: set[str] = field(default_factory=set)
    slow: dict[str, float] = field(default_factory=dict)
    _instances: dict[str, Function] = field(default_factory=dict)
    _sees: dict[str, dict[str, str]] = field(default_factory=dict)
    _read: int = 0

    def timeout(self, name: str) -> int:
        """Return what a function may take, in seconds."""
        found: int = self.document["Resources"][LOGICAL[name]]["Properties"]["Timeout"]
        return found

    def renew(self, *names: str, **sees: str) -> None:
        """Let the next invocations be the first of their instances.

        Args:
            names: The functions; none: all.
            sees: What they find in their environment in place of what is there.
        """
        for name in names or LOGICAL:
            self._sees[name] = sees
            if found := self._instances.pop(name, None):
                found.close()

    def run(self, name: str, event: dict[str, Any], now: int) -> Run:
        """Run a function at a time (Unix seconds)."""
        if name not in self._instances:
            self._instances[name] = Function(name, self._environ(name), self.log)
        self._instances[name].begin(Call(event, now, 1000 * self.timeout(name)))
        answer = self._instances[name].end()
        failed = answer is None or answer.error is not None
        payload = None if failed or answer is None else answer.payload
        return Run(payload, self._printed(), tuple(self._samples(name, failed=failed)))

    def _samples(self, name: str, *, failed: bool) -> Iterator[tuple[Metric, float]]:
        known = {
            "Invocations": 1,
            "Errors": int(failed),
            "Duration": 1000 * self.slow.get(name, _SECONDS),
            # Whoever wanted to start it tries again, and then it runs.
            "Throttles": int(name in self.throttled),
        }
        dimensions = frozenset({("FunctionName", LOGICAL[name])})
        for metric, value in known.items():
            yield Metric("AWS/Lambda", metric, dimensions), value

    def _printed(self) -> str:
        self.log.touch()
        with self.log.open() as lines:
            lines.seek(self._read)
            found = lines.read()
            self._read = lines.tell()
        return found

    def _environ(self, name: str) -> dict[str, str]:
        ours = name in {TRANSLATE, SEND_DUE}
        return fake_account({}, self.endpoint) | {
            PROVIDER: self.clock,
            # Else plain HTTP would be refused.
            "STAGE": "local",
            "TABLE_NAME": self.outputs["LedgerTableName" if ours else "InvitationServiceTableName"],
            "PARAMETER_PREFIX": PREFIX,
            "DEAD_LETTER_QUEUE_URL": self.outputs["DeadLetterQueueUrl"],
            "DELIVERY_QUEUE_URL": self.outputs["DeliveryQueueUrl"],
            "PUBLIC_URL": self.clock,
            "API_ID": STAGE,
            "ALLOW_TIME_TRAVEL": "false",
            "POWERTOOLS_SERVICE_NAME": f"afterword-{STAGE}",
            "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            **self._sees.get(name, {}),
        }
