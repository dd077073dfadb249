"""`afterword status`: how things stand, on one screen."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cli.errors import readable_errors
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    console,
    find,
    now,
    show_json,
    show_time,
)
from cli.places import Place
from cli.status.looks import dead_letters, last_runs, queues
from cli.status.rows import concerns, of_batches, of_campaigns, of_ways
from cli.tables import grid


def status(
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if something needs a person.")
    ] = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
) -> None:
    """Show how things stand: queues, what waits, what blocks it, what needs a person."""
    with readable_errors():
        document = _look(find(stage, stack, None, local=local), now())
    if as_json:
        show_json(document)
    else:
        _show(document)
    if exit_code and document["needs_a_person"]:
        raise typer.Exit(1)


def _look(place: Place, at: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(at, UTC)
    parameters, ledger = place.parameters(), place.ledger()
    found = parameters.campaigns()
    broken = {each.campaign: "; ".join(each.faults) for each in found.broken}
    pauses = {
        name: {"until": show_time(each.until) or "resumed", "reason": each.reason}
        for name, each in sorted(ledger.pauses().items())
        if each.end > at
    }
    document = {
        "at": show_time(at),
        "queues": queues(place, moment),
        "dead_letters": dead_letters(place),
        "campaigns": of_campaigns(ledger, found.loaded, broken, at),
        "ways": of_ways(ledger, parameters, found.loaded, at),
        "pauses": pauses,
        "batches": of_batches(ledger),
        "functions": last_runs(place, moment),
    }
    return document | {"needs_a_person": concerns(document)}


def _show(document: dict[str, Any]) -> None:
    screen = console()
    screen.print(grid(document["queues"], "queue", "visible", "in_flight", "oldest_seconds"))
    for reason, count in document["dead_letters"].items():
        screen.print(f"  {count:,} dead letters: {reason}", markup=False)
    columns = ("campaign", "mode", "pending", "overdue", "oldest_due", "held", "fault")
    screen.print(grid(document["campaigns"], *columns))
    screen.print(grid(map(_with_budget, document["ways"]), *_WAY))
    for name, pause in document["pauses"].items():
        why = f" ({pause['reason']})" if pause["reason"] else ""
        screen.print(f"Paused: {name}, until {pause['until']}{why}", markup=False)
    if document["batches"]:
        screen.print(
            grid(document["batches"], *_BATCH, title="Last calls, until they are verified")
        )
    for each in document["functions"]:
        counts = ", ".join(f"{name} {count:,}" for name, count in (each["counts"] or {}).items())
        ran = f"{each['at']}: {counts or 'nothing to do'}" if each["at"] else "not for 15 minutes"
        screen.print(f"{each['function']} ended last {ran}", markup=False, soft_wrap=True)
    needs = document["needs_a_person"]
    screen.print("\nNothing needs a person." if not needs else "\nThis needs a person:")
    for each in needs:
        screen.print(f"  ! {each}", style="bold yellow", markup=False, soft_wrap=True)


_WAY = (
    "account",
    "survey",
    "breaker",
    "blocked_by",
    "until",
    "calls",
    "sent_today",
    "refused_today",
)
_BATCH = ("batch", "at", "campaign", "state", "size", "provider_id", "reason", "next_look")


def _with_budget(row: dict[str, Any]) -> dict[str, Any]:
    limit = row["calls_per_minute"]
    of = f" of {limit:,} a minute" if limit is not None else ""
    return row | {"calls": f"{row['calls_this_minute']:,}{of}"}
