"""What is down for hours or days costs nothing but time, on a clock that is moved."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from afterword.remembering.records import BatchState, State
from tests.support.samples import DAY, HOUR, NOW, campaign
from tests.support.simulated import (
    BATCH,
    INSTANCES,
    MOST_RECEIVES,
    SWEEP_SECONDS,
    TRANSLATE_SECONDS,
    VISIBILITY,
    WINDOW,
    Platform,
    SimulatedProvider,
    busiest,
)
from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterword.deciding.campaigns import Campaign
    from afterword.remembering.records import Invitation

WEEK = 7 * DAY
SOON = "PT10M"
# One every two minutes in each shop.
EVERY = 120
HANDFUL = 5


def begun(*campaigns: Campaign) -> Platform:
    """Return a platform with two providers' accounts: `shop`, and one that is always well."""
    platform = Platform(campaigns)
    platform.providers["shop"] = SimulatedProvider(platform.world, 30, most_recipients=50)
    platform.providers["other"] = SimulatedProvider(platform.world, 30, one_by_one=True, takes=0.2)
    platform.providers["other"].most_recipients = 25
    return platform


def sell(platform: Platform, seconds: int, *shops: str) -> Counter[str]:
    """Let purchases happen for so long; return the addresses of those who bought."""
    bought: Counter[str] = Counter()
    for number in range(seconds // EVERY):
        for shop in shops:
            order = f"{shop}-{number}"
            bought[f"{order}@example.com"] += 1
            platform.world.at(NOW + number * EVERY, partial(platform.purchase, order, shop))
    return bought


def between(platform: Platform, begins: float, ends: float) -> Callable[[], bool]:
    return lambda: begins <= platform.world.now < ends


def invitations(platform: Platform) -> list[Invitation]:
    return list(platform.ledger.memory._invitations.values())


def nothing_is_left(platform: Platform) -> None:
    """Every message became an invitation, and every invitation was sent or ended."""
    assert not platform.queue.messages
    assert not platform.queue.dead
    assert not platform.letters
    for each in invitations(platform):
        assert each.state in {State.CLAIMED, State.ENDED}
        if each.state is State.CLAIMED:
            batch = platform.ledger.memory.read_batch(each.batch or "")
            assert batch
            assert batch.state in {BatchState.SENT, BatchState.HELD}


def delays(platform: Platform, account: str, shop: str) -> list[int]:
    """Return how many seconds after they were due a shop's people were invited."""
    accepted = platform.providers[account].accepted
    at = {email: each.created_at for each in accepted for email in each.emails}
    found = ((each, f"{each.key.occasion.id}@example.com") for each in invitations(platform))
    return [
        at[email] - each.due
        for each, email in found
        if email in at and each.key.occasion.shop == shop
    ]


def balance(platform: Platform, bought: Counter[str]) -> Counter[str | None]:
    """Hold the platform to: nobody asked twice, nobody lost. Return why those ended who were not asked."""
    nothing_is_left(platform)
    invited = sum((each.invited for each in platform.providers.values()), Counter[str]())
    assert set(invited.values()) == {1}
    ended = Counter(each.reason for each in invitations(platform) if each.state is State.ENDED)
    assert len(invited) + ended.total() + len(held(platform)) == len(bought)
    for provider in platform.providers.values():
        assert busiest(provider.requests) <= provider.calls_per_minute
    return ended


def held(platform: Platform) -> list[Invitation]:
    batches = platform.ledger.memory._batches
    return [
        each
        for each in invitations(platform)
        if each.state is State.CLAIMED and batches[each.batch or ""].state is BatchState.HELD
    ]


def day_of_an_outage(how: str, *, replays: bool) -> tuple[Platform, Counter[str], float, float]:
    slow = campaign("slow", delay=SOON, expires_after="P2D")
    short = campaign("short", shop="hurried", delay=SOON, survey=2, expires_after="PT3H")
    well = campaign("well", shop="elsewhere", account="other", template=1, delay=SOON)
    platform = begun(slow, short, well)
    platform.providers["shop"].replays_key = replays
    begins, ends = NOW + 2 * HOUR, NOW + 2 * HOUR + DAY
    down = between(platform, begins, ends)
    platform.providers["shop"].is_down = lambda: how if down() else None
    bought = sell(platform, 28 * HOUR, "demo", "hurried", "elsewhere")
    return platform, bought, begins, ends


@pytest.mark.parametrize("how", ["refuses", "times out"])
@pytest.mark.parametrize("replays", [True, False], ids=["replays", "looks"])
def test_a_provider_that_is_down_for_a_day_costs_nothing_but_time(
    how: str, *, replays: bool
) -> None:
    platform, bought, begins, ends = day_of_an_outage(how, replays=replays)
    shop = platform.providers["shop"]
    depths: list[int] = []
    for hour in range(3, 26):
        at = NOW + hour * HOUR + 60
        platform.world.at(at, lambda: depths.append(len(platform.queue.messages)))
    platform.go(NOW + 32 * HOUR)

    ended = balance(platform, bought)
    # Events went on into the ledger all the time.
    assert max(depths) <= 3
    # One probe at a time finds the end, soon after it has come.
    probes = [at for at in shop.requests if begins + HOUR <= at < ends]
    assert min(after - before for before, after in pairwise(probes)) >= 890
    assert min(at for at in shop.requests if at >= ends) < ends + 960
    doubtful = len({each.batch for each in held(platform)})
    uncertain = platform.counts["uncertain"]
    assert doubtful <= HANDFUL
    if how == "refuses":
        assert uncertain == 0
    # No stale blast: what was meant for the next three hours is not sent a day later.
    assert set(ended) == {"expired"}
    assert max(delays(platform, "shop", "hurried")) <= 3 * HOUR
    # And nobody else waits.
    assert max(delays(platform, "other", "elsewhere")) <= 180
    print(  # noqa: T201 -- the figures are for whoever reads the report
        f"{how}, {'replays' if replays else 'looks'}: {len(probes)} requests in the last 23 hours of the outage,"
        f" {uncertain} invitations were in doubt, {len(held(platform))} held, {ended['expired']} expired,"
        f" back {min(at for at in shop.requests if at >= ends) - ends:.0f} s after its end"
    )


def test_one_by_one_calls_that_get_lost_for_a_day_cost_one_person_a_probe() -> None:
    lost = campaign("lost", account="other", template=1, delay=SOON)
    platform = begun(lost)
    down = between(platform, NOW + 2 * HOUR, NOW + 8 * HOUR)
    platform.providers["other"].is_down = lambda: "times out" if down() else None
    bought = sell(platform, 10 * HOUR, "demo")
    platform.go(NOW + 12 * HOUR)
    invited = platform.providers["other"].invited
    lost_calls = platform.providers["other"].uncertain
    waiting = [each for each in invitations(platform) if each.state is State.HELD]
    assert len(invited) + len(waiting) == len(bought)
    assert len(waiting) == lost_calls <= 6 * HOUR // 900 + 6


@pytest.mark.parametrize("what", ["ledger", "parameters"])
def test_twelve_hours_without_the_ledger_or_parameters_lose_no_event(what: str) -> None:
    platform = begun(campaign("slow", delay=SOON), campaign("soon", shop="elsewhere", survey=2))
    gone = between(platform, NOW + HOUR, NOW + 13 * HOUR)
    if what == "ledger":
        platform.ledger.is_down = gone
    else:
        platform.parameters_down = gone
    bought = sell(platform, 14 * HOUR, "demo", "elsewhere")
    at_worst: list[int] = []

    def look() -> None:
        at_worst.append(
            max((each.receives for each in platform.queue.messages.values()), default=0)
        )

    platform.world.at(NOW + 13 * HOUR - 1, look)
    platform.go(NOW + 16 * HOUR)
    assert not balance(platform, bought)
    assert 100 < at_worst[0] < MOST_RECEIVES
    print(f"{what} gone for 12 hours: {at_worst[0]} receives of {MOST_RECEIVES}")  # noqa: T201 -- as above


def test_without_an_end_in_sight_a_message_becomes_a_dead_letter_after_a_day_and_not_before() -> (
    None
):
    platform = begun(campaign("slow", delay=SOON))
    platform.ledger.is_down = lambda: True
    sell(platform, EVERY, "demo")
    platform.go(NOW + 25 * HOUR)
    assert not platform.queue.dead
    platform.go(NOW + 28 * HOUR)
    assert len(platform.queue.dead) == 1


def test_an_outage_of_a_week_ends_in_invitations_or_in_expiry() -> None:
    patient = campaign("patient", delay=SOON)
    short = campaign("short", shop="hurried", delay=SOON, survey=2, expires_after="P2D")
    platform = begun(patient, short)
    down = between(platform, NOW + HOUR, NOW + HOUR + WEEK)
    platform.providers["shop"].is_down = lambda: "refuses" if down() else None
    bought = sell(platform, DAY, "demo", "hurried")
    platform.go(NOW + WEEK + 4 * HOUR)
    ended = balance(platform, bought)
    assert set(ended) == {"expired"}
    of_short = {email for email in bought if email.startswith("hurried")}
    assert ended["expired"] == len(of_short - platform.providers["shop"].invited.keys())
    assert max(delays(platform, "shop", "hurried")) <= 2 * DAY
    patients = {email for email in bought if email.startswith("demo")}
    assert patients <= platform.providers["shop"].invited.keys()


def test_a_schedule_missed_for_a_day_is_made_up_for() -> None:
    platform = begun(campaign("slow", delay=SOON, expires_after="P2D"))
    platform.schedule_down = between(platform, NOW + HOUR, NOW + HOUR + DAY)
    bought = sell(platform, DAY, "demo")
    platform.go(NOW + DAY + 2 * HOUR)
    assert not balance(platform, bought)
    assert max(delays(platform, "shop", "demo")) > 22 * HOUR


def test_the_platform_is_simulated_as_the_template_has_it() -> None:
    template = Template(read_document())
    (queue,) = (
        each
        for name, each in template.resources("AWS::SQS::Queue").items()
        if name == "ShopEventsQueue"
    )
    assert queue["VisibilityTimeout"] == VISIBILITY
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_RECEIVES
    functions = template.resources("AWS::Serverless::Function")
    translate = functions["TranslateEventsFunction"]
    mapping = translate["Events"]["ShopEvents"]["Properties"]
    assert (translate["Timeout"], mapping["BatchSize"]) == (TRANSLATE_SECONDS, BATCH)
    assert mapping["MaximumBatchingWindowInSeconds"] == WINDOW
    assert mapping["ScalingConfig"]["MaximumConcurrency"] == INSTANCES
    assert functions["SendDueInvitationsFunction"]["Timeout"] == SWEEP_SECONDS
