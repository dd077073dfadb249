"""An account's mail settings are safe, or refused by the names of their fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invitation_service.mailing.settings import MailSettings, MailSettingsError, read_mail_settings

PASSWORD = "planted-password"
FULL = {
    "host": "email-smtp.eu-central-1.amazonaws.com",
    "port": 587,
    "security": "starttls",
    "username": "AKIAEXAMPLE",
    "password": PASSWORD,
    "from_name": "Lime & Thyme",
    "from_address": "hello@shop.example.com",
    "reply_to": "care@shop.example.com",
    "unsubscribe_mailto": "stop@shop.example.com",
    "footer": {"en": "Lime & Thyme Ltd", "cs": "Lípa"},
    "mails_per_minute": 840,
    "default_language": "cs",
}


def read(**changes: Any) -> MailSettings:
    fields = {name: value for name, value in (FULL | changes).items() if value is not ...}
    return read_mail_settings(json.dumps(fields))


def test_all_settings_are_read() -> None:
    settings = read()
    assert settings.password
    assert settings.password.get_secret_value() == PASSWORD
    told = settings.model_dump(exclude={"username", "password"})
    assert told == {name: FULL[name] for name in told}


def test_what_may_be_left_out_has_a_value() -> None:
    left_out = dict.fromkeys(
        ("username", "password", "reply_to", "unsubscribe_mailto", "footer", "mails_per_minute"),
        ...,
    )
    settings = read(**left_out, default_language=...)
    assert (settings.footer, settings.mails_per_minute, settings.default_language) == (
        "",
        600,
        "en",
    )
    assert (settings.username, settings.password, settings.reply_to) == (None, None, None)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_loopback_alone_needs_no_encryption(host: str) -> None:
    assert read(host=host, security="none").host == host


@pytest.mark.parametrize("host", ["smtp.example.com", "10.0.0.1", "localhost.example.com"])
def test_nothing_is_sent_unencrypted_over_a_network(host: str) -> None:
    with pytest.raises(MailSettingsError, match="security none is for loopback alone"):
        read(host=host, security="none")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": ...}, "host"),
        ({"host": "a b"}, "host"),
        ({"host": "smtp.example.com\r\n"}, "host"),
        ({"port": 0}, "port"),
        ({"port": "smtp"}, "port"),
        ({"security": "ssl"}, "security"),
        ({"security": ...}, "security"),
        ({"from_name": "Lime\r\nBcc: eve@example.com"}, "from_name"),
        ({"from_name": ""}, "from_name"),
        ({"from_address": "hello"}, "from_address"),
        ({"from_address": "žofie@example.com"}, "from_address"),
        ({"reply_to": "care@shop.example.com\n"}, "reply_to"),
        ({"unsubscribe_mailto": "a?bcc=b@example.com"}, "unsubscribe_mailto"),
        ({"footer": "x" * 5001}, "footer"),
        ({"footer": {"en": 1}}, "footer"),
        ({"mails_per_minute": 0}, "mails_per_minute"),
        ({"password": ""}, "password"),
        ({"username": ...}, "settings"),
        ({"password": ...}, "settings"),
        ({PASSWORD: "x"}, "settings"),
    ],
)
def test_what_is_wrong_is_named_and_not_told(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MailSettingsError, match=rf"^Mail settings: {field}: ") as refusal:
        read(**changes)
    assert PASSWORD not in str(refusal.value)
    assert "eve@example.com" not in str(refusal.value)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("text", ["", "{", "[]", '"secret"', '{"password": "planted-password"'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(MailSettingsError, match=r"^Mail settings: settings: ") as refusal:
        read_mail_settings(text)
    assert "secret" not in str(refusal.value)
    assert PASSWORD not in str(refusal.value)


def test_a_secret_is_never_shown() -> None:
    settings = read()
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert PASSWORD not in shown
        assert "AKIAEXAMPLE" not in shown
