"""The status as programs read it, and what of it needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterword.deciding.account_errors import AccountError
from afterword.operating import status
from afterword.remembering.errors import ParametersError
from cli.options import show_time
from cli.status.looks import SWEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from afterword.deciding.campaigns import Campaign
    from afterword.operating.status import Gate, Lane
    from afterword.remembering.ledger import Ledger
    from afterword.remembering.parameters import Parameters
    from afterword.remembering.records import Batch

type Row = dict[str, Any]

MOST_COUNTED = 10_000
_MOST_BATCHES = 8


def of_campaigns(
    ledger: Ledger,
    loaded: Sequence[Campaign],
    broken: dict[str, str],
    now: int,
) -> list[Row]:
    """Describe every campaign that loads, doesn't, or ever had an invitation."""
    modes = {each.id: each.mode.value for each in loaded}
    names = ledger.campaigns() | modes.keys() | broken.keys()
    return [
        {
            "campaign": lane.campaign,
            "mode": modes.get(lane.campaign, "gone"),
            "pending": _count(lane.pending),
            "overdue": _count(lane.overdue),
            "oldest_due": show_time(lane.oldest),
            "held": lane.held,
            "fault": broken.get(lane.campaign),
        }
        for lane in _lanes(ledger, names, now)
    ]


def _lanes(ledger: Ledger, names: set[str], now: int) -> list[Lane]:
    return status.lanes(ledger, names, now, MOST_COUNTED)


def _count(number: int) -> int | str:
    return number if number < MOST_COUNTED else f"{number}+"


def of_ways(
    ledger: Ledger, parameters: Parameters, loaded: Sequence[Campaign], now: int
) -> list[Row]:
    """Describe the way to each survey: breaker, blocks, this minute's budget, and today's outcomes."""
    return [_way(each, parameters) for each in status.gates(ledger, loaded, now)]


def _way(gate: Gate, parameters: Parameters) -> Row:
    blocked = gate.blocked
    limit: int | None = None
    fault = None
    try:
        limit = parameters.account(gate.account).calls_per_minute
    except (AccountError, ParametersError) as error:
        fault = str(error)
    until = "resumed" if gate.waits_for_a_person else show_time(blocked.until if blocked else None)
    return {
        "account": gate.account,
        "survey": gate.survey,
        "breaker": gate.breaker,
        "failures": gate.failures,
        "blocked_by": blocked.reason if blocked else None,
        "until": until,
        "calls_this_minute": gate.spent,
        "calls_per_minute": limit,
        "sent_today": gate.sent,
        "refused_today": gate.refused,
        "fault": fault,
    }


def of_batches(ledger: Ledger) -> list[Row]:
    """Describe the newest batches that somebody still looks after."""
    return [_batch(each) for each in status.last_batches(ledger, _MOST_BATCHES)]


def _batch(batch: Batch) -> Row:
    return {
        "batch": batch.id,
        "at": show_time(batch.called_at or batch.created_at),
        "campaign": batch.campaign,
        "state": batch.state.value,
        "size": batch.size,
        "provider_id": batch.provider_id,
        "reason": batch.reason,
        "next_look": show_time(batch.due),
    }


def concerns(document: Row) -> list[str]:
    """Return what needs a person, each with what to type."""
    return [
        *_of_queues(document["queues"]),
        *_of_campaigns(document["campaigns"]),
        *_of_ways(document["ways"]),
        *_of_runs(document["functions"]),
    ]


def _of_queues(rows: Sequence[Row]) -> Iterator[str]:
    for each in rows:
        lie_there = each["visible"] + each["in_flight"]
        if each["is_dead_letters"] and lie_there:
            then = "see 'dead-letters list'" if each["queue"] == "dead letters" else "see its queue"
            yield f"{lie_there:,} in {each['queue']}: {then}"


def _of_campaigns(rows: Sequence[Row]) -> Iterator[str]:
    if not any(each["mode"] != "gone" for each in rows):
        yield "no campaign loads: nothing is decided; see 'campaigns list'"
    for each in rows:
        name = each["campaign"]
        if each["fault"]:
            yield f"campaign {name} is broken, its last good version counts: see 'campaigns list'"
        if each["overdue"]:
            yield f"campaign {name} has {each['overdue']} overdue: see 'pending --campaign {name}'"
        if each["held"]:
            yield f"campaign {name} has {each['held']} held: see 'held list --campaign {name}'"


def _of_ways(rows: Sequence[Row]) -> Iterator[str]:
    for account in sorted({each["account"] for each in rows if each["breaker"] != "closed"}):
        yield f"account {account}: the breaker is open, the provider is down or refuses the secret"
    yield from sorted({each["fault"] for each in rows if each["fault"]})


def _of_runs(rows: Sequence[Row]) -> Iterator[str]:
    for each in rows:
        if each["function"] == SWEEP and each["at"] is None:
            yield f"{SWEEP} has not ended a run for 15 minutes: look at its log and the schedule"
