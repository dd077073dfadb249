"""What `afterword` offers."""

import typer

from cli.campaigns import command as campaigns
from cli.dead_letters import command as dead_letters
from cli.events import command as events
from cli.explain import command as explaining
from cli.held import command as held
from cli.pause import command as pauses
from cli.pending import command as waiting
from cli.respondents import command as respondents
from cli.restore import command as restoring
from cli.secrets import command as secrets
from cli.service import command as service
from cli.simulate import command as simulating
from cli.status import command as standing
from cli.stopping import command as stopping

app = typer.Typer(
    help="Afterword from the operator's desk.",
    no_args_is_help=True,
    add_completion=False,
    # They would show what variables hold: names, addresses, secrets.
    pretty_exceptions_enable=False,
)
app.command()(standing.status)
app.command()(explaining.explain)
app.command()(waiting.pending)
app.add_typer(held.app, name="held")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(pauses.pause)
app.command()(pauses.resume)
app.command()(stopping.cancel)
app.command()(stopping.suppress)
app.command()(stopping.erase)
app.command(name="send-event")(events.send_event)
app.command()(simulating.simulate)
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(secrets.app, name="secrets")
app.add_typer(respondents.app, name="respondents")
app.command()(restoring.restore)
app.add_typer(service.app, name="service")


@app.callback()
def afterword() -> None:
    """Keep `respondents` a word of its own: typer drops the name of an only command."""
