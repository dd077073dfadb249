"""Cold starts behind the runtime interface emulator: ours, beside a bare handler and beside the usual one.

Only ratios travel: the times themselves are this machine's. Rounds alternate, so that a busy moment hits all alike.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local import cloud as clouds
from local import functions, rie, sam
from local.cli import deploy
from local.cloud import LOCAL, ROOT
from local.errors import LocalError
from local.fake_account import fake_account
from local.samples import EVENTS
from local.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.deployment import Deployment

BARE, USUAL, PLAIN = "bare", "usual", "usual, plain build"
DOCUMENT = ROOT / "docs" / "cold-start.md"
HEAD = (
    "function",
    "init, ms",
    "least to most",
    f"to {BARE}",
    f"to {USUAL}",
    f"to {PLAIN}",
    "with first event, ms",
    f"to {USUAL}",
)
_LOG = LOCAL / "bench-cold.log"
_INVOKE = re.compile(r"INVOKE RTDONE\(.*?duration: ([\d.]+)ms")
_PLACE = re.compile(r"(?<=<!-- make bench-cold -->\n).*?(?=<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Subject:
    """A function that is started.

    Attributes:
        function: The function.
        event: Makes its first event, another one each round.
    """

    function: rie.Function
    event: Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start, in milliseconds.

    Attributes:
        init: Interpreter, runtime and imports.
        first: The first event after it.
    """

    init: float
    first: float

    @property
    def whole(self) -> float:
        """Until the first event is done."""
        return self.init + self.first


def measure(subject: Subject, number: int) -> Start:
    """Start a function and hand it one event.

    Args:
        subject: The function.
        number: The round's number.

    Returns:
        What it took.

    Raises:
        LocalError: The function failed.
    """
    with rie.running(subject.function, _LOG) as emulator:
        answer = emulator.invoke(json.dumps(subject.event(number)).encode())
        found = _INVOKE.search(_LOG.read_text(encoding="utf-8", errors="replace"))
        undone = isinstance(answer.payload, dict) and answer.payload.get("batchItemFailures")
        if answer.failed or undone or found is None:
            raise LocalError(f"{subject.function.handler} failed.", f"Its log is {_LOG}.")
        return Start(emulator.init_milliseconds(), float(found[1]))


def rows(starts: Mapping[str, Sequence[Start]]) -> list[tuple[str, ...]]:
    """Compare medians.

    Args:
        starts: The starts of each function; the bare and the usual handler are among them.

    Returns:
        A row for each, as `HEAD` has it.
    """
    init = {name: median(each.init for each in found) for name, found in starts.items()}
    whole = {name: median(each.whole for each in found) for name, found in starts.items()}
    return [
        (
            name,
            f"{init[name]:.0f}",
            f"{min(each.init for each in found):.0f} to {max(each.init for each in found):.0f}",
            f"{init[name] / init[BARE]:.1f}",
            f"{init[name] / init[USUAL]:.2f}",
            f"{init[name] / init[PLAIN]:.2f}",
            f"{whole[name]:.0f}",
            f"{whole[name] / whole[USUAL]:.2f}",
        )
        for name, found in starts.items()
    ]


def markdown(table: Sequence[Sequence[str]], rounds: int) -> str:
    """Write the table for the documentation.

    Args:
        table: The rows.
        rounds: How many starts each median is of.
    """
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    lines = [
        f"`make bench-cold ROUNDS={rounds}` on {machine}, Python {platform.python_version()}:",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(row)} |" for row in table),
        "",
    ]
    return "\n".join(lines)


def _subjects(deployment: Deployment) -> dict[str, Subject]:
    translate = functions.as_deployed(deployment, "translate_events")
    sweep = functions.as_deployed(deployment, "send_due_invitations")
    service = functions.as_deployed(deployment, "invitation_service")
    dependencies = sam.BUILT / functions.LAYERS[0] / "python"
    here = ROOT / "benchmarks"
    environ = fake_account(_usual_environment(deployment), deployment.cloud.endpoint_url)
    usual = rie.Function("usual.app.handler", [here, dependencies], environ)
    request = json.loads((EVENTS / "api" / "show_survey.json").read_text())
    return {
        BARE: Subject(rie.Function("bare.app.handler", [here], environ), lambda _: {}),
        "translate_events": Subject(translate, _order),
        "send_due_invitations": Subject(sweep, lambda _: {}),
        "invitation_service": Subject(service, lambda _: request),
        USUAL: Subject(usual, _order),
        PLAIN: Subject(replace(usual, folders=[here, _without_byte_code(dependencies)]), _order),
    }


def _usual_environment(deployment: Deployment) -> dict[str, str]:
    database = deployment.cloud.client("dynamodb")
    database.create_table(
        TableName="idempotency",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    deployment.put_parameter("usual/token", "made-up", secret=True)
    return {
        "IDEMPOTENCY_TABLE": "idempotency",
        "TOKEN_PARAMETER": f"{deployment.outputs['ParameterPrefix']}/usual/token",
        "PROVIDER_URL": f"{deployment.cloud.endpoint_url}/_ministack/health",
        "POWERTOOLS_SERVICE_NAME": "usual",
        "POWERTOOLS_METRICS_NAMESPACE": "Usual",
    }


def _without_byte_code(layer: Path) -> Path:
    """Copy a layer as SAM's own build of Python layers makes it."""
    copy = LOCAL / "bench-cold"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(layer, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def _order(number: int) -> dict[str, Any]:
    """Make a batch of one purchase of this very moment, which waits two hours before anybody is asked."""
    event = json.loads((EVENTS / "purchase-waiting.json").read_text())
    now = datetime.now(UTC).isoformat()
    event |= {"id": f"bench-{now}", "order_id": f"bench-{number}-{now}", "occurred_at": now}
    batch: dict[str, Any] = json.loads((EVENTS / "sqs" / "raw.json").read_text())
    batch["Records"][0]["body"] = json.dumps(event)
    return batch


def main(
    rounds: Annotated[int, typer.Option(min=9, help="Starts of each function.")] = 9,
) -> None:
    """Measure, show the table, and write it into docs/cold-start.md."""
    console = Console()
    with clouds.running("bench-cold") as cloud:
        subjects = _subjects(deploy(Screen(console), cloud))
        starts: dict[str, list[Start]] = {name: [] for name in subjects}
        with Progress(console=console) as progress:
            task = progress.add_task("cold starts", total=rounds * len(subjects))
            for number in range(rounds):
                for name, subject in subjects.items():
                    progress.update(task, description=name)
                    starts[name].append(measure(subject, number))
                    progress.advance(task)
    table = Table(*HEAD)
    for row in rows(starts):
        table.add_row(*row)
    console.print(table)
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(_PLACE.sub(lambda _: markdown(rows(starts), rounds), text))


if __name__ == "__main__":
    typer.run(main)
