"""Who may do what: the whole list, to be read and agreed to by a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .reading import as_list

if TYPE_CHECKING:
    from .reading import Template

_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
# TransactWriteItems is authorised by the actions on the items that it writes.
_PIPELINE = {
    "LedgerTable": {
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    },
    "parameter campaigns": {"ssm:GetParametersByPath", "ssm:GetParameterHistory"},
    "parameter campaigns/*": {"ssm:GetParametersByPath", "ssm:GetParameterHistory"},
    "parameter accounts/*": {"ssm:GetParameter"},
    "parameter secrets/accounts/*": {"ssm:GetParameter"},
    "SecretsKeyArn": {"kms:Decrypt"},
}
OPEN_QUEUES = {"kms:Decrypt", "kms:GenerateDataKey"}
# What DynamoDB asks of whoever reads and writes a table under a key of one's own; only its maker has to grant it on:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
OPEN_TABLE = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
_PEOPLE = {
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}

EXPECTED = {
    "TranslateEventsRole": {
        **_PIPELINE,
        "TranslateEventsLogGroup": _LOGS,
        "ShopEventsQueue": {
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        },
        "DeadLetterQueue": {"sqs:SendMessage"},
        # An unsubscription and an erasure look for whatever there is of a customer.
        "LedgerTable/index/customer": {"dynamodb:Query"},
        "parameter secrets/customer-key": {"ssm:GetParameter"},
        "parameter mappings": {"ssm:GetParametersByPath", "ssm:GetParameterHistory"},
        "parameter mappings/*": {"ssm:GetParametersByPath", "ssm:GetParameterHistory"},
        "DataKeyArn": OPEN_QUEUES | OPEN_TABLE,
    },
    "SendDueInvitationsRole": {
        **_PIPELINE,
        "SendDueInvitationsLogGroup": _LOGS,
        "LedgerTable/index/due": {"dynamodb:Query"},
        "DataKeyArn": OPEN_TABLE,
    },
    "FollowUpScheduleRole": {
        "SendDueInvitationsFunction": {"lambda:InvokeFunction"},
        "FollowUpScheduleDeadLetterQueue": {"sqs:SendMessage"},
        "DataKeyArn": OPEN_QUEUES,
    },
    "DeliverInvitationsRole": {
        "DeliverInvitationsLogGroup": _LOGS,
        "DeliveryQueue": {
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        },
        "InvitationServiceTable": _PEOPLE,
        "parameter invitation-service/mail/*": {"ssm:GetParameter"},
        "parameter invitation-service/link-keys": {"ssm:GetParameter"},
        "SecretsKeyArn": {"kms:Decrypt"},
        "DataKeyArn": OPEN_QUEUES | OPEN_TABLE,
    },
    "EnqueueDueInvitationsRole": {
        "EnqueueDueInvitationsLogGroup": _LOGS,
        "InvitationServiceTable": {"dynamodb:UpdateItem"},
        "InvitationServiceTable/index/due": {"dynamodb:Query"},
        "DeliveryQueue": {"sqs:SendMessage"},
        "DataKeyArn": OPEN_QUEUES | OPEN_TABLE,
    },
    "DeliveryScheduleRole": {
        "EnqueueDueInvitationsFunction": {"lambda:InvokeFunction"},
        "FollowUpScheduleDeadLetterQueue": {"sqs:SendMessage"},
        "DataKeyArn": OPEN_QUEUES,
    },
    "InvitationServiceRole": {
        "InvitationServiceLogGroup": _LOGS,
        # A changed address moves its reference.
        "InvitationServiceTable": {*_PEOPLE, "dynamodb:DeleteItem"},
        "InvitationServiceTable/index/changes": {"dynamodb:Query"},
        "DeliveryQueue": {"sqs:SendMessage"},
        "parameter invitation-service/credentials": {"ssm:GetParameter"},
        # The pages read the links of mails.
        "parameter invitation-service/link-keys": {"ssm:GetParameter"},
        "SecretsKeyArn": {"kms:Decrypt"},
        "DataKeyArn": OPEN_QUEUES | OPEN_TABLE,
    },
}

_LEAF = "is one name deep, below a path of ours; the operator chooses the last part"
# The only permissions with a wildcard, and why.
WILDCARDS = {
    "parameter campaigns/*": f"A campaign's name {_LEAF}.",
    "parameter mappings/*": f"A mapping's name {_LEAF}.",
    "parameter accounts/*": f"An account's name {_LEAF}, and a campaign names it.",
    "parameter secrets/accounts/*": f"A secret's name {_LEAF}: its account's.",
    "parameter invitation-service/mail/*": f"A mail account's name {_LEAF}: the account's id.",
}

_RESTORED_ARN = (
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTable}"
)
_PARAMETER_ARN = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"


def granted(template: Template, role: str) -> dict[str, set[str]]:
    """What a role may do: resource -> actions, with resources as EXPECTED writes them."""
    found: dict[str, set[str]] = {}
    for name, statement in template.role_statements():
        if name == role and statement["Effect"] == "Allow":
            for resource in as_list(statement["Resource"]):
                found.setdefault(_short(resource), set()).update(as_list(statement["Action"]))
    return found


def _short(resource: object) -> str:
    if not isinstance(resource, dict):
        return str(resource)
    if "Fn::If" in resource:
        condition, restored, usual = map(_short, resource["Fn::If"])
        # What a role may do at the ledger, it may do at a restored one in its place, and nowhere else.
        in_its_place = (condition, restored) == ("HasRestoredTable", usual)
        return usual if in_its_place else f"{restored}, or {usual}"
    name: str = resource.get("Ref") or resource.get("Fn::GetAtt") or resource.get("Fn::Sub", "")
    name = name.replace(_RESTORED_ARN, "LedgerTable")
    name = name.replace(f"{_PARAMETER_ARN}/afterword/${{Stage}}/", "parameter ")
    return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", name).removesuffix(".Arn")
