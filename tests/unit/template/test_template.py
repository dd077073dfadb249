"""What no linter sees in the template. Each promise is also seen to fail, on a broken template."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

import pytest

from . import alarm_promises as alarms
from . import queue_promises as queues
from . import stack_promises as stack
from .breaking import GONE, broken, mutated
from .reading import Template, read_document

if TYPE_CHECKING:
    from .breaking import Promise

TEMPLATE = Template(read_document())
PROMISES: list[Promise] = [
    promise
    for module in (alarms, queues, stack)
    for name, promise in inspect.getmembers(module, inspect.isfunction)
    if promise.__module__ == module.__name__ and not name.startswith("_")
    if name not in {"severity", "slug"}
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_template_keeps_its_promises(promise: Promise) -> None:
    assert list(promise(TEMPLATE)), "looked at nothing"
    assert broken(promise, TEMPLATE) == []


# What breaks a promise: (promise, path into the template, new value).
QUEUE = "Resources ShopEventsQueue Properties"
TRANSLATE = "Resources TranslateEventsFunction Properties"
SQS = f"{TRANSLATE} Events ShopEvents Properties"
SEND = "Resources SendDueInvitationsFunction Properties"
SCHEDULE = f"{SEND} Events FollowUpSchedule Properties"
TARGET = "Resources ShopEventsRule Properties Targets 0"
LEDGER = "Resources LedgerTable Properties"
STAGE = "Resources InvitationServiceStage Properties"
ROLE = "Resources TranslateEventsRole Properties Policies 0 PolicyDocument Statement"
RULE = "Rules TimeTravelIsForTheLocalStage"
BUS = "Resources ShopEventsBusPolicy"
STATEMENTS = "Properties PolicyDocument Statement"
LETTERS = "Resources DeadLettersAlarm Properties"
_told = alarms.every_alarm_has_a_severity_and_tells_its_topic
_said = alarms.every_alarm_says_what_it_means_and_where_help_is
_watched = alarms.every_function_is_watched_in_three_ways

MUTATIONS: list[tuple[Promise, str, object]] = [
    (queues.a_queue_waits_for_six_timeouts_and_the_window, f"{QUEUE} VisibilityTimeout", 364),
    (queues.a_queue_waits_for_six_timeouts_and_the_window, f"{TRANSLATE} Timeout", 70),
    (queues.batches_are_big_and_single_failures_are_reported, f"{SQS} FunctionResponseTypes", GONE),
    (queues.batches_are_big_and_single_failures_are_reported, f"{SQS} BatchSize", 10),
    (queues.a_consumer_is_capped_by_a_number, f"{SQS} ScalingConfig", GONE),
    (
        queues.a_consumer_is_capped_by_a_number,
        f"{SQS} ScalingConfig MaximumConcurrency",
        {"Ref": "X"},
    ),
    (
        queues.an_outage_of_half_a_day_makes_no_dead_letter,
        f"{QUEUE} RedrivePolicy maxReceiveCount",
        100,
    ),
    (
        queues.what_keeps_failing_is_set_aside_before_it_is_lost,
        f"{QUEUE} RedrivePolicy maxReceiveCount",
        1000,
    ),
    (
        queues.a_dead_letter_outlives_its_source,
        "Resources DeadLetterQueue Properties MessageRetentionPeriod",
        345600,
    ),
    (queues.shop_events_come_over_the_rule, f"{TARGET} DeadLetterConfig", GONE),
    (queues.shop_events_come_over_the_rule, f"{TARGET} InputPath", "$.detail"),
    (
        queues.shop_events_come_over_the_rule,
        "Resources ShopEventsRule Properties EventPattern",
        {"source": [{"prefix": ""}]},
    ),
    (queues.the_next_minute_is_the_retry, f"{SCHEDULE} DeadLetterConfig", GONE),
    (queues.the_next_minute_is_the_retry, f"{SCHEDULE} RetryPolicy MaximumRetryAttempts", 3),
    (queues.the_next_minute_is_the_retry, f"{SEND} EventInvokeConfig MaximumRetryAttempts", 2),
    (queues.the_next_minute_is_the_retry, f"{SCHEDULE} Input", "{}"),
    (queues.at_most_five_runs_overlap, f"{SEND} Timeout", 301),
    (queues.every_dead_letter_queue_is_watched, "Resources FollowUpScheduleDeadLettersAlarm", GONE),
    (
        queues.every_dead_letter_queue_is_watched,
        "Resources DeadLettersAlarm Properties Threshold",
        5,
    ),
    (queues.a_stuck_queue_is_heard_of, "Parameters QueueAgeSeconds MaxValue", 900),
    (
        queues.silence_of_the_sweep_is_a_fault,
        "Resources OverdueInvitationsAlarm Properties TreatMissingData",
        "notBreaching",
    ),
    (
        queues.silence_of_the_sweep_is_a_fault,
        "Globals Function Environment Variables POWERTOOLS_SERVICE_NAME",
        "other",
    ),
    (queues.what_is_held_is_heard_of, "Resources HeldInvitationsAlarm", GONE),
    (queues.what_is_held_is_heard_of, "Resources HeldInvitationsAlarm Properties Threshold", 1),
    (
        queues.what_is_held_is_heard_of,
        "Resources HeldInvitationsAlarm Properties TreatMissingData",
        "notBreaching",
    ),
    (
        queues.what_is_held_is_heard_of,
        "Globals Function Environment Variables POWERTOOLS_SERVICE_NAME",
        "other",
    ),
    (stack.everything_to_set_or_to_read_is_described, "Parameters Stage Description", GONE),
    (
        stack.everything_to_set_or_to_read_is_described,
        "Outputs LedgerTableName Description",
        GONE,
    ),
    (stack.every_parameter_has_a_default_and_bounds, "Parameters Stage Default", GONE),
    (stack.every_parameter_has_a_default_and_bounds, "Parameters Stage AllowedPattern", GONE),
    (
        stack.no_log_level_shows_bodies_and_secrets,
        "Parameters LogLevel AllowedValues",
        ["DEBUG", "INFO"],
    ),
    (
        stack.no_log_level_shows_bodies_and_secrets,
        f"{SEND} LoggingConfig ApplicationLogLevel",
        "DEBUG",
    ),
    (stack.time_travel_is_for_the_local_stage, RULE, GONE),
    (stack.time_travel_is_for_the_local_stage, f"{RULE} RuleCondition", GONE),
    (stack.time_travel_is_for_the_local_stage, "Parameters AllowTimeTravel Default", "true"),
    (
        stack.time_travel_is_for_the_local_stage,
        f"{SEND} Environment Variables ALLOW_TIME_TRAVEL",
        "true",
    ),
    (stack.every_function_ends_and_has_its_memory, f"{SEND} MemorySize", GONE),
    (
        stack.every_function_ends_and_has_its_memory,
        "Resources InvitationServiceFunction Properties Timeout",
        GONE,
    ),
    (
        stack.every_function_ends_and_has_its_memory,
        "Resources SendDueInvitationsFunction Metadata",
        {},
    ),
    (
        stack.functions_and_layers_are_for_one_processor,
        "Resources DependenciesLayer Metadata BuildArchitecture",
        GONE,
    ),
    (
        stack.functions_and_layers_are_for_one_processor,
        "Resources AfterwordLayer Metadata BuildMethod",
        "python3.13",
    ),
    (stack.functions_and_layers_are_for_one_processor, "Globals Function Runtime", "python3.12"),
    (stack.no_environment_holds_a_secret, f"{SEND} Environment Variables API_TOKEN", "x"),
    (
        stack.no_environment_holds_a_secret,
        f"{SEND} Environment Variables STAGE",
        "{{resolve:ssm:/x}}",
    ),
    (
        stack.every_log_ends,
        "Resources TranslateEventsLogGroup Properties RetentionInDays",
        GONE,
    ),
    (stack.every_log_ends, f"{TRANSLATE} LoggingConfig LogGroup", GONE),
    (
        stack.access_logs_hold_no_personal_data,
        f"{STAGE} AccessLogSettings Format",
        "$context.status $context.path",
    ),
    (stack.a_table_survives_mistakes, "Resources LedgerTable DeletionPolicy", "Delete"),
    (stack.a_table_survives_mistakes, "Resources LedgerTable UpdateReplacePolicy", GONE),
    (stack.a_table_survives_mistakes, f"{LEDGER} DeletionProtectionEnabled", False),
    (stack.a_table_survives_mistakes, f"{LEDGER} PointInTimeRecoverySpecification", GONE),
    (stack.a_table_survives_mistakes, f"{LEDGER} TimeToLiveSpecification Enabled", False),
    (
        stack.a_restored_table_takes_the_ledgers_place,
        f"{SEND} Environment Variables TABLE_NAME",
        {"Ref": "LedgerTable"},
    ),
    (stack.a_restored_table_takes_the_ledgers_place, "Parameters RestoredTable Default", "T"),
    (
        stack.every_role_may_do_what_it_needs_and_no_more,
        f"{ROLE} 3 Resource Fn::If 1",
        {"Fn::GetAtt": "InvitationServiceTable.Arn"},
    ),
    (stack.the_ledger_has_the_keys_that_its_code_uses, f"{LEDGER} GlobalSecondaryIndexes 1", GONE),
    (
        stack.the_ledger_has_the_keys_that_its_code_uses,
        f"{LEDGER} AttributeDefinitions 3 AttributeType",
        "S",
    ),
    (
        stack.a_queue_takes_events_from_our_rule_and_named_topics_alone,
        f"Resources ShopEventsQueuePolicy {STATEMENTS} 0 Condition",
        {},
    ),
    (
        stack.a_queue_takes_events_from_our_rule_and_named_topics_alone,
        f"Resources ShopEventsQueuePolicy {STATEMENTS} 1 Fn::If 1 Condition",
        {},
    ),
    (
        stack.a_queue_takes_events_from_our_rule_and_named_topics_alone,
        "Parameters PublisherTopics Default",
        "arn:aws:sns:eu-west-1:123456789012:any",
    ),
    (
        stack.the_topic_takes_alarms_of_this_account_alone,
        f"Resources AlarmTopicPolicy {STATEMENTS} 0 Condition",
        {},
    ),
    (stack.other_accounts_publish_only_if_named_and_only_shop_events, f"{BUS} Condition", GONE),
    (
        stack.other_accounts_publish_only_if_named_and_only_shop_events,
        f"{BUS} Properties Statement Principal",
        "*",
    ),
    (stack.every_role_may_do_what_it_needs_and_no_more, f"{ROLE} 2", GONE),
    (stack.every_role_may_do_what_it_needs_and_no_more, f"{ROLE} 2 Action", ["sqs:PurgeQueue"]),
    (stack.every_role_may_do_what_it_needs_and_no_more, f"{TRANSLATE} Role", GONE),
    (
        stack.only_the_schedule_group_wakes_the_sweep,
        "Resources FollowUpScheduleRole Properties AssumeRolePolicyDocument Statement 0 Condition",
        GONE,
    ),
    (
        stack.who_calls_a_function_is_named,
        "Resources InvitationServicePermission Properties SourceArn",
        GONE,
    ),
    (
        stack.the_invitation_service_is_there_if_wanted,
        "Resources InvitationServiceTable Condition",
        GONE,
    ),
    (stack.the_invitation_service_is_there_if_wanted, "Parameters InvitationService Default", "on"),
    (
        stack.the_invitation_service_is_there_if_wanted,
        "Resources DeliverInvitationsErrorsAlarm Condition",
        GONE,
    ),
    (
        stack.the_service_has_the_keys_that_its_code_uses,
        "Resources InvitationServiceTable Properties GlobalSecondaryIndexes 1",
        GONE,
    ),
    (
        stack.whoever_holds_a_claim_has_ended_before_it_is_given_up,
        "Resources DeliverInvitationsFunction Properties Timeout",
        360,
    ),
    (
        stack.whoever_holds_a_claim_has_ended_before_it_is_given_up,
        "Resources DeliverInvitationsFunction Properties Timeout",
        120,
    ),
    (
        queues.a_fault_of_an_accounts_mail_is_heard_of,
        "Resources MailAccountFaultsAlarm Properties MetricName",
        "MailsLater",
    ),
    (
        queues.a_queue_waits_for_six_timeouts_and_the_window,
        "Resources DeliveryQueue Properties VisibilityTimeout",
        1799,
    ),
    (stack.the_public_api_is_throttled, f"{STAGE} DefaultRouteSettings", GONE),
    (stack.functions_carry_application_and_stage, "Globals Function Tags", GONE),
    (_told, f"{LETTERS} AlarmActions", GONE),
    (_told, f"{LETTERS} OKActions", GONE),
    (_told, f"{LETTERS} AlarmActions", [{"Ref": "AlarmTopic"}]),
    (_told, "Resources ProviderDownAlarm Properties OKActions", GONE),
    (_said, f"{LETTERS} AlarmDescription Fn::Sub", "TICKET. Dead. Runbook: ${RunbookUrl}#other"),
    (_said, f"{LETTERS} Tags 0 Value", "page"),
    (alarms.every_topic_has_its_subscriptions, "Resources TicketUrlSubscription", GONE),
    (alarms.nobody_is_subscribed_unasked, "Resources AlarmEmailSubscription Condition", GONE),
    (alarms.who_gives_one_address_gets_all, "Conditions HasAnyEmail Fn::Or 0", {"Condition": "X"}),
    (_watched, "Resources SendDueInvitationsErrorsAlarm", GONE),
    (_watched, "Resources TranslateEventsThrottlesAlarm", GONE),
    (_watched, f"{SEND} Timeout", 200),
    (
        alarms.an_alarm_of_our_own_metrics_looks_where_they_are,
        "Resources NoCampaignsAlarm Properties Dimensions 0 Name",
        "Service",
    ),
    (
        alarms.an_alarm_of_our_own_metrics_looks_where_they_are,
        "Resources FailedMailsAlarm Properties Metrics 0 MetricStat Metric Namespace",
        "Mails",
    ),
    (
        alarms.an_alarm_looks_at_a_day_at_most,
        "Resources FewEventsAlarm Properties EvaluationPeriods",
        5,
    ),
    (
        alarms.silence_of_the_shops_is_heard_of_where_it_is_wanted,
        "Resources FewEventsAlarm Properties TreatMissingData",
        "notBreaching",
    ),
    (
        alarms.a_share_of_few_mails_says_nothing,
        "Resources FailedMailsAlarm Properties Metrics 2 Expression",
        {"Fn::Sub": "failed / ended"},
    ),
    (alarms.what_local_engines_refuse_is_for_aws_alone, "Conditions IsOnAws", {"Fn::Not": []}),
    (
        alarms.what_local_engines_refuse_is_for_aws_alone,
        "Resources ProviderDownAlarm Condition",
        GONE,
    ),
    (alarms.dashboards_show_what_there_is, "Resources DeliveryQueue", GONE),
]


@pytest.mark.parametrize(
    ("promise", "path", "value"),
    MUTATIONS,
    ids=[f"{promise.__name__} {path.split()[-1]}" for promise, path, _ in MUTATIONS],
)
def test_a_broken_template_is_found_out(promise: Promise, path: str, value: object) -> None:
    assert broken(promise, mutated(path, value))


def test_every_promise_is_seen_to_fail() -> None:
    assert {promise for promise, _, _ in MUTATIONS} == set(PROMISES)


@pytest.mark.parametrize("function", TEMPLATE.functions)
def test_a_handler_is_where_the_template_says(function: str) -> None:
    properties = TEMPLATE.functions[function]
    module, _, name = properties["Handler"].rpartition(".")
    assert module == f"{properties['CodeUri'].replace('/', '.')}.app"
    assert callable(getattr(importlib.import_module(module), name))
