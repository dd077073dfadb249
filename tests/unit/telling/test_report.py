from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from afterword.deciding.campaigns import CampaignError
from afterword.deciding.mapping_texts import MappingError
from afterword.telling.report import report, report_broken

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics


class Told:
    """A logger and metrics of their own, and what they wrote."""

    def __init__(self) -> None:
        self._stream = StringIO()
        self.logger = Logger(service=f"report-{uuid4().hex}", stream=self._stream)
        # `Metrics` shares one set of metrics with whoever else makes one.
        self._emf = EphemeralMetrics(namespace="Afterword", service="afterword-test")
        self.metrics = cast("Metrics", self._emf)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def emf(self) -> dict[str, Any]:
        return dict(self._emf.serialize_metric_set())

    def counted(self) -> bool:
        return bool(self._emf.metric_set)


def report_of(counts: dict[str, int]) -> Told:
    told = Told()
    report(told.logger, told.metrics, "translated", Counter(counts))
    return told


def metrics_of(counts: dict[str, int]) -> dict[str, list[float]]:
    emf = report_of(counts).emf()
    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: emf[each["Name"]] for each in directive["Metrics"]}


def test_a_metric_is_one_embedded_line_with_one_dimension() -> None:
    emf = report_of({"sent": 3, "event.purchase": 4}).emf()
    (directive,) = emf["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Afterword"
    assert directive["Dimensions"] == [["service"]]
    assert emf["service"] == "afterword-test"
    assert {"Name": "InvitationsSent", "Unit": "Count"} in directive["Metrics"]


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        ("event.signup", "EventsReceived"),
        ("unwanted", "EventsUnwanted"),
        ("duplicate", "Duplicates"),
        ("waiting", "InvitationsWaiting"),
        ("sent", "InvitationsSent"),
        ("ended.refunded", "InvitationsEnded"),
        ("held", "InvitationsHeld"),
        ("uncertain", "InvitationsUncertain"),
        ("released", "InvitationsReleased"),
        ("blocked.breaker", "InvitationsBlocked"),
        ("blocked_lanes", "LanesBlocked"),
        ("dead_letter.not_json", "DeadLetters"),
        ("failed", "RecordsFailed"),
    ],
)
def test_each_outcome_has_its_metric(outcome: str, name: str) -> None:
    assert metrics_of({outcome: 2}) == {name: [2]}


def test_kinds_and_reasons_add_up_in_the_metric_and_stay_apart_in_the_log() -> None:
    told = report_of({"ended.refunded": 2, "ended.too_old": 1, "sent": 5})
    assert told.emf()["InvitationsEnded"] == [3]
    (line,) = told.lines()
    assert line["message"] == "translated"
    assert line["counts"] == {"ended.refunded": 2, "ended.too_old": 1, "sent": 5}


def test_what_did_not_happen_is_no_metric() -> None:
    assert metrics_of({"sent": 1, "failed": 0, "waiting": 0}) == {"InvitationsSent": [1]}


def test_an_outcome_without_a_metric_is_in_the_log_alone() -> None:
    counts = {"blocked_lanes": 2, "held_before": 3, "sent": 1}
    told = report_of(counts)
    assert told.lines()[0]["counts"] == counts
    assert not {"InvitationsBlocked", "InvitationsHeld"} & told.emf().keys()


def test_every_broken_campaign_is_counted_and_named() -> None:
    told = Told()
    errors = [CampaignError("one", ("survey: missing",)), CampaignError("two", ("not JSON",))]
    report_broken(told.logger, told.metrics, errors)
    assert sum(told.emf()["BrokenCampaigns"]) == 2
    assert [(line["level"], line["fault"]) for line in told.lines()] == [
        ("ERROR", "campaign one: survey: missing"),
        ("ERROR", "campaign two: not JSON"),
    ]
    assert "if it ever had one" in told.lines()[0]["message"]


def test_a_broken_mapping_is_counted_apart_from_campaigns() -> None:
    told = Told()
    report_broken(told.logger, told.metrics, [MappingError("paid", ("source: missing",))])
    assert sum(told.emf()["BrokenMappings"]) == 1
    assert "BrokenCampaigns" not in told.emf()
    (line,) = told.lines()
    assert (line["fault"], line["message"][:19]) == (
        "mapping paid: source: missing",
        "a mapping is broken",
    )


def test_nothing_broken_says_nothing() -> None:
    told = Told()
    report_broken(told.logger, told.metrics, [])
    assert told.lines() == []
    assert not told.counted()
