"""`afterword service keys` and `links`: who may call, and what links are signed with."""

import json
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import CommandError, readable_errors
from cli.service.keys import make, mark, revoked, row
from cli.service.tables import show
from invitation_service.access.accounts import Credential, WebhookAccount

if TYPE_CHECKING:
    from cli.service.desk import Desk

app = typer.Typer(help="Who may call the service.", no_args_is_help=True)
links = typer.Typer(help="What links in mails are signed with.", no_args_is_help=True)
_LINK_KEYS = "link-keys"
_KEYS_OF_LINKS_KEPT = 5


@links.callback()
def _links() -> None:
    """Keep `rotate` a word of its own."""


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the keys. No secret is shown."""
    with readable_errors():
        desk: Desk = context.obj
        show([row(each) for each in desk.entries()], "There are no keys yet.", as_json=as_json)


@app.command()
def add(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="Whose surveys and people it opens.")],
    email: Annotated[str, typer.Option(help="The name to sign in with.")],
    role: Annotated[str, typer.Option(help="admin or agent.")] = "admin",
    bearer: Annotated[
        bool, typer.Option("--bearer", help="A bearer token instead of an API token.")
    ] = False,
) -> None:
    """Make a key for the API and show it, once. Older ones stay until they are revoked."""
    with readable_errors():
        desk: Desk = context.obj
        token = secrets.token_urlsafe(32)
        way = {"bearer" if bearer else "api_token": token}
        entry = make(Credential, account=account, email=email, role=role, **way)
        desk.keep([*desk.entries(), entry])
        typer.echo(f"Key {mark(entry)} is in use within 5 minutes, most often at once.")
        typer.echo(f"{'Bearer' if bearer else 'API'} token: {token}")


@app.command(name="add-webhook")
def add_webhook(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="Whose surveys and people it opens.")],
    id_account: Annotated[str, typer.Option(help="The account's id in the path.")],
    post_only: Annotated[
        bool, typer.Option("--post-only", help="Refuse GET, which link scanners trigger.")
    ] = False,
    quota: Annotated[
        int | None, typer.Option(help="Most invitations in a period; else no limit.")
    ] = None,
    period: Annotated[str, typer.Option(help="The quota's: month or day.")] = "month",
) -> None:
    """Make a key for webhooks and show it, once. Older ones stay until they are revoked."""
    with readable_errors():
        desk: Desk = context.obj
        entry = make(
            WebhookAccount,
            account=account,
            id_account=id_account,
            webhook_key=secrets.token_hex(8),
            webhook_auth=secrets.token_hex(16),
            get_allowed=not post_only,
            quota={"limit": quota, "period": period} if quota is not None else None,
        )
        desk.keep([*desk.entries(), entry])
        typer.echo(f"Key {mark(entry)} is in use within 5 minutes, most often at once.")
        typer.echo(f"webhook_key: {entry.webhook_key}\nwebhook_auth: {entry.webhook_auth}")


@app.command()
def revoke(
    context: typer.Context,
    keys: Annotated[list[str], typer.Argument(help="As 'keys list' names them.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Revoke keys. Whoever has not got a newer one is locked out within 5 minutes."""
    with readable_errors():
        desk: Desk = context.obj
        left = revoked(desk.entries(), keys)
        if not yes:
            typer.confirm(f"Revoke {', '.join(keys)}?", abort=True)
        desk.keep(left)
        typer.echo(f"Revoked. Keys that are left: {len(left)}.")


@links.command()
def rotate(context: typer.Context) -> None:
    """Sign new links with a new key. Links that are out stay good: the last five keys are kept."""
    with readable_errors():
        desk: Desk = context.obj
        known = _link_keys(desk.read(_LINK_KEYS))
        kept = [secrets.token_urlsafe(32), *known][:_KEYS_OF_LINKS_KEPT]
        desk.write(_LINK_KEYS, json.dumps(kept))
        typer.echo(f"Done. Keys in use: {len(kept)}.")


def _link_keys(text: str | None) -> list[str]:
    try:
        known = json.loads(text or "[]")
    except ValueError:
        known = None
    if not isinstance(known, list):
        raise CommandError(
            "The links' keys in SSM can't be read.",
            "Look at the parameter's history and put the last good value back.",
        )
    return [str(each) for each in known]
