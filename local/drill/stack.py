"""What of the template the drill needs on the local cloud: queues, tables and outputs; the functions run beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local.drill.template import Resolver
from local.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.drill.template import Node

STAGE, STACK = "drill", "afterword-drill"
PARAMETERS: dict[str, str | int] = {"Stage": STAGE, "InvitationService": "on", "FewestEvents": 1}
_KINDS = ("AWS::SQS::Queue", "AWS::DynamoDB::Table")
_SECONDS = 60


def make_stack(client: Callable[[str], Any], document: Node) -> dict[str, str]:
    """Make the stack; return its outputs.

    Args:
        client: Makes clients of the local cloud.
        document: The template.
    """
    cloud = client("cloudformation")
    cloud.create_stack(StackName=STACK, TemplateBody=json.dumps(reduced(document)))
    wait_until(lambda: _outputs(cloud) is not None, seconds=_SECONDS)
    return _outputs(cloud) or {}


def reduced(document: Node) -> Node:
    """Return a template of queues and tables alone, with the outputs that are about these."""
    names = {name for name, each in document["Resources"].items() if each["Type"] in _KINDS}
    resolver = Resolver(document, PARAMETERS, keep=frozenset(names))
    resources = {
        name: {"Type": document["Resources"][name]["Type"], "Properties": each}
        for name, each in resolver.resources(*_KINDS).items()
    }
    outputs = {name: resolver.resolve(each["Value"]) for name, each in document["Outputs"].items()}
    known = {name: value for name, value in outputs.items() if _is_about(value, names)}
    return {
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in known.items()},
    }


def _is_about(value: object, names: set[str]) -> bool:
    return isinstance(value, dict) or value == f"/afterword/{STAGE}" or value in names


def _outputs(cloud: Any) -> dict[str, str] | None:  # noqa: ANN401 - boto3 makes its clients at run time.
    (stack,) = cloud.describe_stacks(StackName=STACK)["Stacks"]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        return None
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
