"""The stack, deployed once for all tests that want it, where IAM roles are enforced."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.cloud import Cloud
    from local.deployment import Deployment
    from local.screen import Screen


# What the local cloud asks for in other words than AWS does. It wants GetParametersByPath on "*", AWS
# on the path, which our roles name; it wants sqs:SendMessageBatch, which AWS does not know: there
# sqs:SendMessage allows both (SQS Developer Guide, "Amazon SQS API permissions"). All else that
# the functions may do here is what the template says, and its own test holds these two.
OWN_WORDS = {
    "TranslateEventsRole": ["ssm:GetParametersByPath", "sqs:SendMessageBatch"],
    "SendDueInvitationsRole": ["ssm:GetParametersByPath"],
    "InvitationServiceRole": ["sqs:SendMessageBatch"],
    "DeliverInvitationsRole": ["sqs:SendMessageBatch"],
    "EnqueueDueInvitationsRole": ["sqs:SendMessageBatch"],
}


@pytest.fixture(scope="session")
def guarded_cloud() -> Iterator[Cloud]:
    """A local cloud in which the functions may do only what their IAM roles allow."""
    from local import cloud  # noqa: PLC0415 - most tests do without.

    with cloud.running("deployed", enforce_roles=True) as running:
        yield running


@pytest.fixture(scope="session")
def deployment(guarded_cloud: Cloud) -> Deployment:
    from local import cli  # noqa: PLC0415 - as above.

    deployment = cli.deploy(silent(), guarded_cloud)
    for role, actions in OWN_WORDS.items():
        _allow(guarded_cloud, role, actions)
    return deployment


@pytest.fixture(scope="session")
def built() -> Path:
    """Where SAM has built the functions and layers."""
    from local import sam  # noqa: PLC0415 - as above.

    sam.build()
    return sam.BUILT


def silent() -> Screen:
    """Return a screen that shows nothing."""
    from rich.console import Console  # noqa: PLC0415 - as above.

    from local.screen import Screen  # noqa: PLC0415 - as above.

    return Screen(Console(file=StringIO()))


def _allow(guarded_cloud: Cloud, role: str, actions: list[str]) -> None:
    iam = guarded_cloud.client("iam")
    names = [each["RoleName"] for each in iam.list_roles()["Roles"]]
    policy = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.put_role_policy(
        RoleName=next(name for name in names if role in name),
        PolicyName="local-cloud",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
