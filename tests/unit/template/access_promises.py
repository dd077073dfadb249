"""What the template promises of who may do what, beside the list of permissions: (subject, kept)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .permissions import WILDCARDS, granted
from .reading import as_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reading import Template

type Findings = Iterator[tuple[str, bool]]


def no_permission_is_a_wildcard_without_a_reason(template: Template) -> Findings:
    for role in template.resources("AWS::IAM::Role"):
        for resource, actions in granted(template, role).items():
            yield f"{role} {resource}", "*" not in resource or resource in WILDCARDS
            yield f"{role} {actions}", not any("*" in action for action in actions)
    for name, statement in template.policy_statements():
        if statement["Effect"] == "Allow":
            words = as_list(statement["Action"]) + as_list(statement["Resource"])
            yield f"{name} {statement['Sid']}", "*" not in json.dumps(words)
            yield (
                f"{name} {statement['Sid']}: to whom",
                "*" not in json.dumps(statement["Principal"]),
            )


def no_wildcard_has_outlived_its_use(template: Template) -> Findings:
    used = {
        each for role in template.resources("AWS::IAM::Role") for each in granted(template, role)
    }
    for resource, reason in WILDCARDS.items():
        yield f"{resource}: used", resource in used
        yield f"{resource}: says why", len(reason) > 20


def secrets_are_read_one_by_one(template: Template) -> Findings:
    """By its name, so that a log of API calls says which, and nobody lists what there is."""
    for role in template.resources("AWS::IAM::Role"):
        for resource, actions in granted(template, role).items():
            if re.match(r"parameter (accounts|secrets|invitation-service)/", resource):
                yield f"{role} {resource}", actions == {"ssm:GetParameter"}


def the_sweep_of_deliveries_writes_when_to_look_again_and_no_more(template: Template) -> Findings:
    wanted = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "due_lane", "due"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
    for role, statement in template.role_statements():
        if role == "EnqueueDueInvitationsRole" and statement["Action"] == "dynamodb:UpdateItem":
            yield role, statement.get("Condition") == wanted


def no_function_is_led_to_another_endpoint(template: Template) -> Findings:
    """By default the SDK calls AWS, over HTTPS."""
    for function in template.functions:
        for name in template.environment(function):
            yield f"{function} {name}", not name.startswith("AWS_")


def an_address_that_opens_an_incident_tool_is_not_shown(template: Template) -> Findings:
    """An integration's address holds its key; CloudFormation shows parameters to whoever may see stacks."""
    for name, subscription in template.resources("AWS::SNS::Subscription").items():
        if subscription["Protocol"] == "https":
            parameter = template.document["Parameters"][subscription["Endpoint"]["Ref"]]
            yield name, parameter.get("NoEcho") is True
    for name, parameter in template.document["Parameters"].items():
        # A default stands in the repository for all to see.
        yield f"{name}: empty", "NoEcho" not in parameter or parameter["Default"] == ""
