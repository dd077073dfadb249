from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from local import functions, sam, sam_local
from local.cloud import Cloud
from local.deployment import Deployment
from local.errors import LocalError
from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from local.rie import Function

TEMPLATE = Template(read_document())
DEPLOYMENT = Deployment(
    Cloud("http://127.0.0.1:4711", 1, Path("home"), Path("log")),
    {"TranslateEventsFunctionName": "afterword-translate"},
)


class Lambda:
    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's.
        return {
            "Handler": f"functions.{FunctionName}.app.handler",
            "Timeout": 60,
            "MemorySize": 1024,
            "Environment": {"Variables": {"TABLE_NAME": "ledger"}},
        }


@pytest.fixture(autouse=True)
def _deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cloud, "client", lambda _, __: Lambda())


def translate() -> Function:
    return functions.as_deployed(DEPLOYMENT, "translate_events")


def test_every_function_is_called_what_the_template_calls_it() -> None:
    assert {functions.logical_id(name) for name in functions.names()} == set(TEMPLATE.functions)


def test_the_layers_come_in_the_templates_order() -> None:
    everywhere = TEMPLATE.document["Globals"]["Function"]["Layers"]
    assert [{"Ref": layer} for layer in functions.LAYERS] == everywhere


def test_a_function_runs_as_it_is_deployed() -> None:
    function = translate()
    assert function.handler == "functions.afterword-translate.app.handler"
    assert (function.seconds, function.memory) == (60, 1024)
    assert function.environ["TABLE_NAME"] == "ledger"
    assert function.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4711"


def test_the_path_is_what_was_built_and_nothing_else() -> None:
    assert all(folder.is_relative_to(sam.BUILT) for folder in translate().folders)


def test_an_unknown_function_is_told_those_that_are_there() -> None:
    with pytest.raises(LocalError, match=r"no function nope\. There are .*translate_events"):
        functions.as_deployed(DEPLOYMENT, "nope")


def test_a_missing_event_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"cannot be read: No such file .* samples in events/"):
        functions.invoke(DEPLOYMENT, "translate_events", tmp_path / "none.json")


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A build of one function and one layer, and where `sam local` finds it."""
    built = tmp_path / "built"
    built.mkdir()
    resources = {
        "TranslateEventsFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "TranslateEventsFunction", "Environment": {}},
        },
        "AfterwordLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "AfterwordLayer"},
        },
        "LedgerTable": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
    }
    (built / "template.yaml").write_text(yaml.safe_dump({"Resources": resources}))
    monkeypatch.setattr(sam, "BUILT", built)
    monkeypatch.setattr(sam_local, "names", lambda: ["translate_events"])
    monkeypatch.setattr(sam_local, "TEMPLATE", tmp_path / "template.yaml")
    monkeypatch.setattr(sam_local, "CONFIG", tmp_path / "samconfig.toml")
    return tmp_path


def test_sam_local_finds_what_was_built_and_the_local_cloud(prepared: Path) -> None:
    sam_local.prepare(DEPLOYMENT, None)
    resources = yaml.safe_load((prepared / "template.yaml").read_text())["Resources"]
    translate_events = resources["TranslateEventsFunction"]["Properties"]
    assert translate_events["CodeUri"] == "built/TranslateEventsFunction"
    assert resources["AfterwordLayer"]["Properties"]["ContentUri"] == "built/AfterwordLayer"
    assert translate_events["Environment"]["Variables"] == {
        "TABLE_NAME": "ledger",
        "AWS_ENDPOINT_URL": "http://localhost:4711",
    }


@pytest.mark.parametrize(
    ("bridge", "said"), [(None, False), ("172.17.0.1", True)], ids=["loopback", "bridge"]
)
def test_a_container_is_told_of_the_bridge_if_there_is_one(
    prepared: Path,
    bridge: str | None,
    said: bool,  # noqa: FBT001 - a parameter.
) -> None:
    sam_local.prepare(DEPLOYMENT, bridge)
    config = (prepared / "samconfig.toml").read_text()
    assert ('add_host = "localhost:172.17.0.1"' in config) is said
