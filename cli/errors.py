"""Errors as the operator sees them: one line that says what is wrong, and what to do next."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from botocore.exceptions import BotoCoreError, ClientError

from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommandError(Exception):
    """A command can't go on.

    Args:
        what: What is wrong, one sentence.
        then: What to do next, one sentence.
    """

    def __init__(self, what: str, then: str) -> None:
        super().__init__(f"{what} {then}")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn what may go wrong into a line on stderr.

    Raises:
        typer.Exit: With 1, where something went wrong.
    """
    try:
        yield
    except CommandError as error:
        text = str(error)
    except ParametersError as error:
        text = f"{error}."
    except LedgerError as error:
        text = f"{error}. What was done stays; run the command again."
    except (BotoCoreError, ClientError) as error:
        text = f"{type(error).__name__}: {error}"
    else:
        return
    typer.echo(f"✘ {text}", err=True)
    raise typer.Exit(1)
