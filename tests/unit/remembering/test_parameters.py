from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws
from pydantic import SecretStr

from afterword.deciding.account_errors import AccountError
from afterword.remembering.errors import ParametersError
from afterword.remembering.parameters import (
    CAMPAIGNS_SECONDS,
    SECRETS_SECONDS,
    Parameters,
)
from tests.support.parameters import (
    KEY,
    PREFIX,
    Store,
    account_text,
    campaign_text,
    grow_older,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLANTED = "jana@example.com"
BROKEN = campaign_text(survey=PLANTED)
CREDENTIALS = json.dumps({"email": "robot@example.com", "api_token": "token-1"})

READS: dict[str, Callable[[Parameters], object]] = {
    "mappings": lambda parameters: parameters.mappings(),
    "campaigns": lambda parameters: parameters.campaigns(),
    "accounts/shop": lambda parameters: parameters.account("shop"),
    "secrets/accounts/shop": lambda parameters: parameters.credentials("shop", fresh=False),
    "secrets/customer-key": lambda parameters: parameters.customer_secret(),
}


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        yield Store(boto3.client("ssm"))


def fail(store: Store, error: Exception, operation: str = "*") -> None:
    def refuse(**_: Any) -> None:
        raise error

    store.client.meta.events.register(f"before-call.ssm.{operation}", refuse)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"about {PLANTED}"}}, "GetParameter")


def test_all_campaigns_load_however_many_pages_they_fill(store: Store) -> None:
    for number in range(23):
        store.put(f"campaigns/c-{number:02}", campaign_text(survey=number + 1))
    found = store.parameters().campaigns()
    assert [(each.id, each.survey) for each in found.loaded] == [
        (f"c-{number:02}", number + 1) for number in range(23)
    ]
    assert found.broken == ()
    assert store.calls["GetParametersByPath"] == 3


def test_no_campaigns_are_none(store: Store) -> None:
    store.put("accounts/shop", account_text())
    assert store.parameters().campaigns().loaded == ()


def test_campaigns_are_read_once_a_minute(store: Store) -> None:
    store.put("campaigns/one", campaign_text())
    parameters = store.parameters()
    first = parameters.campaigns()
    grow_older(parameters, CAMPAIGNS_SECONDS - 5)
    assert parameters.campaigns() is first
    assert store.calls["GetParametersByPath"] == 1
    grow_older(parameters, 10)
    assert parameters.campaigns() == first
    assert store.calls["GetParametersByPath"] == 2


def test_a_change_is_seen_after_a_minute_and_without_a_deploy(store: Store) -> None:
    assert CAMPAIGNS_SECONDS == 60
    store.put("campaigns/one", campaign_text())
    parameters = store.parameters()
    parameters.campaigns()
    store.put("campaigns/one", campaign_text(survey=2))
    store.put("campaigns/two", campaign_text())
    grow_older(parameters, CAMPAIGNS_SECONDS + 1)
    assert [(each.id, each.survey) for each in parameters.campaigns().loaded] == [
        ("one", 2),
        ("two", 1),
    ]


def test_a_broken_campaign_goes_on_as_its_last_good_version(store: Store) -> None:
    store.put("campaigns/other", campaign_text())
    for text in (campaign_text(survey=1), campaign_text(survey=2), BROKEN, "{"):
        store.put("campaigns/one", text)
    found = store.parameters().campaigns()
    assert [(each.id, each.survey) for each in found.loaded] == [("one", 2), ("other", 1)]
    assert [each.campaign for each in found.broken] == ["one"]


def test_the_last_good_version_may_lie_many_versions_back(store: Store) -> None:
    store.put("campaigns/one", campaign_text(survey=7))
    for number in range(60):
        store.put("campaigns/one", f"no JSON {number}")
    (loaded,) = store.parameters().campaigns().loaded
    assert loaded.survey == 7
    assert store.calls["GetParameterHistory"] == 2


def test_the_newest_version_counts_in_whatever_order_they_come(store: Store) -> None:
    for text in (campaign_text(survey=1), campaign_text(survey=2), "{"):
        store.put("campaigns/one", text)

    def turn(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Parameters"].reverse()

    store.client.meta.events.register("after-call.ssm.GetParameterHistory", turn)
    (loaded,) = store.parameters().campaigns().loaded
    assert loaded.survey == 2


def test_a_campaign_that_never_was_good_is_left_out_and_told_of(store: Store) -> None:
    store.put("campaigns/one", "{")
    store.put("campaigns/one", BROKEN)
    store.put("campaigns/two", campaign_text())
    found = store.parameters().campaigns()
    assert [each.id for each in found.loaded] == ["two"]
    (error,) = found.broken
    assert str(error).startswith("campaign one: survey: ")
    assert PLANTED not in str(error)


def test_the_history_of_a_broken_campaign_is_asked_for_once_a_minute(store: Store) -> None:
    store.put("campaigns/one", campaign_text())
    store.put("campaigns/one", BROKEN)
    parameters = store.parameters()
    first = [parameters.campaigns() for _ in range(5)][-1]
    assert store.calls["GetParameterHistory"] == 1
    assert len(first.broken) == 1
    grow_older(parameters, CAMPAIGNS_SECONDS + 1)
    assert parameters.campaigns().loaded == first.loaded
    assert store.calls["GetParameterHistory"] == 2


def test_a_history_that_does_not_answer_loses_no_campaign(store: Store) -> None:
    store.put("campaigns/one", campaign_text())
    store.put("campaigns/one", BROKEN)
    parameters = store.parameters()
    fail(store, refusal("ThrottlingException"), "GetParameterHistory")
    for _ in range(2):
        with pytest.raises(
            ParametersError, match=rf"^{PREFIX}/campaigns/one: ThrottlingException$"
        ):
            parameters.campaigns()


def test_mappings_load_as_campaigns_do(store: Store) -> None:
    ready = {"ready": "stripe-customer-created"}
    store.put("mappings/b", json.dumps(ready | {"shop": "demo"}))
    store.put("mappings/a", json.dumps(ready | {"shop": "good"}))
    store.put("mappings/a", json.dumps(ready | {"shop": PLANTED}))
    store.put("campaigns/one", campaign_text())
    parameters = store.parameters()
    found = parameters.mappings()
    assert [(each.name, each.shop) for each in found.loaded] == [("a", "good"), ("b", "demo")]
    assert [str(error).split(":")[0] for error in found.broken] == ["mapping a"]
    assert PLANTED not in str(found.broken[0])
    assert parameters.mappings() is found
    assert (store.calls["GetParametersByPath"], store.calls["GetParameterHistory"]) == (1, 1)
    store.put("mappings/a", json.dumps(ready | {"shop": "other"}))
    grow_older(parameters, CAMPAIGNS_SECONDS + 1)
    assert [each.shop for each in parameters.mappings().loaded] == ["other", "demo"]
    assert [each.id for each in parameters.campaigns().loaded] == ["one"]


def test_an_account_loads_and_is_cached(store: Store) -> None:
    store.put("accounts/shop", account_text(calls_per_minute=30))
    parameters = store.parameters()
    assert parameters.account("shop").calls_per_minute == 30
    store.put("accounts/shop", account_text(calls_per_minute=60))
    assert parameters.account("shop").calls_per_minute == 30
    grow_older(parameters, CAMPAIGNS_SECONDS + 1)
    assert parameters.account("shop").calls_per_minute == 60


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "account shop: there is no such parameter"),
        ("{", "account shop: not JSON"),
        (account_text(base_url=f"https://{PLANTED}"), "account shop: base_url: "),
        (account_text(base_url="http://127.0.0.1:8080"), "account shop: base_url: "),
    ],
)
def test_an_account_that_cant_be_used_names_itself_and_the_field(
    store: Store, text: str | None, told: str
) -> None:
    if text is not None:
        store.put("accounts/shop", text)
    with pytest.raises(AccountError) as caught:
        store.parameters().account("shop")
    assert str(caught.value).startswith(told)
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


def test_the_laptop_may_do_without_tls(store: Store) -> None:
    store.put("accounts/shop", account_text(base_url="http://127.0.0.1:8080"))
    account = store.parameters(allow_http=True).account("shop")
    assert account.base_url == "http://127.0.0.1:8080"


def test_credentials_come_decrypted(store: Store) -> None:
    store.put_secret("accounts/shop", CREDENTIALS)
    found = store.parameters().credentials("shop", fresh=False)
    assert (found.email, found.api_token) == ("robot@example.com", SecretStr("token-1"))


def test_fresh_credentials_are_read_past_the_cache_and_kept(store: Store) -> None:
    store.put_secret("accounts/shop", CREDENTIALS)
    parameters = store.parameters()
    parameters.credentials("shop", fresh=False)
    store.put_secret("accounts/shop", json.dumps({"bearer": "bearer-2"}))
    assert parameters.credentials("shop", fresh=False).bearer is None
    assert store.calls["GetParameter"] == 1
    assert parameters.credentials("shop", fresh=True).bearer == SecretStr("bearer-2")
    assert store.calls["GetParameter"] == 2
    assert parameters.credentials("shop", fresh=False).bearer == SecretStr("bearer-2")
    assert store.calls["GetParameter"] == 2


def test_secrets_are_cached_for_five_minutes(store: Store) -> None:
    assert SECRETS_SECONDS == 300
    store.put_secret("accounts/shop", CREDENTIALS)
    parameters = store.parameters()
    parameters.credentials("shop", fresh=False)
    grow_older(parameters, SECRETS_SECONDS - 5)
    parameters.credentials("shop", fresh=False)
    assert store.calls["GetParameter"] == 1
    grow_older(parameters, 10)
    parameters.credentials("shop", fresh=False)
    assert store.calls["GetParameter"] == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "account shop: its credentials are missing"),
        ("hush-hush", "account shop: not JSON"),
        (json.dumps({"api_token": "hush-hush"}), "account shop: credentials: "),
        (json.dumps({"hush-hush": "hush-hush"}), "account shop: credentials: "),
    ],
)
def test_broken_credentials_are_told_of_without_the_secret(
    store: Store, text: str | None, told: str
) -> None:
    if text is not None:
        store.put_secret("accounts/shop", text)
    with pytest.raises(AccountError) as caught:
        store.parameters().credentials("shop", fresh=False)
    assert str(caught.value).startswith(told)
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


def test_the_customer_key_comes_decrypted(store: Store) -> None:
    store.put_secret("customer-key", KEY)
    assert store.parameters().customer_secret() == KEY.encode()


def test_a_customer_key_of_32_characters_is_long_enough(store: Store) -> None:
    store.put_secret("customer-key", "k" * 32)
    assert store.parameters().customer_secret() == b"k" * 32


@pytest.mark.parametrize("text", [None, "k" * 31])
def test_without_a_long_customer_key_the_parameter_is_named_and_never_its_value(
    store: Store, text: str | None
) -> None:
    if text is not None:
        store.put_secret("customer-key", text)
    with pytest.raises(ParametersError) as caught:
        store.parameters().customer_secret()
    assert str(caught.value) == (
        f"{PREFIX}/secrets/customer-key: put a SecureString of at least 32 random characters there"
    )
    assert "k" * 31 not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refusal("ThrottlingException"), "ThrottlingException"),
        (refusal("AccessDeniedException"), "AccessDeniedException"),
        (EndpointConnectionError(endpoint_url=f"https://{PLANTED}"), "EndpointConnectionError"),
        (ReadTimeoutError(endpoint_url=f"https://{PLANTED}"), "ReadTimeoutError"),
    ],
    ids=["throttled", "denied", "unreachable", "timed-out"],
)
def test_when_ssm_does_not_answer_the_parameter_and_the_fault_are_named(
    store: Store, name: str, error: Exception, code: str
) -> None:
    fail(store, error)
    with pytest.raises(ParametersError) as caught:
        READS[name](store.parameters())
    assert str(caught.value) == f"{PREFIX}/{name}: {code}"
    assert PLANTED not in "".join(traceback.format_exception(caught.value))


def test_what_is_cached_outlives_an_outage(store: Store) -> None:
    store.put("campaigns/one", campaign_text())
    store.put_secret("customer-key", KEY)
    parameters = store.parameters()
    before = parameters.campaigns(), parameters.customer_secret()
    fail(store, refusal("ThrottlingException"))
    assert (parameters.campaigns(), parameters.customer_secret()) == before
