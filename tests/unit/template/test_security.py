"""What the template promises of encryption and access. Each promise is also seen to fail, on a broken template."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from . import access_promises as access
from . import encryption_promises as encryption
from .breaking import GONE, broken, mutated
from .reading import Template, read_document

if TYPE_CHECKING:
    from .breaking import Promise

TEMPLATE = Template(read_document())
PROMISES: list[Promise] = [
    promise
    for module in (access, encryption)
    for name, promise in inspect.getmembers(module, inspect.isfunction)
    if promise.__module__ == module.__name__ and not name.startswith("_")
]

QUEUE = "Resources ShopEventsQueue Properties"
DELIVERIES = "Resources DeliveryDeadLetterQueue Properties"
SPECIFICATION = "Resources LedgerTable Properties SSESpecification"
TOPIC_POLICY = "Resources AlarmTopicPolicy Properties PolicyDocument Statement"
QUEUE_POLICY = "Resources ShopEventsQueuePolicy Properties PolicyDocument Statement"
DELIVERY_POLICY = "Resources DeliveryQueuesPolicy"
TRANSLATE = "Resources TranslateEventsRole Properties Policies 0 PolicyDocument Statement"
SEND = "Resources SendDueInvitationsRole Properties Policies 0 PolicyDocument Statement"
SCHEDULE = "Resources FollowUpScheduleRole Properties Policies 0 PolicyDocument Statement"
ENQUEUE = "Resources EnqueueDueInvitationsRole Properties Policies 0 PolicyDocument Statement"
SECRETS, QUEUES, TABLE = f"{TRANSLATE} 7", f"{TRANSLATE} 8", f"{TRANSLATE} 9"

_encrypted = encryption.whatever_keeps_data_is_encrypted_and_takes_a_key_of_ones_own
_may_use = encryption.whoever_opens_queues_or_a_table_may_use_their_key
_one_service = encryption.a_key_is_used_only_if_given_and_through_the_service_that_it_is_for
_narrow = access.no_permission_is_a_wildcard_without_a_reason
_sweep = access.the_sweep_of_deliveries_writes_when_to_look_again_and_no_more

# What breaks a promise: (promise, path into the template, new value).
MUTATIONS: list[tuple[Promise, str, object]] = [
    (_encrypted, f"{QUEUE} SqsManagedSseEnabled", GONE),
    (_encrypted, f"{QUEUE} SqsManagedSseEnabled", True),
    (_encrypted, f"{DELIVERIES} KmsMasterKeyId", GONE),
    (_encrypted, "Resources FollowUpScheduleDeadLetterQueue Properties KmsMasterKeyId", "alias/x"),
    (_encrypted, SPECIFICATION, GONE),
    (_encrypted, f"{SPECIFICATION} SSEEnabled", False),
    (_encrypted, f"{SPECIFICATION} KMSMasterKeyId Fn::If 0", "HasSecretsKey"),
    (_encrypted, "Resources InvitationServiceTable Properties SSESpecification", GONE),
    (_encrypted, "Resources InvitationServiceAccessLogGroup Properties KmsKeyId", GONE),
    (_encrypted, "Resources AlarmTopic Properties KmsMasterKeyId", "alias/aws/sns"),
    (encryption.every_kind_of_resource_was_looked_at, "Resources ScheduleGroup Type", "AWS::S3::X"),
    (
        encryption.a_key_of_ones_own_is_an_option,
        "Parameters DataKeyArn Default",
        "arn:aws:kms:eu-west-1:123456789012:key/x",
    ),
    (
        encryption.a_key_of_ones_own_is_an_option,
        "Conditions HasDataKey Fn::Not 0 Fn::Equals 0 Ref",
        "SecretsKeyArn",
    ),
    (_may_use, QUEUES, GONE),
    (_may_use, f"{SEND} 6", GONE),
    (_may_use, f"{SCHEDULE} 2 Fn::If 1 Action", ["kms:GenerateDataKey"]),
    (_may_use, f"{TABLE} Fn::If 1 Action", ["kms:Decrypt", "kms:CreateGrant"]),
    (_may_use, f"{QUEUES} Fn::If 1 Condition", GONE),
    (_one_service, f"{SECRETS} Fn::If 1 Condition", GONE),
    (_one_service, f"{SECRETS} Fn::If 1 Resource", {"Ref": "DataKeyArn"}),
    (_one_service, f"{QUEUES} Fn::If 0", "HasSecretsKey"),
    (_one_service, f"{TABLE} Fn::If 1 Resource", "arn:aws:kms:eu-west-1:123456789012:key/x"),
    (
        _one_service,
        f"{SECRETS} Fn::If 1 Condition StringEquals kms:ViaService Fn::Sub",
        "ssm.*.amazonaws.com",
    ),
    (encryption.nothing_comes_over_plain_http, f"{TOPIC_POLICY} 1", GONE),
    (
        encryption.nothing_comes_over_plain_http,
        "Resources FollowUpScheduleDeadLetterQueuePolicy",
        GONE,
    ),
    (
        encryption.nothing_comes_over_plain_http,
        f"{DELIVERY_POLICY} Properties PolicyDocument Statement 0 Resource",
        {"Fn::GetAtt": "DeliveryQueue.Arn"},
    ),
    (
        encryption.nothing_comes_over_plain_http,
        f"{DELIVERY_POLICY} Properties Queues",
        [{"Ref": "DeliveryQueue"}],
    ),
    (encryption.nothing_comes_over_plain_http, f"{DELIVERY_POLICY} Condition", "HasAlarmEmail"),
    (
        encryption.nothing_comes_over_plain_http,
        f"{QUEUE_POLICY} 2 Condition Bool aws:SecureTransport",
        "true",
    ),
    (encryption.nothing_comes_over_plain_http, f"{QUEUE_POLICY} 2 Action", "sqs:SendMessage"),
    (_narrow, f"{TRANSLATE} 0 Resource", "*"),
    (_narrow, f"{TRANSLATE} 0 Action", "logs:*"),
    (_narrow, f"{TRANSLATE} 0 Action", ["logs:Put*"]),
    (
        _narrow,
        f"{TRANSLATE} 3 Resource Fn::If 2",
        {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:*:*:table/*"},
    ),
    (_narrow, f"{QUEUE_POLICY} 0 Principal", "*"),
    (_narrow, f"{TOPIC_POLICY} 0 Action", "sns:*"),
    (
        access.no_function_is_led_to_another_endpoint,
        "Globals Function Environment Variables AWS_ENDPOINT_URL_DYNAMODB",
        "http://elsewhere",
    ),
    (
        access.an_address_that_opens_an_incident_tool_is_not_shown,
        "Parameters AlarmUrl NoEcho",
        GONE,
    ),
    (
        access.an_address_that_opens_an_incident_tool_is_not_shown,
        "Parameters TicketUrl Default",
        "https://incidents.example/key",
    ),
    (access.no_wildcard_has_outlived_its_use, "Resources DeliverInvitationsRole", GONE),
    (access.secrets_are_read_one_by_one, f"{TRANSLATE} 6 Action", "ssm:GetParametersByPath"),
    (_sweep, f"{ENQUEUE} 1 Condition", GONE),
    (
        _sweep,
        f"{ENQUEUE} 1 Condition ForAllValues:StringEquals dynamodb:Attributes",
        ["pk", "sk", "recipients"],
    ),
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_template_keeps_its_promises(promise: Promise) -> None:
    assert list(promise(TEMPLATE)), "looked at nothing"
    assert broken(promise, TEMPLATE) == []


@pytest.mark.parametrize(
    ("promise", "path", "value"),
    MUTATIONS,
    ids=[f"{promise.__name__} {path.split()[-1]}" for promise, path, _ in MUTATIONS],
)
def test_a_broken_template_is_found_out(promise: Promise, path: str, value: object) -> None:
    assert broken(promise, mutated(path, value))


def test_every_promise_is_seen_to_fail() -> None:
    assert {promise for promise, _, _ in MUTATIONS} == set(PROMISES)
