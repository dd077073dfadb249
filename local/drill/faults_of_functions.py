"""Faults of single functions, and what the invitation service tells of its mails."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics

from invitation_service.delivering.report import Clerk
from local.cloud import ROOT
from local.drill.fault import Fault, alarms, buy, nothing
from local.drill.functions import DELIVER, ENQUEUE, LOGICAL, SEND_DUE, SERVICE, TRANSLATE
from local.drill.stack import STAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.drill.fault import Step
    from local.drill.world import World

_REQUEST = ROOT / "events" / "api" / "show_survey.json"
_MESSAGE = {"version": 1, "account": "demo", "survey": 1, "invitation": 1}


def of_functions() -> Iterator[Fault]:
    """Yield the faults of all functions."""
    for name in LOGICAL:
        yield from _of_function(name)


def _of_function(name: str) -> Iterator[Fault]:
    logical = LOGICAL[name].removesuffix("Function")
    asked, apart = _asks(name), name != SEND_DUE
    yield Fault(
        f"{name} crashes",
        alarms(f"{logical}Errors"),
        # As after a deployment that lost a variable.
        comes=lambda world: world.functions.renew(name, TABLE_NAME=""),
        each=asked,
        lasts=3,
        mended=lambda world: world.functions.renew(name),
        apart=apart,
    )
    yield Fault(
        f"{name} is throttled",
        alarms(f"{logical}Throttles"),
        comes=lambda world: world.functions.throttled.add(name),
        each=asked,
        lasts=15,
        mended=lambda world: world.functions.throttled.discard(name),
        apart=apart,
    )
    yield Fault(
        f"{name} takes almost all of its time",
        alarms(f"{logical}NearTimeOut"),
        comes=_slow(name),
        each=asked,
        lasts=15,
        mended=lambda world: world.functions.slow.pop(name),
        apart=apart,
    )


def _slow(name: str) -> Step:
    def comes(world: World) -> None:
        world.functions.slow[name] = 0.9 * world.functions.timeout(name)

    return comes


def _asks(name: str) -> Step:
    """Return what gives a function something to do."""
    steps: dict[str, Step] = {
        TRANSLATE: buy,
        SEND_DUE: nothing,
        SERVICE: lambda world: world.invoke(SERVICE, json.loads(_REQUEST.read_text())),
        DELIVER: lambda world: world.invoke(DELIVER, {"Records": []}),
        ENQUEUE: lambda world: world.invoke(ENQUEUE, {}),
    }
    return steps[name]


def of_mails() -> Iterator[Fault]:
    """Yield the faults of mail servers, as the service's own reporter tells of them."""
    yield Fault(
        "a mail server refuses the account",
        alarms("MailAccountFaults"),
        comes=_mails(account_fault=1, later=3),
        apart=True,
    )
    yield Fault(
        "a quarter of the mails is given up",
        alarms("FailedMails"),
        comes=_mails(delivered=30, failed=10),
        over=185,
        silent=True,
    )


def _mails(**became: int) -> Step:
    def comes(world: World) -> None:
        metrics = Metrics(namespace="Afterword", service=f"afterword-{STAGE}")
        clerk = Clerk(lambda _: Counter(became), Logger("drill", stream=io.StringIO()), metrics)
        with redirect_stdout(io.StringIO()) as printed:
            clerk.work_off([{"messageId": "m-1", "body": json.dumps(_MESSAGE)}])
            metrics.flush_metrics()
        world.watch.take(printed.getvalue(), world.now)

    return comes
