"""`afterword service mail`: which mail server an account sends by."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import CommandError, readable_errors
from cli.service.keys import account_name
from invitation_service.mailing.settings import MailSettingsError, read_mail_settings

if TYPE_CHECKING:
    from cli.service.desk import Desk

app = typer.Typer(help="Which mail server an account sends by.", no_args_is_help=True)


@app.command()
def put(  # noqa: PLR0913 - each is an option of the command.
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="Whose mails it sends.")],
    host: Annotated[str, typer.Option(help="Its name.")],
    from_name: Annotated[str, typer.Option(help="Who the mails come from, as people read it.")],
    from_address: Annotated[str, typer.Option(help="The address they come from.")],
    port: Annotated[int, typer.Option(help="Its port.")] = 587,
    security: Annotated[str, typer.Option(help="starttls or tls.")] = "starttls",
    username: Annotated[
        str | None, typer.Option(help="To log in with; the password is asked for.")
    ] = None,
    reply_to: Annotated[str | None, typer.Option(help="Where answers by mail go.")] = None,
    footer: Annotated[str | None, typer.Option(help="The sender, below each mail.")] = None,
    unsubscribe_mailto: Annotated[
        str | None, typer.Option(help="An address that takes unsubscriptions by mail, too.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="For who speaks none of ours: en, cs or de.")
    ] = None,
    mails_per_minute: Annotated[int | None, typer.Option(help="How many it takes.")] = None,
) -> None:
    """Keep an account's mail server in place of the one before, within a minute."""
    with readable_errors():
        desk: Desk = context.obj
        password = typer.prompt("Password", hide_input=True) if username else None
        told = {
            "host": host,
            "port": port,
            "security": security,
            "username": username,
            "password": password,
            "from_name": from_name,
            "from_address": from_address,
            "reply_to": reply_to,
            "footer": footer,
            "unsubscribe_mailto": unsubscribe_mailto,
            "default_language": language,
            "mails_per_minute": mails_per_minute,
        }
        desk.write(f"mail/{account_name(account)}", _checked(told))
        typer.echo(f"Mails of {account} go by {host}:{port}.")


@app.command()
def show(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="Whose mails are meant.")],
) -> None:
    """Show an account's mail server, without its password."""
    with readable_errors():
        desk: Desk = context.obj
        text = desk.read(f"mail/{account_name(account)}")
        if text is None:
            raise CommandError(
                f"The account {account} has no mail server.", "Name one by 'mail put'."
            )
        settings: dict[str, Any] = json.loads(text)
        known = {key: value for key, value in settings.items() if key != "password"}
        typer.echo(json.dumps(known, indent=2, ensure_ascii=False))


def _checked(told: dict[str, object]) -> str:
    text = json.dumps({name: value for name, value in told.items() if value is not None})
    try:
        read_mail_settings(text)
    except MailSettingsError as error:
        raise CommandError(f"{error}.", "docs/mail.md says what they may be.") from None
    return text
