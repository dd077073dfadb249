"""`python -m local mapping`: try a mapping on a sample before it goes to Parameter Store."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotations when it runs.
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afterword.deciding.mapping_texts import MappingError, parse_mapping, ready, ready_names
from afterword.reading.envelopes import RAW, Envelope, open_envelope
from afterword.reading.poison import PoisonError
from afterword.reading.skips import SkippedError
from local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterword.deciding.mappings import Mapping

app = typer.Typer(help="Mappings: try one, or see those that are ready.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The mapping, as its parameter will hold it.")],
    event: Annotated[
        Path | None,
        typer.Option(help="A sample: a message's body, an SQS event, or what lies in an envelope."),
    ] = None,
) -> None:
    """Read a mapping, and show what becomes of a sample; exit 1 if it is at fault."""
    with _readable_errors():
        mapping = parse_mapping("sample", _text(file))
        if event is None:
            typer.echo(f"✔ {file.name} is a mapping: {mapping.source} → {mapping.event}")
            return
        for body in _bodies(_text(event)):
            typer.echo(_outcome(mapping, body))


@app.command("ready")
def show_ready(
    name: Annotated[str | None, typer.Argument(help="Which one; none lists them all.")] = None,
) -> None:
    """List the mappings that are ready, or show one."""
    if name is None:
        typer.echo("\n".join(ready_names()))
        return
    with _readable_errors():
        typer.echo(json.dumps(ready(name), indent=2, ensure_ascii=False))


@contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except (LocalError, MappingError, PoisonError, ValueError) as error:
        typer.echo(f"✘ {error}", err=True)
        raise typer.Exit(1) from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalError(
            f"{file} cannot be read: {error.strerror}.", "Samples are in events/."
        ) from None


def _bodies(text: str) -> list[str]:
    """The bodies in an SQS event as Lambda gets it; any other text is a body itself."""
    try:
        records = json.loads(text)["Records"]
        return [str(each["body"]) for each in records]
    except (ValueError, TypeError, KeyError):
        return [text]


def _outcome(mapping: Mapping, body: str) -> str:
    envelope = open_envelope(body)
    if envelope.source == RAW != mapping.source:
        envelope = _as_if_sent(mapping, envelope)
    if misfit := mapping.mismatch(envelope):
        raise LocalError(
            f"The sample does not fit the mapping's {misfit}.",
            f"It is of {envelope.source}, of type {envelope.detail_type}.",
        )
    try:
        shop_event = mapping.read(envelope)
    except SkippedError as skipped:
        return f"skipped: {skipped.reason}"
    shown: dict[str, Any] = shop_event.model_dump(mode="json", exclude_none=True)
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _as_if_sent(mapping: Mapping, sample: Envelope) -> Envelope:
    """Put a bare sample into an envelope such as the mapping is for."""
    return Envelope(
        "eventbridge",
        sample.payload,
        source=mapping.source,
        detail_type=mapping.detail_type,
        id="sample",
        time=datetime.now(UTC).isoformat(),
    )
