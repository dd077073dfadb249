"""`afterword send-event`: one shop event, as the shop would send it."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from afterword.deciding.mappings import Mappings
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.skips import SkippedError
from cli.errors import CommandError, readable_errors
from cli.naming import STDIN
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Yes,
    confirm,
    console,
    find,
    now,
    show_json,
)
from cli.places import Place

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html: an entry, all in all.
_MOST_BYTES = 1_048_576


def send_event(  # noqa: PLR0913 - each is an option of the command.
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One event, as JSON; '-' reads stdin.")
    ],
    *,
    queue: Annotated[
        bool, typer.Option("--queue", help="Straight to the queue, past the bus.")
    ] = False,
    at_once: Annotated[
        bool, typer.Option("--now", help="Say that it happened now, whatever the file says.")
    ] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Send it even if it would become a dead letter.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
) -> None:
    """Send one event to the bus, or straight to the queue. It is read before, as translate_events will read it."""
    with readable_errors():
        event = _load(file)
        if at_once:
            event["occurred_at"] = datetime.fromtimestamp(now(), UTC).isoformat()
        body = json.dumps(event, ensure_ascii=False)
        place = find(stage, stack, None, local=local)
        if not as_is:
            _check(place, body)
        where = "the queue" if queue else "the bus"
        confirm(f"Send it to {where} of {place.prefix}? Real people may be asked.", yes=yes)
        sent = _to_queue(place, body) if queue else _to_bus(place, event, body)
    if as_json:
        show_json({"sent_to": where, "id": sent})
        return
    console().print(f"Sent to {where} as {sent}.", markup=False)
    identity = event.get("order_id") or event.get("account_id")
    if isinstance(identity, str):
        console().print(f"Next: afterword explain '{identity}'", markup=False)


def _load(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
        event = json.loads(text)
    except OSError as error:
        raise CommandError(
            f"{file} can't be read: {error.strerror}.", "There are samples in events/."
        ) from None
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise CommandError(f"{file} does not hold a JSON object.", "docs/events.md shows some.")
    return event


def _check(place: Place, body: str) -> None:
    """Read an event as translate_events does; mappings are only asked for what is none of ours."""
    try:
        try:
            read(body, now())
        except PoisonError:
            read(body, now(), Mappings(place.parameters().mappings().loaded).read)
    except PoisonError as error:
        raise CommandError(
            f"It would be a dead letter: {error.reason}: {error.detail}.",
            "Mend it, or send it by --as-is.",
        ) from None
    except SkippedError as skipped:
        raise CommandError(
            f"A mapping passes it over: {skipped.reason}.", "Mend it, or send it by --as-is."
        ) from None


def _to_queue(place: Place, body: str) -> str:
    answer = place.client("sqs").send_message(
        QueueUrl=_output(place, "ShopEventsQueueUrl"), MessageBody=body
    )
    return str(answer["MessageId"])


def _to_bus(place: Place, event: dict[str, Any], body: str) -> str:
    if len(body.encode()) > _MOST_BYTES:
        raise CommandError(f"It has more than {_MOST_BYTES:,} bytes.", "Nothing takes it.")
    entry = {
        "EventBusName": _output(place, "ShopEventsBusName"),
        "Source": f"shop.{event.get('shop', 'unknown')}",
        "DetailType": str(event.get("type", "unknown")),
        "Detail": body,
    }
    answer = place.client("events").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise CommandError(
            f"The bus refused it: {answer['Entries'][0]['ErrorCode']}.", "Try again."
        )
    return str(answer["Entries"][0]["EventId"])


def _output(place: Place, name: str) -> str:
    try:
        return place.outputs[name]
    except KeyError:
        raise CommandError(
            f"The stack has no output {name}.", "Deploy this version's template."
        ) from None
