"""`afterword service keys` and `links`, on SSM by moto."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.app import app
from cli.service import desk
from cli.service.keys import MOST_BYTES, read_entries
from invitation_service.access.accounts import Credential, WebhookAccount
from invitation_service.answering.links import Links, Who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ssm import SSMClient
    from typer.testing import Result

NAME = "/afterword/test/invitation-service/"
SHOP = ("--account", "shop")


class Keys:
    def __init__(self, client: SSMClient) -> None:
        self.client = client

    def run(self, *words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, ("service", "--stage", "test", *words), input=typed)

    def stored(self, name: str = "credentials") -> Any:
        answer = self.client.get_parameter(Name=NAME + name, WithDecryption=True)["Parameter"]
        assert answer["Type"] == "SecureString"
        return json.loads(answer["Value"])

    def entries(self) -> list[Credential | WebhookAccount]:
        return read_entries(json.dumps(self.stored()))

    def marks(self) -> list[str]:
        listed = json.loads(self.run("keys", "list", "--json").stdout)
        return [each["key"] for each in listed]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    with mock_aws():
        clients: dict[str, Any] = {"ssm": boto3.client("ssm")}
        monkeypatch.setattr(desk, "aws_client", clients.__getitem__)
        yield Keys(clients["ssm"])


def test_a_key_is_made_and_shown_once(keys: Keys) -> None:
    result = keys.run("keys", "add", *SHOP, "--email", "admin@example.com")
    assert result.exit_code == 0
    [entry] = keys.entries()
    assert isinstance(entry, Credential)
    assert (entry.account, entry.email, entry.role) == ("shop", "admin@example.com", "admin")
    assert f"API token: {entry.api_token}" in result.stdout
    listed = keys.run("keys", "list").stdout
    assert "admin@example.com" in listed
    assert str(entry.api_token) not in listed


def test_a_key_can_be_a_bearers(keys: Keys) -> None:
    keys.run("keys", "add", *SHOP, "--email", "robot@example.com", "--bearer", "--role", "agent")
    [entry] = keys.entries()
    assert isinstance(entry, Credential)
    assert (entry.role, entry.api_token) == ("agent", None)
    assert entry.bearer


def test_a_key_for_webhooks_has_its_rules(keys: Keys) -> None:
    result = keys.run(
        *("keys", "add-webhook", *SHOP, "--id-account", "387487", "--post-only"),
        *("--quota", "1000", "--period", "day"),
    )
    [entry] = keys.entries()
    assert isinstance(entry, WebhookAccount)
    assert (entry.id_account, entry.get_allowed) == ("387487", False)
    assert entry.quota
    assert (entry.quota.limit, entry.quota.period) == (1000, "day")
    assert entry.webhook_key in result.stdout
    assert entry.webhook_auth in result.stdout
    listed = keys.run("keys", "list").stdout
    assert "POST only" in listed
    assert entry.webhook_auth not in listed


def test_a_rotation_is_a_second_key_and_then_a_revocation(keys: Keys) -> None:
    for _ in range(2):
        keys.run("keys", "add", *SHOP, "--email", "admin@example.com")
    old, new = keys.marks()
    assert old != new
    result = keys.run("keys", "revoke", old, "--yes")
    assert (result.exit_code, keys.marks()) == (0, [new])


def test_a_revocation_is_asked_for(keys: Keys) -> None:
    keys.run("keys", "add", *SHOP, "--email", "admin@example.com")
    [key] = keys.marks()
    assert keys.run("keys", "revoke", key, typed="n\n").exit_code == 1
    assert keys.marks() == [key]
    assert keys.run("keys", "revoke", key, typed="y\n").exit_code == 0
    assert keys.marks() == []


def test_an_unknown_key_is_not_revoked(keys: Keys) -> None:
    keys.run("keys", "add", *SHOP, "--email", "admin@example.com")
    result = keys.run("keys", "revoke", "12345678", "--yes")
    assert result.exit_code == 1
    assert "There is no key 12345678." in result.stderr
    assert len(keys.marks()) == 1


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("add", "--account", "a b", "--email", "admin@example.com"), "account"),
        (("add", *SHOP, "--email", "a@example.com", "--role", "king"), "role"),
        (("add-webhook", *SHOP, "--id-account", "../1"), "id_account"),
        (("add-webhook", *SHOP, "--id-account", "1", "--quota", "0"), "quota"),
    ],
)
def test_what_is_wrong_is_named(keys: Keys, words: tuple[str, ...], field: str) -> None:
    result = keys.run("keys", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"✘ {field}: not valid.")
    with pytest.raises(keys.client.exceptions.ParameterNotFound):
        keys.stored()


def test_a_list_that_would_not_fit_stays_as_it_was(keys: Keys) -> None:
    entry = Credential(account="shop", email="a@example.com", role="admin", password="x" * 3_000)
    text = f"[{entry.model_dump_json(exclude_none=True)}]"
    keys.client.put_parameter(Name=NAME + "credentials", Value=text, Type="SecureString")
    for _ in range(9):
        result = keys.run("keys", "add", *SHOP, "--email", "b@example.com")
    assert result.exit_code == 1
    assert f"{MOST_BYTES:,} bytes" in result.stderr
    assert len(json.dumps(keys.stored())) < MOST_BYTES + 100


def test_a_broken_list_is_not_overwritten(keys: Keys) -> None:
    keys.client.put_parameter(
        Name=NAME + "credentials", Value='[{"account": "planted"', Type="SecureString"
    )
    result = keys.run("keys", "add", *SHOP, "--email", "a@example.com")
    assert result.exit_code == 1
    assert "can't be read" in result.stderr
    assert "planted" not in result.output


def test_links_that_are_out_outlive_a_rotation(keys: Keys) -> None:
    assert keys.run("links", "rotate").exit_code == 0
    [first] = keys.stored("link-keys")
    who = Who("shop", 1, 2)
    token = Links(lambda: [first], "https://x").score_url(who).rpartition("/")[2]
    keys.run("links", "rotate")
    second, *older = keys.stored("link-keys")
    assert older == [first]
    assert second != first
    assert Links(lambda: keys.stored("link-keys"), "https://x").read_answer(token) == who
    for _ in range(9):
        keys.run("links", "rotate")
    assert len(keys.stored("link-keys")) == 5


def test_broken_link_keys_are_not_overwritten(keys: Keys) -> None:
    keys.client.put_parameter(Name=NAME + "link-keys", Value="planted", Type="SecureString")
    result = keys.run("links", "rotate")
    assert result.exit_code == 1
    assert "planted" not in result.output


MAIL = (
    *("mail", "put", *SHOP, "--host", "smtp.example.com"),
    *("--from-name", "Shop", "--from-address", "shop@example.com"),
)


def test_a_mail_server_is_kept_with_its_password_and_shown_without(keys: Keys) -> None:
    others = ("--unsubscribe-mailto", "stop@example.com", "--language", "cs")
    result = keys.run(*MAIL, *others, "--username", "robot", typed="planted-password\n")
    assert result.exit_code == 0
    assert keys.stored("mail/shop") == {
        "host": "smtp.example.com",
        "port": 587,
        "security": "starttls",
        "username": "robot",
        "password": "planted-password",
        "from_name": "Shop",
        "from_address": "shop@example.com",
        "unsubscribe_mailto": "stop@example.com",
        "default_language": "cs",
    }
    shown = keys.run("mail", "show", *SHOP).stdout
    assert "smtp.example.com" in shown
    assert "planted-password" not in shown + result.stdout


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--security", "none"), "security none is for loopback alone"),
        (("--port", "0"), "port"),
        (("--reply-to", "nobody"), "reply_to"),
        (("--account", "a/b"), "--account"),
    ],
)
def test_a_wrong_mail_server_is_not_kept(keys: Keys, options: tuple[str, ...], field: str) -> None:
    result = keys.run(*MAIL, *options)
    assert result.exit_code == 1
    assert field in result.stderr
    with pytest.raises(keys.client.exceptions.ParameterNotFound):
        keys.stored("mail/shop")


def test_a_mail_server_that_was_never_named_is_asked_for(keys: Keys) -> None:
    result = keys.run("mail", "show", *SHOP)
    assert result.exit_code == 1
    assert "has no mail server. Name one by 'mail put'." in result.stderr
