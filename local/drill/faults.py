"""The faults of the drill: how each comes, which alarms it sets off, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local.drill import provider
from local.drill.fault import Fault, alarms, buy
from local.drill.faults_of_functions import of_functions, of_mails
from local.drill.functions import NOWHERE, SEND_DUE, TRANSLATE
from local.drill.queues import DELIVERY_LETTERS, EVENTS, SCHEDULE_LETTERS
from local.drill.shop import PANEL, SECRET, SHOP, campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.drill.fault import Step
    from local.drill.world import World


def _of_queues() -> Iterator[Fault]:
    yield Fault(
        "a message that nobody can read",
        alarms("DeadLetters"),
        comes=lambda world: world.send(EVENTS, "no JSON"),
        fixed=_mend_dead_letters,
    )
    # No local engine puts it there: EventBridge Scheduler does, when it could not start the function.
    yield Fault(
        "the schedule's own dead letter",
        alarms("FollowUpScheduleDeadLetters"),
        comes=lambda world: world.send(SCHEDULE_LETTERS, "{}"),
        mended=lambda world: world.queues.purge(SCHEDULE_LETTERS),
        apart=True,
    )
    yield Fault(
        "a delivery that failed five times",
        alarms("DeliveryDeadLetters"),
        comes=lambda world: world.send(DELIVERY_LETTERS, "{}"),
        mended=lambda world: world.queues.purge(DELIVERY_LETTERS),
        apart=True,
    )
    yield Fault(
        "nobody reads the queue",
        alarms("QueueAge"),
        comes=lambda world: world.runs.discard(TRANSLATE),
        lasts=13,
        each=buy,
        mended=lambda world: world.runs.add(TRANSLATE),
    )
    yield Fault("the shops send nothing", alarms("FewEvents"), lasts=361, silent=True, mended=buy)


def _mend_dead_letters(world: World) -> None:
    body = world.operator.file("mended.json", world.shop.purchase(SHOP, world.now))
    for each in json.loads(world.types("dead-letters list --json"))["letters"]:
        world.types(f"dead-letters redrive {each['id']} --body {body} --yes")


def _of_sweeps() -> Iterator[Fault]:
    yield Fault(
        "the schedule starts nothing",
        alarms("OverdueInvitations"),
        comes=lambda world: world.runs.discard(SEND_DUE),
        lasts=18,
        mended=lambda world: world.runs.add(SEND_DUE),
    )
    yield Fault(
        "a pause that is forgotten",
        alarms("OverdueInvitations"),
        comes=_pause,
        lasts=33,
        fixed=lambda world: world.types("resume --all --yes"),
    )


def _pause(world: World) -> None:
    world.types("pause --all --reason drill --yes")
    world.buy()


def _of_providers() -> Iterator[Fault]:
    yield Fault(
        "the provider refuses connections",
        alarms("ProviderDown"),
        comes=lambda world: world.provider.close(),
        lasts=12,
        each=buy,
        mended=lambda world: world.provider.open(),
    )
    yield Fault(
        "the provider fails in the middle of calls",
        alarms("ProviderDown"),
        comes=_behaves(provider.FAILS),
        lasts=15,
        each=buy,
        mended=_behaves(provider.WELL),
    )
    yield Fault(
        "the provider refuses our credentials",
        alarms("CredentialsRefused"),
        comes=_behaves(provider.REFUSES),
        lasts=12,
        each=buy,
        mended=_behaves(provider.WELL),
        fixed=lambda world: world.types("secrets rotate accounts/shop --yes", SECRET),
    )
    yield Fault(
        "an account's secret is gone",
        alarms("SecretMissing"),
        comes=_forget_secret,
        each=buy,
        fixed=lambda world: world.types("secrets put accounts/shop", SECRET),
    )
    yield Fault(
        "an answer that nobody understands",
        alarms("HeldInvitations"),
        comes=_behaves(provider.UNREADABLE, PANEL),
        mended=_behaves(provider.WELL),
        fixed=_resolve_held,
    )
    # After the one before, since the account is closed until the next day.
    yield Fault(
        "the account's invitations are used up",
        alarms("QuotaUsedUp"),
        comes=_behaves(provider.NO_QUOTA, PANEL),
        mended=_behaves(provider.WELL),
        fixed=lambda world: world.types(f"cancel A-{world.shop.order} --shop {PANEL} --yes"),
        over=50,
    )


def _behaves(how: str, buyer: str | None = None) -> Step:
    def comes(world: World) -> None:
        world.provider.behaves = how
        if buyer:
            world.buy(buyer)

    return comes


def _forget_secret(world: World) -> None:
    world.shop.remove("secrets/accounts/shop")
    world.functions.renew()


def _resolve_held(world: World) -> None:
    world.types("held list")
    world.types("held resolve --all --as drop --yes")


def _of_campaigns() -> Iterator[Fault]:
    # The sweep fails, too, so that its errors are heard of.
    yield Fault(
        "no campaign loads",
        alarms("NoCampaigns", "SendDueInvitationsErrors"),
        comes=_remove_campaigns,
        lasts=10,
        fixed=_put_campaigns,
    )
    yield Fault(
        "a campaign that can't be read",
        alarms("BrokenCampaigns"),
        comes=lambda world: world.shop.put("campaigns/after-purchase", "{"),
        lasts=8,
        fixed=_put_campaigns,
    )
    yield Fault(
        "a mapping that can't be read",
        alarms("BrokenMappings"),
        comes=lambda world: world.shop.put("mappings/other", "{"),
        lasts=8,
        each=buy,
        mended=lambda world: world.shop.remove("mappings/other"),
    )


def _remove_campaigns(world: World) -> None:
    for name in campaigns():
        world.shop.remove(f"campaigns/{name}")


def _put_campaigns(world: World) -> None:
    for name, text in campaigns().items():
        world.types(f"campaigns put {world.operator.file(f'{name}.json', text)} --yes")


def _of_much() -> Iterator[Fault]:
    """Yield faults that concern more than one thing, so that more than one alarm tells of them."""
    yield Fault(
        "the ledger is down",
        alarms("QueueAge", "SendDueInvitationsErrors"),
        comes=lambda world: world.functions.renew(AWS_ENDPOINT_URL_DYNAMODB=NOWHERE),
        lasts=13,
        each=buy,
        mended=lambda world: world.functions.renew(),
    )
    yield Fault(
        "the provider is down for three quarters of an hour",
        alarms("ProviderDown", "OverdueInvitations"),
        comes=lambda world: world.provider.close(),
        lasts=45,
        each=buy,
        mended=lambda world: world.provider.open(),
    )


FAULTS = (
    *_of_queues(),
    *_of_sweeps(),
    *_of_providers(),
    *_of_campaigns(),
    *of_functions(),
    *of_mails(),
    *_of_much(),
)
