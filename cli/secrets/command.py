"""`afterword secrets`: put and rotate. What is typed is never shown, and never an argument."""

from typing import Annotated

import typer

from cli.errors import CommandError, readable_errors
from cli.options import (
    DEFAULT_STAGE,
    AsJson,
    Local,
    Stack,
    Stage,
    Table,
    Yes,
    confirm,
    console,
    find,
    show_json,
)
from cli.secrets.values import CUSTOMER_KEY, Store, ask, check_fits, check_name, new_customer_key

app = typer.Typer(help="Secrets in Parameter Store.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="accounts/NAME, or customer-key.")]
_IN_USE = (
    "The functions read it within 5 minutes; at once where the provider refuses what they have.",
    "Keep the old one good at the provider until 5 minutes from now, then revoke it there.",
)


@app.command()
def put(  # noqa: PLR0913 - each is an option of the command.
    name: Name,
    *,
    kms_key: Annotated[
        str | None, typer.Option(help="The KMS key; the template's SecretsKeyArn, if you set it.")
    ] = None,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Put a new secret: an account's from the prompt or stdin (JSON), the customer key made up here."""
    with readable_errors():
        check_name(name)
        place = find(stage, stack, table, local=local)
        store = Store(place)
        if store.key_of(name):
            then = "It is never replaced." if name == CUSTOMER_KEY else "Use 'secrets rotate'."
            raise CommandError(f"There is a secret {name} already.", then)
        value = new_customer_key() if name == CUSTOMER_KEY else ask(name)
        if name != CUSTOMER_KEY:
            check_fits(place, name, value)
        version = store.put(name, value, kms_key, over=False)
    _tell(store.path(name), version, (), as_json=as_json)


@app.command()
def rotate(  # noqa: PLR0913 - each is an option of the command.
    name: Name,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
    stage: Stage = DEFAULT_STAGE,
    local: Local = False,
    stack: Stack = None,
    table: Table = None,
) -> None:
    """Replace an account's secret. Make the new one good at the provider first, so that both are."""
    with readable_errors():
        check_name(name)
        if name == CUSTOMER_KEY:
            raise CommandError(
                "The customer key is never rotated.",
                "Under another one every unsubscription and contact cap would be forgotten.",
            )
        place = find(stage, stack, table, local=local)
        store = Store(place)
        key = store.key_of(name)
        if key is None:
            raise CommandError(f"There is no secret {name}.", "Use 'secrets put'.")
        value = ask(name)
        check_fits(place, name, value)
        confirm(f"Replace {store.path(name)}?", yes=yes)
        version = store.put(name, value, key, over=True)
    _tell(store.path(name), version, _IN_USE, as_json=as_json)


def _tell(path: str, version: int, then: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        show_json({"parameter": path, "version": version})
        return
    console().print(f"{path} has version {version} now.", markup=False)
    for each in then:
        console().print(each, soft_wrap=True)
