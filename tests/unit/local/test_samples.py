from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from local.errors import LocalError
from local.samples import EVENTS, read_sample

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)


def test_a_sample_happens_now() -> None:
    assert read_sample(EVENTS / "purchase.json", NOW)["occurred_at"] == "2026-12-24T18:00:00+00:00"


def test_a_sample_may_be_left_as_it_is() -> None:
    assert read_sample(EVENTS / "purchase.json", None)["occurred_at"] == "2026-11-01T10:00:00Z"


def test_a_missing_file_says_where_there_are_samples(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot be read: No such file .* samples in events/"):
        read_sample(tmp_path / "none.json", NOW)


@pytest.mark.parametrize("text", ["", "{", "[1]", '"purchase"', "NaN"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "event.json"
    file.write_text(text)
    with pytest.raises(LocalError, match="does not hold a JSON object"):
        read_sample(file, NOW)
