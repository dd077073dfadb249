"""The drill's evaluator: what AWS's own pages show of alarms, missing data and metric math."""

from __future__ import annotations

import json

import pytest

from local.drill.alarms import Alarm, RuleError, State, judge, judge_rule
from local.drill.expressions import ExpressionError, evaluate
from local.drill.series import Metric, Series

NOW = 1_790_000_040
COUNT = Metric("N", "Count")


def points(text: str) -> list[bool | None]:
    """Read `0 - X`, the oldest first, as the pages have it; return it as `judge` wants it."""
    return [{"0": False, "X": True, "-": None}[each] for each in reversed(text.split())]


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
# (points, of how many, to alarm, missing, ignore, breaching, notBreaching); "kept": as it was before.
TABLES = [
    ("0 - X - X", 3, 3, "OK", "OK", "OK", "OK"),
    ("- - - - 0", 3, 3, "OK", "OK", "OK", "OK"),
    ("- - - - -", 3, 3, "INSUFFICIENT_DATA", "kept", "ALARM", "OK"),
    ("0 X X - X", 3, 3, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", 3, 3, "ALARM", "kept", "ALARM", "OK"),
    ("0 - X - X", 3, 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", 3, 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", 3, 2, "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", 3, 2, "OK", "OK", "ALARM", "OK"),
    ("- - - X -", 3, 2, "ALARM", "kept", "ALARM", "OK"),
]


@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row[0]} {row[2]} of {row[1]}")
@pytest.mark.parametrize("before", list(State))
def test_missing_data_is_treated_as_the_page_has_it(
    row: tuple[str, int, int, str, str, str, str], before: State
) -> None:
    text, count, needed, *expected = row
    for missing, wanted in zip(
        ("missing", "ignore", "breaching", "notBreaching"), expected, strict=True
    ):
        found = judge(points(text), count, needed, missing, before)
        assert found == (before if wanted == "kept" else wanted), missing


def test_a_breach_that_is_not_old_enough_changes_nothing() -> None:
    assert judge(points("- - - - X"), 3, 3, "missing", State.OK) is State.OK


def of(**changes: object) -> Alarm:
    known = {
        "Namespace": "N",
        "MetricName": "Count",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
    }
    return Alarm(known | changes)


@pytest.mark.parametrize(
    ("operator", "states"),
    [
        ("GreaterThanThreshold", ["OK", "OK", "ALARM"]),
        ("GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]),
        ("LessThanThreshold", ["ALARM", "OK", "OK"]),
        ("LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]),
    ],
)
def test_values_are_compared_as_the_alarm_says(operator: str, states: list[str]) -> None:
    found = []
    for value in (4, 5, 6):
        series = Series()
        series.put(COUNT, NOW - 60, value)
        found.append(of(ComparisonOperator=operator).state(series, NOW, State.OK))
    assert found == states


def test_threshold_and_periods_may_be_text_as_parameters_are() -> None:
    series = Series()
    series.put(COUNT, NOW - 60, 6)
    assert of(Threshold="5", EvaluationPeriods="1").state(series, NOW, State.OK) is State.ALARM


def test_an_alarm_waits_for_all_its_periods() -> None:
    series, alarm = Series(), of(EvaluationPeriods=3, TreatMissingData="notBreaching")
    states = []
    for minute in range(1, 5):
        series.put(COUNT, NOW + 60 * (minute - 1), 9)
        states.append(alarm.state(series, NOW + 60 * minute, State.OK))
    assert states == ["OK", "OK", "ALARM", "ALARM"]


def test_some_data_points_of_many_are_enough_where_the_alarm_says_so() -> None:
    series = Series()
    for minute, value in enumerate((9, 0, 9, 0)):
        series.put(COUNT, NOW + 60 * minute, value)
    end = NOW + 240
    assert of(EvaluationPeriods=4, DatapointsToAlarm=2).state(series, end, State.OK) == "ALARM"
    assert of(EvaluationPeriods=4, DatapointsToAlarm=3).state(series, end, State.ALARM) == "OK"


def test_an_alarm_on_an_expression_goes_by_all_its_metrics() -> None:
    def metric(name: str) -> dict[str, object]:
        measured = {"Metric": {"Namespace": "N", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        return {"Id": name.lower(), "ReturnData": False, "MetricStat": measured}

    share = {"Id": "share", "Expression": "IF(all >= 20, 100 * bad / all, 0)"}
    alarm = Alarm(
        {
            "Metrics": [metric("All"), metric("Bad"), share],
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5,
            "TreatMissingData": "notBreaching",
        }
    )
    assert [each.name for each in alarm.metrics] == ["All", "Bad"]
    states = []
    for total, bad in ((19, 19), (20, 1), (20, 2)):
        series = Series()
        series.put(Metric("N", "All"), NOW - 60, total)
        series.put(Metric("N", "Bad"), NOW - 60, bad)
        states.append(alarm.state(series, NOW, State.OK))
    assert states == ["OK", "OK", "ALARM"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * m", 7.0),
        ("(m - 1) / m", 2 / 3),
        ("m / 0", None),
        ("m > 2", 1.0),
        ("m <= 2", 0.0),
        ("m + nothing", None),
        ("nothing > 2", None),
        ("FILL(nothing, 4)", 4.0),
        ("FILL(m, 4)", 3.0),
        ("IF(m >= 3, 10, 20)", 10.0),
        ("IF(m < 3, 10, 20)", 20.0),
        ("IF(nothing, 10, 20)", None),
    ],
)
def test_metric_math_comes_to_what_the_page_says(expression: str, value: float | None) -> None:
    assert evaluate(expression, {"m": 3.0, "nothing": None}) == value


@pytest.mark.parametrize("expression", ["m +", "other", "SUM(m)", "m ** 2", "'m'", "m == 1"])
def test_metric_math_that_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, {"m": 1.0})


@pytest.mark.parametrize(
    ("one", "other", "state"),
    [("ALARM", "OK", "ALARM"), ("ALARM", "ALARM", "OK"), ("OK", "OK", "OK"), ("OK", "ALARM", "OK")],
)
def test_a_composite_alarm_goes_by_its_rule(one: str, other: str, state: str) -> None:
    states = {"One": State(one), "Other": State(other)}
    assert judge_rule('ALARM("One") AND NOT ALARM("Other")', states) == state


@pytest.mark.parametrize("rule", ['ALARM("One") OR ALARM("Other")', "OK(One)", "TRUE"])
def test_a_rule_that_is_not_known_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        judge_rule(rule, {"One": State.OK, "Other": State.OK})


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("Sum", 110.0),
        ("Maximum", 100.0),
        ("Minimum", 1.0),
        ("Average", 22.0),
        ("SampleCount", 5),
        ("p50", 3.0),
        ("p99", 100.0),
    ],
)
def test_statistics_are_of_the_samples_of_a_period(statistic: str, value: float) -> None:
    series = Series()
    series.put(COUNT, NOW - 60, 1, 2, 3)
    series.put(COUNT, NOW - 1, 4, 100)
    series.put(COUNT, NOW, 1000)
    series.put(COUNT, NOW - 180, 1000)
    assert series.value(COUNT, statistic, NOW, 120) == value
    assert series.value(COUNT, statistic, NOW - 600, 120) is None


def test_a_line_counts_under_each_of_its_sets_of_dimensions() -> None:
    series = Series()
    line = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {
                    "Namespace": "N",
                    "Dimensions": [["service"], ["service", "outcome"]],
                    "Metrics": [{"Name": "Calls"}, {"Name": "Latency"}],
                }
            ],
        },
        "service": "s",
        "outcome": "sent",
        "Calls": 2,
        "Latency": [10.0, 30.0],
    }
    series.take_line(json.dumps(line), NOW)
    alone = frozenset({("service", "s")})
    both = alone | {("outcome", "sent")}
    assert series.value(Metric("N", "Calls", alone), "Sum", NOW + 60, 60) == 2
    assert series.value(Metric("N", "Latency", both), "Maximum", NOW + 60, 60) == 30
    assert not series.has(Metric("N", "Calls"))


@pytest.mark.parametrize("line", ["no JSON", "[1]", '{"message": "swept"}'])
def test_other_lines_are_passed_over(line: str) -> None:
    series = Series()
    series.take_line(line, NOW)
    assert series == Series()
