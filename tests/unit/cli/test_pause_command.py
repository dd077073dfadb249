from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from afterword.deciding.campaigns import CampaignError
from afterword.remembering.parameters import Loaded
from afterword.remembering.pauses import Pause
from cli.app import app
from cli.pause import command
from cli.places import Place
from tests.support.samples import NOW, campaign
from tests.support.shop import Shop

if TYPE_CHECKING:
    from typer.testing import Result

SOON = "2027-01-16T08:00:00Z"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop([campaign()])
    loaded = Loaded((campaign(),), (CampaignError("broken", ("x",)),))
    monkeypatch.setattr(Place, "ledger", lambda _: shop.ledger)
    monkeypatch.setattr(Place, "parameters", lambda _: SimpleNamespace(campaigns=lambda: loaded))
    monkeypatch.setattr(command, "now", shop.clock)
    return shop


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, [*arguments, "--table", "T"], input=answer)


def document(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["pauses"]


@pytest.mark.parametrize(
    ("option", "name"),
    [
        (["--all"], "all"),
        (["--campaign", "after-purchase"], "campaign:after-purchase"),
        (["--campaign", "broken"], "campaign:broken"),
        (["--account", "shop"], "account:shop"),
    ],
)
def test_something_is_paused_until_it_is_resumed(shop: Shop, option: list[str], name: str) -> None:
    (row,) = document("pause", *option, "--reason", "too many", "--yes")
    assert row == {
        "paused": name,
        "since": "2027-01-15T08:00:00Z",
        "until": "resumed",
        "reason": "too many",
    }
    assert shop.ledger.pauses() == {name: Pause(NOW, None, "too many")}
    assert document("pause") == [row]
    assert document("resume", *option, "--yes") == []
    assert shop.ledger.pauses() == {}


def test_a_pause_with_an_end_is_shown_until_then(shop: Shop) -> None:
    (row,) = document("pause", "--all", "--until", SOON, "--yes")
    assert row["until"] == SOON
    assert SOON in run("pause").stdout
    shop.clock.pass_by(86_400)
    assert document("pause") == []
    assert run("pause").stdout == "Nothing is paused.\n"


def test_resuming_what_was_not_paused_is_harmless_and_says_so(shop: Shop) -> None:
    run("pause", "--campaign", "after-purchase", "--yes")
    result = run("resume", "--all", "--yes")
    assert (result.exit_code, "all was not paused." in result.stderr) == (0, True)
    assert "campaign:after-purchase" in result.stdout
    assert len(shop.ledger.pauses()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pause", "--campaign", "after-purchas"], "Known: after-purchase, broken."),
        (["pause", "--account", "shops"], "Known: shop."),
        (["pause", "--account", "shop", "--all"], "Name one of"),
        (["resume"], "Name one of"),
        (["pause", "--all", "--until", "tomorrow"], "no time with a zone"),
        (["pause", "--all", "--until", "2027-01-15T08:00:00Z"], "it is over already"),
    ],
)
def test_a_slip_pauses_nothing(shop: Shop, arguments: list[str], told: str) -> None:
    result = run(*arguments, "--yes")
    assert result.exit_code == 1
    assert told in result.stderr
    assert shop.ledger.pauses() == {}


def test_nothing_is_paused_or_resumed_without_a_yes(shop: Shop) -> None:
    assert run("pause", "--all", answer="n\n").exit_code == 1
    assert shop.ledger.pauses() == {}
    assert run("pause", "--all", answer="y\n").exit_code == 0
    assert run("resume", "--all").exit_code == 1
    assert len(shop.ledger.pauses()) == 1
