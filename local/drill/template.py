"""The template as CloudFormation reads it, and what its references come to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from local.cloud import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

type Node = dict[str, Any]

_NOTHING = {"Ref": "AWS::NoValue"}
_PSEUDO = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::URLSuffix": "amazonaws.com",
}
_IN_A_TEXT = re.compile(r"\$\{([\w:.]+)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags: !Ref X becomes {"Ref": "X"}, !Sub X {"Fn::Sub": "X"}."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Node:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(f"!{suffix} stands before a mapping, which CloudFormation does not take")


yaml.add_multi_constructor("!", _tag, _Loader)


def read_document() -> Node:
    """Read template.yaml anew, so that whoever gets it may change it."""
    document: Node = yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # noqa: S506 - derives from SafeLoader.
    return document


@dataclass(frozen=True, slots=True)
class Resolver:
    """Says what references come to in a stack with these parameters.

    A resource stands for itself: its logical id is its name.

    Args:
        document: The template.
        parameters: What differs from the defaults.
        keep: Resources to which references stay references.
    """

    document: Node
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    keep: frozenset[str] = frozenset()

    def resources(self, *kinds: str) -> dict[str, Node]:
        """Return the properties of all resources of these types that the stack has, resolved, by logical id."""
        return {
            name: self.resolve(each["Properties"])
            for name, each in self.document["Resources"].items()
            if each["Type"] in kinds and self.holds(each.get("Condition"))
        }

    def holds(self, condition: str | None) -> bool:
        """Tell whether a condition holds; None always does."""
        return condition is None or self._holds(self.document["Conditions"][condition])

    def resolve(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        """Return a part of the template with nothing left to look up."""
        if isinstance(node, list):
            return [self.resolve(each) for each in node if self._kept(each) != _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (found := self._looked_up(node)) is not None:
            return found
        kept = {name: self._kept(each) for name, each in node.items()}
        return {name: self.resolve(each) for name, each in kept.items() if each != _NOTHING}

    def _looked_up(self, node: Node) -> Any | None:  # noqa: ANN401 - JSON
        match node:
            case {"Ref": str(name)}:
                return node if name in self.keep else self._value(name)
            case {"Fn::GetAtt": str(name)}:
                logical = name.partition(".")[0]
                return {"Fn::GetAtt": name.split(".", 1)} if logical in self.keep else logical
            case {"Fn::Sub": str(text)}:
                return _IN_A_TEXT.sub(lambda found: str(self._value(found[1])), text)
            case {"Fn::If": _}:
                return self.resolve(self._kept(node))
        return None

    def _kept(self, node: Any) -> Any:  # noqa: ANN401 - JSON
        while isinstance(node, dict) and "Fn::If" in node:
            condition, then, otherwise = node["Fn::If"]
            node = then if self.holds(condition) else otherwise
        return node

    def _value(self, name: str) -> str | int:
        if name in self.document["Parameters"]:
            default: str | int = self.document["Parameters"][name]["Default"]
            return self.parameters.get(name, default)
        return _PSEUDO.get(name, name.partition(".")[0])

    def _holds(self, node: Node) -> bool:
        match node:
            case {"Fn::Not": [each]}:
                return not self._holds(each)
            case {"Fn::And": each}:
                return all(map(self._holds, each))
            case {"Fn::Or": each}:
                return any(map(self._holds, each))
            case {"Fn::Equals": [one, other]}:
                return str(self.resolve(one)) == str(self.resolve(other))
            case {"Condition": str(name)}:
                return self.holds(name)
        raise ValueError(f"no condition: {node}")
