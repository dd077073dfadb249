"""The ledger's table as template.yaml defines it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from local.cloud import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CREATED_WITH = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """Reads YAML, and passes over CloudFormation's functions."""


_Loader.add_multi_constructor("!", lambda *_: None)


def make_table(client: DynamoDBClient, name: str) -> None:
    """Create the ledger's table.

    Args:
        client: Reaches a stand-in.
        name: The table's name.
    """
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    template: Any = yaml.load(text, _Loader)  # noqa: S506 -- a safe loader
    properties = template["Resources"]["LedgerTable"]["Properties"]
    wanted = {key: properties[key] for key in _CREATED_WITH}
    client.create_table(TableName=name, **wanted)
