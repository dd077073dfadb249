"""`afterword service`: options that all of its commands share."""

from typing import Annotated

import typer

from cli.errors import readable_errors
from cli.places import DEFAULT_STAGE
from cli.service import key_commands, mail_commands, record_commands
from cli.service.desk import find_desk

app = typer.Typer(
    help="The invitation service: its keys, mail servers, surveys, templates and respondents.",
    no_args_is_help=True,
)
app.add_typer(key_commands.app, name="keys")
app.add_typer(key_commands.links, name="links")
app.add_typer(mail_commands.app, name="mail")
app.add_typer(record_commands.surveys, name="surveys")
app.add_typer(record_commands.templates, name="templates")
app.add_typer(record_commands.respondents, name="respondents")
app.command(name="nps")(record_commands.nps)


@app.callback()
def service(
    context: typer.Context,
    *,
    stage: Annotated[str, typer.Option(help="The stage that is meant.")] = DEFAULT_STAGE,
    local: Annotated[
        bool, typer.Option("--local", help="The local cloud of 'make up', and no AWS account.")
    ] = False,
    stack: Annotated[
        str | None, typer.Option(help="The stack; else 'afterword', or 'afterword-STAGE'.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The service's address; then no stack is looked at.")
    ] = None,
) -> None:
    """Say which installation is meant."""
    with readable_errors():
        context.obj = find_desk(stage, stack, url, local=local)
