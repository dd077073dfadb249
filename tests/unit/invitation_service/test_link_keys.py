"""The keys that sign links: read once in a while, changed without breaking what is out."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from invitation_service.answering.keys import LinkKeys
from invitation_service.web.errors import UnavailableError

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters!"
_names = itertools.count()


class Parameter:
    """The parameter and the cache before it."""

    def __init__(self, *keys: str) -> None:
        self.text: str | None = json.dumps(keys)
        self.cached: str | None = json.dumps(keys)
        self.calls = self.fresh = 0
        self.now = 0.0
        self.log = io.StringIO()

    def fetch(self, *, fresh: bool) -> str:
        self.calls += 1
        self.fresh += fresh
        if fresh or self.cached is None:
            self.cached = self.text
        if self.cached is None:
            raise GetParameterError("the secret text")
        return self.cached

    def keys(self) -> LinkKeys:
        logger = Logger(service=f"link-keys-{next(_names)}", stream=self.log)
        return LinkKeys(self.fetch, lambda: self.now, logger)


def test_the_keys_come_newest_first() -> None:
    assert list(Parameter(NEW, OLD).keys()()) == [NEW, OLD]


def test_a_new_key_is_seen_at_once_when_a_link_asks_for_it() -> None:
    parameter = Parameter(OLD)
    keys = parameter.keys()
    parameter.text = json.dumps([NEW, OLD])

    assert list(keys()) == [OLD]
    assert keys.newer() == [NEW, OLD]
    assert list(keys()) == [NEW, OLD]


def test_forged_links_do_not_become_calls_of_ssm() -> None:
    parameter = Parameter(OLD)
    keys = parameter.keys()

    asked = [keys.newer() for _ in range(100)]

    assert asked == [[OLD], *[None] * 99]
    assert parameter.fresh == 1
    parameter.now += 10
    assert keys.newer() == [OLD]


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", "no JSON", '["short key"]', '"a key of more than thirty-two characters"', None],
)
def test_what_can_not_be_used_is_told_without_its_text_and_the_last_good_keys_stay(
    text: str | None,
) -> None:
    parameter = Parameter(OLD)
    keys = parameter.keys()
    keys()
    parameter.cached = parameter.text = text

    assert list(keys()) == [OLD]
    told = parameter.log.getvalue()
    assert "link keys unusable" in told
    assert "key of more" not in told
    assert "secret text" not in told


def test_without_any_keys_the_service_asks_to_be_called_again() -> None:
    parameter = Parameter()

    with pytest.raises(UnavailableError):
        parameter.keys()()


@pytest.mark.parametrize("text", [None, "no JSON"])
def test_links_to_a_service_without_keys_do_not_become_calls_of_ssm(text: str | None) -> None:
    parameter = Parameter()
    parameter.cached = parameter.text = text
    keys = parameter.keys()

    for _ in range(100):
        with pytest.raises(UnavailableError):
            keys()

    assert parameter.calls == 2
    assert parameter.log.getvalue().count("unusable") == 2


def test_keys_that_were_mended_are_seen_within_ten_seconds() -> None:
    parameter = Parameter()
    parameter.cached = parameter.text = "no JSON"
    keys = parameter.keys()
    for _ in range(2):
        with pytest.raises(UnavailableError):
            keys()
    parameter.text = json.dumps([NEW])
    parameter.now += 10

    assert list(keys()) == [NEW]
    assert list(keys()) == [NEW]
    assert parameter.fresh == 2
