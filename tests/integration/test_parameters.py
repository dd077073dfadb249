"""What an emulator's SSM may do otherwise than moto's: pages, history, decryption, what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.parameters import CAMPAIGNS_SECONDS
from tests.support.parameters import KEY, Store, account_text, campaign_text, grow_older

if TYPE_CHECKING:
    from local.cloud import Cloud

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def store(local_cloud: Cloud) -> Store:
    local_cloud.reset()
    return Store(local_cloud.client("ssm"))


def test_all_campaigns_load_however_many_pages_they_fill(store: Store) -> None:
    for number in range(23):
        store.put(f"campaigns/c-{number:02}", campaign_text(survey=number + 1))
    found = store.parameters().campaigns().loaded
    assert [each.survey for each in found] == list(range(1, 24))


def test_a_broken_campaign_goes_on_as_its_last_good_version(store: Store) -> None:
    for text in (campaign_text(survey=1), campaign_text(survey=2), "{"):
        store.put("campaigns/one", text)
    store.put("campaigns/never", "{")
    found = store.parameters().campaigns()
    assert [(each.id, each.survey) for each in found.loaded] == [("one", 2)]
    assert [each.campaign for each in found.broken] == ["never", "one"]


def test_mappings_load_as_campaigns_do(store: Store) -> None:
    good = json.dumps({"ready": "segment-signed-up", "shop": "demo"})
    store.put("mappings/one", good)
    store.put("mappings/one", "{")
    store.put("mappings/two", good)
    found = store.parameters().mappings()
    assert [(each.name, each.event) for each in found.loaded] == [
        ("one", "signup"),
        ("two", "signup"),
    ]
    assert [each.mapping for each in found.broken] == ["one"]


def test_a_change_is_seen_without_a_deploy(store: Store) -> None:
    store.put("campaigns/one", campaign_text())
    parameters = store.parameters()
    parameters.campaigns()
    store.put("campaigns/one", campaign_text(survey=2))
    assert parameters.campaigns().loaded[0].survey == 1
    grow_older(parameters, CAMPAIGNS_SECONDS + 1)
    assert parameters.campaigns().loaded[0].survey == 2


def test_secrets_come_decrypted(store: Store) -> None:
    store.put_secret("customer-key", KEY)
    store.put_secret("accounts/shop", json.dumps({"bearer": "bearer-1"}))
    parameters = store.parameters()
    assert parameters.customer_secret() == KEY.encode()
    assert parameters.credentials("shop", fresh=False).bearer == SecretStr("bearer-1")


def test_what_is_missing_is_told_from_what_does_not_answer(store: Store) -> None:
    parameters = store.parameters()
    assert parameters.campaigns().loaded == ()
    with pytest.raises(AccountError, match="no such parameter"):
        parameters.account("shop")
    with pytest.raises(ParametersError, match="put a SecureString"):
        parameters.customer_secret()
    store.put("accounts/shop", account_text())
    assert parameters.account("shop").provider == "nps"
