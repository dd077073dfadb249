"""The directory on DynamoDB; `items` says what lies where."""

from typing import TYPE_CHECKING

from invitation_service.directory import items
from invitation_service.directory.records import Respondent, Template
from invitation_service.table import Table
from invitation_service.writes import throttling_named

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class _AddressKnownError(Exception):
    """The address leads to somebody."""


class DynamoDBDirectory(Table):
    """Keeps the directory's promise; see `Directory` for each method."""

    def put_template(self, account: str, template: Template) -> None:
        """See `Directory.put_template`."""
        item = items.template_item(account, template)
        with throttling_named():
            self._client.put_item(TableName=self._table, Item=item)

    def template(self, account: str, template_id: int) -> Template | None:
        """See `Directory.template`."""
        item = self._get(items.template_key(account, template_id))
        return items.read_template(item) if item else None

    def put_respondent(self, account: str, respondent: Respondent) -> None:
        """See `Directory.put_respondent`."""
        put, lead = self._entry(account, respondent)
        self._writer.commit([(put, None), (lead, None)])

    def add_respondent(self, account: str, respondent: Respondent) -> Respondent:
        """See `Directory.add_respondent`."""
        put, lead = self._entry(account, respondent)
        lead["Update"]["ConditionExpression"] = "attribute_not_exists(#token)"
        try:
            self._writer.commit([(put, None), (lead, _AddressKnownError)])
        except _AddressKnownError:
            if known := self.respondent_at(account, respondent.email):
                return known
            # It led to somebody who is gone, or has got another address.
            self.put_respondent(account, respondent)
        return respondent

    def _entry(
        self, account: str, respondent: Respondent
    ) -> "tuple[TransactWriteItemTypeDef, TransactWriteItemTypeDef]":
        put: TransactWriteItemTypeDef = {
            "Put": {"TableName": self._table, "Item": items.respondent_item(account, respondent)}
        }
        lead: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table,
                "Key": items.address_key(account, respondent.email),
                "UpdateExpression": "SET #token = :token",
                "ExpressionAttributeNames": {"#token": "token"},
                "ExpressionAttributeValues": {":token": {"S": respondent.token}},
            }
        }
        return put, lead

    def respondent(self, account: str, token: str) -> Respondent | None:
        """See `Directory.respondent`."""
        item = self._get(items.respondent_key(account, token))
        return items.read_respondent(item) if item else None

    def respondent_at(self, account: str, email: str) -> Respondent | None:
        """See `Directory.respondent_at`."""
        address = self._get(items.address_key(account, email)) or {}
        found = self.respondent(account, address["token"]["S"]) if "token" in address else None
        # The respondent may have got another address since.
        return found if found and found.email.casefold() == email.casefold() else None

    def drop_respondent(self, account: str, token: str) -> None:
        """See `Directory.drop_respondent`."""
        with throttling_named():
            self._writer.write([{"DeleteRequest": {"Key": items.respondent_key(account, token)}}])

    def set_unsubscribed(self, account: str, email: str, *, unsubscribed: bool) -> None:
        """See `Directory.set_unsubscribed`."""
        self._update(
            TableName=self._table,
            Key=items.address_key(account, email),
            UpdateExpression="SET unsubscribed = :unsubscribed",
            ExpressionAttributeValues={":unsubscribed": {"BOOL": unsubscribed}},
        )

    def is_unsubscribed(self, account: str, email: str) -> bool:
        """See `Directory.is_unsubscribed`."""
        item = self._get(items.address_key(account, email)) or {}
        return bool(item.get("unsubscribed", {}).get("BOOL"))
