from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.support.functions import Stage
from tests.support.parameters import campaign_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Return one stage for all examples of a module."""
    with mock_aws(), pytest.MonkeyPatch.context() as monkeypatch:
        made = Stage(monkeypatch)
        made.store.put("campaigns/after-purchase", campaign_text(mode="live", delay="P30D"))
        made.store.put(
            "campaigns/after-signup", campaign_text(event="signup", mode="live", delay="P30D")
        )
        yield made
