"""The template as CloudFormation reads it, and what the promises ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.drill.template import read_document

__all__ = ["ROOT", "Node", "Template", "as_list", "read_document", "resource_of"]

ROOT = Path(__file__).parents[3]

type Node = dict[str, Any]


@dataclass(frozen=True)
class Template:
    document: Node

    def resources(self, *kinds: str) -> dict[str, Node]:
        """Properties of every resource of these types, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.document["Resources"].items()
            if resource["Type"] in kinds
        }

    @property
    def functions(self) -> dict[str, Node]:
        return self.resources("AWS::Serverless::Function")

    @property
    def queues(self) -> dict[str, Node]:
        return self.resources("AWS::SQS::Queue")

    @property
    def alarms(self) -> dict[str, Node]:
        return self.resources("AWS::CloudWatch::Alarm")

    @property
    def composite_alarms(self) -> dict[str, Node]:
        return self.resources("AWS::CloudWatch::CompositeAlarm")

    @property
    def loud_alarms(self) -> dict[str, Node]:
        """Those that tell somebody: not those that others are made of."""
        rules = str([alarm["AlarmRule"] for alarm in self.composite_alarms.values()])
        plain = {name: each for name, each in self.alarms.items() if "AlarmActions" in each}
        made_of = {name for name in self.alarms if name in rules and name not in plain}
        return {
            name: each
            for name, each in (self.alarms | self.composite_alarms).items()
            if name not in made_of
        }

    @property
    def dead_letter_queues(self) -> set[str]:
        """Those that have no queue behind them: where a message stays."""
        return {name for name, queue in self.queues.items() if "RedrivePolicy" not in queue}

    def environment(self, function: str) -> Node:
        """What the function finds in its environment: the Globals' variables and its own."""
        everywhere: Node = self.document["Globals"]["Function"]["Environment"]["Variables"]
        own: Node = self.functions[function]["Environment"]["Variables"]
        return everywhere | own

    def events(self, kind: str) -> dict[str, tuple[str, Node]]:
        """Every event of this type: its name -> (the function's logical id, its properties)."""
        return {
            name: (function, event["Properties"])
            for function, properties in self.functions.items()
            for name, event in properties.get("Events", {}).items()
            if event["Type"] == kind
        }

    def statements(self, *kinds: str) -> list[tuple[str, Node]]:
        """Every policy statement of these resources: (the resource's logical id, statement)."""
        return [
            (name, _unconditional(statement))
            for name, properties in self.resources(*kinds).items()
            for document in _documents(properties)
            for statement in document["Statement"]
        ]

    def role_statements(self) -> list[tuple[str, Node]]:
        return self.statements("AWS::IAM::Role")

    def policy_statements(self) -> list[tuple[str, Node]]:
        return self.statements("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")


def _documents(properties: Node) -> list[Node]:
    if "PolicyDocument" in properties:
        return [properties["PolicyDocument"]]
    return [policy["PolicyDocument"] for policy in properties["Policies"]]


def _unconditional(statement: Node) -> Node:
    """See through the If around a statement that exists under a condition only."""
    if "Fn::If" not in statement:
        return statement
    condition, wanted, nothing = statement["Fn::If"]
    if nothing != {"Ref": "AWS::NoValue"}:
        raise TypeError(f"the statement under {condition} has an alternative")
    found: Node = wanted
    return found


def as_list(value: object) -> list[Any]:
    """CloudFormation takes one thing where it takes a list of them."""
    return value if isinstance(value, list) else [value]


def resource_of(reference: object) -> str:
    """Logical id behind a Ref or a GetAtt; "" behind anything else."""
    if not isinstance(reference, dict):
        return ""
    name: str = reference.get("Ref") or reference.get("Fn::GetAtt", "")
    return name.partition(".")[0]
