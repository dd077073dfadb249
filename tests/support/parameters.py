"""Parameter Store for tests: texts that load, and the calls that reach SSM."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from afterword.remembering.parameters import Parameters

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

PREFIX = "/afterword/test"
KEY = "a key of the customer keys, 32 bytes"


def campaign_text(**changes: Any) -> str:
    """Return a campaign that loads, in `dry_run` unless told otherwise."""
    known = {"shop": "demo", "event": "purchase", "account": "shop", "survey": 1}
    return json.dumps(known | changes)


def account_text(**changes: Any) -> str:
    """Return an account that loads."""
    return json.dumps({"provider": "nps", "base_url": "https://shop.example.com"} | changes)


class Store:
    """Puts parameters, and counts the calls by operation."""

    def __init__(self, client: SSMClient) -> None:
        self.client = client
        self.calls: Counter[str] = Counter()
        client.meta.events.register("before-call.ssm", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def put(self, name: str, text: str) -> None:
        """Put a campaign or an account below the prefix, in place of its last version."""
        self.client.put_parameter(
            Name=f"{PREFIX}/{name}", Type="String", Value=text, Overwrite=True
        )

    def put_secret(self, name: str, text: str) -> None:
        """Put a secret below the prefix, in place of its last version."""
        self.client.put_parameter(
            Name=f"{PREFIX}/secrets/{name}", Type="SecureString", Value=text, Overwrite=True
        )

    def parameters(self, *, allow_http: bool = False) -> Parameters:
        """Return what reads them."""
        return Parameters(self.client, PREFIX, allow_http=allow_http)


def grow_older(parameters: Parameters, seconds: int) -> None:
    """Let that much time pass by for what is cached: without waiting, its end moves towards now."""
    cached = parameters._ssm.store
    for key, value in cached.items():
        cached[key] = value._replace(ttl=value.ttl - timedelta(seconds=seconds))
