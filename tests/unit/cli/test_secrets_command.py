from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.app import app
from cli.errors import CommandError
from cli.secrets import values
from tests.support.parameters import PREFIX, Store, account_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

WHERE = ("--stage", "test", "--table", "T")
PLANTED = "planted-api-token"
TOKEN = json.dumps({"email": "us@example.com", "api_token": PLANTED})
NAME = "accounts/shop"


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        yield Store(boto3.client("ssm"))


def run(*arguments: str, answer: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["secrets", *arguments, *WHERE], input=answer)
    assert PLANTED not in result.output
    return result


def there(store: Store, name: str = NAME) -> tuple[str, str]:
    found = store.client.get_parameter(Name=f"{PREFIX}/secrets/{name}", WithDecryption=True)
    return found["Parameter"]["Type"], found["Parameter"]["Value"]


def test_an_accounts_secret_is_put_once_from_stdin_encrypted_and_never_shown(store: Store) -> None:
    result = run("put", NAME, "--json", answer=TOKEN)
    assert json.loads(result.stdout) == {"parameter": f"{PREFIX}/secrets/{NAME}", "version": 1}
    assert there(store) == ("SecureString", TOKEN)
    again = run("put", NAME, answer=TOKEN)
    assert (again.exit_code, "Use 'secrets rotate'." in again.stderr) == (1, True)
    assert store.parameters().credentials("shop", fresh=True).email == "us@example.com"


def test_a_rotated_secret_keeps_its_key_and_says_how_the_functions_take_it(store: Store) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    run("put", NAME, "--kms-key", key, answer=TOKEN)
    result = run("rotate", NAME, "--yes", answer='{"bearer": "other"}')
    assert "version 2" in result.stdout
    assert "within 5 minutes" in result.stdout
    assert there(store)[1] == '{"bearer": "other"}'
    (known,) = store.client.describe_parameters()["Parameters"]
    assert known["KeyId"] == key


def test_what_is_not_there_is_not_rotated(store: Store) -> None:
    del store
    result = run("rotate", NAME, "--yes", answer=TOKEN)
    assert (result.exit_code, "Use 'secrets put'." in result.stderr) == (1, True)


def test_nothing_is_replaced_without_a_yes(store: Store) -> None:
    run("put", NAME, answer=TOKEN)
    # Stdin is used up by the secret: nobody is left to say yes.
    assert run("rotate", NAME, answer='{"bearer": "other"}').exit_code == 1
    assert there(store)[1] == TOKEN


def test_the_customer_key_is_made_up_once_and_never_rotated(store: Store) -> None:
    assert run("put", "customer-key").exit_code == 0
    assert len(store.parameters().customer_secret()) == 64
    assert "It is never replaced." in run("put", "customer-key").stderr
    assert "is never rotated" in run("rotate", "customer-key").stderr


@pytest.mark.parametrize(
    "text",
    ["", f"no JSON {PLANTED}", json.dumps({PLANTED: "x"}), json.dumps({"api_token": PLANTED})],
)
def test_what_is_no_secret_is_refused_and_not_repeated(store: Store, text: str) -> None:
    assert run("put", NAME, answer=text).exit_code == 1
    assert store.client.describe_parameters()["Parameters"] == []


def test_names_that_nothing_reads_are_refused(store: Store) -> None:
    del store
    for name in ("accounts/", "links", "secrets/accounts/shop"):
        result = run("put", name, answer=TOKEN)
        assert (result.exit_code, "Nothing reads" in result.stderr) == (1, True)


@pytest.mark.parametrize(("provider", "code"), [("nps", 0), ("netquest", 1)])
def test_another_providers_kind_of_secret_is_refused(
    store: Store, provider: str, code: int
) -> None:
    more = {"id_account": "1"} if provider == "netquest" else {}
    store.put("accounts/shop", account_text(provider=provider, **more))
    result = run("put", NAME, answer=TOKEN)
    assert result.exit_code == code
    assert ("does not sign in like this" in result.stderr) == bool(code)


def test_at_a_terminal_fields_are_asked_for_one_by_one_and_hidden(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    del store
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked: list[tuple[str, bool]] = []
    answers = {"email": "us@example.com", "api_token": PLANTED}

    def prompt(text: str, *, hide_input: bool = False, **_: object) -> str:
        asked.append((text, hide_input))
        return answers.get(text, "token")

    monkeypatch.setattr("typer.prompt", prompt)
    assert json.loads(values._typed()) == answers
    assert asked[1:] == [("email", False), ("api_token", True)]
    answers["Signs in by (token, password, bearer, webhook)"] = "smoke"
    with pytest.raises(CommandError, match="no way smoke"):
        values._typed()
