from __future__ import annotations

from benchmarks.cold_start import BARE, HEAD, PLAIN, USUAL, Start, markdown, rows

STARTS = {
    BARE: [Start(20, 1), Start(500, 1), Start(30, 1)],
    "ours": [Start(150, 50), Start(90, 50), Start(100, 350)],
    USUAL: [Start(400, 100), Start(400, 100), Start(400, 100)],
    PLAIN: [Start(800, 100), Start(800, 100), Start(800, 100)],
}


def test_medians_are_compared_so_that_one_slow_start_changes_nothing() -> None:
    table = {row[0]: row[1:] for row in rows(STARTS)}
    assert table[BARE][:3] == ("30", "20 to 500", "1.0")
    assert table["ours"] == ("100", "90 to 150", "3.3", "0.25", "0.12", "200", "0.40")


def test_every_row_has_a_value_for_each_heading() -> None:
    assert {len(row) for row in rows(STARTS)} == {len(HEAD)}


def test_the_documentation_names_the_command() -> None:
    text = markdown(rows(STARTS), rounds=9)
    assert text.startswith("`make bench-cold ROUNDS=9` on ")
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 + len(STARTS)
