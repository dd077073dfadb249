from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger

from afterword.deciding.campaigns import CampaignError
from afterword.deciding.mapping_texts import MappingError
from afterword.noting import Notes
from afterword.telling.emf import MOST_VALUES
from afterword.telling.report import Report, reporting
from tests.support.functions import metric_lines, metrics_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Told:
    """A logger and notes of their own, and what is written of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "afterword-test")
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Afterword")
        self._stream = StringIO()
        self._capsys = capsys
        self.logger = Logger(service=f"report-{uuid4().hex}", stream=self._stream)
        self.notes = Notes({"campaign": ["one", "two"], "account": ["shop"]})
        self.report = Report(self.logger, self.notes)
        self._printed: str | None = None

    def counts(self, counts: Mapping[str, int], **became: Mapping[str, int]) -> None:
        by_campaign = {name: Counter(each) for name, each in became.items()}
        self.report.outcomes("translated", Counter(counts), by_campaign)

    @property
    def printed(self) -> str:
        if self._printed is None:
            self.report.flush()
            self._printed = self._capsys.readouterr().out
        return self._printed

    @property
    def metrics(self) -> dict[str, float]:
        return metrics_of(self.printed)

    def series(self, name: str) -> dict[tuple[tuple[str, str], ...], list[float]]:
        """What CloudWatch makes of the lines: a metric's values by dimensions, `service` left out."""
        found: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for line in metric_lines(self.printed):
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            if name in (each["Name"] for each in directive["Metrics"]):
                for names in directive["Dimensions"]:
                    by = tuple((each, line[each]) for each in names if each != "service")
                    found.setdefault(by, []).extend(line[name])
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(monkeypatch, capsys)


def test_a_metric_without_dimensions_of_its_own_is_one_embedded_line(told: Told) -> None:
    told.counts({"duplicate": 3, "unwanted": 4})
    (line,) = metric_lines(told.printed)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Afterword"
    assert directive["Dimensions"] == [["service"]]
    assert line["service"] == "afterword-test"
    assert {"Name": "Duplicates", "Unit": "Count"} in directive["Metrics"]


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        ("skipped.test_mode", "EventsSkipped"),
        ("unwanted", "EventsUnwanted"),
        ("duplicate", "Duplicates"),
        ("waiting", "InvitationsWaiting"),
        ("sent", "InvitationsSent"),
        ("ended.refunded", "InvitationsEnded"),
        ("held", "InvitationsHeld"),
        ("uncertain", "InvitationsUncertain"),
        ("released", "InvitationsReleased"),
        ("blocked.breaker_probing", "InvitationsBlocked"),
        ("blocked_lanes", "LanesBlocked"),
        ("dead_letter.not_json", "DeadLetters"),
        ("failed", "RecordsFailed"),
    ],
)
def test_each_outcome_has_its_metric(told: Told, outcome: str, name: str) -> None:
    told.counts({outcome: 2})
    assert told.metrics == {name: 2}


def test_what_became_of_invitations_is_told_by_campaign_and_once_over_all(told: Told) -> None:
    told.counts({"sent": 5, "duplicate": 1}, one={"sent": 2}, two={"sent": 3})
    series = told.series("InvitationsSent")
    assert series == {(): [2, 3], (("campaign", "one"),): [2], (("campaign", "two"),): [3]}


def test_an_end_is_told_by_campaign_and_by_reason_and_never_by_both(told: Told) -> None:
    told.counts(
        {"ended.refunded": 3, "ended.too_old": 1},
        one={"ended.refunded": 1, "ended.too_old": 1},
        two={"ended.refunded": 2},
    )
    sums = {by: sum(values) for by, values in told.series("InvitationsEnded").items()}
    assert sums == {
        (): 4,
        (("campaign", "one"),): 2,
        (("campaign", "two"),): 2,
        (("reason", "refunded"),): 3,
        (("reason", "too_old"),): 1,
    }


def test_what_no_campaign_was_noted_for_counts_over_all(told: Told) -> None:
    told.counts({"sent": 5}, one={"sent": 2})
    assert told.series("InvitationsSent") == {(): [2, 3], (("campaign", "one"),): [2]}


def test_campaigns_beyond_fifty_and_those_that_are_no_more_go_as_other(told: Told) -> None:
    names = [f"c{number:02}" for number in range(MOST_VALUES + 2)]
    told.notes.known["campaign"] = reversed_ = list(reversed(names))
    told.counts({}, **{name: {"sent": 1} for name in [*reversed_, "gone"]})
    series = told.series("InvitationsSent")
    assert series.pop((("campaign", "other"),)) == [3]
    assert sum(series.pop(())) == MOST_VALUES + 3
    assert series == {(("campaign", name),): [1] for name in names[:MOST_VALUES]}


def test_a_reason_that_somebody_made_up_goes_as_other(told: Told) -> None:
    told.counts({"ended.jana asked us": 1, "ended.erased": 1})
    assert told.series("InvitationsEnded").keys() == {
        (),
        (("reason", "other"),),
        (("reason", "erased"),),
    }


def test_latencies_are_one_line_with_each_value_in_milliseconds(told: Told) -> None:
    for value in (12.5, 80.0, 3.1):
        told.notes.measure("ProviderLatency", value, account="shop")
    (line,) = metric_lines(told.printed)
    assert line["ProviderLatency"] == [12.5, 80.0, 3.1]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "ProviderLatency", "Unit": "Milliseconds"}]
    assert directive["Dimensions"] == [["service"], ["service", "account"]]


def test_more_than_a_hundred_values_go_on_as_many_lines_as_the_format_wants(told: Told) -> None:
    for value in range(250):
        told.notes.measure("ProviderLatency", value, account="shop")
        told.notes.measure("ProviderCalls", account="shop")
    lines = metric_lines(told.printed)
    assert max(len(line.get("ProviderLatency", ())) for line in lines) <= 100
    assert told.metrics == {"ProviderLatency": sum(range(250)), "ProviderCalls": 250}
    assert len(told.series("ProviderLatency")[("account", "shop"),]) == 250


def test_a_hundred_values_of_one_account_say_nothing_of_another(told: Told) -> None:
    told.notes.known["account"] = ["shop", "kiosk"]
    for value in range(100):
        told.notes.measure("ProviderLatency", value, account="shop")
    told.notes.measure("ProviderLatency", 7, account="kiosk")
    series = told.series("ProviderLatency")
    assert [len(values) for _, values in sorted(series.items())] == [101, 1, 100]
    assert series[("account", "kiosk"),] == [7]


def test_of_a_gauge_the_last_word_counts(told: Told) -> None:
    for value in (3, 2):
        told.notes.measure("CampaignsLoaded", value)
    assert told.metrics == {"CampaignsLoaded": 2}


def test_a_gauge_says_zero_too(told: Told) -> None:
    told.notes.measure("BreakerOpen", 0, account="shop")
    assert told.series("BreakerOpen") == {(): [0], (("account", "shop"),): [0]}


def test_what_did_not_happen_is_no_metric(told: Told) -> None:
    told.counts({"sent": 1, "failed": 0, "waiting": 0})
    assert told.metrics == {"InvitationsSent": 1}


def test_where_nothing_happened_there_is_no_line(told: Told) -> None:
    told.counts({})
    assert told.printed == ""


def test_an_outcome_without_a_metric_is_in_the_log_alone(told: Told) -> None:
    told.counts({"deferred": 2, "held_before": 3, "sent": 1})
    assert told.lines()[0]["counts"] == {"deferred": 2, "held_before": 3, "sent": 1}
    assert told.metrics == {"InvitationsSent": 1}


def test_a_metric_that_docs_do_not_know_is_refused(told: Told) -> None:
    told.notes.measure("ProviderCall")
    with pytest.raises(KeyError, match="ProviderCall"):
        told.report.flush()


def test_a_batch_is_one_line_with_counts_by_outcome(told: Told) -> None:
    told.counts({"sent": 5, "ended.refunded": 2})
    (line,) = told.lines()
    assert (line["level"], line["message"]) == ("INFO", "translated")
    assert line["counts"] == {"ended.refunded": 2, "sent": 5}
    assert "arrived" not in line


def test_the_line_of_a_batch_has_every_id_under_which_its_events_came(told: Told) -> None:
    told.notes.arrived(message_id="m-1", correlation_id="E-1", envelope_id="eb-1")
    told.notes.arrived(message_id="m-2", correlation_id="jana@shop.test", envelope_id=None)
    told.counts({})
    (line,) = told.lines()
    first, second = line["arrived"]
    assert first == {"message_id": "m-1", "correlation_id": "E-1", "envelope_id": "eb-1"}
    assert second["correlation_id"].startswith("sha256:")
    assert "jana" not in json.dumps(line)


def test_a_line_is_never_cut_off_by_the_ids_of_a_full_batch(told: Told) -> None:
    for number in range(1000):
        told.notes.arrived(
            message_id=f"{number:036}", correlation_id="E" * 200, envelope_id="e" * 200
        )
    told.counts({"sent": 1})
    lines = told.lines()
    assert [len(each["arrived"]) for each in lines] == [200] * 5
    assert max(len(json.dumps(each)) for each in lines) < 256_000
    assert [each["message"] for each in lines] == ["translated", *["and also"] * 4]


def test_however_an_invocation_ends_what_was_noted_is_told_once(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    def end_badly() -> None:
        with reporting(told.logger, told.notes):
            told.notes.measure("CampaignsLoaded", 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        end_badly()
    assert metrics_of(capsys.readouterr().out) == {"CampaignsLoaded": 0}
    with reporting(told.logger, told.notes):
        pass
    assert capsys.readouterr().out == ""


def test_every_broken_campaign_is_named(told: Told) -> None:
    told.report.broken(
        [CampaignError("one", ("survey: missing",)), CampaignError("two", ("not JSON",))]
    )
    assert [(line["level"], line["fault"]) for line in told.lines()] == [
        ("ERROR", "campaign one: survey: missing"),
        ("ERROR", "campaign two: not JSON"),
    ]
    assert "if it ever had one" in told.lines()[0]["message"]


def test_a_broken_mapping_is_told_from_a_broken_campaign(told: Told) -> None:
    told.report.broken([MappingError("paid", ("source: missing",))])
    (line,) = told.lines()
    assert (line["fault"], line["message"][:19]) == (
        "mapping paid: source: missing",
        "a mapping is broken",
    )


def test_nothing_broken_says_nothing(told: Told) -> None:
    told.report.broken([])
    assert told.lines() == []
