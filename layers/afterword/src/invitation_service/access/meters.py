"""Where calls are counted: in memory, and on DynamoDB.

| item | pk | sk |
|---|---|---|
| calls of a minute | `A#account` | `L#kind#minute` |
"""

from collections import defaultdict
from datetime import datetime, timedelta

from invitation_service.surveys.items import account_key, seconds
from invitation_service.table import Table
from invitation_service.writes import throttling_named

# Nobody looks at a minute that is over.
_COUNTS_ARE_KEPT = timedelta(hours=1)


class InMemoryMeter:
    """Counts in a dictionary; see `Meter`."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[tuple[str, str, datetime], int] = defaultdict(int)

    def count_call(self, account: str, kind: str, minute: datetime) -> int:
        """See `Meter.count_call`."""
        self._calls[account, kind, minute] += 1
        return self._calls[account, kind, minute]


class DynamoDBMeter(Table):
    """Counts in the table; see `Meter`."""

    def count_call(self, account: str, kind: str, minute: datetime) -> int:
        """See `Meter.count_call`. One write unit; a repetition by the SDK may count twice."""
        with throttling_named():
            answer = self._client.update_item(
                TableName=self._table,
                Key=account_key(account, f"L#{kind}#{minute:%Y-%m-%dT%H:%M}"),
                UpdateExpression="SET #ttl = :ttl ADD used :one",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":ttl": {"N": seconds(minute + _COUNTS_ARE_KEPT)},
                },
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["used"]["N"])
