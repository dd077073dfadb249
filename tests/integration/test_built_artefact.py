"""What `sam build` makes holds all that a function needs. No local engine notices a missing package."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import sam
from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATE = Template(read_document())
LAYERS = TEMPLATE.resources("AWS::Serverless::LayerVersion")
# What Lambda's python3.13 has without a layer.
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
IMPORT = """
import importlib, sys
handler, *sys.path[:0] = sys.argv[1:-1]
sys.path.append(sys.argv[-1])
module, name = handler.rsplit(".", 1)
assert callable(getattr(importlib.import_module(module), name))
"""


@pytest.fixture(scope="module")
def built() -> Path:
    sam.build()
    return sam.BUILT


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of Lambda's runtime, taken from this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    here = Path(sysconfig.get_paths()["purelib"])
    for name in RUNTIME:
        (folder / name).symlink_to(here / name)
    return folder


def import_handler(handler: str, folders: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Import it with these folders and the standard library alone, and an empty environment."""
    arguments = [sys.executable, "-I", "-S", "-c", IMPORT, handler, *map(str, folders)]
    return subprocess.run(arguments, env={}, capture_output=True, text=True, check=False)  # noqa: S603 - all ours


@pytest.mark.parametrize("function", TEMPLATE.functions)
def test_a_built_function_imports_with_its_layers_alone(
    function: str, built: Path, runtime: Path
) -> None:
    layers = [built / layer / "python" for layer in LAYERS]
    handler = TEMPLATE.functions[function]["Handler"]
    done = import_handler(handler, [built / function, *layers, runtime])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("layer", LAYERS)
def test_a_missing_layer_would_be_noticed(layer: str, built: Path, runtime: Path) -> None:
    layers = [built / other / "python" for other in LAYERS if other != layer]
    handler = TEMPLATE.functions["TranslateEventsFunction"]["Handler"]
    done = import_handler(handler, [built / "TranslateEventsFunction", *layers, runtime])
    assert "ModuleNotFoundError" in done.stderr
