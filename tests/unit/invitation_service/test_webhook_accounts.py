"""Who may call webhooks, as the credentials parameter says."""

from __future__ import annotations

import io
import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from pydantic import ValidationError

from invitation_service.access.accounts import CREDENTIALS, WebhookAccount
from invitation_service.access.auth import Credentials, PresentedKey
from invitation_service.surveys.store import Quota
from invitation_service.web.errors import UnauthenticatedError, UnavailableError
from tests.support.invitation_service import CREDENTIALS as ADMINS
from tests.support.invitation_service import WEBHOOK

RIGHT = PresentedKey(WEBHOOK["id_account"], WEBHOOK["webhook_key"], WEBHOOK["webhook_auth"])
WRONG = PresentedKey(WEBHOOK["id_account"], WEBHOOK["webhook_key"], "secret-1234")

_names = itertools.count()


class Door:
    """Credentials with a parameter and a clock that the test turns; nothing expires from the cache."""

    def __init__(self) -> None:
        self.entries: Any = [*ADMINS, WEBHOOK]
        self.cached: str | None = None
        self.calls = 0
        self.seconds = 0.0
        self.log = io.StringIO()
        logger = Logger(service=f"webhook-accounts-{next(_names)}", stream=self.log)
        self.credentials = Credentials(self.fetch, lambda: self.seconds, logger)

    def fetch(self, *, fresh: bool) -> str:
        if fresh or self.cached is None:
            self.calls += 1
            self.cached = json.dumps(self.entries)
        return self.cached

    def opens(self, presented: PresentedKey) -> bool:
        try:
            return self.credentials.webhook_account(presented).account == "shop"
        except UnauthenticatedError:
            return False


def test_a_rotated_key_is_noticed_past_the_cache() -> None:
    door = Door()
    assert door.opens(RIGHT)
    door.entries = [{**WEBHOOK, "webhook_auth": "secret-1234"}]

    assert door.opens(WRONG)
    assert not door.opens(RIGHT)


def test_a_flood_of_unknown_keys_does_not_reach_ssm() -> None:
    door = Door()

    for second in range(100):
        door.seconds = second / 5
        assert not door.opens(WRONG)

    # One look-up to begin with; in 20 seconds two past the cache.
    assert door.calls == 3
    assert door.opens(RIGHT)


@pytest.mark.parametrize(
    "slip",
    [
        {"id_account": ""},
        {"id_account": "1/2"},
        {"webhook_key": "short"},
        {"webhook_auth": "secret/1234"},
        {"webhook_auth": None},
        {"account": "a#b"},
        {"get_allowed": "perhaps"},
        {"quota": {"limit": 0}},
        {"quota": {"limit": 5, "period": "week"}},
        {"quota": 5},
    ],
)
def test_an_entry_with_a_slip_is_refused_and_the_last_good_list_kept(slip: dict[str, Any]) -> None:
    door = Door()
    assert door.opens(RIGHT)
    door.entries = [{**WEBHOOK, **slip}]

    assert not door.opens(WRONG)
    assert door.opens(RIGHT)
    assert "ValidationError" in door.log.getvalue()
    assert "secret" not in door.log.getvalue()


def test_without_any_list_the_service_is_unavailable() -> None:
    door = Door()
    door.entries = "nonsense"

    with pytest.raises(UnavailableError):
        door.opens(RIGHT)


def test_nothing_that_can_be_printed_shows_a_secret() -> None:
    entry = {**WEBHOOK, "quota": {"limit": 0}}
    with pytest.raises(ValidationError) as caught:
        CREDENTIALS.validate_python([entry])

    shown = repr([RIGHT, WebhookAccount.model_validate(WEBHOOK)]) + str(caught.value)
    assert WEBHOOK["webhook_key"] not in shown
    assert WEBHOOK["webhook_auth"] not in shown


def test_an_account_without_a_quota_has_no_limit() -> None:
    account = WebhookAccount.model_validate(WEBHOOK)

    assert account.quota_at(datetime(2026, 11, 21, tzinfo=UTC)) is None


def test_a_month_is_the_period_unless_the_account_says_otherwise() -> None:
    account = WebhookAccount.model_validate({**WEBHOOK, "quota": {"limit": 5}})

    quota = account.quota_at(datetime(2026, 11, 21, tzinfo=UTC))

    assert quota == Quota(counter="387487#2026-11", limit=5)
