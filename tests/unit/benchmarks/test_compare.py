"""`make bench`: its arithmetic, its goals, its tables, its page. What it measures is run by hand."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from afterword.reading.reader import receive
from afterword.reading.shop_events import Purchase
from benchmarks.compare import subjects
from benchmarks.compare.goals import HEAD as GOALS
from benchmarks.compare.goals import Goal, goals
from benchmarks.compare.instance import Taken
from benchmarks.compare.measuring import Books, Round, Spread, per_thousand, ratio, spread
from benchmarks.compare.orders import sqs_event
from benchmarks.compare.page import DOCUMENT, PICTURE, Run, markdown, put, results, write
from benchmarks.compare.plot import draw
from benchmarks.compare.profile import package, shares, table
from benchmarks.compare.subjects import SUBJECTS, Subject
from benchmarks.compare.table import (
    COSTS,
    SPEED,
    cost_rows,
    number,
    rate,
    rate_alone,
    speed_rows,
    thrift,
)

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = {each.name: each for each in SUBJECTS}
RUN = Run(15, 2000, 0.4, {"boto3": "1.2.3"})
# Of Lambda's 6 MB for an event: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PAYLOAD = 6 * 1024 * 1024


def measured_round(events: int = 1000, seconds: float = 2, **changes: Any) -> Round:
    known: dict[str, Any] = {
        "events": events,
        "sent": events,
        "seconds": seconds,
        "cpu": 1.0,
        "waited": 0.5,
        "longest": 1.5,
        "peak": 100 * 1024 * 1024,
        "database": Counter(TransactWriteItems=40, BatchGetItem=10),
        "others": Counter({"AmazonSSM GetParameter": 3}),
        "provider": 1,
        "write_units": 3000,
        "read_units": 500.0,
    }
    return Round(**(known | changes))


def everything(**changes: Round) -> dict[str, list[Round]]:
    return {name: [changes.get(name, measured_round())] for name in BY_NAME}


# What a round takes.


def test_a_round_is_what_its_invocations_took_and_what_was_counted_meanwhile() -> None:
    before = Books(
        {
            "cpu": 10.0,
            "calls": {"GetItem": 5},
            "other_calls": {},
            "write_units": {},
            "read_units": {},
        },
        {"cpu": 1.0, "calls": {"nps invite": 7}, "accepted": 70},
    )
    after = Books(
        {
            "cpu": 10.5,
            "calls": {"GetItem": 5, "TransactWriteItems": 10},
            "other_calls": {"Scheduler CreateSchedule": 2},
            "write_units": {"TransactWriteItems": 30},
            "read_units": {"GetItem": 0.5},
        },
        {"cpu": 1.25, "calls": {"nps invite": 8, "nps look": 1}, "accepted": 90},
    )
    taken = [Taken(1.0, 0.5, 70, None), Taken(3.0, 0.25, 90, None)]
    assert Round.of(20, taken, before, after) == Round(
        events=20,
        sent=20,
        seconds=4.0,
        cpu=0.75,
        waited=0.75,
        longest=3.0,
        peak=90,
        database=Counter(TransactWriteItems=10),
        others=Counter({"Scheduler CreateSchedule": 2}),
        provider=2,
        write_units=30,
        read_units=0.5,
    )


def test_stand_ins_at_no_cost_leave_the_time_of_the_handler_and_of_the_provider() -> None:
    assert measured_round(seconds=2, cpu=1, waited=0.5).rate_alone == pytest.approx(1000 / 1.5)


def test_no_handler_is_faster_than_its_own_cpu_time() -> None:
    assert measured_round(seconds=2, cpu=1.5, waited=1).rate_alone == pytest.approx(1000 / 1.5)


def test_cpu_is_told_in_milliseconds_an_event() -> None:
    assert measured_round(events=500, cpu=1).cpu_each == 2


# What all rounds come to.


def test_one_slow_round_changes_no_median() -> None:
    rounds = [measured_round(seconds=each) for each in (1, 100, 2)]
    assert spread(rounds, rate) == Spread(500, 10, 1000)


def test_a_ratio_is_one_of_the_same_round_so_that_a_busy_moment_hits_both() -> None:
    ours = [measured_round(seconds=1), measured_round(seconds=10), measured_round(seconds=2)]
    usual = [measured_round(seconds=4), measured_round(seconds=40), measured_round(seconds=6)]
    assert ratio(ours, usual, rate) == Spread(4, 3, 4)


def test_rounds_without_their_peers_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([measured_round()] * 2, [measured_round()], rate)


def test_counts_are_for_a_thousand_events_whatever_a_round_had() -> None:
    rounds = [measured_round(events=2000, provider=2), measured_round(events=500, provider=3)]
    assert per_thousand(rounds, lambda each: each.provider) == 2


# What is compared.


def test_every_configuration_is_compared_with_the_usual_one_under_the_same_conditions() -> None:
    for each in SUBJECTS:
        peer = BY_NAME[each.peer]
        assert peer.kind.startswith("usual"), each
        assert (peer.latency, peer.database) == (each.latency, each.database), each
        assert peer.kind.endswith("follow-up") == each.kind.endswith("follow-up"), each


def test_names_stay_apart_where_only_letters_and_digits_count() -> None:
    assert len({each.key for each in SUBJECTS}) == len(SUBJECTS)


@pytest.mark.parametrize(("share", "events"), [(1, 2000), (0.1, 1000), (0.75, 2000), (2, 4000)])
def test_a_round_has_whole_batches_and_at_least_one(share: float, events: int) -> None:
    assert Subject("a", "ours", 1000, 2000).sized(share) == events


@pytest.mark.parametrize("tokens", [False, True])
def test_an_order_is_one_that_the_functions_know(*, tokens: bool) -> None:
    (record,) = sqs_event([7], "run", tokens=tokens)["Records"]
    event = receive(record["body"], 2_000_000_000, lambda *_: None).event
    assert isinstance(event, Purchase)
    assert event.customer.email == "customer.7.run@mail.example.com"
    assert event.customer.token == ("t-run-7" if tokens else None)


def test_the_largest_batch_fits_into_an_event_of_lambdas_and_little_more_does() -> None:
    numbers = range(subjects.LARGEST)
    size = len(json.dumps(sqs_event(numbers, "a run of some length", tokens=True)))
    assert PAYLOAD * 0.8 < size < PAYLOAD


# Goals.


@pytest.mark.parametrize(
    ("measured", "reached"),
    [(14.9, "no"), (15, "yes"), (39, "yes"), (40, "the aim"), (41, "the aim")],
)
def test_more_is_better_of_a_speed(measured: float, reached: str) -> None:
    assert Goal("a", measured, 15, 40).reached == reached


@pytest.mark.parametrize(
    ("measured", "reached"), [(61, "no"), (60, "yes"), (41, "yes"), (40, "the aim"), (0, "the aim")]
)
def test_less_is_better_of_a_count(measured: float, reached: str) -> None:
    assert Goal("a", measured, 60, 40, larger=False).reached == reached


def test_no_scheduler_call_is_none() -> None:
    assert Goal("a", 0, 0, 0, larger=False).reached == "the aim"
    assert Goal("a", 1, 0, 0, larger=False).reached == "no"


def test_each_goal_is_measured_where_it_belongs() -> None:
    found = goals(
        everything(
            **{
                subjects.BULK: measured_round(seconds=0.1, cpu=0.05, write_units=3080),
                subjects.BULK_50: measured_round(seconds=0.01),
                subjects.CAPPED: measured_round(write_units=5060),
                subjects.LATER: measured_round(events=10_000, write_units=80_800),
                subjects.PANEL: measured_round(seconds=0.5),
                subjects.PANEL_50: measured_round(seconds=0.02, provider=1000),
            }
        )
    )
    assert [each.measured for each in found] == pytest.approx(
        [20, 200, 20, 4, 100, 1, 0.1, 50, 0, 3.08, 5.06, 5.0]
    )


# Tables.


@pytest.mark.parametrize(
    ("value", "text"),
    [(12_345.6, "12,346"), (100, "100"), (12.34, "12.3"), (4, "4"), (0.104, "0.1"), (0, "0")],
)
def test_numbers_have_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert number(value) == text


def test_every_row_has_a_value_for_each_heading() -> None:
    measured = everything()
    assert {len(row) for row in speed_rows(measured, BY_NAME)} == {len(SPEED)}
    assert {len(row) for row in cost_rows(measured)} == {len(COSTS)}
    assert {len(each.row()) for each in goals(measured)} == {len(GOALS)}


def test_a_row_shows_how_much_faster_and_cheaper_it_is() -> None:
    measured = everything(**{subjects.BULK: measured_round(seconds=0.5, cpu=0.25, waited=0.125)})
    rows = {row[0]: row[1:] for row in speed_rows(measured, BY_NAME)}
    assert rows[subjects.REFERENCE][1:4] == ["500", "1 (1 to 1)", "1"]
    assert rows[subjects.BULK] == ["1,000", "2,000", "4 (4 to 4)", "4", "0.25", "4"]


def test_a_row_shows_what_a_thousand_events_cost() -> None:
    measured = everything(**{subjects.BULK: measured_round(events=2000, peak=64 * 1024 * 1024)})
    rows = {row[0]: row[1:] for row in cost_rows(measured)}
    assert rows[subjects.BULK] == ["0.5", "25", "1,500", "250", "0", "1.50", "64"]


def test_cpu_compares_as_what_the_usual_one_takes_to_what_this_one_takes() -> None:
    assert thrift(measured_round(cpu=0.1)) / thrift(measured_round(cpu=1)) == pytest.approx(10)
    assert rate_alone(measured_round()) == measured_round().rate_alone


# The page.


def test_the_page_is_changed_between_its_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    places = ("goals", "speed", "costs")
    page.write_text(
        "Before.\n"
        + "".join(f"<!-- make bench: {each} -->\nold\n<!-- end -->\n" for each in places)
        + "After.\n"
    )
    write(everything(), BY_NAME, RUN, page)
    text = page.read_text()
    assert text.startswith(
        "Before.\n<!-- make bench: goals -->\n`make bench ROUNDS=15 EVENTS=2000` on "
    )
    assert text.endswith("<!-- end -->\nAfter.\n")
    assert "old" not in text
    assert text.count("\n| ") == len(goals(everything())) + 2 * len(SUBJECTS) + 3
    write(everything(), BY_NAME, RUN, page)
    assert page.read_text() == text


def test_a_page_without_a_place_for_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="make bench: speed"):
        put("<!-- make bench -->\n<!-- end -->\n", "make bench: speed", "new\n")


def test_a_backslash_in_what_is_put_stays_one() -> None:
    assert put("<!-- a -->\n<!-- end -->", "a", "\\1\n") == "<!-- a -->\n\\1\n<!-- end -->"


def test_the_run_names_machine_and_versions() -> None:
    assert "boto3 1.2.3" in str(RUN)
    assert "load average 0.4" in str(RUN)


def test_a_table_is_one_of_markdowns() -> None:
    assert markdown(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"


def test_the_real_page_has_a_place_for_everything() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in ("goals", "speed", "costs"):
        assert f"<!-- make bench: {name} -->\nnew\n<!-- end -->" in put(
            text, f"make bench: {name}", "new\n"
        )
    assert f"({PICTURE.name})" in text


def test_other_programs_read_medians_and_counts() -> None:
    found = results(everything(), BY_NAME)[subjects.BULK]
    assert found["batch"] == 1000
    assert found["events a second"] == 500
    assert found["for 1,000 events"]["write units"] == 3000


def test_the_picture_names_all_and_is_the_same_twice(tmp_path: Path) -> None:
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for each in files:
        draw(everything(), BY_NAME, each)
    texts = [each.read_text() for each in files]
    assert texts[0] == texts[1]
    assert all(f">{name}<" in texts[0] for name in BY_NAME)


# The profile.

BUILT = "/home/python/built"


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        (
            f"{BUILT}/AfterwordLayer/python/afterword/remembering/dynamodb/table.py",
            "afterword/remembering",
        ),
        (f"{BUILT}/AfterwordLayer/python/afterword/translate.py", "afterword/translate.py"),
        (f"{BUILT}/DependenciesLayer/python/pydantic/main.py", "pydantic"),
        ("/a/.venv-lambda/lib/python3.13/site-packages/botocore/serialize.py", "botocore"),
        ("/a/.venv-lambda/lib/python3.13/site-packages/six.py", "six"),
        ("/usr/lib/python3.13/json/encoder.py", "Python itself"),
        ("~", "in C: JSON, sockets, hashes, …"),
    ],
)
def test_a_function_is_its_packages_and_of_ours_the_rooms(file: str, whose: str) -> None:
    assert package(file) == whose


def test_a_package_has_the_share_of_all_its_functions() -> None:
    times = {("/x/site-packages/a/b.py", 1, "f"): 1.0, ("/x/site-packages/a/c.py", 2, "g"): 2.0}
    stats: dict[Any, Any] = {where: (1, 1, seconds, 9.0, {}) for where, seconds in times.items()}
    stats["~", 0, "<sha256>"] = (1, 1, 1.0, 1.0, {})
    assert shares(stats) == [("a", 0.75), ("in C: JSON, sockets, hashes, …", 0.25)]
    assert table(stats).row_count == 2
