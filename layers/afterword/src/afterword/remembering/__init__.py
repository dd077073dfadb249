"""Remembering: the ledger, on DynamoDB and in memory, and what operators keep in SSM."""
