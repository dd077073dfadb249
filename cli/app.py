"""What `afterword` offers."""

import typer

from cli.dead_letters import command as dead_letters
from cli.held import command as held
from cli.pause import command as pauses
from cli.respondents import command as respondents
from cli.restore import command as restoring
from cli.service import command as service

app = typer.Typer(
    help="Afterword from the operator's desk.",
    no_args_is_help=True,
    add_completion=False,
    # They would show what variables hold: names, addresses, secrets.
    pretty_exceptions_enable=False,
)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(held.app, name="held")
app.command()(pauses.pause)
app.command()(pauses.resume)
app.add_typer(respondents.app, name="respondents")
app.command()(restoring.restore)
app.add_typer(service.app, name="service")


@app.callback()
def afterword() -> None:
    """Keep `respondents` a word of its own: typer drops the name of an only command."""
