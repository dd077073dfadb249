"""What the template promises of data at rest and in transit, each as findings: (subject, kept)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .permissions import OPEN_QUEUES, OPEN_TABLE
from .reading import as_list, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reading import Node, Template

type Findings = Iterator[tuple[str, bool]]

_DATA_KEY = {"Fn::If": ["HasDataKey", {"Ref": "DataKeyArn"}, {"Ref": "AWS::NoValue"}]}
_QUEUE, _TABLE, _TOPIC = "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SNS::Topic"
_LOGS = "AWS::Logs::LogGroup"
_KEEP_DATA: dict[str, Node] = {
    _QUEUE: {
        "KmsMasterKeyId": _DATA_KEY,
        # Together with a key, CloudFormation refuses it.
        "SqsManagedSseEnabled": {"Fn::If": ["HasDataKey", False, True]},
    },
    _TABLE: {
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": _DATA_KEY}
    },
    _TOPIC: {"KmsMasterKeyId": _DATA_KEY},
    _LOGS: {"KmsKeyId": _DATA_KEY},
}
# AWS encrypts them with its own keys. What they hold is code, names and rules; a bus holds events while it delivers.
_KEEP_NONE = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::EventBus",
    "AWS::Events::EventBusPolicy",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::Serverless::Function",
    "AWS::Serverless::LayerVersion",
}


def whatever_keeps_data_is_encrypted_and_takes_a_key_of_ones_own(template: Template) -> Findings:
    for kind, wanted in _KEEP_DATA.items():
        for name, properties in template.resources(kind).items():
            found = {each: properties.get(each) for each in wanted}
            yield name, found == wanted


def every_kind_of_resource_was_looked_at(template: Template) -> Findings:
    """A new kind is put into the one list or the other above by whoever knows what it keeps."""
    for name, resource in template.document["Resources"].items():
        yield f"{name}: {resource['Type']}", resource["Type"] in {*_KEEP_DATA, *_KEEP_NONE}


def a_key_of_ones_own_is_an_option(template: Template) -> Findings:
    for parameter, condition in (("DataKeyArn", "HasDataKey"), ("SecretsKeyArn", "HasSecretsKey")):
        default = template.document["Parameters"][parameter]["Default"]
        yield f"{parameter}: none by default", default == ""
        given = {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
        yield condition, template.document["Conditions"][condition] == given


def whoever_opens_queues_or_a_table_may_use_their_key(template: Template) -> Findings:
    for name in template.resources("AWS::IAM::Role"):
        used = {
            action.partition(":")[0]
            for role, statement in template.role_statements()
            if role == name
            for action in as_list(statement["Action"])
        }
        opened = {"sqs": OPEN_QUEUES, "dynamodb": OPEN_TABLE}
        wanted = [("DataKeyArn", each, opened[each]) for each in opened if each in used]
        found = [each for each in _uses_of_keys(template, name) if each[0] == "DataKeyArn"]
        yield name, found == wanted


def a_key_is_used_only_if_given_and_through_the_service_that_it_is_for(
    template: Template,
) -> Findings:
    conditions = {"DataKeyArn": "HasDataKey", "SecretsKeyArn": "HasSecretsKey"}
    for name, statement in _statements(template):
        condition, meant, _ = statement.get("Fn::If", ["always", statement, None])
        if any(action.startswith("kms:") for action in as_list(meant["Action"])):
            key = resource_of(meant["Resource"])
            yield f"{name}: a key of ours", condition == conditions.get(key)
    for name in template.resources("AWS::IAM::Role"):
        for key, service, actions in _uses_of_keys(template, name):
            yield f"{name}: through a service", service in {"ssm", "sqs", "dynamodb"}
            secrets = (key, service, actions) == ("SecretsKeyArn", "ssm", {"kms:Decrypt"})
            yield f"{name}: decrypts secrets alone", secrets == (service == "ssm")


def nothing_comes_over_plain_http(template: Template) -> Findings:
    """For each queue and topic a denial that stands as long as itself."""
    denied = set()
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for policy, properties in template.resources(kind).items():
            of_policy = template.document["Resources"][policy].get("Condition")
            attached = {resource_of(x) for x in properties.get("Queues") or properties["Topics"]}
            for statement in properties["PolicyDocument"]["Statement"]:
                if _denies_plain_http(statement):
                    named = {resource_of(each) for each in as_list(statement["Resource"])}
                    denied |= {(each, of_policy) for each in attached & named}
    for name in template.resources(_QUEUE, _TOPIC):
        yield name, (name, template.document["Resources"][name].get("Condition")) in denied


def _denies_plain_http(statement: Node) -> bool:
    return (
        (statement.get("Effect"), statement.get("Principal")) == ("Deny", "*")
        # A topic's policy takes no sns:*, and publishing is all that brings data.
        and statement["Action"] in ("sqs:*", "sns:Publish")
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    )


def _statements(template: Template) -> list[tuple[str, Node]]:
    """As they stand, the If around them included."""
    return [
        (name, statement)
        for name, role in template.resources("AWS::IAM::Role").items()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _uses_of_keys(template: Template, role: str) -> list[tuple[str, str, set[str]]]:
    """Key, service through which it may be used, actions."""
    found = []
    for name, statement in template.role_statements():
        actions = set(as_list(statement["Action"]))
        if name == role and any(action.startswith("kms:") for action in actions):
            via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", {})
            service, _, rest = via.get("Fn::Sub", "").partition(".")
            here = rest == "${AWS::Region}.${AWS::URLSuffix}"
            key = resource_of(statement["Resource"])
            found.append((key, service if here else "", actions))
    return found
