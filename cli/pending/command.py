"""`afterword pending`: what waits, the soonest first."""

from collections.abc import Iterator
from itertools import batched, islice
from typing import Annotated, Any

import typer

from afterword.remembering.ledger import Ledger
from afterword.remembering.pauses import FOR_GOOD
from afterword.remembering.records import Invitation, State
from cli.errors import CommandError, readable_errors
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Table,
    console,
    find,
    read_time,
    show_json,
    show_time,
)
from cli.progress import counting
from cli.tables import grid

_CHUNK = 100
_COLUMNS = (
    "due",
    "campaign",
    "shop",
    "kind",
    "occasion",
    "occurred_at",
    "attempts",
    "reason",
    "id",
)


def pending(  # noqa: PLR0913 - each is an option of the command.
    *,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign's.")] = None,
    due_before: Annotated[
        str | None, typer.Option(help="Only what is due by then, by ISO 8601 with a zone.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="How many of each campaign to show; all are counted.")
    ] = 20,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """List invitations that wait for their time, by campaign, the soonest first."""
    with readable_errors():
        until = read_time(due_before, "--due-before") if due_before else FOR_GOOD
        ledger = find(stage, stack, table, local=local).ledger()
        known = ledger.campaigns()
        if campaign and campaign not in known:
            raise CommandError(
                f"No campaign {campaign} has ever had an invitation.",
                f"Known: {', '.join(sorted(known)) or 'none'}.",
            )
        counts: dict[str, int] = {}
        rows: list[dict[str, Any]] = []
        with counting("pending invitations") as show:
            for each in sorted({campaign} if campaign else known):
                found = _waiting(ledger, each, until)
                rows += [_row(one) for one in islice(found, limit)]
                walked = ledger.waiting(each, until)
                counts[each] = 0
                for _ in walked:
                    counts[each] += 1
                    show(sum(counts.values()))
    if as_json:
        show_json({"total": sum(counts.values()), "campaigns": counts, "pending": rows})
        return
    screen = console()
    if rows:
        screen.print(grid(rows, *_COLUMNS))
    screen.print(f"{sum(counts.values()):,} invitations wait.")
    for name, count in counts.items():
        screen.print(f"  {count:,} {name}", markup=False)


def _waiting(ledger: Ledger, campaign: str, until: int) -> Iterator[Invitation]:
    """Read what waits, chunk by chunk, in the order of the index."""
    for keys in batched(ledger.waiting(campaign, until), _CHUNK, strict=False):
        read = ledger.read_invitations(keys)
        known = (read[key] for key in keys if key in read)
        # The index may lag behind.
        yield from (each for each in known if each.state is State.PENDING)


def _row(invitation: Invitation) -> dict[str, Any]:
    occasion = invitation.key.occasion
    return {
        "due": show_time(invitation.due),
        "campaign": invitation.key.campaign,
        "shop": occasion.shop,
        "kind": occasion.kind,
        "occasion": occasion.id,
        "customer": invitation.customer,
        "occurred_at": show_time(invitation.occurred_at),
        "attempts": invitation.attempts,
        "reason": invitation.reason,
        "id": str(invitation.key),
    }
