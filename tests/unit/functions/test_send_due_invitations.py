from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest

from afterword.deciding.clocks import TimeTravelError
from afterword.operating import held
from afterword.remembering.dynamodb import DynamoDbLedger
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import BatchState, State
from afterword.settings import SettingsError
from afterword.sweep import Sweep, SweepError
from tests.support.functions import Context, load, metrics_of, purchase, sqs_event
from tests.support.parameters import campaign_text
from tests.support.samples import NOW, batch, invitation, key

if TYPE_CHECKING:
    from tests.support.functions import Stage

# powertools says so beside the error that ended the run.
fails_aloud = pytest.mark.filterwarnings("ignore:No application metrics to publish:UserWarning")

DAY = 86_400
# The same campaign in dry_run: it goes all the way, and asks nobody.
NOBODY = campaign_text(delay="PT2H")


def iso(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat()


def wait(stage: Stage, *, ago: int) -> None:
    """Let a purchase of so many seconds ago wait for its two hours."""
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="PT2H"))
    event = sqs_event(purchase("A-1", int(time.time()) - ago))
    assert stage.function("translate_events")(event) == {"batchItemFailures": []}
    stage.store.put("campaigns/after-purchase", NOBODY)


def states(stage: Stage) -> list[str]:
    return [row["state"]["S"] for row in stage.rows("O#")]


def test_a_run_without_a_time_goes_by_the_wall_clock(stage: Stage) -> None:
    wait(stage, ago=60)
    before = int(time.time())
    answer = stage.function("send_due_invitations")({})
    assert before <= answer["now"] <= int(time.time())
    assert answer["counts"] == {}
    assert answer["overdue"] == 0
    assert states(stage) == ["pending"]


def test_a_run_goes_by_the_schedules_time(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", NOBODY)
    at = int(time.time()) - DAY
    answer = stage.function("send_due_invitations")({"scheduled_time": iso(at)})
    assert answer["now"] == at


@fails_aloud
def test_a_run_ahead_of_time_is_refused(stage: Stage) -> None:
    wait(stage, ago=60)
    send_due = stage.function("send_due_invitations")
    for field in ("now", "scheduled_time"):
        told = {field: iso(time.time() + DAY)}
        with pytest.raises(TimeTravelError, match=rf"^{field}: "):
            send_due(told)
    assert states(stage) == ["pending"]


def test_where_it_is_allowed_a_run_travels_ahead_and_takes_what_is_due_then(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    wait(stage, ago=60)
    stage.set(ALLOW_TIME_TRAVEL="true")
    capsys.readouterr()
    answer = stage.function("send_due_invitations")({"now": iso(time.time() + DAY)})
    assert answer["counts"] == {"ended.dry_run": 1}
    assert states(stage) == ["ended"]
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["InvitationsEnded"] == 1


def test_a_run_with_nothing_to_do_still_says_that_nothing_is_overdue(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", NOBODY)
    stage.function("send_due_invitations")({})
    metrics = metrics_of(capsys.readouterr().out)
    assert (metrics["OverdueInvitations"], metrics["HeldInvitations"]) == (0, 0)
    assert metrics == {
        "BreakerOpen": 0,
        "BrokenCampaigns": 0,
        "CampaignsLoaded": 1,
        "HeldInvitations": 0,
        "OverdueAge": 0,
        "OverdueInvitations": 0,
        "PendingInvitations": 0,
        "RateBudgetUsed": 0,
        "UncertainInvitations": 0,
    }


def test_what_is_held_is_counted_until_a_person_resolves_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", NOBODY)
    ledger = DynamoDbLedger(boto3.client("dynamodb"), stage.table)
    ledger.create([invitation(n, state=State.HELD, reason="r") for n in ("A-1", "A-2")], NOW)
    stuck = batch("B1", size=3, due=NOW, campaign="gone", state=BatchState.HELD)
    ledger.create([invitation("A-3", campaign="gone", state=State.CLAIMED, batch="B1")], NOW)
    ledger.open_batch(stuck, [key("A-3", "gone")])
    capsys.readouterr()
    send_due = stage.function("send_due_invitations")
    assert send_due({})["held"] == 5, "a deleted campaign's, too"
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["HeldInvitations"] == 5
    found = held.find(ledger, ledger.campaigns())
    held.resolve_all(ledger, found, held.Resolution.DROP, NOW, lambda _: None)
    assert send_due({})["held"] == 0


def test_what_stays_overdue_is_counted(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    wait(stage, ago=7000)
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", account="gone"))
    stage.set(ALLOW_TIME_TRAVEL="true")
    capsys.readouterr()
    answer = stage.function("send_due_invitations")({"now": iso(time.time() + 3600)})
    assert answer["counts"] == {"blocked.broken_account": 1}
    assert answer["overdue"] == 1
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["OverdueInvitations"] == 1
    assert metrics["InvitationsBlocked"] == 1


def test_a_broken_campaign_is_told_of_and_its_last_good_version_runs(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    wait(stage, ago=60)
    stage.store.put("campaigns/after-purchase", "{")
    stage.set(ALLOW_TIME_TRAVEL="true")
    capsys.readouterr()
    answer = stage.function("send_due_invitations")({"now": iso(time.time() + DAY)})
    assert answer["counts"] == {"ended.dry_run": 1}
    printed = capsys.readouterr().out
    assert "campaign after-purchase: not JSON" in printed
    assert metrics_of(printed)["BrokenCampaigns"] == 1


@fails_aloud
def test_without_any_campaign_a_run_fails_aloud(stage: Stage) -> None:
    send_due = stage.function("send_due_invitations")
    with pytest.raises(ParametersError, match=r"^no campaign loads"):
        send_due({})


@fails_aloud
def test_what_the_environment_lacks_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    del stage
    monkeypatch.delenv("ALLOW_TIME_TRAVEL")
    with pytest.raises(SettingsError, match=r"environment: ALLOW_TIME_TRAVEL$"):
        load("send_due_invitations").handler({}, Context())


def test_overlapping_runs_may_take_campaigns_in_any_order_but_take_them_all() -> None:
    shuffled = load("send_due_invitations").shuffled
    many = list(range(100))
    assert sorted(shuffled(many)) == many
    assert shuffled(many) != many
    assert shuffled([]) == []


def test_a_run_of_which_a_part_failed_does_the_rest_and_fails_aloud(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", NOBODY)

    def fail(*_: object) -> None:
        raise KeyError("jana@example.com")

    monkeypatch.setattr(Sweep, "_sweep", fail)
    with pytest.raises(SweepError):
        stage.function("send_due_invitations")({})
    printed = capsys.readouterr().out
    metrics = metrics_of(printed)
    assert (metrics["RecordsFailed"], metrics["OverdueInvitations"]) == (1, 0)
    assert "jana" not in printed
