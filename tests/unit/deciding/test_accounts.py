import json
from typing import Any

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.deciding.accounts import (
    Account,
    Credentials,
    parse_account,
    parse_credentials,
)

URL = "https://shop.example.com"


def account(*, allow_http: bool = False, **fields: object) -> Account:
    text = json.dumps({"provider": "nps", "base_url": URL} | fields)
    return parse_account("main", text, allow_http=allow_http)


def faults(*, allow_http: bool = False, **fields: object) -> tuple[str, ...]:
    with pytest.raises(AccountError) as caught:
        account(allow_http=allow_http, **fields)
    assert caught.value.account == "main"
    assert str(caught.value) == f"account main: {'; '.join(caught.value.faults)}"
    return caught.value.faults


def credential_faults(text: str) -> tuple[str, ...]:
    with pytest.raises(AccountError) as caught:
        parse_credentials("main", text)
    return caught.value.faults


def test_an_account_is_slow_and_trusts_no_replay_unless_it_says_so() -> None:
    found = account()
    assert (found.name, found.provider, found.base_url) == ("main", "nps", URL)
    assert (found.calls_per_minute, found.replays_idempotency_key) == (200, False)


def test_an_account_keeps_what_it_says() -> None:
    found = account(base_url=URL + "/api/", calls_per_minute=700, replays_idempotency_key=True)
    assert found.base_url == URL + "/api"
    assert (found.calls_per_minute, found.replays_idempotency_key) == (700, True)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4566/_aws/execute-api/a1", "http://localhost:1", "http://[::1]:80"]
)
def test_plain_http_goes_to_this_machine_alone_and_only_if_allowed(url: str) -> None:
    assert account(allow_http=True, base_url=url).base_url == url
    assert faults(allow_http=False, base_url=url) == ("base_url: it should begin with https://",)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://localhost",
    ],
)
def test_no_other_machine_is_ever_called_without_tls(url: str) -> None:
    expected = ("base_url: it should begin with https://",)
    assert faults(allow_http=True, base_url=url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "shop.example.com",
        "https://ada:pl4nted@example.com",
        "https://example.com?key=pl4nted",
        "https://example.com#pl4nted",
        "https://example.com:99999",
        "https://example.com:0",
        "https://exa mple.com",
        "https://example.com\r\nX: pl4nted",
        "https://[pl4nted",
        "https://bücher.example.com",
    ],
)
def test_an_address_has_a_host_and_nothing_that_hides(url: str) -> None:
    expected = ("base_url: it should be an address without user, query and fragment",)
    assert faults(allow_http=True, base_url=url) == expected


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"provider": "other"}, "provider: Input should be 'nps' or 'netquest'"),
        ({"calls_per_minute": 0}, "calls_per_minute: Input should be greater than or equal to 1"),
        ({"calls_per_minute": "9"}, "calls_per_minute: Input should be a valid integer"),
        (
            {"replays_idempotency_key": "yes"},
            "replays_idempotency_key: Input should be a valid boolean",
        ),
        ({"api_token": "pl4nted"}, "api_token: Extra inputs are not permitted"),
        ({"name": "main"}, "name: leave it out, the parameter's name is the name"),
    ],
)
def test_a_fault_says_what_to_change(fields: dict[str, Any], fault: str) -> None:
    assert faults(**fields) == (fault,)


@pytest.mark.parametrize("text", ["", "pl4nted", '["pl4nted"]', '"pl4nted"'])
def test_a_text_that_is_no_object_is_an_account_error(text: str) -> None:
    with pytest.raises(AccountError) as caught:
        parse_account("main", text, allow_http=False)
    assert "pl4nted" not in " ".join((*caught.value.faults, *credential_faults(text)))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"email": "a@example.com", "api_token": "s3"}, ("a@example.com", "s3", None, None)),
        ({"email": "a@example.com", "password": "pä ss"}, ("a@example.com", None, "pä ss", None)),
        ({"bearer": "s3"}, (None, None, None, "s3")),
        ({"bearer": "s3", "email": None}, (None, None, None, "s3")),
    ],
)
def test_there_are_three_ways_to_sign_in(
    given: dict[str, str], shown: tuple[str | None, ...]
) -> None:
    found = parse_credentials("main", json.dumps(given))
    secrets = (found.api_token, found.password, found.bearer)
    assert (found.email, *(each and each.get_secret_value() for each in secrets)) == shown


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"email": "a@example.com"},
        {"api_token": "s3"},
        {"email": "a@example.com", "bearer": "s3"},
        {"email": "a@example.com", "api_token": "s3", "password": "s3"},
        {"email": "a@example.com", "api_token": "s3", "bearer": "s3"},
        {"webhook_key": "s3"},
        {"webhook_key": "s3", "webhook_auth": "s3", "bearer": "s3"},
    ],
)
def test_no_half_and_no_double_way_is_taken(given: dict[str, str]) -> None:
    assert credential_faults(json.dumps(given)) == (
        (
            "credentials: give exactly one of email and api_token, email and password, bearer, "
            "webhook_key and webhook_auth"
        ),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"bearer": "pl4nted\r\nX: y"},
        {"bearer": "pl4nted" * 1000},
        {"bearer": ["pl4nted"]},
        {"pl4nted": "x"},
        {"email": "pl4nted" * 40, "api_token": "pl4nted"},
        {"email": "pl4nted@example.com", "api_token": 5},
    ],
)
def test_nothing_of_a_secret_is_ever_shown_not_even_as_a_fields_name(
    given: dict[str, object],
) -> None:
    found = credential_faults(json.dumps(given))
    assert found
    assert all(fault.startswith("credentials: ") for fault in found)
    assert "pl4nted" not in " ".join(found)


def test_credentials_do_not_show_their_secrets() -> None:
    found = Credentials.model_validate({"email": "a@example.com", "api_token": "pl4nted"})
    assert "pl4nted" not in f"{found!r} {found} {found.model_dump_json()}"
