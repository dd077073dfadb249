"""The template as CloudFormation reads it, and what the promises ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]

type Node = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags: !Ref X becomes {"Ref": "X"}, !Sub X {"Fn::Sub": "X"}."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Node:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(f"!{suffix} stands before a mapping, which CloudFormation does not take")


yaml.add_multi_constructor("!", _tag, _Loader)


def read_document() -> Node:
    """Read template.yaml anew, so that a test may change what it gets."""
    text = (ROOT / "template.yaml").read_text()
    document: Node = yaml.load(text, _Loader)  # noqa: S506 - derives from SafeLoader
    return document


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
