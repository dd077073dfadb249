"""What a fault of the drill is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.drill.world import World

    type Step = Callable[[World], object]


def nothing(world: World) -> None:
    """Do nothing."""
    del world


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        name: What happens.
        alarms: The alarms that go off, by their logical ids, and no others.
        comes: Lets it come.
        lasts: Minutes before somebody does something about it.
        each: What happens in each of these minutes, and until it is over.
        mended: What is done outside of our commands: a setting, a deployment, the provider's own repair.
        fixed: The commands that the operator types, as the runbook has them.
        over: Minutes within which the alarms are over then.
        silent: Whether nothing happens, so that minutes are alike, and few of them need be run.
        apart: Whether sweeps have no part in it, so that each says what the last one said.
    """

    name: str
    alarms: frozenset[str]
    comes: Step = nothing
    lasts: int = 5
    each: Step = nothing
    mended: Step = nothing
    fixed: Step = nothing
    over: int = 25
    silent: bool = False
    apart: bool = False


def alarms(*names: str) -> frozenset[str]:
    """Return the logical ids of alarms."""
    return frozenset(f"{name}Alarm" for name in names)


def buy(world: World) -> None:
    """Let the shop send a purchase."""
    world.buy()
