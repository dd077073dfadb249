"""What the drill runs in: handlers on the local cloud, a provider, CloudWatch's eyes, and a clock that is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.drill.functions import SEND_DUE, TRANSLATE, Functions
from local.drill.operator import Operator
from local.drill.provider import Provider
from local.drill.queues import EVENTS, Queues
from local.drill.series import MINUTE
from local.drill.shop import SHOP, Shop
from local.drill.stack import PARAMETERS
from local.drill.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from local.cloud import Cloud
    from local.drill.series import Metric
    from local.drill.template import Node


@dataclass
class World:
    """Everything, and what goes on in it minute by minute.

    Attributes:
        cloud: The local cloud.
        outputs: The stack's.
        document: The template.
        folder: For logs, and for the operator's files.
        now: Unix seconds: moved, never waited for.
        runs: The functions that run each minute, if their event source and their schedule are there.
        repeats: Whether sweeps find what the last one found, so that none is run.
    """

    cloud: Cloud
    outputs: Mapping[str, str]
    document: Node
    folder: Path
    now: int
    runs: set[str] = field(default_factory=lambda: {TRANSLATE, SEND_DUE})
    repeats: bool = False
    _swept: str = ""

    def __post_init__(self) -> None:
        """Put it together, and begin."""
        self.provider, self._clock = Provider(), Provider()
        self.provider.open()
        self._clock.open()
        self.watch = Watch(self.document, PARAMETERS)
        self.queues = Queues(self.cloud.client("sqs"), self.outputs)
        self.shop = Shop(self.cloud.client("ssm"))
        self.functions = Functions(
            self.outputs,
            self.cloud.endpoint_url,
            self._clock.url,
            self.document,
            self.folder / "functions.log",
        )
        self.operator = Operator(self.folder)
        self.shop.furnish(self.provider.url)

    def close(self) -> None:
        """End all."""
        self.functions.renew()
        self.provider.close()
        self._clock.close()

    def types(self, command: str, told: str | None = None) -> str:
        """Let the operator type a command now; return what it printed. Raises LocalError."""
        return self.operator.types(command, self.now, told)

    def buy(self, shop: str = SHOP) -> None:
        """Let a shop send a purchase."""
        self.send(EVENTS, self.shop.purchase(shop, self.now))

    def send(self, queue: str, body: str) -> None:
        """Put a message into a queue."""
        self.queues.send(queue, body, self.now)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Run a function; return what it answered, None if it failed."""
        run = self.functions.run(name, event, self.now)
        self.watch.take(run.printed, self.now)
        self._put(run.samples)
        if name == SEND_DUE:
            self._swept = run.printed
        return run.answer

    def minute(self) -> None:
        """Let a minute pass by."""
        self.now += MINUTE
        if TRANSLATE in self.runs and (records := self.queues.receive(self.now)):
            answer = self.invoke(TRANSLATE, {"Records": records})
            self.queues.settle(records, answer, self.now)
        if self.repeats:
            self.watch.take(self._swept, self.now)
        elif SEND_DUE in self.runs:
            self.invoke(SEND_DUE, {})
        self._put(self.queues.samples(self.now))
        self.watch.look(self.now)

    def quiet(self, minutes: int) -> None:
        """Let minutes pass by in which nothing happens: one is run, and the others say what it said."""
        self.minute()
        samples = list(self.queues.samples(self.now))
        for _ in range(minutes - 1):
            self.now += MINUTE
            self._put(samples)
            self.watch.take(self._swept, self.now)

    def _put(self, samples: Iterable[tuple[Metric, float]]) -> None:
        for metric, value in samples:
            self.watch.series.put(metric, self.now, value)
