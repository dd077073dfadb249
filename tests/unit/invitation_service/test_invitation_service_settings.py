from __future__ import annotations

import pytest

from functions.invitation_service import app
from invitation_service.settings import Settings, SettingsError

ENVIRONMENT = {
    "DELIVERY_QUEUE_URL": "https://sqs.example.com/delivery",
    "PARAMETER_PREFIX": "/afterword/test/",
    "TABLE_NAME": "invitations",
}


def test_the_credentials_stand_under_the_prefix() -> None:
    settings = Settings.from_env(ENVIRONMENT)

    assert settings.credentials_parameter == "/afterword/test/invitation-service/credentials"
    assert settings.table_name == "invitations"
    assert settings.public_url is None


def test_a_public_address_ends_without_a_slash() -> None:
    settings = Settings.from_env({**ENVIRONMENT, "PUBLIC_URL": "https://nps.example.com/"})

    assert settings.public_url == "https://nps.example.com"


def test_links_lead_to_the_public_address_with_the_apis_id() -> None:
    address = "http://127.0.0.1:4566/_aws/execute-api/{api_id}/"
    settings = Settings.from_env({**ENVIRONMENT, "PUBLIC_URL": address, "API_ID": "a1b2c3"})

    assert settings.links_url == "http://127.0.0.1:4566/_aws/execute-api/a1b2c3"
    assert Settings.from_env(ENVIRONMENT).links_url == ""


def test_an_accounts_mail_settings_stand_under_the_prefix() -> None:
    settings = Settings.from_env(ENVIRONMENT)

    assert settings.mail_parameters == "/afterword/test/invitation-service/mail"
    assert settings.delivery_queue_url == "https://sqs.example.com/delivery"


def test_an_empty_public_address_is_none() -> None:
    assert Settings.from_env({**ENVIRONMENT, "PUBLIC_URL": ""}).public_url is None


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, "DELIVERY_QUEUE_URL, PARAMETER_PREFIX, TABLE_NAME"),
        ({**ENVIRONMENT, "TABLE_NAME": ""}, "TABLE_NAME"),
        ({**ENVIRONMENT, "PARAMETER_PREFIX": ""}, "PARAMETER_PREFIX"),
    ],
)
def test_one_error_names_all_that_is_missing(environment: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingsError, match=f": {missing}$"):
        Settings.from_env(environment)


def test_a_function_that_is_told_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SettingsError):
        app._api.__wrapped__()
