"""Tables as the template defines them, made on whatever cloud a client reaches."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.unit.template.reading import Template, read_document

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CREATED_WITH = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def make_table(client: DynamoDBClient, logical_id: str) -> str:
    """Create the template's table under a name of its own; return the name."""
    properties = _tables()[logical_id]
    name = f"{logical_id}-{uuid4().hex[:8]}"
    wanted = {key: properties[key] for key in _CREATED_WITH if key in properties}
    client.create_table(TableName=name, **wanted)
    return name


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return Template(read_document()).resources("AWS::DynamoDB::Table")
