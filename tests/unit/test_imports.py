"""Importing a function does nothing but import: no client, no settings, nothing heavy that a start can do without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from local.cloud import ROOT
from local.functions import names

# Whatever reads the environment for itself, be it a setting or what a client wants, is caught in the act.
STRICT = """
import importlib, os, sys

class Strict(type(os.environ)):
    def __getitem__(self, name):
        if name.startswith("AWS_") or name in WATCHED:
            asked.append(name)
        return super().__getitem__(name)

asked = []
WATCHED = {"STAGE", "TABLE_NAME", "PARAMETER_PREFIX", "DEAD_LETTER_QUEUE_URL", "PUBLIC_URL", "ALLOW_TIME_TRAVEL"}
os.environ.__class__ = Strict
import botocore.session
made = []
botocore.session.Session.create_client = lambda self, *service, **_: made.append(service)
importlib.import_module(sys.argv[1])
print(made, sorted(set(asked) & WATCHED))
"""
HEAVY = {"asyncio", "boto3", "botocore.session", "multiprocessing", "requests", "ulid", "urllib3"}
# In the same layer, for the invitation service.
NOT_THEIRS = {"invitation_service", "itsdangerous", "jinja2", "markupsafe", "smtplib"}
LIST = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"


def imported(function: str, code: str) -> str:
    """Import a function's module in a new interpreter with an empty environment; return what the code prints."""
    environ = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
    return subprocess.run(  # noqa: S603 - all ours.
        [sys.executable, "-c", code, f"functions.{function}.app"],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize("function", names())
def test_an_import_makes_no_client_and_reads_no_setting(function: str) -> None:
    assert imported(function, STRICT) == "[] []"


@pytest.mark.parametrize("function", ["send_due_invitations", "translate_events"])
def test_what_reaches_aws_and_providers_is_imported_on_first_use(function: str) -> None:
    modules = set(imported(function, LIST).split())
    assert "afterword.wiring" in modules
    assert modules & (HEAVY | NOT_THEIRS) == set()
    # One class of it brings all of them along.
    assert "aws_lambda_powertools.utilities.data_classes" not in modules


@pytest.mark.parametrize("function", ["send_due_invitations", "translate_events"])
def test_what_makes_mails_and_pages_is_nothing_for_the_pipeline(function: str) -> None:
    assert set(imported(function, LIST).split()) & {"itsdangerous", "jinja2"} == set()


def test_what_makes_pages_and_previews_is_imported_with_the_first_of_them() -> None:
    modules = set(imported("invitation_service", LIST).split())
    assert "invitation_service.answering.rendering" in modules
    assert {"invitation_service.mailing.compose", "jinja2"} & modules == set()
