"""What stands around delivering: messages, the queue, the report, accounts' settings, the functions."""

from __future__ import annotations

import io
import json
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import EndpointConnectionError

from functions.deliver_invitations import app as deliver
from functions.enqueue_due_invitations import app as enqueue
from invitation_service.delivering.accounts import MailAccounts
from invitation_service.delivering.messages import BrokenMessageError, Message, read_message
from invitation_service.delivering.records import Job
from invitation_service.delivering.report import METRICS, Clerk
from invitation_service.delivering.rules import delay
from invitation_service.delivering.sqs import QueueError, SqsQueue, teller
from invitation_service.delivering.sweep import sweep
from invitation_service.mailing.outcomes import MailServerError
from invitation_service.settings import SettingsError
from tests.support.delivering import NOON, MailRoom, settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider
    from mypy_boto3_sqs import SQSClient

JOB = Job("shop", 1, 7)


class Sqs:
    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.failed: list[dict[str, str]] = []
        self.error: Exception | None = None

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        assert len({each["Id"] for each in request["Entries"]}) == len(request["Entries"])
        self.batches.append([each["MessageBody"] for each in request["Entries"]])
        return {"Failed": self.failed} if self.failed else {}


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


def queue_of(sqs: Sqs) -> SqsQueue:
    return SqsQueue(lambda: cast("SQSClient", sqs), "https://sqs.example.com/delivery")


def logger(stream: io.StringIO) -> Logger:
    return Logger(service=f"delivery-{id(stream)}", stream=stream)


def test_a_message_is_read_as_it_was_written() -> None:
    for message in (Message.about(JOB), Message.about(JOB, 1, 50)):
        assert read_message(message.text()) == message
        assert message.job == JOB
    assert json.loads(Message.about(JOB).text()) == {
        "account": "shop",
        "survey": 1,
        "invitation": 7,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("jane@example.com", "message: unreadable"),
        ('{"account":"jane@example.com","survey":1,"invitation":2}', "message: account"),
        ('{"account":"shop","first":"jane@example.com"}', "message: first, invitation, survey"),
    ],
)
def test_a_broken_message_is_told_without_its_text(text: str, told: str) -> None:
    with pytest.raises(BrokenMessageError) as caught:
        read_message(text)

    assert str(caught.value) == told


def test_messages_go_ten_at_a_time(sqs: Sqs) -> None:
    queue_of(sqs).send([Message.about(JOB, each, each) for each in range(23)])

    assert [len(each) for each in sqs.batches] == [10, 10, 3]
    assert read_message(sqs.batches[2][2]) == Message.about(JOB, 22, 22)


def test_a_message_that_is_not_taken_is_an_error(sqs: Sqs) -> None:
    sqs.failed = [{"Id": "0"}]

    with pytest.raises(QueueError):
        queue_of(sqs).send([Message.about(JOB)])


def test_whoever_creates_an_invitation_never_hears_of_a_broken_queue(sqs: Sqs) -> None:
    log = io.StringIO()
    tell = teller(queue_of(sqs), logger(log))
    tell(JOB)
    assert [read_message(text) for [text] in sqs.batches] == [Message.about(JOB)]

    sqs.error = EndpointConnectionError(endpoint_url="https://sqs.example.com")
    tell(JOB)
    sqs.error, sqs.failed = None, [{"Id": "0"}]
    tell(JOB)

    assert log.getvalue().count('"level":"WARNING"') == 2
    assert "EndpointConnectionError" in log.getvalue()


def clerk(outcomes: list[Counter[str] | Exception], log: io.StringIO) -> tuple[Clerk, Metrics]:
    def work(_: Message) -> Counter[str]:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    metrics = Metrics(namespace="Afterword", service="afterword-test")
    metrics.clear_metrics()
    return Clerk(work, logger(log), metrics), metrics


def record(number: int, body: str) -> dict[str, str]:
    return {"messageId": f"message-{number}", "body": body}


def test_each_slice_is_one_line_and_a_few_numbers() -> None:
    log = io.StringIO()
    counts = Counter(delivered=45, failed=1, later=2, uncertain=1, suppressed=1, account_fault=1)
    made, metrics = clerk([counts], log)

    assert made.work_off([record(1, Message.about(JOB, 1, 50).text())]) == []

    [line] = [json.loads(each) for each in log.getvalue().splitlines()]
    assert line["level"] == "INFO"
    assert line["message"] == "slice mailed"
    assert (line["account"], line["survey"], line["invitation"]) == ("shop", 1, 7)
    assert line["counts"] == dict(counts)
    told: dict[str, Any] = {**metrics.serialize_metric_set()}
    assert {name: told[name] for name in METRICS.values()} == {
        METRICS[outcome]: [float(count)] for outcome, count in counts.items()
    }
    assert told["MailsEnded"] == [47.0]
    assert told["service"] == "afterword-test"
    assert told["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Afterword"


def test_of_a_batch_those_that_failed_come_again_and_tell_no_address() -> None:
    log = io.StringIO()
    made, metrics = clerk([RuntimeError("jane@example.com"), Counter()], log)
    good = Message.about(JOB).text()

    failed = made.work_off([record(1, good), record(2, "jane@example.com"), record(3, good)])
    metrics.clear_metrics()

    assert failed == ["message-1", "message-2"]
    assert "RuntimeError" in log.getvalue()
    assert "looked after" in log.getvalue()
    assert "jane" not in log.getvalue()


class Ssm:
    def __init__(self, value: str | Exception) -> None:
        self.value = value
        self.asked: list[str] = []

    def get(self, name: str, **options: object) -> str:
        assert options == {"max_age": 60, "decrypt": True}
        self.asked.append(name)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def accounts(ssm: Ssm, log: io.StringIO) -> MailAccounts:
    return MailAccounts(lambda: cast("SSMProvider", ssm), "/a/mail", logger(log))


def test_an_accounts_settings_are_read_by_its_name() -> None:
    wanted = settings()
    ssm = Ssm(wanted.model_dump_json(exclude_none=True))

    assert accounts(ssm, io.StringIO())("shop") == wanted
    assert ssm.asked == ["/a/mail/shop"]


@pytest.mark.parametrize(
    ("value", "reason", "is_its_fault"),
    [
        (GetParameterError("ParameterNotFound: nothing"), "no_settings", True),
        (GetParameterError("ThrottlingException: slower"), "settings_unreadable", False),
        ('{"host":"mail.example.com","password":"planted-secret"}', "wrong_settings", True),
    ],
)
def test_settings_that_can_not_be_used_are_a_mail_server_that_is_not_there(
    value: str | Exception, reason: str, *, is_its_fault: bool
) -> None:
    log = io.StringIO()

    with pytest.raises(MailServerError) as caught:
        accounts(Ssm(value), log)("shop")

    assert (caught.value.reason, caught.value.account_fault) == (reason, is_its_fault)
    assert '"account":"shop"' in log.getvalue()
    assert "planted-secret" not in log.getvalue()


def test_delays_grow_up_to_a_quarter_of_an_hour() -> None:
    minutes = [delay(tries).total_seconds() / 60 for tries in (1, 2, 3, 4, 100)]

    assert minutes == [1, 5, 15, 15, 15]


def test_a_sweep_tells_of_all_that_is_due_until_its_time_is_over() -> None:
    room = MailRoom()
    jobs = [room.invite("jane") for _ in range(25)]
    room.queue.clear()
    room.now = NOON.replace(minute=2)
    left = iter([60.0, 60.0, 9.0])

    assert sweep(room.store, room, room.now, lambda: next(left)) == 20
    assert [each.job for each in room.queue] == jobs[:20]
    assert room.sweep() == 5
    assert room.sweep() == 0
    room.now = NOON.replace(minute=17)
    assert room.sweep() == 25


class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_the_function_works_off_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    room = MailRoom()
    job = room.invite("jane")
    seconds: list[float] = []

    class Watched:
        def work(self, message: Message, seconds_left: Any) -> Counter[str]:
            seconds.append(seconds_left())
            return room.worker().work(message, seconds_left)

    monkeypatch.setattr(deliver, "_worker", Watched)
    monkeypatch.setattr(deliver.metrics, "namespace", "Afterword")
    monkeypatch.setattr(deliver.metrics, "service", "afterword-test")
    for message in room.queue:
        event = {"Records": [record(1, message.text())]}
        assert deliver.handler(event, Context()) == {"batchItemFailures": []}
    broken = {"Records": [record(2, "?")]}
    assert deliver.handler(broken, Context()) == {
        "batchItemFailures": [{"itemIdentifier": "message-2"}]
    }

    assert room.mailer.taken == ["jane@example.com"]
    assert room.status(job) == "delivered"
    assert seconds == [300.0, 300.0]


def test_the_sweeping_function_says_how_many_it_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    room = MailRoom()
    room.invite("jane")
    room.queue.clear()
    monkeypatch.setattr(enqueue, "_parts", lambda: SimpleNamespace(store=room.store, queue=room))
    monkeypatch.setattr(enqueue.metrics, "namespace", "Afterword")
    monkeypatch.setattr(enqueue.metrics, "service", "afterword-test")

    assert enqueue.handler({}, Context()) == {"told": 1}
    assert [each.survey for each in room.queue] == [1]


@pytest.mark.parametrize("make", [deliver._worker, enqueue._parts])
def test_a_function_that_is_told_nothing_says_so(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DELIVERY_QUEUE_URL", "PARAMETER_PREFIX", "TABLE_NAME"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SettingsError):
        make.__wrapped__()


@pytest.mark.parametrize("make", [deliver._worker, enqueue._parts])
def test_a_function_makes_its_parts_without_a_call(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVERY_QUEUE_URL", "https://sqs.example.com/delivery")
    monkeypatch.setenv("PARAMETER_PREFIX", "/afterword/test")
    monkeypatch.setenv("TABLE_NAME", "invitations")

    assert make.__wrapped__()
