"""Every built function, in the real Lambda runtime, on its sample events, against a local cloud."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

import pytest

from local import functions, rie
from local.deployment import Deployment
from local.errors import LocalError
from local.fake_account import fake_account
from local.samples import EVENTS
from tests.support.parameters import KEY, PREFIX, Store, account_text, campaign_text
from tests.support.tables import make_table
from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.cloud import Cloud

TEMPLATE = Template(read_document())
pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.skipif(platform.system() != "Linux", reason="the emulator runs on Linux"),
]
# As events/api are signed.
ADMIN = {"account": "demo", "role": "admin", "email": "admin@example.com"}
TOKEN = "local-api-token"


@pytest.fixture(scope="module")
def environ(local_cloud: Cloud) -> dict[str, str]:
    """What the functions are given on a stage whose campaigns ask nobody yet."""
    local_cloud.reset()
    store = Store(local_cloud.client("ssm"))
    store.put("accounts/shop", account_text())
    store.put("campaigns/after-purchase", campaign_text())
    store.put_secret("customer-key", KEY)
    credentials = json.dumps([ADMIN | {"api_token": TOKEN}])
    store.client.put_parameter(
        Name=f"{PREFIX}/invitation-service/credentials", Value=credentials, Type="SecureString"
    )
    sqs = local_cloud.client("sqs")
    queue, deliveries = (
        sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead-letters", "deliveries")
    )
    variables = {
        "STAGE": "local",
        "PARAMETER_PREFIX": PREFIX,
        "DEAD_LETTER_QUEUE_URL": queue,
        "DELIVERY_QUEUE_URL": deliveries,
        "ALLOW_TIME_TRAVEL": "false",
        "PUBLIC_URL": "",
        "POWERTOOLS_SERVICE_NAME": "afterword-local",
        "POWERTOOLS_METRICS_NAMESPACE": "Afterword",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    return fake_account(variables, local_cloud.endpoint_url)


def function(name: str, built: Path, environ: dict[str, str]) -> rie.Function:
    logical_id = functions.logical_id(name)
    layers = [built / layer / "python" for layer in functions.LAYERS]
    handler = TEMPLATE.functions[logical_id]["Handler"]
    return rie.Function(handler, [built / logical_id, *layers], environ)


@pytest.fixture
def table(local_cloud: Cloud, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"TABLE_NAME": make_table(local_cloud.client("dynamodb"), request.param)}


@pytest.fixture
def emulator(
    request: pytest.FixtureRequest,
    built: Path,
    environ: dict[str, str],
    table: dict[str, str],
    tmp_path: Path,
) -> Iterator[rie.Emulator]:
    name: str = request.param
    with rie.running(function(name, built, environ | table), tmp_path / "log") as running:
        yield running


def answers(emulator: rie.Emulator, folder: str) -> dict[str, rie.Answer]:
    files = sorted((EVENTS / folder).glob("*.json"))
    assert files
    return {file.stem: emulator.invoke(file.read_bytes()) for file in files}


@pytest.mark.parametrize(
    ("emulator", "table"), [("translate_events", "LedgerTable")], indirect=True
)
def test_translate_events_takes_in_every_sample_batch(emulator: rie.Emulator) -> None:
    found = answers(emulator, "sqs")
    failed = {name: answer.payload for name, answer in found.items() if answer.failed}
    assert failed == {}
    assert all(answer.payload == {"batchItemFailures": []} for answer in found.values())
    assert '"message":"translated"' in emulator.log.read_text()
    assert emulator.init_milliseconds() > 0


@pytest.mark.parametrize(
    ("emulator", "table"), [("send_due_invitations", "LedgerTable")], indirect=True
)
def test_send_due_invitations_sweeps_at_the_schedules_time(emulator: rie.Emulator) -> None:
    answer = emulator.invoke((EVENTS / "schedule.json").read_bytes())
    assert (answer.failed, answer.payload["now"]) == (False, 1793527260)


@pytest.mark.parametrize(
    ("emulator", "table"), [("invitation_service", "InvitationServiceTable")], indirect=True
)
def test_the_invitation_service_answers_every_sample_request(emulator: rie.Emulator) -> None:
    created = emulator.invoke((EVENTS / "api" / "create_survey.json").read_bytes())
    assert created.payload["statusCode"] == 201
    found = answers(emulator, "api")
    statuses = {name: answer.payload.get("statusCode") for name, answer in found.items()}
    assert {name: status for name, status in statuses.items() if status is None} == {}
    assert (statuses["show_survey"], statuses["create_invitation"]) == (200, 201)


@pytest.mark.parametrize(
    ("emulator", "table"), [("deliver_invitations", "InvitationServiceTable")], indirect=True
)
def test_deliver_invitations_takes_in_a_message_of_an_invitation_that_is_gone(
    emulator: rie.Emulator,
) -> None:
    (answer,) = answers(emulator, "deliveries").values()
    assert answer.payload == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("emulator", "table"), [("enqueue_due_invitations", "InvitationServiceTable")], indirect=True
)
def test_enqueue_due_invitations_sweeps(emulator: rie.Emulator) -> None:
    answer = emulator.invoke((EVENTS / "schedule.json").read_bytes())
    assert answer.payload == {"told": 0}


def written(folder: Path, code: str, **changes: Any) -> rie.Function:
    (folder / "shop").mkdir()
    (folder / "shop" / "app.py").write_text(code)
    return rie.Function("shop.app.handler", [folder], fake_account({}), **changes)


def test_the_path_holds_the_artefact_and_the_runtime_alone(tmp_path: Path) -> None:
    """What this very test can import is not there, and nothing of this environment either."""
    code = "import boto3\nimport pytest\n"
    with rie.running(written(tmp_path, code), tmp_path / "log") as emulator:
        answer = emulator.invoke(b"{}")
    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'pytest'" in answer.payload["errorMessage"]


def test_make_invoke_runs_a_function_as_it_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_cloud: Cloud
) -> None:
    code = "def handler(event, context):\n    print('seen')\n    return event\n"
    monkeypatch.setattr(functions, "as_deployed", lambda *_: written(tmp_path, code))
    monkeypatch.setattr(functions, "LOG", tmp_path / "log")
    event = EVENTS / "schedule.json"
    answer = functions.invoke(Deployment(local_cloud, {}), "send_due_invitations", event)
    assert answer == rie.Answer(json.loads(event.read_text()), failed=False)
    assert "seen" in (tmp_path / "log").read_text()


def test_a_function_that_never_ends_is_ended(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    while True:\n        pass\n"
    with rie.running(written(tmp_path, code, seconds=1), tmp_path / "log") as emulator:
        answer = emulator.invoke(b"{}")
    assert answer.failed
    assert "timed out" in answer.payload["errorMessage"]


def test_nothing_runs_on_afterwards(tmp_path: Path) -> None:
    code = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    with rie.running(written(tmp_path, code), tmp_path / "log") as emulator:
        pid: int = emulator.invoke(b"{}").payload
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_emulator_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rie, "_command", lambda _: (["false"], 1))
    with (
        pytest.raises(LocalError, match="did not start"),
        rie.running(written(tmp_path, ""), tmp_path / "log"),
    ):
        pass
