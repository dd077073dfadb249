"""What the template promises of alarms, topics and dashboards, each as findings: (subject, kept)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .reading import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .reading import Node, Template

type Findings = Iterator[tuple[str, bool]]

_TOPICS = {"page": "AlarmTopic", "ticket": "TicketTopic"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_LONGEST_DESCRIPTION = 1024
_LONGEST_WINDOW = 86_400


def severity(alarm: Node) -> str:
    (tag,) = alarm["Tags"]
    found: str = tag["Value"]
    return found


def slug(alarm: Node) -> str:
    """Name without stage: what the runbook calls it."""
    name: str = alarm["AlarmName"]["Fn::Sub"]
    return name.removeprefix("afterword-${Stage}-")


def every_alarm_has_a_severity_and_tells_its_topic(template: Template) -> Findings:
    for name, alarm in template.loud_alarms.items():
        topic = [{"Ref": _TOPICS.get(severity(alarm))}]
        for kind in ("AlarmActions", "OKActions"):
            yield f"{name}: {kind}", alarm.get(kind) == topic


def every_alarm_says_what_it_means_and_where_help_is(template: Template) -> Findings:
    for name, alarm in (template.alarms | template.composite_alarms).items():
        text = alarm["AlarmDescription"]["Fn::Sub"]
        yield f"{name}: severity first", text.startswith(f"{severity(alarm).upper()}. ")
        yield f"{name}: help last", text.endswith(f" Runbook: ${{RunbookUrl}}#{slug(alarm)}")
        meaning = text.partition(". ")[2].rpartition(" Runbook: ")[0]
        yield f"{name}: a sentence", 40 < len(meaning) < _LONGEST_DESCRIPTION / 2


def every_topic_has_its_subscriptions(template: Template) -> Findings:
    found = {
        (each["TopicArn"]["Ref"], each["Protocol"])
        for each in template.resources("AWS::SNS::Subscription").values()
    }
    for topic in _TOPICS.values():
        for protocol in ("email", "https"):
            yield f"{topic}: {protocol}", (topic, protocol) in found


def nobody_is_subscribed_unasked(template: Template) -> Findings:
    for name in template.resources("AWS::SNS::Subscription"):
        yield name, "Condition" in template.document["Resources"][name]


def who_gives_one_address_gets_all(template: Template) -> Findings:
    tickets = template.resources("AWS::SNS::Subscription")["TicketEmailSubscription"]
    fallback = {"Fn::If": ["HasTicketEmail", {"Ref": "TicketEmail"}, {"Ref": "AlarmEmail"}]}
    yield "tickets", tickets["Endpoint"] == fallback
    either = {"Fn::Or": [{"Condition": "HasAlarmEmail"}, {"Condition": "HasTicketEmail"}]}
    yield "condition", template.document["Conditions"]["HasAnyEmail"] == either


def every_function_is_watched_in_three_ways(template: Template) -> Findings:
    watched = {
        (alarm["MetricName"], resource_of(alarm["Dimensions"][0]["Value"])): alarm
        for alarm in template.alarms.values()
        if alarm.get("Namespace") == "AWS/Lambda"
    }
    for name, function in template.functions.items():
        for metric in ("Errors", "Throttles"):
            alarm = watched.get((metric, name), {})
            yield f"{name}: {metric}", alarm.get("Statistic") == "Sum"
        near = watched.get(("Duration", name), {})
        # Milliseconds: 80 %.
        yield f"{name}: near time-out", near.get("Threshold") == function["Timeout"] * 800
        yield f"{name}: the slowest", near.get("Statistic") == "Maximum"


def an_alarm_of_our_own_metrics_looks_where_they_are(template: Template) -> Findings:
    variables = template.environment("SendDueInvitationsFunction")
    namespace = variables["POWERTOOLS_METRICS_NAMESPACE"]
    service = {"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}
    for name, alarm in template.alarms.items():
        measured = [
            each["MetricStat"]["Metric"]
            for each in alarm.get("Metrics", ())
            if "MetricStat" in each
        ]
        for metric in measured or [alarm]:
            if not metric["Namespace"].startswith("AWS/"):
                kept = metric["Namespace"] == namespace and metric["Dimensions"][0] == service
                yield f"{name}: {metric['MetricName']}", kept


def an_alarm_looks_at_a_day_at_most(template: Template) -> Findings:
    for name, alarm in template.alarms.items():
        periods = alarm["EvaluationPeriods"]
        if isinstance(periods, dict):
            periods = template.document["Parameters"][periods["Ref"]]["MaxValue"]
        yield name, alarm.get("Period", 3600) * periods <= _LONGEST_WINDOW


def silence_of_the_shops_is_heard_of_where_it_is_wanted(template: Template) -> Findings:
    alarm = template.alarms["FewEventsAlarm"]
    yield "off by default", template.document["Parameters"]["FewestEvents"]["Default"] == 0
    condition = template.document["Resources"]["FewEventsAlarm"].get("Condition")
    yield "only if wanted", condition == "HasFewestEvents"
    yield "nothing at all is fewer", alarm["TreatMissingData"] == "breaching"
    yield "threshold", alarm["Threshold"] == {"Ref": "FewestEvents"}


def a_share_of_few_mails_says_nothing(template: Template) -> Findings:
    (share,) = (
        each["Expression"]["Fn::Sub"]
        for each in template.alarms["FailedMailsAlarm"]["Metrics"]
        if "Expression" in each
    )
    yield "floor", "IF(ended >= ${FewestMails}, " in share


def what_local_engines_refuse_is_for_aws_alone(template: Template) -> Findings:
    """Composite alarms and metric math: ministack ends the whole deployment over them."""
    wanted = {
        "IsOnAws": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]},
        "MeasuresFailedMails": {
            "Fn::And": [{"Condition": "IsOnAws"}, {"Condition": "HasInvitationService"}]
        },
    }
    conditions = template.document["Conditions"]
    yield "conditions", {name: conditions.get(name) for name in wanted} == wanted
    for name, alarm in (template.alarms | template.composite_alarms).items():
        if "MetricName" not in alarm:
            yield name, template.document["Resources"][name].get("Condition") in wanted


def dashboards_show_what_there_is(template: Template) -> Findings:
    for name, dashboard in template.resources("AWS::CloudWatch::Dashboard").items():
        body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
        questions = [each for each in body["widgets"] if each["type"] == "text"]
        yield f"{name}: questions", len(questions) > 3
        asked = [each["properties"]["markdown"] for each in questions]
        yield f"{name}: are asked", all(each.endswith("?") for each in asked)
        for resource in re.findall(r"\$\{(\w+)[.}]", dashboard["DashboardBody"]["Fn::Sub"]):
            known = resource in template.document["Resources"] or resource in {"Stage", "AWS"}
            yield f"{name}: {resource}", known
