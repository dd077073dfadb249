"""`afterword dead-letters`: what nobody could read, why, and how it comes back."""

import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated

import click
import typer

from afterword.operating.dead_letters import HOLD, Redrive, find, hold_for, redrive, why
from afterword.remembering.dead_letter_queue import DeadLetterQueue, Letter
from cli.dead_letters.queue import queue_of
from cli.dead_letters.rows import Row, groups, row, table
from cli.dead_letters.waiting import DEAD_AGAIN, Sent, outcomes, wait_until_taken
from cli.errors import CommandError, readable_errors
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Yes,
    confirm,
    console,
    now,
    show_json,
)
from cli.options import find as find_place
from cli.progress import counting

app = typer.Typer(help="Messages that nobody could read or deliver.", no_args_is_help=True)

Why = Annotated[str | None, typer.Option("--reason", help="Only those with this reason.")]
Identity = Annotated[str, typer.Argument(metavar="ID", help="As 'dead-letters list' shows it.")]
_MOST_SHOWN = 100


@app.command(name="list")
def list_(
    *,
    reason: Why = None,
    limit: Annotated[int, typer.Option(min=0, help="How many to show; all are counted.")] = 20,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
) -> None:
    """List dead letters by reason. It leaves all of them where they are."""
    with readable_errors():
        queue = queue_of(find_place(stage, stack, None, local=local))
        reasons: Counter[str] = Counter()
        explained: dict[str, tuple[str, str]] = {}
        rows: list[Row] = []
        at = now()
        with queue.look(HOLD) as look, counting("dead letters", queue.count()) as show:
            for each in (letter for page in look for letter in page):
                known = why(each)
                if reason is None or known.reason == reason:
                    reasons[known.reason] += 1
                    explained[known.reason] = (known.means, known.then)
                    if len(rows) < limit:
                        rows.append(row(each, at))
                show(reasons.total())
    if as_json:
        show_json({"total": reasons.total(), "reasons": dict(reasons), "letters": rows})
        return
    screen = console()
    if reasons:
        screen.print(groups(dict(reasons.most_common()), explained))
    if rows:
        screen.print(table(rows))
    screen.print(f"{reasons.total():,} dead letters.")


@app.command()
def show(
    identity: Identity,
    *,
    body: Annotated[
        bool, typer.Option("--body", help="Show the body, too: it holds personal data.")
    ] = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
) -> None:
    """Show one dead letter: why it is dead, and what to do."""
    with readable_errors():
        queue = queue_of(find_place(stage, stack, None, local=local))
        letter = _find(queue, identity)
        known = why(letter)
        shown = row(letter, now()) | {"means": known.means, "then": known.then}
        if body:
            shown["body"] = letter.body
    if as_json:
        show_json(shown)
        return
    for name, value in shown.items():
        console().print(f"{name}: {value}", markup=False, soft_wrap=True)


@app.command(name="redrive")
def redrive_(  # noqa: PLR0913 - each is an option of the command.
    identity: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As 'dead-letters list' shows it.")
    ] = None,
    *,
    edit: Annotated[bool, typer.Option("--edit", help="Edit its body in $EDITOR first.")] = False,
    body: Annotated[
        Path | None, typer.Option(help="A file with the body to send in its place.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that lie there now.")] = False,
    reason: Why = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="At most so many a second.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show what became of them.")] = False,
    wait_seconds: Annotated[
        int, typer.Option(min=0, help="For how long '--wait' waits for the queue.")
    ] = 300,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
) -> None:
    """Send dead letters back to the queue of shop events: one, all, or all with a reason."""
    with readable_errors():
        _check(identity, everything or reason is not None, edit or body is not None)
        place = find_place(stage, stack, None, local=local)
        queue = queue_of(place)
        wanted, expected = _wanted(
            queue, identity, reason, rate, _edited(queue, identity, body, edit=edit)
        )
        what = f"letter {identity}" if identity else f"about {expected:,} letters"
        confirm(f"Send {what} back to the queue of shop events?", yes=yes)
        sent = Sent(place, now()) if wait else None
        count = _redrive(queue, wanted, expected, sent)
        empty, found = True, dict[str, str]()
        if sent:
            empty = wait_until_taken(queue, wait_seconds)
            found = outcomes(queue, sent, wanted.before)
    counts = Counter(found.values())
    if as_json:
        first = dict(islice(found.items(), _MOST_SHOWN))
        show_json({"sent": count, "queue_is_empty": empty, "outcomes": counts, "letters": first})
    else:
        _tell(count, counts, empty=empty)
    if (identity and not count) or any(each.startswith(DEAD_AGAIN) for each in counts):
        raise typer.Exit(1)


def _check(identity: str | None, many: bool, edited: bool) -> None:  # noqa: FBT001 -- three findings
    if (identity is None) != many:
        raise CommandError("Name an id, --all or --reason.", "See 'afterword dead-letters list'.")
    if edited and identity is None:
        raise CommandError("--edit and --body go with one id.", "Name it.")


def _find(queue: DeadLetterQueue, identity: str) -> Letter:
    with counting("dead letters"):
        letter = find(queue, identity)
    if letter is None:
        raise CommandError(
            f"There is no letter {identity}.", "See 'afterword dead-letters list'; ids change."
        )
    return letter


def _edited(
    queue: DeadLetterQueue, identity: str | None, body: Path | None, *, edit: bool
) -> str | None:
    """Return what is to be sent in place of the body, if anything."""
    if identity is None:
        return None
    letter = _find(queue, identity)
    text = None
    if body:
        try:
            text = body.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"{body}: {type(error).__name__}.", "Name a text by --body."
            ) from None
    if edit:
        text = click.edit(letter.body if text is None else text, extension=".json")
        if text is None:
            raise CommandError("Nothing was changed, so nothing was sent.", "Leave out --edit.")
    if text is not None and not text.strip():
        raise CommandError("The body is empty.", "Nothing was sent.")
    return text


def _wanted(
    queue: DeadLetterQueue,
    identity: str | None,
    reason: str | None,
    rate: float | None,
    edited: str | None,
) -> tuple[Redrive, int]:
    def chosen(letter: Letter) -> bool:
        if identity:
            return letter.id == identity
        return reason is None or why(letter).reason == reason

    before = time.time_ns() // 1_000_000
    count = queue.count()
    expected = 1 if identity else count
    return Redrive(chosen, before, rate, edited, hold_for(expected, rate)), expected


def _redrive(queue: DeadLetterQueue, wanted: Redrive, expected: int, sent: Sent | None) -> int:
    count = 0
    with counting("dead letters sent back", expected) as show:
        for letters in redrive(queue, wanted, time.sleep):
            count += len(letters)
            if sent:
                sent(letters)
            show(count)
    return count


def _tell(sent: int, counts: Counter[str], *, empty: bool) -> None:
    screen = console()
    screen.print(f"{sent:,} sent back.")
    if not empty:
        screen.print("Messages still wait to be translated: what is told here may change.")
    for what, count in counts.most_common():
        screen.print(f"  {count:,} {what}", markup=False, soft_wrap=True)
