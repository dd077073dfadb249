from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from afterword.remembering.pauses import EVERYTHING
from cli.app import app
from cli.places import Place
from cli.restore import command
from tests.support.samples import DAY, HOUR, NOW, invitation
from tests.support.shop import Shop

if TYPE_CHECKING:
    from typer.testing import Result

POINT = "2027-01-15T08:00:00Z"  # NOW


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = Shop()
    rows = [invitation("A-1"), invitation("A-2", due=NOW + HOUR + 1), invitation("A-3")]
    shop.ledger.create(rows, NOW)
    monkeypatch.setattr(Place, "ledger", lambda _: shop.ledger)
    monkeypatch.setattr(command, "now", shop.clock)
    return shop


def run(*arguments: str, point: str = POINT, answer: str | None = None) -> Result:
    known = ["restore", "--table", "T-restored", "--restored-to", point]
    return CliRunner().invoke(app, [*known, *arguments], input=answer)


def test_all_is_paused_and_what_may_have_gone_out_is_held(shop: Shop) -> None:
    result = run("--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 invitations held as restored:\n  2 campaign after-purchase" in result.stdout
    assert "Everything is paused." in result.stdout
    assert EVERYTHING in shop.ledger.pauses()
    assert shop.ledger.count_held("after-purchase", 9) == 2


def test_the_margin_says_how_far_the_old_ledger_went(shop: Shop) -> None:
    assert "3 invitations held" in run("--margin", "2h", "--yes").stdout
    assert shop.ledger.count_held("after-purchase", 9) == 3


def test_a_margin_that_ends_before_now_is_warned_of(shop: Shop) -> None:
    shop.clock.pass_by(DAY)
    result = run("--yes")
    assert result.exit_code == 0
    assert "What is due after 2027-01-15T09:00:00Z is not held." in result.stderr
    assert "not held" not in run("--yes", "--margin", "2d").stderr


def test_a_dry_run_asks_nothing_and_writes_nothing(shop: Shop) -> None:
    result = run("--dry-run", "--json")
    assert json.loads(result.stdout) == {
        "held": 2,
        "by": {"campaign after-purchase": 2},
        "dry_run": True,
    }
    assert "2 invitations would be held as restored:" in run("--dry-run").stdout
    assert shop.ledger.pauses() == {}
    assert shop.ledger.count_held("after-purchase", 9) == 0


def test_nothing_is_held_without_a_yes(shop: Shop) -> None:
    result = run(answer="n\n")
    assert result.exit_code == 1
    assert "Pause T-restored, and hold all that is due by 2027-01-15T09:00:00Z?" in result.stderr
    assert shop.ledger.pauses() == {}


@pytest.mark.parametrize(
    ("arguments", "point", "told"),
    [
        (["--margin", "1 hour"], POINT, "is no duration"),
        ([], "yesterday", "no time with a zone"),
        ([], "2027-01-15T08:00:01Z", "it lies ahead"),
    ],
)
def test_what_makes_no_sense_is_refused(
    shop: Shop, arguments: list[str], point: str, told: str
) -> None:
    result = run(*arguments, "--yes", point=point)
    assert result.exit_code == 1
    assert told in result.stderr
    assert shop.ledger.pauses() == {}
