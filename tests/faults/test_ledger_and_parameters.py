"""AWS itself at fault: the ledger or SSM throttled, down, in conflict, or answering in part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from afterword.remembering.errors import ParametersError
from afterword.sweep import SweepError
from tests.support.aws_door import (
    BROKEN,
    OVER_CAPACITY,
    QUERIES,
    READS,
    THROTTLED,
    UNAVAILABLE,
    WRITES,
    cancelled,
    fault,
    unprocessed,
)
from tests.support.parameters import campaign_text, grow_older
from tests.support.running import SECRET, SEND_DUE, TRANSLATE
from tests.support.servers import close, refusing_port, reset
from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.aws_door import AwsDoor, Call
    from tests.support.running import Running
    from tests.support.servers import Answer

# powertools says so beside the error that ended the call.
fails_aloud = pytest.mark.filterwarnings("ignore:No application metrics to publish:UserWarning")

BADLY: dict[str, Answer] = {
    "throttled": THROTTLED,
    "over capacity": OVER_CAPACITY,
    "broken": BROKEN,
    "unavailable": UNAVAILABLE,
    "closed": close,
    "reset": reset,
}


@pytest.mark.parametrize(
    ("operation", "name"),
    [*((WRITES, name) for name in BADLY), (READS, "throttled"), (READS, "reset")],
)
def test_what_passes_by_is_waited_out(running: Running, operation: str, name: str) -> None:
    """Twice in a row is what the SDK's own three attempts bear."""
    running.through_the_door().treat(operation, BADLY[name], times=2)
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("name", BADLY)
def test_without_its_ledger_a_batch_fails_back_and_nothing_is_sent(
    running: Running, name: str
) -> None:
    aws = running.through_the_door()
    aws.treat(WRITES, BADLY[name], times=None)
    aws.treat(READS, BADLY[name], times=None)
    bodies = [running.purchase("A-1"), running.unreadable("no JSON"), running.purchase("A-2")]
    # What nobody can read is put aside all the same.
    assert running.deliver(*bodies) == [bodies[0], bodies[2]]
    assert running.told["RecordsFailed"] == 2
    assert not running.provider.asked
    aws.mend()
    assert running.redeliver() == []
    assert running.states == {"sent": 2}


def test_a_ledger_that_does_not_even_connect_gives_the_batch_back(running: Running) -> None:
    with refusing_port() as port:
        running.stage.set(AWS_ENDPOINT_URL_DYNAMODB=f"http://127.0.0.1:{port}")
        body = running.purchase()
        assert running.deliver(body) == [body]
    running.stage.set(AWS_ENDPOINT_URL_DYNAMODB=running.cloud.endpoint_url)
    running.new_instances()
    assert running.redeliver() == []
    assert running.state() == "sent"


def test_a_table_that_is_gone_gives_the_batch_back(running: Running) -> None:
    table = running.stage.table
    running.stage.set(TABLE_NAME="there-is-none")
    body = running.purchase()
    assert running.deliver(body) == [body]
    running.stage.set(TABLE_NAME=table)
    running.new_instances()
    assert running.redeliver() == []


@fails_aloud
def test_a_sweep_without_its_ledger_fails_aloud_and_the_next_one_goes_on(running: Running) -> None:
    running.campaign(delay="PT2H")
    running.deliver(running.purchase())
    running.clock.pass_by(7200)
    aws = running.through_the_door()
    aws.treat(WRITES, THROTTLED, times=None)
    with pytest.raises(SweepError):
        running.sweep()
    assert running.told["RecordsFailed"] == 1
    aws.mend()
    aws.treat(QUERIES, UNAVAILABLE, times=None)
    with pytest.raises(Exception, match="the ledger failed to query"):
        running.sweep()
    aws.mend()
    running.settle()
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("times", [1, 5])
def test_conflicts_are_repeated(running: Running, times: int) -> None:
    running.through_the_door().treat(WRITES, cancelled("TransactionConflict"), times=times)
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}
    assert len(running.backed_off) == times


def test_conflicts_without_end_give_the_batch_back(running: Running) -> None:
    aws = running.through_the_door()
    aws.treat(WRITES, cancelled("TransactionConflict"), times=None)
    body = running.purchase()
    assert running.deliver(body) == [body]
    aws.mend()
    assert running.redeliver() == []


@pytest.mark.parametrize(
    "code",
    ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"],
)
def test_a_transaction_that_was_throttled_inside_is_repeated(running: Running, code: str) -> None:
    running.through_the_door().treat(WRITES, cancelled(code))
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}


def test_a_transaction_that_is_refused_outright_gives_the_batch_back(running: Running) -> None:
    aws = running.through_the_door()
    aws.treat(WRITES, cancelled("ValidationError"))
    body = running.purchase()
    assert running.deliver(body) == [body]
    assert running.redeliver() == []


@pytest.mark.parametrize("times", [1, 5])
def test_keys_that_were_left_unprocessed_are_read_again(running: Running, times: int) -> None:
    running.through_the_door().treat(READS, unprocessed, times=times)
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}


def test_keys_that_stay_unprocessed_give_the_batch_back(running: Running) -> None:
    aws = running.through_the_door()
    aws.treat(READS, unprocessed, times=None)
    body = running.purchase()
    assert running.deliver(body) == [body]
    aws.mend()
    running.redeliver()
    running.settle()
    assert running.states == {"sent": 1}


def test_a_write_whose_answer_was_lost_is_repeated_and_counts_once(running: Running) -> None:
    """The SDK repeats it by itself, under the same token."""
    aws = running.through_the_door()
    aws.treat(WRITES, aws.done_but_lost, times=None, where=first_of_each())
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}
    assert running.told["Duplicates"] == 0


def first_of_each() -> Callable[[Call], bool]:
    """Meet each write once, not its repetition."""
    seen: set[str] = set()

    def meets(call: Call) -> bool:
        token = call.json["ClientRequestToken"]
        known = token in seen
        seen.add(token)
        return not known

    return meets


@pytest.mark.parametrize("how", ["nothing done", "done, and the answer lost"])
def test_a_ledger_that_fails_at_any_one_call_loses_nothing_and_asks_nobody_twice(
    running: Running, how: str
) -> None:
    """At the first call, at the second … until one batch goes through; each three times, so that the SDK gives up."""
    aws = running.through_the_door()
    for number in range(1, 40):
        bad = aws.done_but_lost if how != "nothing done" else BROKEN
        failed = fail_from(aws, number, bad)
        running.deliver(running.purchase(f"A-{number}"))
        aws.mend()
        if not failed:
            break
        running.redeliver_all()
        running.clock.pass_by(130)
        # Or its survey would stay taken, and the next one would only write down what waits.
        running.sweep()
    assert 5 < number < 40
    running.settle()
    assert running.states == {"sent": number}


def fail_from(aws: AwsDoor, number: int, bad: Answer) -> list[str]:
    """Let the so-manieth call to the ledger fail, and its repetitions; return what was failed."""
    failed: list[str] = []
    left = number

    def rule(call: Call) -> Answer | None:
        nonlocal left
        if call.operation not in {WRITES, READS}:
            return None
        left -= not failed
        if left == 0 and (not failed or call.body == failed[0]) and len(failed) < 3:
            failed.append(call.body)
            return bad
        return None

    aws.rules.append(rule)
    return failed


SSM: dict[str, Answer] = {"throttled": THROTTLED, "down": BROKEN, "closed": close}
READ_BY = ["GetParametersByPath", "GetParameter"]


@pytest.mark.parametrize("operation", READ_BY)
@pytest.mark.parametrize("name", SSM)
def test_a_cold_instance_without_ssm_loses_nothing(
    running: Running, operation: str, name: str
) -> None:
    aws = running.through_the_door()
    aws.treat(operation, SSM[name], times=None)
    body = running.purchase()
    assert running.deliver(body) == [body]
    assert running.told["RecordsFailed"] == 1
    aws.mend()
    assert running.redeliver() == []
    assert running.states == {"sent": 1}


@pytest.mark.parametrize("name", SSM)
def test_a_warm_instance_bears_a_minute_without_ssm_and_then_gives_back(
    running: Running, name: str
) -> None:
    aws = running.through_the_door()
    running.deliver(running.purchase("A-1"))
    for operation in READ_BY:
        aws.treat(operation, SSM[name], times=None)
    assert running.deliver(running.purchase("A-2")) == []
    grow_older(running.instance(TRANSLATE).wiring()[1].parameters, 60)
    body = running.purchase("A-3")
    assert running.deliver(body) == [body]
    aws.mend()
    assert running.redeliver() == []
    assert running.states == {"sent": 3}


@fails_aloud
def test_a_sweep_without_ssm_fails_aloud_and_the_next_one_goes_on(running: Running) -> None:
    running.campaign(delay="PT2H")
    running.deliver(running.purchase())
    running.clock.pass_by(7200)
    aws = running.through_the_door()
    aws.treat("GetParametersByPath", THROTTLED, times=None)
    with pytest.raises(ParametersError, match="ThrottlingException"):
        running.sweep()
    aws.mend()
    assert running.sweep()["sent"] == 1


def test_an_account_that_ssm_does_not_give_holds_up_only_itself(running: Running) -> None:
    running.account("other")
    running.campaign("other", account="other", shop="other")
    aws = running.through_the_door()
    aws.treat(
        "GetParameter",
        THROTTLED,
        times=None,
        where=lambda call: call.json["Name"].endswith("accounts/other"),
    )
    assert running.deliver(running.purchase("A-1"), running.purchase("B-1", shop="other")) == []
    assert (running.state("A-1"), running.state("B-1")) == ("sent", "pending")
    assert running.told["InvitationsBlocked"] == 1
    aws.mend()
    running.stage.store.put_secret("accounts/other", json.dumps(SECRET))
    running.new_instances()
    assert running.sweep()["sent"] == 1


def test_a_broken_campaign_is_run_as_it_was_and_told_of(running: Running) -> None:
    running.stage.store.put("campaigns/after-purchase", campaign_text(mode="live", survey="seven"))
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}
    assert running.told["BrokenCampaigns"] == 1


def test_a_broken_mapping_is_run_as_it_was_and_told_of(running: Running) -> None:
    mapping = {"ready": "stripe-checkout-session-completed", "shop": "demo"}
    running.stage.store.put("mappings/stripe", json.dumps(mapping))
    running.stage.store.put("mappings/stripe", "{")
    assert running.deliver(running.purchase()) == []
    assert running.states == {"sent": 1}
    assert running.told["BrokenMappings"] == 1


def test_where_no_campaign_loads_the_batch_fails_back_and_says_why(running: Running) -> None:
    running.cloud.client("ssm").delete_parameter(Name="/afterword/test/campaigns/after-purchase")
    body = running.purchase()
    assert running.deliver(body) == [body]
    assert running.told["RecordsFailed"] == 1
    assert "no campaign loads" in running.printed
    running.campaign()
    running.new_instances()
    assert running.redeliver() == []


def test_twelve_hours_are_not_enough_to_make_a_good_event_a_dead_letter(running: Running) -> None:
    """The queue's own count: as the template has it, 240 receives a visibility time-out apart."""
    del running
    queue = Template(read_document()).queues["ShopEventsQueue"]
    receives = queue["RedrivePolicy"]["maxReceiveCount"]
    assert receives * queue["VisibilityTimeout"] > 24 * 3600


@fails_aloud
def test_an_error_of_the_index_is_no_empty_index(running: Running) -> None:
    running.campaign(delay="PT2H")
    running.deliver(running.purchase())
    running.clock.pass_by(7200)
    running.through_the_door().treat(QUERIES, fault("ResourceNotFoundException"), times=None)
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        running.invoke(SEND_DUE, {})
