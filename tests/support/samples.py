"""Builders for tests: what is not under test has a plain default."""

from __future__ import annotations

from typing import Any

from afterword.deciding.campaigns import Campaign
from afterword.remembering.records import Batch, Customer, Invitation, Key, Occasion

NOW = 1_800_000_000
HOUR = 3600
DAY = 86_400


def occasion(order: str = "A-1", kind: str = "purchase", shop: str = "demo") -> Occasion:
    return Occasion(shop, kind, order)


def key(order: str = "A-1", campaign: str = "after-purchase", kind: str = "purchase") -> Key:
    return Key(occasion(order, kind), campaign)


def invitation(order: str = "A-1", **changes: Any) -> Invitation:
    values: dict[str, Any] = {
        "key": key(
            order, changes.pop("campaign", "after-purchase"), changes.pop("kind", "purchase")
        ),
        "customer": f"v1:{order}",
        "occurred_at": NOW,
        "due": NOW,
    }
    return Invitation(**values | changes)


def customer(name: str = "v1:A-1", **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": name,
        "email": f"{name.removeprefix('v1:').lower()}@example.com",
        "name": "Jana",
        "seen_at": NOW,
    }
    return Customer(**values | changes)


def batch(name: str = "B1", **changes: Any) -> Batch:
    values: dict[str, Any] = {
        "id": name,
        "campaign": "after-purchase",
        "account": "shop",
        "survey": 1,
        "size": 1,
        "created_at": NOW,
        "due": NOW + 60,
    }
    return Batch(**values | changes)


def campaign(name: str = "after-purchase", **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "id": name,
        "mode": "live",
        "shop": "demo",
        "event": "purchase",
        "account": "shop",
        "survey": 1,
    }
    return Campaign.model_validate(values | changes)
