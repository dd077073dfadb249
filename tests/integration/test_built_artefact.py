"""What `sam build` makes holds all that a function needs. No local engine notices a missing package."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from afterword.deciding.mapping_texts import ready_names
from local import sam
from local.cloud import ROOT
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
HASH_BASED, CHECKED = 0b01, 0b10  # PEP 552


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


def test_the_templates_and_texts_of_mails_and_pages_are_built_in(built: Path) -> None:
    ours = ROOT / "layers" / "afterword" / "src"
    kinds = ("*.html", "*.txt", "*.css", "*.toml")
    files = [file.relative_to(ours) for kind in kinds for file in ours.rglob(kind)]

    assert {file.suffix for file in files} == {".html", ".txt", ".css", ".toml"}
    assert [
        file for file in files if not (built / "AfterwordLayer" / "python" / file).is_file()
    ] == []


def test_the_ready_mappings_are_built_in(built: Path) -> None:
    folder = built / "AfterwordLayer" / "python" / "afterword" / "deciding" / "ready"
    assert sorted(each.stem for each in folder.iterdir()) == ready_names()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_holds_byte_code_that_is_valid_wherever_it_is(layer: str, built: Path) -> None:
    sources = sorted((built / layer).rglob("*.py"))
    assert sources
    flags = {Path(importlib.util.cache_from_source(str(each))).read_bytes()[4] for each in sources}
    assert flags == {HASH_BASED & ~CHECKED}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_the_same_whoever_builds_it_wherever(
    layer: str, built: Path, tmp_path: Path
) -> None:
    """Else every deployment would make a new version of it, and every function would start anew."""
    source = TEMPLATE.resources("AWS::Serverless::LayerVersion")[layer]["ContentUri"]
    elsewhere, artefacts = tmp_path / "source", tmp_path / "artefacts"
    shutil.copytree(ROOT / source, elsewhere)
    build_again(layer, elsewhere, artefacts)
    assert contents(artefacts) == contents(built / layer)


def build_again(layer: str, source: Path, artefacts: Path) -> None:
    """Do what SAM does for `BuildMethod: makefile`."""
    context: dict[str, str] = TEMPLATE.document["Resources"][layer]["Metadata"].get("ContextPath")
    folder = source / sam.architecture(platform.machine()) if context else source
    subprocess.run(  # noqa: S603 - all ours
        ["make", "--makefile", str(folder / "Makefile"), f"build-{layer}"],  # noqa: S607 - as SAM finds it
        cwd=source,
        env={
            "ARTIFACTS_DIR": str(artefacts),
            "HOME": os.environ["HOME"],
            # Another seed than SAM's build had; sets of constants are in the order of hashes.
            "PYTHONHASHSEED": "1",
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        check=True,
    )


def contents(folder: Path) -> dict[str, str]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    assert files
    return {
        str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in files
    }
