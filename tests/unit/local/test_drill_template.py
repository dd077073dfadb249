"""What references come to, and the part of the template that the drill deploys."""

from __future__ import annotations

import pytest

from local.drill.stack import reduced
from local.drill.template import Resolver, read_document

DOCUMENT = {
    "Parameters": {"Stage": {"Default": "prod"}, "Few": {"Default": 0}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "Wants": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Few"}, 0]}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "Wants"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "Wants"}]},
        "Odd": {"Fn::Odd": []},
    },
    "Resources": {
        "Queue": {"Type": "Q", "Properties": {"Name": {"Fn::Sub": "a-${Stage}-${Queue.Arn}"}}},
        "Extra": {"Type": "Q", "Condition": "Wants", "Properties": {}},
    },
}


@pytest.mark.parametrize(
    ("parameters", "held"),
    [
        ({}, {"IsProd", "Either"}),
        ({"Few": 1}, {"IsProd", "Wants", "Both", "Either"}),
        ({"Stage": "x"}, set()),
    ],
)
def test_conditions_hold_by_the_parameters(
    parameters: dict[str, str | int], held: set[str]
) -> None:
    resolver = Resolver(DOCUMENT, parameters)
    names = ("IsProd", "Wants", "Both", "Either")
    assert {name for name in names if resolver.holds(name)} == held


def test_a_condition_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="no condition"):
        Resolver(DOCUMENT).holds("Odd")


def test_a_resource_is_there_if_its_condition_holds() -> None:
    assert set(Resolver(DOCUMENT).resources("Q")) == {"Queue"}
    assert set(Resolver(DOCUMENT, {"Few": 2}).resources("Q")) == {"Queue", "Extra"}


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Few"}, 0),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "Queue"),
        ({"Fn::Sub": "${Stage}/${AWS::Partition}"}, "prod/aws"),
        ({"Fn::If": ["IsProd", {"Ref": "Stage"}, 2]}, "prod"),
        ([{"Fn::If": ["Wants", 1, {"Ref": "AWS::NoValue"}]}, 3], [3]),
        ({"a": {"Fn::If": ["Wants", 1, {"Ref": "AWS::NoValue"}]}, "b": [1]}, {"b": [1]}),
    ],
)
def test_references_come_to_values(node: object, value: object) -> None:
    assert Resolver(DOCUMENT).resolve(node) == value


def test_references_to_what_is_kept_stay() -> None:
    resolver = Resolver(DOCUMENT, keep=frozenset({"Queue"}))
    assert resolver.resolve([{"Ref": "Queue"}, {"Fn::GetAtt": "Queue.Arn"}]) == [
        {"Ref": "Queue"},
        {"Fn::GetAtt": ["Queue", "Arn"]},
    ]


def test_the_drill_deploys_queues_and_tables_and_their_outputs() -> None:
    found = reduced(read_document())
    kinds = {each["Type"] for each in found["Resources"].values()}
    assert kinds == {"AWS::SQS::Queue", "AWS::DynamoDB::Table"}
    wanted = {
        "LedgerTableName",
        "ParameterPrefix",
        "DeadLetterQueueUrl",
        "DeliveryDeadLetterQueueUrl",
    }
    assert wanted <= set(found["Outputs"])
