"""The directory's part of the contract, kept by the in-memory twin and by DynamoDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from invitation_service.directory.records import Respondent, Template

if TYPE_CHECKING:
    from invitation_service.surveys.dynamodb import DynamoDBStore
    from invitation_service.surveys.store import Store

NOW = datetime(2026, 11, 21, 10, 22, tzinfo=UTC)


def jane(known_as: str = "81a2B7", email: str = "jane@example.com", **fields: Any) -> Respondent:
    return Respondent(token=known_as, email=email, updated_at=NOW, **fields)


def test_a_template_is_found_as_it_was_last_put(store: Store) -> None:
    template = Template(id=1833, subject="Hello ž", text="Hi [l1]\n[LINK]", updated_at=NOW)
    store.put_template("shop", template.model_copy(update={"text": "Earlier"}))
    store.put_template("shop", template)

    assert store.template("shop", 1833) == template
    assert store.template("shop", 1) is None
    assert store.template("other", 1833) is None


def test_a_respondent_is_found_by_token_and_by_address(store: Store) -> None:
    respondent = jane(language="cs-CZ", labels={"l1": "Žofie <b>", "l15": ""})

    store.put_respondent("shop", respondent)

    assert store.respondent("shop", "81a2B7") == respondent
    assert store.respondent_at("shop", "Jane@Example.com") == respondent


def test_nobody_else_is_found(store: Store) -> None:
    store.put_respondent("shop", jane())

    assert store.respondent("shop", "81A2b7") is None
    assert store.respondent("other", "81a2B7") is None
    assert store.respondent_at("shop", "mike@example.com") is None
    assert store.respondent_at("other", "jane@example.com") is None


def test_an_address_leads_to_who_was_put_last(store: Store) -> None:
    store.put_respondent("shop", jane("first"))
    store.put_respondent("shop", jane("second"))

    found = store.respondent_at("shop", "jane@example.com")

    assert found == jane("second")
    assert store.respondent("shop", "first") == jane("first")


def test_a_former_address_leads_to_nobody(store: Store) -> None:
    store.put_respondent("shop", jane())
    store.put_respondent("shop", jane(email="jane@example.org"))

    assert store.respondent_at("shop", "jane@example.com") is None
    assert store.respondent_at("shop", "jane@example.org") == jane(email="jane@example.org")
    assert store.add_respondent("shop", jane("new")) == jane("new")
    assert store.respondent_at("shop", "jane@example.com") == jane("new")


def test_a_respondent_is_added_once_by_address(store: Store) -> None:
    assert store.add_respondent("shop", jane("first")) == jane("first")
    assert store.add_respondent("shop", jane("second", "JANE@example.com")) == jane("first")

    assert store.respondent("shop", "first") == jane("first")
    assert store.respondent("shop", "second") is None
    assert store.add_respondent("other", jane("second")) == jane("second")


def test_a_respondent_is_forgotten(store: Store) -> None:
    store.put_respondent("shop", jane())
    store.put_respondent("other", jane())

    store.drop_respondent("shop", "81a2B7")
    store.drop_respondent("shop", "81a2B7")

    assert store.respondent("shop", "81a2B7") is None
    assert store.respondent_at("shop", "jane@example.com") is None
    assert store.respondent("other", "81a2B7") == jane()


def test_an_address_is_unsubscribed_whoever_it_leads_to(store: Store) -> None:
    store.set_unsubscribed("shop", "jane@example.com", unsubscribed=True)
    store.put_respondent("shop", jane())
    store.put_respondent("shop", jane("another"))
    store.drop_respondent("shop", "81a2B7")

    assert store.is_unsubscribed("shop", "JANE@example.com")
    assert not store.is_unsubscribed("shop", "mike@example.com")
    assert not store.is_unsubscribed("other", "jane@example.com")
    assert store.respondent_at("shop", "jane@example.com") == jane("another")

    store.set_unsubscribed("shop", "jane@example.com", unsubscribed=False)
    assert not store.is_unsubscribed("shop", "jane@example.com")


def test_an_unsubscribed_address_that_leads_nowhere_may_be_added(store: Store) -> None:
    store.set_unsubscribed("shop", "jane@example.com", unsubscribed=True)

    assert store.respondent_at("shop", "jane@example.com") is None
    assert store.add_respondent("shop", jane()) == jane()
    assert store.is_unsubscribed("shop", "jane@example.com")


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_keys_name_the_account_and_no_address(store: DynamoDBStore) -> None:
    store.put_respondent("shop", jane())
    store.set_unsubscribed("shop", "mike@example.com", unsubscribed=True)

    items = store._client.scan(TableName=store._table)["Items"]

    keys = [item["pk"]["S"] for item in items]
    assert len(keys) == 3
    assert {key.split("#")[1] for key in keys} == {"shop"}
    assert not [key for key in keys if "@" in key]


@pytest.mark.local_cloud
@pytest.mark.parametrize("store", ["local_cloud"], indirect=True)
def test_of_many_at_once_at_one_address_one_is_added(store: DynamoDBStore) -> None:
    def add(number: int) -> str:
        return store.add_respondent("shop", jane(f"token-{number}")).token

    with ThreadPoolExecutor(8) as pool:
        [token] = set(pool.map(add, range(24)))

    assert store.respondent_at("shop", "jane@example.com") == jane(token)
