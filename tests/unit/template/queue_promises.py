"""What the template promises of queues, schedules and alarms, each as findings: (subject, kept)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invitation_service.delivering.report import METRICS

from .reading import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reading import Template

type Findings = Iterator[tuple[str, bool]]

HOUR = 3600
# The longest visibility that a function may set for a record which it hands back.
LONGEST_VISIBILITY = 20 * 60


def a_queue_waits_for_six_timeouts_and_the_window(template: Template) -> Findings:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    for name, (function, event) in template.events("SQS").items():
        queue = template.queues[resource_of(event["Queue"])]
        least = 6 * template.functions[function]["Timeout"]
        least += event.get("MaximumBatchingWindowInSeconds", 0)
        yield f"{name}: at least {least} s", queue["VisibilityTimeout"] >= least


def batches_are_big_and_single_failures_are_reported(template: Template) -> Findings:
    # A delivery is some seconds' work, up to minutes': it comes alone.
    sizes = {"ShopEvents": 1000, "Deliveries": 1}
    for name, (_, event) in template.events("SQS").items():
        yield f"{name}: so many a batch", event["BatchSize"] == sizes[name]
        # Lambda takes a batch over 10 with a window only.
        window = event.get("MaximumBatchingWindowInSeconds", 0)
        yield f"{name}: a window", event["BatchSize"] == 1 or window >= 1
        reported = event.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
        yield f"{name}: single failures", reported


def a_consumer_is_capped_by_a_number(template: Template) -> Findings:
    """A parameter arrives as text in ministack, whose poller then fails at each turn."""
    for name, (_, event) in template.events("SQS").items():
        cap = event.get("ScalingConfig", {}).get("MaximumConcurrency")
        yield name, isinstance(cap, int) and 2 <= cap <= 1000


def an_outage_of_half_a_day_makes_no_dead_letter(template: Template) -> Findings:
    for name, queue in template.queues.items():
        # What a dead letter of the delivery queue asks for is due again by itself.
        if name not in {*template.dead_letter_queues, "DeliveryQueue"}:
            tries = queue["RedrivePolicy"]["maxReceiveCount"]
            yield f"{name}: 12 h, twice", tries * queue["VisibilityTimeout"] > 2 * 12 * HOUR


def what_keeps_failing_is_set_aside_before_it_is_lost(template: Template) -> Findings:
    for name, queue in template.queues.items():
        if name not in template.dead_letter_queues:
            aside = queue["RedrivePolicy"]["maxReceiveCount"] * LONGEST_VISIBILITY
            yield f"{name}: within its retention", aside < queue["MessageRetentionPeriod"]


def a_dead_letter_outlives_its_source(template: Template) -> Findings:
    """On a standard queue a message keeps the time at which it was first sent."""
    longest = max(queue["MessageRetentionPeriod"] for queue in template.queues.values())
    for name, queue in template.queues.items():
        if name in template.dead_letter_queues:
            yield f"{name}: the longest", queue["MessageRetentionPeriod"] == longest
        else:
            behind = template.queues[resource_of(queue["RedrivePolicy"]["deadLetterTargetArn"])]
            kept = behind["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]
            yield f"{name}: less than what is behind it", kept


def shop_events_come_over_the_rule(template: Template) -> Findings:
    for name, rule in template.resources("AWS::Events::Rule").items():
        sources = [{"prefix": "shop."}, {"prefix": "aws.partner/"}]
        yield f"{name}: shops and partners", rule["EventPattern"] == {"source": sources}
        for target in rule["Targets"]:
            aside = resource_of(target.get("DeadLetterConfig", {}).get("Arn"))
            yield f"{name}: a dead-letter queue", aside in template.dead_letter_queues
            yield f"{name}: tried again", target["RetryPolicy"]["MaximumRetryAttempts"] > 0
            yield (
                f"{name}: the whole envelope",
                not {"Input", "InputPath", "InputTransformer"} & {*target},
            )


def the_next_minute_is_the_retry(template: Template) -> Findings:
    for name, (function, event) in template.events("ScheduleV2").items():
        yield f"{name}: each minute", event["ScheduleExpression"] == "rate(1 minutes)"
        yield f"{name}: no retry", event["RetryPolicy"]["MaximumRetryAttempts"] == 0
        retries = template.functions[function]["EventInvokeConfig"]["MaximumRetryAttempts"]
        yield f"{function}: no retry", retries == 0
        aside = resource_of(event.get("DeadLetterConfig", {}).get("Arn"))
        yield f"{name}: a dead-letter queue", aside in template.dead_letter_queues
        text = '{"scheduled_time": "<aws.scheduler.scheduled-time>"}'
        yield f"{name}: says its time", event["Input"] == text


def at_most_five_runs_overlap(template: Template) -> Findings:
    for name, (function, _) in template.events("ScheduleV2").items():
        yield name, template.functions[function]["Timeout"] <= 5 * 60


def every_dead_letter_queue_is_watched(template: Template) -> Findings:
    watched = {
        resource_of(alarm["Dimensions"][0]["Value"])
        for alarm in template.alarms.values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm["ComparisonOperator"] == "GreaterThanThreshold"
        and (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
    }
    for name in template.dead_letter_queues:
        yield name, name in watched


def a_stuck_queue_is_heard_of(template: Template) -> Findings:
    """SQS leaves a message out of its age once it was received three times.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    for name, alarm in template.alarms.items():
        if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage":
            queue = template.queues[resource_of(alarm["Dimensions"][0]["Value"])]
            highest = template.document["Parameters"][alarm["Threshold"]["Ref"]]["MaxValue"]
            yield name, highest < 2 * queue["VisibilityTimeout"]
            yield f"{name}: at once", alarm["EvaluationPeriods"] == 1


def silence_of_the_sweep_is_a_fault(template: Template) -> Findings:
    variables = template.environment("SendDueInvitationsFunction")
    for name, alarm in template.alarms.items():
        if alarm.get("MetricName") == "OverdueInvitations":
            yield f"{name}: missing data", alarm["TreatMissingData"] == "breaching"
            yield f"{name}: any", alarm["Threshold"] == 0
            # Powertools' metrics carry the service as their one dimension.
            service = {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
            yield f"{name}: dimension", alarm["Dimensions"] == [service]
            yield (
                f"{name}: namespace",
                alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"],
            )


def what_is_held_is_heard_of(template: Template) -> Findings:
    variables = template.environment("SendDueInvitationsFunction")
    service = {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    wanted = {
        "Namespace": variables["POWERTOOLS_METRICS_NAMESPACE"],
        "MetricName": "HeldInvitations",
        "Dimensions": [service],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "EvaluationPeriods": 1,
        # Silence neither ends the alarm nor raises it: what was held still is.
        "TreatMissingData": "ignore",
    }
    found = [wanted.items() <= alarm.items() for alarm in template.alarms.values()]
    yield "an alarm on what is held", any(found)


def a_fault_of_an_accounts_mail_is_heard_of(template: Template) -> Findings:
    variables = template.environment("DeliverInvitationsFunction")
    service = {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    heard = [
        (alarm["Namespace"], alarm["Dimensions"])
        for alarm in template.alarms.values()
        if alarm.get("MetricName") == METRICS["account_fault"]
    ]
    yield "alarm", heard == [(variables["POWERTOOLS_METRICS_NAMESPACE"], [service])]
