from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.app import app
from tests.support.parameters import PREFIX, Store, account_text, campaign_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

WHERE = ("--stage", "test", "--table", "T")


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        store = Store(boto3.client("ssm"))
        store.put("accounts/shop", account_text())
        store.put("campaigns/after-purchase", campaign_text(mode="dry_run"))
        yield store


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "after-purchase.json").write_text(campaign_text(mode="live", delay="PT2H"))
    return tmp_path


def run(*arguments: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["campaigns", *map(str, arguments)], input=answer)


def document(*arguments: object, code: int = 0) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def there(store: Store, name: str = "after-purchase") -> dict[str, Any]:
    found = store.client.get_parameter(Name=f"{PREFIX}/campaigns/{name}")
    read: dict[str, Any] = json.loads(found["Parameter"]["Value"])
    return read


def test_campaigns_are_listed_and_a_broken_one_ends_with_one(store: Store) -> None:
    (row,) = document("list", *WHERE)
    assert (row["campaign"], row["mode"], row["account"]) == ("after-purchase", "dry_run", "shop")
    store.put("campaigns/broken", campaign_text(mode="loud"))
    broken = document("list", *WHERE, code=1)[1]
    assert broken["campaign"] == "broken"
    assert broken["fault"].startswith("mode:")
    assert "mode:" in run("list", *WHERE).stdout


def test_no_campaigns_at_all_are_said_so() -> None:
    with mock_aws():
        assert run("list", *WHERE).stdout == "There are no campaigns.\n"


def test_a_check_names_every_fault_and_needs_no_network(files: Path) -> None:
    good = files / "after-purchase.json"
    (files / "Bad.json").write_text(campaign_text(mode="loud", delay="1 h"))
    (files / "long.json").write_text(campaign_text() + " " * 4100)
    (files / "none.json").write_text("[]")
    assert run("check", good).stdout == "after-purchase: it loads\n"
    names = [files / f"{each}.json" for each in ("Bad", "long", "none")]
    found = document("check", good, *names, code=1)
    assert found["after-purchase"] == []
    assert {each.partition(":")[0] for each in found["Bad"]} == {"id", "mode", "delay"}
    assert "a parameter holds 4,096" in found["long"][0]
    assert "JSON, but no object" in found["none"]
    assert "Bad: it does not load" in run("check", files / "Bad.json").stdout
    assert run("check", files / "missing.json").exit_code == 1


def test_a_difference_is_what_it_says_not_how_it_is_written(store: Store, files: Path) -> None:
    file = files / "after-purchase.json"
    found = document("diff", file, *WHERE)["after-purchase"]
    assert '-  "mode": "dry_run"' in found["diff"]
    assert '+  "mode": "live",' in found["diff"]
    assert "mode: dry_run → live: it will ask everybody" in found["mind"][0]
    assert run("diff", file, "--exit-code", *WHERE).exit_code == 1
    file.write_text(json.dumps(there(store), indent=7))
    assert document("diff", file, "--exit-code", *WHERE)["after-purchase"]["diff"] == []
    assert "the same is there" in run("diff", file, *WHERE).stdout


def test_a_campaign_is_put_after_a_yes_and_its_difference_was_shown(
    store: Store, files: Path
) -> None:
    file = files / "after-purchase.json"
    result = run("put", file, *WHERE, answer="n\n")
    assert result.exit_code == 1
    assert '+  "mode": "live",' in result.stdout
    assert "! mode: dry_run → live" in result.stdout
    assert there(store)["mode"] == "dry_run"
    result = run("put", file, *WHERE, answer="y\n")
    assert "version 2 is in force within a minute" in result.stdout
    assert there(store)["mode"] == "live"
    assert document("put", file, *WHERE) == {"versions": {"after-purchase": None}}
    assert "unchanged" in run("put", file, *WHERE).stdout


def test_with_json_the_difference_is_shown_on_stderr(store: Store, files: Path) -> None:
    del store
    result = run("put", files / "after-purchase.json", "--yes", "--json", *WHERE)
    assert json.loads(result.stdout) == {"versions": {"after-purchase": 2}}
    assert "! mode: dry_run → live" in result.stderr


def test_if_one_of_several_does_not_load_none_is_put(store: Store, files: Path) -> None:
    (files / "bad.json").write_text("{}")
    result = run("put", files / "after-purchase.json", files / "bad.json", "--yes", *WHERE)
    assert (result.exit_code, "Nothing was put." in result.stderr) == (1, True)
    assert there(store)["mode"] == "dry_run"


@pytest.mark.parametrize(
    ("was", "will", "mind"),
    [
        ({"mode": "live"}, {"mode": "dry_run"}, "mode: live → dry_run: what comes due"),
        ({"mode": "live"}, {"mode": "allow_list", "allow_list": ["a@example.com"]}, "on its list"),
        ({}, {"event": "signup"}, "shop or event:"),
        ({}, {"survey": 2}, "account or survey:"),
        ({}, {"delay": "PT3H"}, "delay:"),
        ({}, {"account": "nobody"}, "account nobody: there is no such parameter"),
        ({"mode": "loud"}, {}, "What is there does not load"),
    ],
)
def test_what_to_think_about_twice_is_pointed_out(
    store: Store, files: Path, was: dict[str, Any], will: dict[str, Any], mind: str
) -> None:
    store.put("campaigns/after-purchase", campaign_text(**was))
    file = files / "after-purchase.json"
    file.write_text(campaign_text(**will))
    assert mind in run("put", file, *WHERE, answer="n\n").stdout


def test_a_new_campaign_that_only_tries_needs_no_second_thought(store: Store, files: Path) -> None:
    del store
    (files / "new.json").write_text(campaign_text(mode="dry_run"))
    assert document("diff", files / "new.json", *WHERE)["new"]["mind"] == []


def test_a_broken_text_that_is_there_is_compared_line_by_line(store: Store, files: Path) -> None:
    store.put("campaigns/after-purchase", "no JSON")
    found = document("diff", files / "after-purchase.json", *WHERE)["after-purchase"]
    assert "-no JSON" in found["diff"]
