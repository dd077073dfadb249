from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from afterword.deciding.account_errors import AccountError
from afterword.deciding.accounts import Credentials
from afterword.noting import Notes
from afterword.remembering.errors import ParametersError
from afterword.sending.calls import NeverSentError
from afterword.sending.nps import NpsProvider
from afterword.sending.provider import LookUpError, Recipient, Retry
from afterword.sending.providers import CALL_SECONDS, Providers, sign_in
from afterword.sending.watching import Watched
from tests.support.parameters import Store, account_text, grow_older
from tests.support.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from afterword.remembering.parameters import Parameters

TOKEN = json.dumps({"email": "robot@example.com", "api_token": "token-1"})
UNUSABLE = Retry("unreachable: no usable credentials", outage=True)
OUTAGES = [
    ClientError({"Error": {"Code": "ThrottlingException", "Message": "token-1"}}, "GetParameter"),
    EndpointConnectionError(endpoint_url="https://ssm.example.com/token-1"),
]


@pytest.fixture
def store() -> Iterator[Store]:
    with mock_aws():
        store = Store(boto3.client("ssm"))
        store.put("accounts/shop", account_text())
        yield store


def providers(parameters: Parameters) -> Providers:
    return Providers(parameters, lambda: NOW, Notes())


def nps(parameters: Parameters) -> NpsProvider:
    watched = providers(parameters)("shop")
    assert isinstance(watched, Watched)
    assert isinstance(watched._provider, NpsProvider)
    return watched._provider


def fail(store: Store, error: Exception) -> None:
    def refuse(**_: Any) -> None:
        raise error

    store.client.meta.events.register("before-call.ssm", refuse)


def authenticator(parameters: Parameters) -> Callable[[bool], Mapping[str, str]]:
    return nps(parameters)._http._authenticate


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (
            {"email": "robot@example.com", "api_token": "token-1"},
            "Basic cm9ib3RAZXhhbXBsZS5jb20vdG9rZW46dG9rZW4tMQ==",
        ),
        (
            {"email": "robot@example.com", "password": "pass:wörd"},
            "Basic cm9ib3RAZXhhbXBsZS5jb206cGFzczp3w7ZyZA==",
        ),
        ({"bearer": "bearer-1"}, "Bearer bearer-1"),
    ],
    ids=["token", "password", "bearer"],
)
def test_every_kind_of_credentials_signs_in(credentials: dict[str, str], header: str) -> None:
    assert sign_in(Credentials.model_validate(credentials)) == {"Authorization": header}


def test_an_account_is_a_provider_with_its_rate_and_promises(store: Store) -> None:
    store.put("accounts/shop", account_text(calls_per_minute=7, replays_idempotency_key=True))
    provider = providers(store.parameters())("shop")
    assert provider.calls_per_minute == 7
    assert provider.replays_key
    assert provider.call_seconds == CALL_SECONDS
    assert provider.most_recipients == 10_000


def test_a_provider_stays_the_same_while_its_account_does(store: Store) -> None:
    parameters = store.parameters()
    provider_of = providers(parameters)
    first = provider_of("shop")
    assert provider_of("shop") is first
    grow_older(parameters, 3600)
    assert provider_of("shop") is first

    store.put("accounts/shop", account_text(calls_per_minute=7))
    grow_older(parameters, 3600)
    changed = provider_of("shop")
    assert changed is not first
    assert changed.calls_per_minute == 7


def test_accounts_alike_in_all_but_the_name_are_two_providers(store: Store) -> None:
    store.put("accounts/other", account_text())
    provider_of = providers(store.parameters())
    assert provider_of("shop") is not provider_of("other")


def test_making_a_provider_reads_no_secret(store: Store) -> None:
    providers(store.parameters())("shop")
    assert store.calls["GetParameter"] == 1


def test_the_secret_is_cached_and_read_past_the_cache_after_a_rotation(store: Store) -> None:
    store.put_secret("accounts/shop", json.dumps({"bearer": "old"}))
    authenticate = authenticator(store.parameters())
    assert authenticate(False) == {"Authorization": "Bearer old"}  # noqa: FBT003 -- the port's one argument
    store.put_secret("accounts/shop", json.dumps({"bearer": "new"}))
    assert authenticate(False) == {"Authorization": "Bearer old"}  # noqa: FBT003
    assert authenticate(True) == {"Authorization": "Bearer new"}  # noqa: FBT003
    assert authenticate(False) == {"Authorization": "Bearer new"}  # noqa: FBT003


@pytest.mark.parametrize("secret", [None, "no JSON: token-1", json.dumps({"api_token": "token-1"})])
def test_without_usable_credentials_nothing_goes_out(store: Store, secret: str | None) -> None:
    """A test without sockets: a request would fail it."""
    if secret:
        store.put_secret("accounts/shop", secret)
    provider = providers(store.parameters())("shop")
    body = provider.encode([Recipient("jana@example.com", None, "cs")])
    assert provider.invite(1, body, "batch-1") == UNUSABLE
    with pytest.raises(LookUpError) as caught:
        provider.list_after(1, 0)
    assert caught.value.retry.outage


@pytest.mark.parametrize("error", OUTAGES, ids=["refused", "unreachable"])
def test_while_ssm_is_down_nothing_goes_out(store: Store, error: Exception) -> None:
    store.put_secret("accounts/shop", TOKEN)
    provider = providers(store.parameters())("shop")
    fail(store, error)
    assert provider.invite(1, b"{}", "batch-1") == UNUSABLE


@pytest.mark.parametrize("error", [None, *OUTAGES], ids=["missing", "refused", "unreachable"])
def test_what_went_wrong_with_a_secret_stands_in_no_chain(
    store: Store, error: Exception | None
) -> None:
    authenticate = authenticator(store.parameters())
    if error:
        fail(store, error)
    with pytest.raises(NeverSentError) as caught:
        authenticate(False)  # noqa: FBT003 -- the port's one argument
    assert str(caught.value) == "no usable credentials"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_account_that_is_missing_or_broken_is_named(store: Store) -> None:
    store.put("accounts/broken", account_text(calls_per_minute="token-1"))
    provider_of = providers(store.parameters())
    for name in ("missing", "broken"):
        with pytest.raises(AccountError, match=f"account {name}") as caught:
            provider_of(name)
        assert "token-1" not in str(caught.value)


def test_an_account_that_cannot_be_read_for_now_is_not_a_broken_one(store: Store) -> None:
    fail(store, OUTAGES[0])
    with pytest.raises(ParametersError):
        providers(store.parameters())("shop")


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "http://localhost:4566"])
def test_only_on_a_laptop_may_an_account_go_without_tls(store: Store, url: str) -> None:
    store.put("accounts/shop", account_text(base_url=url))
    with pytest.raises(AccountError, match="https"):
        providers(store.parameters(allow_http=False))("shop")
    assert nps(store.parameters(allow_http=True))._base_url == url


def test_not_even_on_a_laptop_does_a_call_leave_it_without_tls(store: Store) -> None:
    store.put("accounts/shop", account_text(base_url="http://nps.example.com"))
    with pytest.raises(AccountError, match="https"):
        providers(store.parameters(allow_http=True))("shop")


def test_the_requests_of_an_account_are_noted_under_its_name(store: Store) -> None:
    notes = Notes()
    watched = Providers(store.parameters(), lambda: NOW, notes)("shop")
    assert isinstance(watched, Watched)
    assert isinstance(watched._provider, NpsProvider)
    with watched._provider._http._watch():
        pass
    assert {(each.metric, each.about["account"]) for each in notes.take_measured()} == {
        ("ProviderCalls", "shop"),
        ("ProviderLatency", "shop"),
    }
