"""The operator's desk on a shop in memory: commands run, and find its ledger, campaigns and secrets."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from afterword.deciding.account_errors import AccountError
from afterword.deciding.accounts import parse_account
from afterword.deciding.customer_key import customer_key
from afterword.remembering.parameters import Loaded
from afterword.remembering.records import customer_ref
from cli import options
from cli.app import app
from cli.places import Place
from tests.support.parameters import account_text
from tests.support.shop import SECRET, Shop

if TYPE_CHECKING:
    import pytest
    from typer.testing import Result

    from afterword.deciding.accounts import Account
    from afterword.deciding.campaigns import Campaign, CampaignError


class Desk:
    """Runs commands against a shop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, campaigns: list[Campaign]) -> None:
        self.shop = Shop(campaigns)
        self.broken: tuple[CampaignError, ...] = ()
        self.accounts = {"shop": account_text()}
        parameters = SimpleNamespace(
            campaigns=lambda: Loaded(tuple(self.shop.campaigns), self.broken),
            account=self._account,
            mappings=lambda: Loaded(()),
            customer_secret=lambda: SECRET,
        )
        monkeypatch.setattr(Place, "ledger", lambda _: self.shop.ledger)
        monkeypatch.setattr(Place, "parameters", lambda _: parameters)
        monkeypatch.setattr(options, "time", SimpleNamespace(time=self.shop.clock))

    def _account(self, name: str) -> Account:
        if name not in self.accounts:
            raise AccountError(name, ("there is no such parameter",))
        return parse_account(name, self.accounts[name], allow_http=False)

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        result = CliRunner().invoke(app, [*arguments, "--table", "T"], input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    def document(self, *arguments: str, code: int = 0, answer: str | None = None) -> Any:
        result = self.run(*arguments, "--json", answer=answer)
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout)


def ref(email: str, shop: str = "demo") -> str:
    """Return how the ledger names a customer of the shop."""
    return customer_ref(shop, customer_key(email, SECRET))
