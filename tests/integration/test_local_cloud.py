from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud


def test_a_client_of_the_local_cloud_reaches_it(local_cloud: Cloud) -> None:
    sqs: SQSClient = local_cloud.client("sqs")
    url = sqs.create_queue(QueueName="made-here")["QueueUrl"]
    assert url.startswith(local_cloud.endpoint_url)


def test_a_reset_cloud_is_empty(local_cloud: Cloud) -> None:
    sqs: SQSClient = local_cloud.client("sqs")
    sqs.create_queue(QueueName="forgotten")
    local_cloud.reset()
    assert not sqs.list_queues().get("QueueUrls")
