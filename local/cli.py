"""The commands behind `make run`, `up`, `send`, `mail`, `invoke`, `drill` and `down`; and `mapping`."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import requests
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from afterword.remembering.ledger import LedgerError
from local import cloud as clouds
from local import functions, kept, postbox, rie, sam, sam_local
from local.cloud import Cloud
from local.deployment import Deployment, furnish
from local.drill import command as drill
from local.errors import LocalError
from local.fake_account import move_in
from local.mappings import app as mappings
from local.samples import read_sample
from local.screen import Screen
from local.story import Row, sending, story, take
from local.witness import Witness

FUNCTIONS_LOG = clouds.LOCAL / "functions.log"

app = typer.Typer(
    help="Afterword on this machine: a local cloud, and what happens there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(mappings, name="mapping")
app.command(name="drill")(drill.run)


@app.callback()
def prepare() -> None:
    """Leave the real account, and let a termination end things as Ctrl-C does."""
    move_in(os.environ)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))


@app.command()
def run() -> None:
    """Start a local cloud, deploy to it, show the main job there and stop it again."""
    screen = Screen(Console())
    with _readable_errors(screen):
        screen.say("Afterword on a local cloud: no AWS account, loopback only.")
        with clouds.running("run", keep_mails=True) as cloud:
            rows = tell(screen, deploy(screen, cloud))
        broken = sum(not row.kept for row in rows)
        screen.say()
        screen.times()
        if broken:
            raise LocalError(
                f"{broken} of {len(rows)} promises were not kept.",
                f"What the functions logged is in {FUNCTIONS_LOG}.",
            )
        screen.say(f"All {len(rows)} promises were kept.")
        screen.say("Next: 'make up', then 'make send EVENT=events/purchase.json'.")
        screen.say("Read: docs/events.md, docs/campaigns.md, docs/design.md.")


@app.command()
def up(
    bridge: Annotated[
        str | None,
        typer.Option(help="Docker's bridge, where it listens, too, so that containers reach it."),
    ] = None,
) -> None:
    """Start a local cloud that stays, with everything deployed."""
    screen, bridge = Screen(Console()), bridge or None
    with _readable_errors(screen):
        there = kept.find()
        if there:
            screen.say(f"A local cloud is there already: {there.endpoint_url}.")
            screen.say("To have changed code deployed: 'make down up'.")
            return
        with screen.stage("local cloud"):
            cloud = clouds.start("up", bridge=bridge, keep_mails=True)
        try:
            deployment = deploy(screen, cloud)
            sam_local.prepare(deployment, bridge)
            kept.keep(cloud)
        except BaseException:
            cloud.stop()
            raise
        screen.times()
        screen.say(f"The local cloud is {cloud.endpoint_url}, its log {cloud.log}.")
        screen.say(f"The invitation service is {deployment.service_url}.")
        screen.say("Next: 'make send EVENT=events/purchase.json'; in the end 'make down'.")


@app.command()
def down() -> None:
    """Stop the local cloud that `up` has started."""
    screen = Screen(Console())
    with _readable_errors(screen):
        stopped = kept.stop()
        screen.say("The local cloud is stopped." if stopped else "No local cloud is running.")


@app.command()
def send(
    event: Annotated[Path, typer.Argument(help="A file with one shop event, as in events/.")],
    *,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Leave occurred_at as it is; else it becomes now.")
    ] = False,
) -> None:
    """Send one event to the local cloud that `up` has started, and show what came of it."""
    screen = Screen(Console())
    with _readable_errors(screen):
        sample = read_sample(event, None if as_is else datetime.now(UTC))
        deployment = _kept_deployment()
        step = sending(deployment, Witness(deployment), event.name, sample)
        screen.tell([step], take)


@app.command()
def invoke(
    function: Annotated[str, typer.Argument(help="Its folder's name, as in functions/.")],
    event: Annotated[Path, typer.Argument(help="A file with what Lambda hands to it.")],
) -> None:
    """Run a built function on an event, in the real runtime, against the local cloud that `up` has started."""
    # The answer alone goes to standard output, so that it can be piped.
    screen = Screen(Console(stderr=True))
    with _readable_errors(screen):
        deployment = _kept_deployment()
        with screen.stage("sam build"):
            sam.build()
        answer = functions.invoke(deployment, function, event)
        screen.say(functions.LOG.read_text(encoding="utf-8", errors="replace"))
        Screen(Console()).say(rie.pretty(answer))
        if answer.failed:
            raise LocalError(f"{function} failed.", "Its log is above.")


@app.command()
def mail(
    open_number: Annotated[
        int | None, typer.Option("--open", help="Open one of them, by its number.")
    ] = None,
) -> None:
    """List the mails that the local cloud's mail server took last, or open one."""
    console = Console()
    with _readable_errors(Screen(console)):
        folder = postbox.newest(clouds.MAILS)
        mails = postbox.arrived(folder) if folder else []
        if open_number is not None:
            page = postbox.write_page(mails, open_number, clouds.MAILS)
            Screen(console).say(page.as_uri())
            # Where there is no screen, looking for a browser ends in complaints.
            if sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
                typer.launch(str(page))
        elif mails:
            console.print(postbox.table(mails))
            Screen(console).say("To read one: 'make mail OPEN=NUMBER'.")
        else:
            Screen(console).say("No mail has arrived. 'make run' or 'make up' starts what mails.")


def deploy(screen: Screen, cloud: Cloud) -> Deployment:
    """Build, deploy, and give the deployment what it works with.

    Args:
        screen: Where it is shown.
        cloud: An empty local cloud.

    Returns:
        The deployment.
    """
    with screen.stage("sam build"):
        sam.build()
    with screen.stage("sam deploy"):
        deployment = Deployment(cloud, sam.deploy(cloud))
    with screen.stage("secrets, campaigns, surveys"):
        furnish(deployment)
    return deployment


def tell(screen: Screen, deployment: Deployment) -> list[Row]:
    """Take the whole story, step by step.

    Args:
        screen: Where it is shown.
        deployment: Where it happens; nothing has been sent there yet.

    Returns:
        How each step went.

    Raises:
        LocalError: Something could not be done.
    """
    screen.say()
    try:
        return screen.tell(story(deployment, Witness(deployment), datetime.now(UTC)), take)
    finally:
        # They go with the cloud, and whoever sees a broken promise wants to read them.
        FUNCTIONS_LOG.write_text(deployment.logs(), encoding="utf-8")


def _kept_deployment() -> Deployment:
    cloud = kept.find()
    if cloud is None:
        raise LocalError("No local cloud is running.", "Start one with 'make up'.")
    return Deployment(cloud, sam.outputs(cloud))


@contextmanager
def _readable_errors(screen: Screen) -> Iterator[None]:
    try:
        yield
    except LocalError as error:
        screen.say(f"✘ {error}")
    except (BotoCoreError, ClientError, LedgerError, requests.RequestException) as error:
        screen.say(f"✘ {type(error).__name__}: {error} The local cloud's log is in .local.")
    else:
        return
    raise typer.Exit(1)
