from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from afterword.settings import SendDueSettings, SettingsError, TranslateSettings

COMMON = {
    "STAGE": "prod",
    "TABLE_NAME": "afterword-prod-ledger",
    "PARAMETER_PREFIX": "/afterword/prod",
}
TRANSLATE = COMMON | {"DEAD_LETTER_QUEUE_URL": "https://sqs.example/dead"}
SEND_DUE = COMMON | {"ALLOW_TIME_TRAVEL": "false"}


def test_each_variable_lands_in_its_field() -> None:
    assert TranslateSettings.from_env(TRANSLATE) == TranslateSettings(
        stage="prod",
        table_name="afterword-prod-ledger",
        parameter_prefix="/afterword/prod",
        dead_letter_queue_url="https://sqs.example/dead",
    )
    assert SendDueSettings.from_env(SEND_DUE) == SendDueSettings(
        stage="prod",
        table_name="afterword-prod-ledger",
        parameter_prefix="/afterword/prod",
        allow_time_travel=False,
    )


@pytest.mark.parametrize(
    ("kind", "known"), [(TranslateSettings, TRANSLATE), (SendDueSettings, SEND_DUE)]
)
def test_one_error_names_all_that_is_missing(
    kind: type[TranslateSettings | SendDueSettings], known: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        kind.from_env({})
    assert str(caught.value) == f"set in the function's environment: {', '.join(known)}"


def test_an_error_names_only_what_is_missing_or_empty() -> None:
    with pytest.raises(SettingsError) as caught:
        TranslateSettings.from_env(TRANSLATE | {"STAGE": "", "TABLE_NAME": ""})
    assert str(caught.value) == "set in the function's environment: STAGE, TABLE_NAME"


@pytest.mark.parametrize(
    ("text", "allowed"), [("true", True), ("false", False), ("True", False), ("1", False)]
)
def test_time_travel_is_allowed_by_one_word_alone(text: str, *, allowed: bool) -> None:
    settings = SendDueSettings.from_env(SEND_DUE | {"ALLOW_TIME_TRAVEL": text})
    assert settings.allow_time_travel is allowed


@pytest.mark.parametrize(("stage", "is_local"), [("local", True), ("prod", False)])
def test_only_the_laptops_stage_is_local(stage: str, *, is_local: bool) -> None:
    assert TranslateSettings.from_env(TRANSLATE | {"STAGE": stage}).is_local is is_local


def test_settings_stay_as_they_are() -> None:
    settings = SendDueSettings.from_env(SEND_DUE)
    with pytest.raises(FrozenInstanceError):
        settings.allow_time_travel = True  # type: ignore[misc]  # what the test is about
