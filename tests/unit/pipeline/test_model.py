"""Whatever happens, in whatever order, and killed wherever: nobody is invited twice, and nothing is left lying.

`HYPOTHESIS_PROFILE=long` looks for much longer.
"""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from moto import mock_aws

from tests.support.model import Pipeline, PipelineOnDynamoDb

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def examples(short: int, steps: int) -> settings:
    return settings(
        max_examples=short * 100 if LONG else short,
        stateful_step_count=steps * 2 if LONG else steps,
        deadline=None,
        # The same examples at each run, unless there is time for new ones.
        derandomize=not LONG,
        database=None,
    )


def test_in_any_order_nobody_is_invited_twice_and_nothing_is_left_lying() -> None:
    run_state_machine_as_test(Pipeline, settings=examples(80, 30))


def test_the_same_holds_on_dynamodb() -> None:
    with mock_aws():
        run_state_machine_as_test(PipelineOnDynamoDb, settings=examples(3, 12))
