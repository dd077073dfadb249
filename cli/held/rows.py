"""What is held, as the operator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from afterword.operating import held
from afterword.remembering.records import Batch
from cli.options import show_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from afterword.remembering.ledger import Ledger
    from afterword.remembering.records import Invitation

type Row = dict[str, Any]

_COLUMNS = ("since", "reason", "campaign", "shop", "kind", "occasion", "invitations", "id")


def row(
    ledger: Ledger, entry: Invitation | Batch, *, show_customer: bool, most: int | None = None
) -> Row:
    """Describe something held, or what became of it: ids alone, and addresses only if they are asked for.

    Args:
        ledger: The ledger.
        entry: As it was found.
        show_customer: Whether to show addresses, too.
        most: How many of a batch's members to read; None: all. A call may have had 10,000.
    """
    who = [_member(each) for each in held.members(ledger, entry, most)]
    if show_customer:
        known = ledger.read_customers({each["customer"] for each in who})
        for each in who:
            each["email"] = known[each["customer"]].email if each["customer"] in known else None
    return {**(_batch(entry) if isinstance(entry, Batch) else _invitation(entry)), "members": who}


def _invitation(held: Invitation) -> Row:
    return {
        "id": str(held.key),
        "what": "invitation",
        "state": held.state.value,
        "reason": held.reason,
        "since": show_time(held.held_at or held.due),
        "campaign": held.key.campaign,
        "invitations": 1,
    }


def _batch(held: Batch) -> Row:
    return {
        "id": held.id,
        "what": "batch",
        "state": held.state.value,
        "reason": held.reason,
        "since": show_time(held.due),
        "campaign": held.campaign,
        "invitations": held.size,
        "account": held.account,
        "survey": held.survey,
        "called_at": show_time(held.called_at),
    }


def _member(invitation: Invitation) -> Row:
    occasion = invitation.key.occasion
    return {
        "shop": occasion.shop,
        "kind": occasion.kind,
        "occasion": occasion.id,
        "customer": invitation.customer,
        "occurred_at": show_time(invitation.occurred_at),
        "due": show_time(invitation.due),
        "attempts": invitation.attempts,
    }


def table(rows: Iterable[Row], *, show_customer: bool) -> Table:
    """Lay rows out, a line for each; of a batch the first member stands for the others."""
    columns = [*_COLUMNS[:-1], *(["email"] if show_customer else []), "id"]
    found = Table(*columns)
    for each in rows:
        found.add_row(*(_cell(each, name) for name in columns))
    return found


def _cell(row: Row, name: str) -> str:
    if name in row:
        return f"{row[name]:,}" if isinstance(row[name], int) else str(row[name] or "")
    values = [str(each[name] or "") for each in row["members"]]
    if name in {"shop", "kind"}:
        return ", ".join(dict.fromkeys(values))
    more = row["invitations"] - 1
    return "".join(values[:1]) + (f" and {more:,} more" if more > 0 else "")
