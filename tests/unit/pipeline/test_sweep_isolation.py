"""What breaks in one campaign stops no other, and is heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError
from afterword.sending.mending import Mender
from afterword.sending.sender import Sender
from afterword.sweep import Sweep
from tests.support.samples import HOUR, campaign
from tests.support.shop import INVOCATION, Shop

if TYPE_CHECKING:
    from collections.abc import Sequence


def two_campaigns() -> Shop:
    shop = Shop([campaign("one", delay="PT1H"), campaign("two", delay="PT1H", account="other")])
    shop.translate(shop.purchase("A-1"))
    shop.clock.pass_by(HOUR)
    return shop


@pytest.mark.parametrize(
    "fault", [KeyError("jana@example.com"), LedgerError("ValidationException")], ids=str
)
def test_a_campaign_that_breaks_its_sweep_stops_no_other(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shop = two_campaigns()
    due = shop.ledger.due

    def fail(campaign: str, now: int, limit: int) -> Any:
        if campaign == "one":
            raise fault
        return due(campaign, now, limit)

    shop.ledger.due = fail  # type: ignore[method-assign]  # a lane that breaks
    counts = shop.sweep()
    assert (counts["failed"], counts["sent"]) == (1, 1)
    assert "campaign one" in caplog.text
    assert "jana" not in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        AccountError("shop", ("base_url: it should begin with https://",)),
        ParametersError("accounts/shop: AccessDeniedException"),
    ],
    ids=["broken", "unreadable"],
)
def test_an_account_that_cannot_be_used_stops_no_other_and_is_named(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    shop = two_campaigns()

    def provider_of(name: str) -> Any:
        if name == "shop":
            raise fault
        return shop.provider

    deadline = shop.clock() + INVOCATION
    ids = iter(["B-1", "B-2"])
    sender = Sender(shop.ledger, provider_of, shop.clock, lambda: next(ids), deadline)
    mender = Mender(shop.ledger, provider_of, {}, shop.clock, deadline)
    sweep = Sweep(shop.ledger, sender, mender, shop.clock, deadline, as_they_are)
    counts = sweep.run(shop.campaigns, shop.clock())
    assert (counts["blocked.broken_account"], counts["sent"]) == (1, 1)
    assert f"campaign one waits: {fault}" in caplog.text


def as_they_are[T](campaigns: Sequence[T]) -> Sequence[T]:
    return campaigns
