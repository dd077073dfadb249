"""What `afterword` offers."""

import typer

from cli.respondents import command as respondents

app = typer.Typer(
    help="Afterword from the operator's desk.",
    no_args_is_help=True,
    add_completion=False,
    # They would show what variables hold: names, addresses, secrets.
    pretty_exceptions_enable=False,
)
app.add_typer(respondents.app, name="respondents")


@app.callback()
def afterword() -> None:
    """Keep `respondents` a word of its own: typer drops the name of an only command."""
