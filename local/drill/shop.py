"""What operators have put into Parameter Store, and what the shop sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.drill.stack import STAGE

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

PREFIX = f"/afterword/{STAGE}"
SHOP, PANEL = "demo", "panel"
SECRET = json.dumps({"email": "drill@example.com", "api_token": "made-up"})
_WEBHOOK = json.dumps({"webhook_key": "made-up", "webhook_auth": "made-up"})


@dataclass
class Shop:
    """Puts parameters, and makes up purchases.

    Attributes:
        client: Of SSM.
        order: The number of the newest order.
    """

    client: SSMClient
    order: int = 0

    def put(self, name: str, text: str, *, secret: bool = False) -> None:
        """Put a parameter below the stage's prefix."""
        kind = "SecureString" if secret else "String"
        self.client.put_parameter(Name=f"{PREFIX}/{name}", Value=text, Type=kind, Overwrite=True)  # type: ignore[arg-type]  # one of both

    def remove(self, name: str) -> None:
        """Remove a parameter."""
        self.client.delete_parameter(Name=f"{PREFIX}/{name}")

    def furnish(self, provider: str) -> None:
        """Put an account of each dialect, and a campaign for each.

        Args:
            provider: Where the provider answers.
        """
        known: dict[str, Any] = {"base_url": provider, "calls_per_minute": 1000}
        nps = {"provider": "nps", "replays_idempotency_key": True}
        netquest = {"provider": "netquest", "id_account": "1", "quota_period": "day"}
        self.put("accounts/shop", json.dumps(known | nps))
        self.put("accounts/panel", json.dumps(known | netquest))
        self.put("secrets/accounts/shop", SECRET, secret=True)
        self.put("secrets/accounts/panel", _WEBHOOK, secret=True)
        self.put("secrets/customer-key", "a key of the customer keys, 32 bytes", secret=True)
        for name, text in campaigns().items():
            self.put(f"campaigns/{name}", text)

    def purchase(self, shop: str, at: int) -> str:
        """Return the body of a purchase that nobody has made before, at a time (Unix seconds)."""
        self.order += 1
        event = {
            "type": "purchase",
            "version": 1,
            "id": f"E-{self.order}",
            "shop": shop,
            "occurred_at": datetime.fromtimestamp(at, UTC).isoformat(),
            "order_id": f"A-{self.order}",
            "customer": {"email": f"a-{self.order}@example.com", "name": "Jana"},
        }
        return json.dumps(event)


def campaigns() -> dict[str, str]:
    """Return the campaigns' texts by id."""
    known: dict[str, Any] = {"mode": "live", "event": "purchase"}
    shop = {"shop": SHOP, "account": "shop", "survey": 1}
    panel = {"shop": PANEL, "account": "panel", "survey": 2, "template": 1}
    asks = {"unknown_respondent": "by_email"}
    return {
        "after-purchase": json.dumps(known | shop),
        "after-panel-purchase": json.dumps(known | panel | asks),
    }
