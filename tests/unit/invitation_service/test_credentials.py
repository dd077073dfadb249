from __future__ import annotations

import base64
import io
import itertools
import json

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from invitation_service.access.auth import Credentials, read_authorization
from invitation_service.web.errors import ForbiddenError, UnauthenticatedError, UnavailableError

ADMIN = {"account": "shop", "email": "admin@example.com", "role": "admin"}
KNOWN: list[dict[str, str]] = [
    {**ADMIN, "api_token": "token-1"},
    {**ADMIN, "email": "boss@example.com", "password": "pass:wörd"},
    {**ADMIN, "email": "robot@example.com", "bearer": "bearer-1"},
    {**ADMIN, "email": "agent@example.com", "role": "agent", "api_token": "token-2"},
    {**ADMIN, "account": "other", "email": "admin@example.org", "api_token": "token-3"},
]

_names = itertools.count()


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


TOKEN_1 = basic("admin@example.com/token", "token-1")
TOKEN_9 = basic("admin@example.com/token", "token-9")


class Parameter:
    """The SSM parameter behind its cache; counts what would reach SSM."""

    def __init__(self) -> None:
        self.text: str | None = json.dumps(KNOWN)
        self.calls = 0
        self._cached: str | None = None

    def __call__(self, *, fresh: bool) -> str:
        if fresh or self._cached is None:
            self.calls += 1
            if self.text is None:
                raise GetParameterError("no such parameter")
            self._cached = self.text
        return self._cached

    def expire(self) -> None:
        self._cached = None


class Door:
    """Credentials with a clock that the test turns."""

    def __init__(self) -> None:
        self.parameter = Parameter()
        self.seconds = 0.0
        self.log = io.StringIO()
        logger = Logger(service=f"credentials-{next(_names)}", stream=self.log)
        self.credentials = Credentials(self.parameter, lambda: self.seconds, logger)

    def opens(self, authorization: str | None) -> bool:
        try:
            return bool(self.credentials.admin_account(authorization))
        except UnauthenticatedError:
            return False


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize(
    ("authorization", "account"),
    [
        (TOKEN_1, "shop"),
        (basic("Admin@Example.com/token", "token-1"), "shop"),
        (basic("boss@example.com", "pass:wörd"), "shop"),
        (
            "Basic " + base64.b64encode("boss@example.com:pass:wörd".encode("latin-1")).decode(),
            "shop",
        ),
        (basic("admin@example.org/token", "token-3"), "other"),
        ("Bearer bearer-1", "shop"),
        ("bearer  bearer-1 ", "shop"),
        ("BASIC " + TOKEN_1.removeprefix("Basic "), "shop"),
    ],
)
def test_three_ways_to_sign_in(door: Door, authorization: str, account: str) -> None:
    assert door.credentials.admin_account(authorization) == account


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !",
        "Basic é",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Digest abc",
        "Bearer",
        "Bearer token-1",
        "Bearer \ud800",
        TOKEN_9,
        basic("admin@example.com", "token-1"),
        basic("admin@example.com/token", "token-2"),
        basic("admin@example.com/token", ""),
        basic("admin@example.com/token", "None"),
        basic("/token", "token-1"),
        basic("boss@example.com/token", "pass:wörd"),
        basic("boss@example.com", ""),
        basic("robot@example.com", "bearer-1"),
    ],
)
def test_anything_else_is_not_let_in(door: Door, authorization: str | None) -> None:
    assert not door.opens(authorization)


def test_who_is_no_admin_is_forbidden(door: Door) -> None:
    with pytest.raises(ForbiddenError):
        door.credentials.admin_account(basic("agent@example.com/token", "token-2"))


def test_what_is_no_credential_costs_no_look_up(door: Door) -> None:
    assert not door.opens("Digest abc")
    assert door.parameter.calls == 0


def test_a_rotation_locks_nobody_out(door: Door) -> None:
    assert door.opens(TOKEN_1)
    assert not door.opens(TOKEN_9)
    door.parameter.text = json.dumps([{**ADMIN, "api_token": "token-9"}])
    door.seconds = 10

    assert door.opens(TOKEN_9)
    assert not door.opens(TOKEN_1)


def test_a_flood_of_bad_passwords_does_not_reach_ssm(door: Door) -> None:
    for second in range(100):
        door.seconds = second / 5
        assert not door.opens(TOKEN_9)

    # One look-up to begin with; in 20 seconds two past the cache.
    assert door.parameter.calls == 3
    assert door.opens(TOKEN_1)


def test_the_last_good_list_outlives_an_outage_of_ssm(door: Door) -> None:
    assert door.opens(TOKEN_1)
    door.parameter.text = None
    door.parameter.expire()

    for second in range(30):
        door.seconds = second
        assert door.opens(TOKEN_1)
        assert not door.opens(TOKEN_9)

    assert door.parameter.calls <= 6
    assert "GetParameterError" in door.log.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '[{"account": "shop"}]',
        json.dumps([ADMIN]),
        json.dumps([{**ADMIN, "password": ""}]),
        json.dumps([{**ADMIN, "password": "secret", "role": "owner"}]),
        json.dumps([{**ADMIN, "password": "secret", "account": "a#b"}]),
        json.dumps([{**ADMIN, "password": "secret", "account": ""}]),
        json.dumps([{**ADMIN, "password": "secret", "email": ""}]),
    ],
)
def test_a_slip_in_the_parameter_keeps_the_last_good_list(door: Door, text: str) -> None:
    assert door.opens(TOKEN_1)
    door.parameter.text = text
    door.parameter.expire()

    assert door.opens(TOKEN_1)
    assert "ValidationError" in door.log.getvalue()
    assert "secret" not in door.log.getvalue()


def test_a_slip_that_was_mended_is_noticed_past_the_cache(door: Door) -> None:
    door.parameter.text = "["
    with pytest.raises(UnavailableError):
        door.opens(TOKEN_1)
    door.parameter.text = json.dumps(KNOWN)

    door.seconds = 10

    assert door.opens(TOKEN_1)


def test_without_any_list_the_service_is_unavailable_and_ssm_is_left_in_peace(
    door: Door,
) -> None:
    door.parameter.text = None

    for second in range(20):
        door.seconds = second
        with pytest.raises(UnavailableError):
            door.credentials.admin_account(TOKEN_1)

    assert door.parameter.calls <= 3


def test_nothing_that_can_be_printed_shows_a_secret(door: Door) -> None:
    presented = [read_authorization(TOKEN_1), read_authorization("Bearer bearer-1")]

    assert door.opens(TOKEN_1)
    assert "token-1" not in repr([presented, door.credentials._known])
    assert "bearer-1" not in repr([presented, door.credentials._known])
