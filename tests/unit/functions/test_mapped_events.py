"""Events of other shapes, from the queue to the ledger."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterword.remembering.errors import ParametersError
from afterword.remembering.parameters import Parameters
from tests.support.functions import metrics_of, purchase, sqs_event
from tests.support.parameters import PREFIX, campaign_text

if TYPE_CHECKING:
    import pytest

    from tests.support.functions import Stage

EVENTS = Path(__file__).parents[3] / "events"
READY = "stripe-checkout-session-completed"


def partner(name: str, **changes: Any) -> str:
    """A partner's event, as if it had just happened."""
    event: dict[str, Any] = json.loads((EVENTS / "partners" / f"{name}.json").read_text())
    event["detail"] |= {"created": int(time.time())} | changes
    return json.dumps(event)


def map_purchases(stage: Stage, **changes: Any) -> None:
    text = json.dumps({"ready": READY, "shop": "demo"} | changes)
    stage.store.put("mappings/stripe-purchases", text)


def test_a_checkout_and_its_refund_meet_whichever_comes_first(stage: Stage) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="PT2H"))
    refunds = {"ready": "stripe-charge-refunded", "shop": "demo"}
    stage.store.put("mappings/stripe-refunds", json.dumps(refunds))
    map_purchases(stage)
    refund = json.loads(partner("stripe-charge-refunded"))
    refund["detail"]["data"]["object"]["amount_refunded"] = 4990
    translate = stage.function("translate_events")
    for body in (json.dumps(refund), partner(READY)):
        assert translate(sqs_event(body)) == {"batchItemFailures": []}
    (row,) = [row for row in stage.rows("O#") if row["sk"]["S"] != "!"]
    assert (row["pk"]["S"], row["state"]["S"], row["reason"]["S"]) == (
        "O#demo#purchase#pi_1",
        "ended",
        "refunded",
    )
    assert stage.letters() == []


def test_what_is_passed_over_is_counted_by_its_reason_and_is_no_dead_letter(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    map_purchases(stage)
    bodies = [partner(READY, livemode=False), partner("stripe-customer-created"), partner(READY)]
    event = sqs_event(*bodies, purchase("A-1", int(time.time())), "no JSON")
    assert stage.function("translate_events")(event) == {"batchItemFailures": []}
    printed = capsys.readouterr().out
    metrics = metrics_of(printed)
    assert (metrics["EventsSkipped"], metrics["EventsReceived"]) == (2, 2)
    counts = next(
        line["counts"] for line in map(json.loads, printed.splitlines()) if "counts" in line
    )
    assert (counts["skipped.test_event"], counts["skipped.not_mapped"]) == (1, 1)
    assert [letter["Body"] for letter in stage.letters()] == ["no JSON"]
    assert "example" not in printed.lower()


def test_a_broken_mapping_goes_on_as_its_last_good_version_and_is_told_of(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    map_purchases(stage)
    map_purchases(stage, fields={"id": "ada@example.com"})
    stage.function("translate_events")(sqs_event(partner(READY)))
    assert [row["pk"]["S"] for row in stage.rows("O#")] == ["O#demo#purchase#pi_1"]
    printed = capsys.readouterr().out
    assert metrics_of(printed)["BrokenMappings"] == 1
    assert "mapping stripe-purchases: fields.id: no JMESPath: character 4" in printed
    assert "example" not in printed.lower()


def test_a_mapped_event_that_is_at_fault_is_a_dead_letter_that_names_mapping_and_field(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store.put("campaigns/after-purchase", campaign_text())
    map_purchases(stage, fields={"order_id": "event.nowhere"})
    stage.function("translate_events")(sqs_event(partner(READY)))
    (letter,) = stage.letters()
    attributes = letter["MessageAttributes"]
    assert attributes["reason"]["StringValue"] == "invalid_event"
    said = "mapping stripe-purchases: order_id: Field required"
    assert attributes["detail"]["StringValue"] == said
    printed = capsys.readouterr().out
    assert said in printed
    assert "example" not in printed.lower()


def test_while_the_mappings_can_not_be_read_nothing_becomes_a_dead_letter(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Parameters) -> None:
        raise ParametersError(f"{PREFIX}/mappings: ThrottlingException")

    monkeypatch.setattr(Parameters, "mappings", refuse)
    translate = stage.function("translate_events")
    assert translate(sqs_event(partner(READY), "no JSON")) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]
    }
    assert stage.letters() == []
    assert f"{PREFIX}/mappings: ThrottlingException" in capsys.readouterr().out
