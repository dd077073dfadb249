"""The running thing: both functions with real clients, a queue, a ledger, a provider, and a clock set by hand."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from math import ceil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.endpoint

from afterword import wiring
from afterword.remembering.dynamodb import DynamoDbLedger, items
from afterword.remembering.dynamodb.table import Table, from_wire, to_wire
from afterword.remembering.records import BatchState, State
from afterword.sending import http, providers
from afterword.sending.concurrent_http import ConcurrentHttp
from tests.support.aws_door import aws_door
from tests.support.functions import Context, Stage, load, purchase, sqs_event
from tests.support.invitation_service import WEBHOOK
from tests.support.parameters import account_text, campaign_text
from tests.support.provider_door import SURVEY, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event
    from types import ModuleType

    import pytest
    from mypy_boto3_dynamodb import DynamoDBClient

    from afterword.remembering.records import Batch, Invitation, Way
    from local.cloud import Cloud
    from tests.support.aws_door import AwsDoor
    from tests.support.fakes import Clock
    from tests.support.provider_door import ProviderDoor

TRANSLATE, SEND_DUE = "translate_events", "send_due_invitations"
# What Lambda gives them: template.yaml.
TIMEOUTS = {TRANSLATE: 60, SEND_DUE: 290}
SECRET = {"email": "admin@example.com", "api_token": "token-1"}
_AT_AN_END = ("sent", "held.", "ended.", "provider_dropped")


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    body: str


@dataclass
class Running:
    """Drives the functions as AWS does, and looks into all that they leave behind.

    `queue`: messages that were given back. `taken`: every event that was ever handed in. `poison`: what nobody can
    read. `excused`: orders of which the provider's books can't tell, and the test says why.
    """

    cloud: Cloud
    stage: Stage
    clock: Clock
    provider: ProviderDoor
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    caplog: pytest.LogCaptureFixture
    stack: ExitStack
    queue: list[Message] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    poison: Counter[str] = field(default_factory=Counter)
    excused: set[str] = field(default_factory=set)
    numbers: count[int] = field(default_factory=count)
    backed_off: list[float] = field(default_factory=list)
    _instances: dict[str, ModuleType] = field(default_factory=dict)
    _others: dict[str, dict[str, ModuleType]] = field(default_factory=dict)
    _letters: list[Any] = field(default_factory=list)
    _printed: str = ""

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(wiring, "time", time_of(self.clock))
        self.monkeypatch.setattr(wiring, "_client", client_of(self.cloud))
        # The SDK's and our own waits between repeats: noted, and passed over.
        pause = SimpleNamespace(sleep=self.backed_off.append)
        self.monkeypatch.setattr(botocore.endpoint, "time", pause)
        wait = lambda _, attempt: self.backed_off.append(attempt)  # noqa: E731 -- a method's stand-in
        self.monkeypatch.setattr(Table, "_back_off", wait)
        self.stage.set(STAGE="local")
        self.stage.store.put_secret("accounts/shop", json.dumps(SECRET))
        self.account()
        self.campaign()

    # What operators put there.

    def account(self, name: str = "shop", **changes: Any) -> None:
        """Put an account: at our own invitation service, which honours keys, unless told otherwise."""
        known = {"base_url": self.provider.server.url, "replays_idempotency_key": True}
        self.stage.store.put(f"accounts/{name}", account_text(**known | changes))

    def campaign(self, name: str = "after-purchase", **changes: Any) -> None:
        self.stage.store.put(f"campaigns/{name}", campaign_text(mode="live", **changes))

    def without_keys(self) -> None:
        """Let the provider, as Zendesk's documentation has it, know no keys for this call."""
        self.provider.honours_keys = False
        self.account(replays_idempotency_key=False)

    def netquest(self, account: dict[str, Any] | None = None, **changes: Any) -> None:
        """Let the campaign ask through Netquest's webhooks, by e-mail."""
        self.stage.store.put_secret("accounts/shop", _webhook_secret(WEBHOOK["webhook_key"]))
        url = self.provider.server.url
        known = {"provider": "netquest", "base_url": url, "id_account": WEBHOOK["id_account"]}
        self.stage.store.put("accounts/shop", json.dumps(known | (account or {})))
        self.campaign(template=TEMPLATE, unknown_respondent="by_email", **changes)

    def rotate_webhook(self, key: str) -> None:
        """Let Netquest and SSM know another key only; a warm instance still has the old one."""
        self.stage.store.put_secret("accounts/shop", _webhook_secret(key))
        self.provider.service.webhook_accounts = [{**WEBHOOK, "webhook_key": key}]
        self.provider.reload()

    def forget(self, email: str) -> None:
        """Take an address out of its customer's record, as the table's TTL would."""
        for row in self._rows():
            if row.get("email") == email:
                self.ledger_client.update_item(
                    TableName=self.stage.table,
                    Key=to_wire({"pk": row["pk"], "sk": row["sk"]}),
                    UpdateExpression="REMOVE email",
                )

    # What AWS does.

    def new_instances(self) -> None:
        """Let the next invocations be the first of their instances."""
        self._instances.clear()

    def through_the_door(self) -> AwsDoor:
        """Let all that the functions ask of AWS go through a door from now on; return it."""
        aws = self.door()
        self.stage.set(AWS_ENDPOINT_URL=aws.url)
        self.new_instances()
        return aws

    @contextmanager
    def another(self, name: str, endpoint: str | None = None) -> Iterator[None]:
        """Let other instances run, for as long as the block does: the same ones for the same name."""
        mine, self._instances = self._instances, self._others.setdefault(name, {})
        with self.monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", endpoint or self.cloud.endpoint_url)
            yield
        self._instances = mine

    def door(self) -> AwsDoor:
        """Return a door that nobody goes through yet."""
        return self.stack.enter_context(aws_door(self.cloud.endpoint_url))

    def instance(self, name: str) -> ModuleType:
        if name not in self._instances:
            self._instances[name] = load(name)
        return self._instances[name]

    def invoke(self, name: str, event: Any, seconds: int | None = None) -> Any:
        context = Context(1000 * (TIMEOUTS[name] if seconds is None else seconds))
        return self.instance(name).handler(event, context)

    def messages(self, *bodies: str) -> list[Message]:
        """Put events on the queue, each under an id of its own; return its messages."""
        self.taken += bodies
        return [Message(f"m-{next(self.numbers)}", body) for body in bodies]

    def deliver(self, *bodies: str, seconds: int | None = None) -> list[str]:
        """Hand events to the SQS function; return the bodies that it gave back."""
        return self.hand_in(self.messages(*bodies), seconds)

    def hand_in(self, messages: list[Message], seconds: int | None = None) -> list[str]:
        answer = self.invoke(TRANSLATE, event_of(messages), seconds)
        back = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        self.queue += [each for each in messages if each.id in back]
        return [each.body for each in messages if each.id in back]

    def redeliver(self) -> list[str]:
        """Hand in again what was given back: the same messages."""
        messages, self.queue = self.queue, []
        return self.hand_in(messages)

    def redeliver_all(self) -> None:
        """Hand in again, if anything was given back."""
        if self.queue:
            self.redeliver()

    def sweep(self, seconds: int | None = None, **event: Any) -> Counter[str]:
        return Counter(self.invoke(SEND_DUE, event, seconds)["counts"])

    def sweep_after(self, *seconds: int) -> Counter[str]:
        """Sweep at each of these times, one after the other; return all that happened."""
        counts: Counter[str] = Counter()
        for each in seconds:
            self.clock.pass_by(each)
            counts += self.sweep()
        return counts

    def settle(self) -> Counter[str]:
        """Let time pass by, with a sweep every twelve minutes, until nothing is on its way any more, or three hours."""
        counts: Counter[str] = Counter()
        for _ in range(15):
            if all(state.startswith(_AT_AN_END) for state in self.states):
                break
            counts += self.sweep_after(720)
        return counts

    @contextmanager
    def clock_off(self, seconds: int) -> Iterator[None]:
        """Let one instance's clock be off: this one's, for as long as the block runs."""
        self.clock.pass_by(seconds)
        try:
            yield
        finally:
            self.clock.pass_by(-seconds)

    @contextmanager
    def giving_up(self, happened: Event, after_calls: int = 0) -> Iterator[None]:
        """Let the time of a provider's call be over as soon as something has happened.

        Args:
            happened: Such as that the request has arrived.
            after_calls: How many calls of the instance go well before.
        """
        self.new_instances()
        patient = OverWhen(happened, after_calls)
        with self.monkeypatch.context() as patch:
            patch.setattr(http, "Http", partial(http.Http, clock=patient))
            patch.setattr(providers, "ConcurrentHttp", partial(ConcurrentHttp, clock=patient))
            yield
        self.new_instances()

    # What is in the shop.

    def unreadable(self, body: str) -> str:
        """Return the body, and expect it among the dead letters."""
        self.poison[body] += 1
        return body

    def purchase(self, order: str = "A-1", ago: int = 0, **changes: Any) -> str:
        person = {"email": f"{order.lower()}@example.com", "name": "Jana"}
        return purchase(order, self.clock() - ago, **{"customer": person, **changes})

    def refund(self, order: str = "A-1", **changes: Any) -> str:
        return self.event("refund", order_id=order, **changes)

    def event(self, kind: str, **changes: Any) -> str:
        occurred = datetime.fromtimestamp(self.clock(), UTC).isoformat()
        known = {"type": kind, "version": 1, "id": "E-1", "shop": "demo", "occurred_at": occurred}
        return json.dumps(known | changes)

    # What they have left behind.

    @property
    def told(self) -> Counter[str]:
        """All metrics so far, added up."""
        sums: Counter[str] = Counter()
        for line in self.lines:
            directives = line.get("_aws", {}).get("CloudWatchMetrics", ())
            for metric in (each for directive in directives for each in directive["Metrics"]):
                sums[metric["Name"]] += int(sum(line[metric["Name"]]))
        return +sums

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All log lines so far."""
        return [json.loads(line) for line in self.printed.splitlines()]

    @property
    def heard(self) -> str:
        """All that our own modules have told Lambda's logger."""
        ours = (each for each in self.caplog.records if each.name.startswith("afterword."))
        return "\n".join(each.getMessage() for each in ours)

    @property
    def printed(self) -> str:
        self._printed += self.capsys.readouterr().out
        return self._printed

    def records[Record](
        self, prefix: str, sk: str, parse: Callable[[dict[str, Any]], Record]
    ) -> list[Record]:
        return _parsed(self._rows(), prefix, sk, parse)

    def _rows(self) -> list[dict[str, Any]]:
        found = self.ledger_client.scan(TableName=self.stage.table, ConsistentRead=True)["Items"]
        return list(map(from_wire, found))

    @property
    def ledger_client(self) -> DynamoDBClient:
        """A client that goes past the door."""
        client: DynamoDBClient = self.cloud.client("dynamodb")
        return client

    @property
    def ledger(self) -> DynamoDbLedger:
        return DynamoDbLedger(self.ledger_client, self.stage.table)

    @property
    def letters(self) -> list[Any]:
        """All dead letters so far."""
        answer = self.cloud.client("sqs").receive_message(
            QueueUrl=self.stage.dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        self._letters += answer.get("Messages", ())
        return self._letters

    @property
    def invitations(self) -> list[Invitation]:
        return self.records("O#", "I#", items.parse_invitation)

    @property
    def batches(self) -> dict[str, Batch]:
        return {each.id: each for each in self.records("B#", "-", items.parse_batch)}

    @property
    def way(self) -> Way:
        """What is known of the way to the account `shop` and its survey."""
        return self.ledger.read_way("shop", SURVEY)

    @property
    def states(self) -> Counter[str]:
        """How many invitations stand where: `sent`, `pending`, `uncertain`, `held.<reason>`, `ended.<reason>` …"""
        return Counter(self.by_order.values())

    @property
    def by_order(self) -> dict[str, str]:
        """Where each order's invitation stands."""
        rows = self._rows()
        batches = {each.id: each for each in _parsed(rows, "B#", "-", items.parse_batch)}
        known = _parsed(rows, "O#", "I#", items.parse_invitation)
        return {each.key.occasion.id: _state(each, batches) for each in known}

    def state(self, order: str = "A-1") -> str:
        return self.by_order[order]


def _webhook_secret(key: str) -> str:
    return json.dumps({"webhook_key": key, "webhook_auth": WEBHOOK["webhook_auth"]})


def _parsed[Record](
    rows: list[dict[str, Any]], prefix: str, sk: str, parse: Callable[[dict[str, Any]], Record]
) -> list[Record]:
    return [parse(row) for row in rows if row["pk"].startswith(prefix) and row["sk"].startswith(sk)]


def _state(invitation: Invitation, batches: dict[str, Batch]) -> str:
    if invitation.state is State.CLAIMED:
        batch = batches[invitation.batch or ""]
        return f"held.{batch.reason}" if batch.state is BatchState.HELD else batch.state.value
    if invitation.state is State.PENDING:
        return "pending"
    return f"{invitation.state}.{invitation.reason}"


def time_of(clock: Clock) -> SimpleNamespace:
    """Return what stands for the module `time`: whoever waits makes it later."""
    return SimpleNamespace(time=clock, sleep=lambda seconds: clock.pass_by(ceil(seconds)))


def client_of(cloud: Cloud) -> Callable[..., Any]:
    """Return what makes a function's clients: straight to the cloud they are made once, since that takes its time.

    They check their requests, whether or not the function's would.
    """

    def client(service: str, *, checks: bool = True) -> Any:
        del checks
        makes = _client_once if os.environ["AWS_ENDPOINT_URL"] == cloud.endpoint_url else _client
        specially = f"AWS_ENDPOINT_URL_{service.upper()}" in os.environ
        return _client(service) if specially else makes(service)

    return client


_client = wiring._client
_client_once = cache(wiring._client)


def event_of(messages: list[Message]) -> dict[str, Any]:
    """Return what SQS hands to the function."""
    event = sqs_event(*(each.body for each in messages))
    for record, message in zip(event["Records"], messages, strict=True):
        record["messageId"] = message.id
    return event


class OverWhen:
    """Monotonic seconds that stand still until the waiting begins; the time is over once something has happened.

    A call asks when it begins, when its request begins, and when it begins to wait.
    """

    def __init__(self, happened: Event, after_calls: int) -> None:
        self._happened = happened
        self._patient = 3 * after_calls + 2
        self._looks = count(1)

    def __call__(self) -> float:
        if threading.current_thread() is not threading.main_thread():
            # A worker who looks whether there is still time to begin.
            return 0.0
        if next(self._looks) <= self._patient:
            return 0.0
        assert self._happened.wait(60)
        return providers.CALL_SECONDS


def fresh_stage(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> Stage:
    """Return a stage of its own on a cloud that runs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with monkeypatch.context() as patch:
        patch.setattr(boto3, "client", cloud.client)
        return Stage(monkeypatch)
