"""What only AWS knows: how full queues are, why letters are dead, and when functions ran last."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from afterword.operating.dead_letters import HOLD, why
from cli.dead_letters.queue import queue_of

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

    from cli.places import Place

type Row = dict[str, Any]

_QUEUES = {
    "shop events": "ShopEventsQueueUrl",
    "dead letters": "DeadLetterQueueUrl",
    "schedule's dead letters": "FollowUpScheduleDeadLetterQueueUrl",
    "deliveries": "DeliveryQueueUrl",
    "deliveries' dead letters": "DeliveryDeadLetterQueueUrl",
}
_DEAD = {"dead letters", "schedule's dead letters", "deliveries' dead letters"}
_FUNCTIONS = {
    "translate_events": "translate-events",
    "send_due_invitations": "send-due-invitations",
}
SWEEP = "send_due_invitations"
# As old as the alarm on overdue invitations lets them become.
LOOKS_BACK = timedelta(minutes=15)
_MOST_LETTERS = 200


def queues(place: Place, now: datetime) -> list[Row]:
    """Return what lies in each queue.

    The age of the oldest message is a metric only, up to five minutes old; None: CloudWatch has none.
    """
    sqs: SQSClient = place.client("sqs")
    rows = []
    for name, output in _QUEUES.items():
        if output not in place.outputs:
            continue
        url = place.outputs[output]
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        rows.append(
            {
                "queue": name,
                "visible": int(counts["ApproximateNumberOfMessages"]),
                "in_flight": int(counts["ApproximateNumberOfMessagesNotVisible"]),
                "oldest_seconds": _oldest(place, url, now),
                "is_dead_letters": name in _DEAD,
            }
        )
    return rows


def _oldest(place: Place, url: str, now: datetime) -> int | None:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    points = place.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(points, key=lambda each: each["Timestamp"], default=None)
    return None if newest is None else int(newest["Maximum"])


def dead_letters(place: Place) -> dict[str, int]:
    """Count dead letters by reason, looking at 200 of them. It leaves all of them where they are."""
    queue = queue_of(place)
    if not queue.count():
        return {}
    with queue.look(HOLD) as look:
        letters = (each for page in look for each in page)
        return dict(Counter(why(each).reason for each in islice(letters, _MOST_LETTERS)))


def last_runs(place: Place, now: datetime) -> list[Row]:
    """Return when each function ran last, of the last 15 minutes, and what became of what, by its log."""
    client: CloudWatchLogsClient = place.client("logs")
    return [
        {"function": name, **_last_run(client, f"{place.prefix}/{group}", now)}
        for name, group in _FUNCTIONS.items()
    ]


def _last_run(client: CloudWatchLogsClient, group: str, now: datetime) -> Row:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        startTime=int((now - LOOKS_BACK).timestamp() * 1000),
        filterPattern="counts",
    )
    last: Row = {"at": None, "counts": None}
    try:
        for page in pages:
            for event in page["events"]:
                counts = _counts(event["message"])
                if counts is not None and event["timestamp"] >= (last["at"] or 0):
                    last = {"at": event["timestamp"], "counts": counts}
    except client.exceptions.ResourceNotFoundException:
        pass  # It has never run, or runs under another name.
    if last["at"]:
        at = datetime.fromtimestamp(last["at"] / 1000, UTC)
        last["at"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return last


def _counts(line: str) -> dict[str, int] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    counts = found.get("counts") if isinstance(found, dict) else None
    return counts if isinstance(counts, dict) else None
