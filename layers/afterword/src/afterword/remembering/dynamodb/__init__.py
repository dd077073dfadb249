"""The ledger on DynamoDB."""

from afterword.remembering.dynamodb.ledger import DynamoDbLedger

__all__ = ["DynamoDbLedger"]
