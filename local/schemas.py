"""JSON Schemas for those who write events, campaigns and accounts: made from the models."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from afterword.deciding.accounts import Account
from afterword.deciding.campaigns import Campaign
from afterword.reading.shop_events import (
    Cancellation,
    Erasure,
    Purchase,
    Refund,
    Signup,
    Unsubscribe,
)

app = typer.Typer(add_completion=False)

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: tuple[type[BaseModel], ...] = (
    Purchase,
    Signup,
    Refund,
    Cancellation,
    Unsubscribe,
    Erasure,
    Campaign,
    Account,
)


def rendered() -> dict[str, str]:
    """Every schema's file name and text."""
    return {f"{model.__name__.lower()}.v1.json": _text(model) for model in MODELS}


def stale(folder: Path) -> list[str]:
    """The names of the files that are not as the models would have them, missing ones included."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    made = rendered()
    return sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))


def write(folder: Path) -> None:
    """Write every schema, and remove what is none any more."""
    folder.mkdir(parents=True, exist_ok=True)
    made = rendered()
    for path in folder.glob("*.json"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def _text(model: type[BaseModel]) -> str:
    schema = {"$schema": DIALECT, **model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


@app.command()
def main(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if a schema is not in step.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the schemas are.")] = SCHEMAS,
) -> None:
    """Write docs/schemas from the models of events, campaigns and accounts."""
    if not check:
        write(folder)
    elif names := stale(folder):
        typer.echo(
            f"Not in step with the models: {', '.join(names)}. Run `python -m local.schemas`.",
            err=True,
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
