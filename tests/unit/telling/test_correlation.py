"""One id leads from the shop's event through queue and ledger to the provider's call, and every line has ids alone."""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from afterword.noting import shown
from afterword.remembering.dynamodb import items
from afterword.remembering.errors import ParametersError
from afterword.remembering.records import State
from afterword.sending import batches
from afterword.sending.mending import Mender
from afterword.sending.provider import Each, Recipient, Refused, Retry, Sent, Terms, Uncertain
from afterword.settings import SendDueSettings
from afterword.sweep import Sweep
from afterword.wiring import Wiring
from tests.support.functions import (
    Context,
    Stage,
    load,
    metric_lines,
    metrics_of,
    purchase,
    sqs_event,
)
from tests.support.netquest import LEFT, FakeHttp
from tests.support.parameters import campaign_text
from tests.support.samples import HOUR, batch, campaign, invitation, key
from tests.support.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = "afterword."


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(monkeypatch)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Heard:
    caplog.set_level(logging.INFO)
    return Heard(caplog)


class Heard:
    """The lines of our own modules, as Lambda's formatter sees them: a message, and what else is there."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def lines(self, about: str) -> list[dict[str, Any]]:
        return [
            vars(each) | {"text": each.getMessage()}
            for each in self._caplog.records
            if each.name.startswith(OWN) and about in each.getMessage()
        ]


def test_an_invitation_keeps_the_id_of_its_shop_event() -> None:
    shop = Shop([campaign(delay="PT2H")])
    shop.translate(shop.purchase("A-1", id="evt-1"))
    shop.translate(shop.purchase("A-1", id="evt-2"))
    (found,) = shop.invitations(key("A-1"))
    assert (found.event, found.correlation_id) == ("evt-1", "evt-1")


def test_what_the_ledger_keeps_it_gives_back() -> None:
    asked = invitation("A-1", event="evt-1")
    pk, sk = items.invitation_key(asked.key)
    assert items.parse_invitation({"pk": pk, "sk": sk, **items.invitation_item(asked)}) == asked


def test_an_invitation_from_before_goes_by_its_own_identity() -> None:
    assert invitation("A-1").correlation_id == "demo#purchase#A-1#after-purchase"


def test_who_is_not_sent_has_a_line_with_ids_and_the_reason_and_who_is_has_none(
    heard: Heard,
) -> None:
    shop = Shop([campaign(delay="PT0S"), campaign("dry", mode="dry_run", delay="PT0S")])
    shop.translate(shop.purchase("A-1", id="evt-1"))
    (line,) = heard.lines("was not sent")
    assert (line["text"], line["reason"]) == ("an invitation was not sent: ended", "dry_run")
    assert line["invitation"] == "demo#purchase#A-1#dry"
    assert line["correlation_id"] == "evt-1"


def test_what_ends_as_it_comes_in_has_a_line_too(heard: Heard) -> None:
    shop = Shop([campaign(delay="PT2H")])
    shop.translate(shop.purchase("A-1", id="evt-1", ago=100 * 24 * HOUR))
    (line,) = heard.lines("was not sent")
    assert (line["correlation_id"], line["reason"]) == ("evt-1", "too_old")


def test_an_address_that_a_shop_takes_for_an_id_is_in_no_line(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop([campaign(mode="dry_run", delay="PT0S")])
    shop.translate(
        shop.purchase("jana@example.org", email="jana@example.org", id="jana@example.org")
    )
    (line,) = heard.lines("was not sent")
    assert line["correlation_id"] == shown("jana@example.org")
    assert "jana" not in " ".join(str(vars(each)) for each in caplog.records)


def test_a_call_has_a_line_with_batch_account_and_how_many(heard: Heard) -> None:
    shop = Shop([campaign(delay="PT2H")])
    shop.translate(*(shop.purchase(order) for order in ("A-1", "A-2")))
    shop.clock.pass_by(2 * HOUR)
    shop.sweep()
    (line,) = heard.lines("account shop")
    (found, _) = shop.invitations(key("A-1"), key("A-2"))
    assert (line["levelname"], line["text"]) == ("INFO", f"batch {found.batch}, account shop: sent")
    told = {name: line[name] for name in ("batch", "account", "survey", "campaign", "members")}
    assert told == {
        "batch": found.batch,
        "account": "shop",
        "survey": 1,
        "campaign": "after-purchase",
        "members": 2,
    }


def test_a_repeated_call_that_is_lost_again_has_its_line(heard: Heard) -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.outcomes.extend([Uncertain("http_502"), Uncertain("http_504")])
    shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(60)
    shop.sweep()
    assert [each["text"].split(": ")[1] for each in heard.lines("account shop")] == [
        "http_502",
        "http_504",
    ]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Refused("http_422"), [("ended", "refused")]),
        (Each((Refused("token_not_found"),)), [("ended", "token_not_found")]),
        (Retry("http_404"), []),
        (Sent(1), []),
    ],
)
def test_after_a_call_only_those_who_were_not_sent_have_a_line(
    heard: Heard, outcome: Any, told: list[tuple[str, str]]
) -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.outcomes.append(outcome)
    shop.translate(shop.purchase("A-1"))
    lines = heard.lines("an invitation was not sent")
    assert [(each["text"].split(": ")[1], each["reason"]) for each in lines] == told


def test_a_batch_that_is_held_has_one_line_for_all_of_its_members(heard: Heard) -> None:
    shop = Shop([])
    shop.ledger.create([invitation("A-1", state=State.CLAIMED, batch="B1")], shop.clock())
    stuck = batch("B1", size=1, due=shop.clock() - 1, called_at=shop.clock() - 90_000)
    batches.hold(shop.ledger, stuck, "unanswered", shop.clock())
    (line,) = heard.lines("a batch was not sent")
    assert (line["batch"], line["members"], line["reason"]) == ("B1", 1, "unanswered")


def test_each_call_for_one_person_has_that_persons_id_and_nothing_of_the_person(
    heard: Heard,
) -> None:
    person = Recipient("jana@planted.test", "Jana Planted", "cs", "81a2B7", correlation_id="evt-1")
    provider = FakeHttp(otherwise=LEFT).provider()
    provider.invite(1, provider.encode([person], Terms(template=1)), "batch-1")
    (line,) = heard.lines("called")
    assert (line["text"], line["batch"], line["correlation_id"]) == (
        "called: refused",
        "batch-1",
        "evt-1",
    )
    assert "lanted" not in str(line)


def test_of_who_was_invited_one_by_one_only_who_asks_for_it_has_a_line(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    person = Recipient("jana@planted.test", "Jana Planted", "cs", "81a2B7", correlation_id="evt-1")
    provider = FakeHttp().provider()
    body = provider.encode([person], Terms(template=1))
    provider.invite(1, body, "batch-1")
    assert heard.lines("called") == []
    caplog.set_level(logging.DEBUG)
    provider.invite(1, body, "batch-1")
    (line,) = heard.lines("called")
    assert (line["text"], line["correlation_id"]) == ("called: sent", "evt-1")
    assert "lanted" not in str(line)


def test_a_providers_call_for_one_person_gets_the_id_from_the_ledger(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    http = FakeHttp()
    shop = Shop([campaign(delay="PT0S", template=1, unknown_respondent="by_email")])
    shop.provider = http.provider()  # type: ignore[assignment]  # the real dialect
    shop.translate(shop.purchase("A-1", id="evt-1"))
    (line,) = heard.lines("called")
    assert line["correlation_id"] == "evt-1"
    assert "evt-1" not in str(http.calls), "it is ours, and no provider sees it"


def test_the_line_of_a_batch_leads_from_queue_and_bus_to_the_shops_event(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="P1D"))
    event = json.loads(purchase("A-1", int(time.time())))
    on_the_bus = {"source": "shop.demo", "detail-type": "purchase", "id": "eb-1", "detail": event}
    stage.function("translate_events")(sqs_event(json.dumps(on_the_bus)))
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    (line,) = [each for each in lines if each.get("message") == "translated"]
    (ids,) = line["arrived"]
    assert ids == {"message_id": "m-0", "correlation_id": "E-A-1", "envelope_id": "eb-1"}
    (row,) = stage.rows("O#")
    assert row["event"] == {"S": ids["correlation_id"]}
    (received,) = [each for each in metric_lines(printed) if "EventsReceived" in each]
    assert (received["kind"], received["source"]) == ("purchase", "eventbridge")


def test_where_no_campaign_loads_a_sweep_says_so_before_it_fails(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/broken", "{")
    with pytest.raises(ParametersError):
        load("send_due_invitations").handler({}, Context())
    (line,) = metric_lines(capsys.readouterr().out)
    assert (line["CampaignsLoaded"], line["BrokenCampaigns"]) == ([0], [1])


def test_an_event_counts_when_it_is_done_with_and_not_each_time_that_it_fails(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    event = sqs_event(purchase("A-1", int(time.time())))
    translate = stage.function("translate_events")
    for _ in range(2):
        assert translate(event)["batchItemFailures"] == [{"itemIdentifier": "m-0"}]
    failed = metrics_of(capsys.readouterr().out)
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="P1D"))
    assert stage.function("translate_events")(event)["batchItemFailures"] == []
    assert "EventsReceived" not in failed
    assert (failed["RecordsFailed"], failed["CampaignsLoaded"]) == (2, 0)
    assert metrics_of(capsys.readouterr().out)["EventsReceived"] == 1


def lines_with(printed: str, metric: str, *dimensions: str) -> list[tuple[str, ...]]:
    """Return what a metric's lines have for these dimensions."""
    found = [each for each in metric_lines(printed) if metric in each]
    return [tuple(each[name] for name in dimensions) for each in found]


def test_all_parts_of_an_instance_note_in_one_place(stage: Stage) -> None:
    del stage
    parts = Wiring(SendDueSettings.from_env(os.environ))
    translator = parts.translator([], int(time.time()) + 60)
    for part in (parts.parameters, parts.providers, translator):
        assert part._notes is parts.notes


def test_campaigns_and_accounts_of_the_stage_go_by_their_names(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="PT2H"))
    ago = int(time.time()) - HOUR
    stage.function("translate_events")(sqs_event(purchase("A-1", ago)))
    waiting = lines_with(capsys.readouterr().out, "InvitationsWaiting", "campaign")
    stage.store.put("campaigns/after-purchase", campaign_text(mode="dry_run", delay="PT2H"))
    stage.set(ALLOW_TIME_TRAVEL="true")
    then = datetime.fromtimestamp(ago + 4 * HOUR, UTC).isoformat()
    stage.function("send_due_invitations")({"now": then})
    printed = capsys.readouterr().out
    assert waiting == [("after-purchase",)]
    assert lines_with(printed, "InvitationsEnded", "campaign", "reason") == [
        ("after-purchase", "dry_run")
    ]
    assert lines_with(printed, "BreakerOpen", "account") == [("shop",)]


def test_what_became_of_a_batch_in_doubt_goes_by_its_campaign() -> None:
    shop = Shop([campaign(delay="PT0S")])
    shop.provider.outcomes.append(Uncertain("http_502"))
    shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(60)
    deadline = shop.clock() + 120
    by_id = {each.id: each for each in shop.campaigns}
    mender = Mender(shop.ledger, shop.provider_of, by_id, shop.clock, deadline)
    sweep = Sweep(shop.ledger, shop.sender(), mender, shop.clock, deadline, list)
    counts = sweep.run(shop.campaigns, shop.clock())
    assert counts["sent"] == 1
    assert sweep.became["after-purchase"]["sent"] == 1
