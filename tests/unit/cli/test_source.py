from __future__ import annotations

import pytest

from cli.errors import CommandError
from cli.respondents.source import shop_name, written_at
from tests.support.samples import NOW


def test_a_file_is_as_old_as_the_file_system_says_unless_the_operator_says_otherwise() -> None:
    assert written_at(None, NOW - 0.5, NOW) == NOW - 1
    assert written_at("2026-01-31T13:00:00+01:00", NOW - 0.5, NOW) == 1_769_860_800


@pytest.mark.parametrize("as_of", ["", "yesterday", "2026-01-31", "2026-01-31T12:00:00"])
def test_a_time_without_a_zone_is_none(as_of: str) -> None:
    with pytest.raises(CommandError, match=r"^--as-of: .* is no time with a zone"):
        written_at(as_of, NOW, NOW)


def test_a_file_from_the_future_is_refused() -> None:
    assert written_at(None, NOW, NOW) == NOW
    with pytest.raises(CommandError, match=r"from the future\. Say by --as-of"):
        written_at(None, NOW + 1, NOW)
    with pytest.raises(CommandError, match="from the future"):
        written_at("2030-01-01T00:00:00Z", NOW, NOW)


def test_a_shop_has_a_name_as_in_events() -> None:
    assert shop_name("demo") == "demo"
    with pytest.raises(CommandError, match=r"^--shop: "):
        shop_name("no shop")
