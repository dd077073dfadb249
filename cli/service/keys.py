"""The list of who may call the invitation service, as it lies in SSM: what is added, shown and taken away."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from cli.errors import CommandError
from invitation_service.access.accounts import CREDENTIALS, Account, Credential, WebhookAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

type Entry = Credential | WebhookAccount

# Standard parameters hold 4 kB: https://docs.aws.amazon.com/general/latest/gr/ssm.html
MOST_BYTES = 4_096
_MARK_DIGITS = 8
_ACCOUNT = TypeAdapter[str](Account)


def read_entries(text: str | None) -> list[Entry]:
    """Read the parameter's value; None: there is none yet.

    Raises:
        CommandError: It is no list of credentials. Its text is not shown.
    """
    try:
        return list(CREDENTIALS.validate_json(text or "[]"))
    except ValidationError:
        raise CommandError(
            "The credentials in SSM can't be read.",
            "Look at the parameter's history and put the last good value back.",
        ) from None


def write_entries(entries: Sequence[Entry]) -> str:
    """Return the parameter's value.

    Raises:
        CommandError: It would not fit into a parameter.
    """
    plain = [entry.model_dump(mode="json", exclude_none=True) for entry in entries]
    text = json.dumps(plain, separators=(",", ":"))
    if len(text.encode()) > MOST_BYTES:
        raise CommandError(
            f"The list would have more than {MOST_BYTES:,} bytes, the most that a parameter holds.",
            "Revoke keys that nobody uses.",
        )
    return text


def make[Kind: BaseModel](kind: type[Kind], **fields: Any) -> Kind:  # noqa: ANN401 - as they are typed in.
    """Make an entry of what the operator typed in; None is left out.

    Raises:
        CommandError: A field is wrong; the text names it, never what it holds.
    """
    told = {name: value for name, value in fields.items() if value is not None}
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        names = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        raise CommandError(
            f"{', '.join(names)}: not valid.", "docs/invitation-service.md says what they may hold."
        ) from None


def account_name(text: str) -> str:
    """Return an account's name.

    Raises:
        CommandError: No account can have it.
    """
    try:
        return _ACCOUNT.validate_python(text)
    except ValidationError:
        raise CommandError(
            "--account: it should have letters, digits, '.', '-' and '_', at most 64.",
            "'afterword service keys list' shows those that are there.",
        ) from None


def mark(entry: Entry) -> str:
    """Return what an entry is called: it tells its secrets apart without telling them."""
    secrets = json.dumps(entry.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(secrets.encode()).hexdigest()[:_MARK_DIGITS]


def revoked(entries: Sequence[Entry], marks: Sequence[str]) -> list[Entry]:
    """Return the entries without those that are marked so.

    Raises:
        CommandError: There is none of a mark.
    """
    unknown = set(marks) - {mark(each) for each in entries}
    if unknown:
        raise CommandError(
            f"There is no key {', '.join(sorted(unknown))}.",
            "'afterword service keys list' shows those that are there.",
        )
    return [each for each in entries if mark(each) not in marks]


def row(entry: Entry) -> dict[str, Any]:
    """Return what may be shown of an entry."""
    shown: dict[str, Any] = {"key": mark(entry), "account": entry.account}
    if isinstance(entry, WebhookAccount):
        quota = entry.quota
        limits = f"{quota.limit:,} a {quota.period}" if quota else "no quota"
        ways = "GET and POST" if entry.get_allowed else "POST only"
        return {**shown, "opens": "webhooks", "who": entry.id_account, "how": f"{ways}, {limits}"}
    ways = ", ".join(
        name.replace("_", " ")
        for name in ("password", "api_token", "bearer")
        if getattr(entry, name)
    )
    return {**shown, "opens": f"API as {entry.role}", "who": entry.email, "how": ways}
