"""Five sweeps that overlap, and the queue's function beside them, keep an account's rate, and use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from afterword import sweep
from afterword.remembering.records import Customer, Invitation, Key, Occasion
from tests.support.samples import HOUR, NOW, campaign
from tests.support.simulated import Platform, SimulatedProvider, busiest

if TYPE_CHECKING:
    from afterword.deciding.campaigns import Campaign

MINUTES = 16
# From when on five sweeps overlap.
BEGINS = 5
# Netquest's batches are as they are. One of the NPS dialect's stands for 10,000: it has fewer rows, each of which
# takes longer.
NPS_BATCH = 20
MOST = 0.97
NPS_ROW_COST = 0.02


def backlog(platform: Platform, campaigns: list[Campaign], rows: int) -> None:
    """Let so many invitations be due, that nobody needs to write in virtual time."""
    keys = [
        Key(Occasion(each.shop, "purchase", f"{each.id}-{number}"), each.id)
        for each in campaigns
        for number in range(rows // len(campaigns))
    ]
    due = [
        Invitation(key, f"{key.occasion.shop}#{key}", NOW - 2 * HOUR, NOW - HOUR) for key in keys
    ]
    memory = platform.ledger.memory
    memory.create(due, NOW)
    people = [(each.customer, f"{each.key.occasion.id}@example.com") for each in due]
    memory.remember_customers([Customer(who, email, token="t") for who, email in people], NOW)


def campaigns_of(surveys: int) -> list[Campaign]:
    """Return one for each survey; what happens meanwhile concerns the first one alone."""
    return [
        campaign(f"c-{n}", survey=n, template=1, shop="demo" if n == 1 else "other")
        for n in range(1, surveys + 1)
    ]


def simulate(provider: SimulatedProvider, platform: Platform, what: str) -> None:
    """Run, tell the figures, and hold them to what was promised."""
    platform.providers["shop"] = provider
    begins, ends = NOW + 60 * BEGINS, NOW + 60 * MINUTES
    for number in range(60 * MINUTES // 10):
        # What happens meanwhile is due at once: the queue's function sends, too.
        platform.world.at(NOW + 10 * number, lambda number=number: platform.purchase(f"Q-{number}"))  # type: ignore[misc]  # bound here
    platform.go(ends)
    limit = provider.calls_per_minute
    within = [at for at in provider.requests if begins <= at < ends]
    used = len(within) / (limit * (MINUTES - BEGINS))
    most = busiest(provider.requests)
    by_queue = sum(each.startswith("q-") for each in provider.invited)
    print(  # noqa: T201 -- the figures are for whoever reads the report
        f"{what}: {100 * used:.1f} % of {limit} a minute used, at most {most} in any minute,"
        f" {platform.most_running['sweep']} sweeps at once,"
        f" {len(provider.invited)} invited, {by_queue} of them from the queue while it went on"
    )
    assert most <= limit
    assert used >= MOST
    assert max(provider.invited.values()) == 1
    assert platform.counts["failed"] == 0
    # Else there was no backlog, and nothing has been shown.
    assert platform.ledger.memory.due("c-1", NOW, 1)


@pytest.mark.parametrize(("limit", "surveys"), [(200, 1), (90, 2)], ids=str)
def test_netquest_s_calls_one_for_each_recipient(limit: int, surveys: int) -> None:
    campaigns = campaigns_of(surveys)
    platform = Platform(campaigns)
    backlog(platform, campaigns, (surveys + 1) * limit * MINUTES)
    provider = SimulatedProvider(
        platform.world, limit, one_by_one=True, most_recipients=25, takes=0.2
    )
    simulate(provider, platform, f"netquest, {surveys} surveys")


@pytest.mark.parametrize("replays", [True, False], ids=["replays", "looks"])
@pytest.mark.parametrize(("limit", "surveys"), [(20, 6), (30, 12)], ids=str)
def test_bulk_calls_of_the_nps_dialect(
    limit: int, surveys: int, *, replays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_MOST_ROWS", NPS_BATCH)
    campaigns = campaigns_of(surveys)
    platform = Platform(campaigns)
    platform.ledger.row_cost = NPS_ROW_COST
    backlog(platform, campaigns, 2 * limit * MINUTES * NPS_BATCH)
    provider = SimulatedProvider(
        platform.world, limit, replays_key=replays, most_recipients=NPS_BATCH, takes=3
    )
    way = "replays" if replays else "looks"
    simulate(provider, platform, f"nps, {surveys} surveys, {way}")
