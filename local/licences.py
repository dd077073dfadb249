"""Lists the licences of what the layer carries, and says whether each was agreed to."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import Annotated

import typer

from local.errors import LocalError

app = typer.Typer(add_completion=False)

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "layers" / "dependencies" / "requirements.txt"
PAGE = ROOT / "docs" / "licences.md"
# What each asks of those who pass the layer on. A licence that is missing here was not agreed to.
AGREED = {
    "Apache 2.0": "Keep the licence, and the notices that come with it.",
    "Apache-2.0": "Keep the licence, and the notices that come with it.",
    "Apache-2.0 AND MIT": "Keep both licences, and the notices that come with them.",
    "BSD License": "Keep the copyright and the licence.",
    "BSD-3-Clause": "Keep the copyright and the licence.",
    "ISC": "Keep the copyright and the licence.",
    "MIT": "Keep the copyright and the licence.",
    "MPL-2.0": "Keep the licence, and say where the source is. Changed files of the package stay under it.",
    "PSF-2.0": "Keep the copyright and the licence, and say what was changed.",
    "Unlicense": "Nothing.",
}
_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST_NAME = 40


def locked(requirements: str) -> dict[str, str]:
    """Return the version of each package in a requirements file with pinned versions."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", requirements, re.MULTILINE))


def licence(package: Distribution) -> str:
    """Return what a package says of its licence: the name of one, or the names of several."""
    # Some put the whole text where the name belongs.
    for field in ("License-Expression", "License"):
        said = str(package.metadata.get(field) or "")
        if said and len(said) <= _LONGEST_NAME:
            return said
    classifiers = package.metadata.get_all("Classifier") or []
    return ", ".join(x.removeprefix(_CLASSIFIER) for x in classifiers if x.startswith(_CLASSIFIER))


def licences(packages: dict[str, str]) -> dict[str, str]:
    """Return the licence of each of these packages, as it is installed here.

    Args:
        packages: Their versions by name.

    Raises:
        LocalError: One is not installed in this version, or under a licence that nobody agreed to.
    """
    found = {}
    for name, version in packages.items():
        try:
            package = Distribution.from_name(name)
        except PackageNotFoundError:
            package = None
        if package is None or package.version != version:
            raise LocalError(f"{name} {version} is not installed.", "Run 'sh local/setup.sh'.")
        found[name] = licence(package)
        if found[name] not in AGREED:
            raise LocalError(
                f"{name} is under {found[name] or 'no known licence'!r}.",
                "Read it, then add it to AGREED in local/licences.py, or take another package.",
            )
    return found


def rendered(requirements: str) -> str:
    """Return the page for a requirements file. Raises LocalError, as `licences`."""
    packages = locked(requirements)
    of = licences(packages)
    rows = [
        f"| [{name}](https://pypi.org/project/{name}/{version}/) | {version} | {of[name]} |"
        for name, version in packages.items()
    ]
    asked = [f"| {name} | {AGREED[name]} |" for name in sorted({*of.values()})]
    return "\n".join(
        [
            "# Licences",
            "",
            "Afterword is under [Apache-2.0](../LICENSE). Its functions also carry these packages, under the licences",
            "that they name. `make licences` writes this page from the layer's requirements; a test holds it in step.",
            "",
            "| package | version | licence |",
            "|---|---|---|",
            *rows,
            "",
            "The texts lie beside the packages in the built layer, in their `*.dist-info` folders. Whoever passes the",
            "layer on passes them on too. boto3 is Lambda's own.",
            "",
            "| licence | what it asks of those who pass the layer on |",
            "|---|---|",
            *asked,
            "",
        ]
    )


@app.command()
def main(
    requirements: Annotated[Path, typer.Option(help="What the layer is made of.")] = REQUIREMENTS,
    page: Annotated[Path, typer.Option(help="The page to write.")] = PAGE,
) -> None:
    """Write docs/licences.md."""
    try:
        text = rendered(requirements.read_text(encoding="utf-8"))
    except LocalError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    app()
