import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from afterword.deciding.campaigns import (
    LIFETIME,
    MAX_CAP,
    MAX_DELAY,
    MAX_EXPIRY,
    OLDEST_EVENT,
    Campaign,
    CampaignError,
    ContactCap,
    Mode,
    parse_campaign,
)

SHORTEST: dict[str, Any] = {"shop": "demo", "event": "purchase", "account": "main", "survey": 1}
NO_DURATION = (
    "delay: it should be a duration by ISO 8601 in weeks, days, hours, minutes and seconds, "
    "as in P30D or PT2H"
)
SAMPLES = Path(__file__).parents[3] / "local" / "campaigns"


def parse(**fields: object) -> Campaign:
    return parse_campaign("after-purchase", json.dumps(SHORTEST | fields))


def faults(**fields: object) -> tuple[str, ...]:
    with pytest.raises(CampaignError) as caught:
        parse(**fields)
    assert caught.value.campaign == "after-purchase"
    assert str(caught.value) == f"campaign after-purchase: {'; '.join(caught.value.faults)}"
    return caught.value.faults


def test_the_ledger_remembers_longer_than_any_rule_needs() -> None:
    """Deferral by a cap, retries and outages all end at the expiry, so they add nothing."""
    assert LIFETIME > OLDEST_EVENT + MAX_DELAY + MAX_EXPIRY
    assert LIFETIME > MAX_CAP


def test_what_a_campaign_leaves_out_is_the_careful_choice() -> None:
    campaign = parse()
    assert campaign.id == "after-purchase"
    assert campaign.mode is Mode.DRY_RUN
    assert campaign.conditions == ()
    assert campaign.delay == timedelta(0)
    assert campaign.expires_after is None
    assert campaign.language == "en-US"
    assert campaign.contact_cap is None
    assert campaign.starts_at is None
    assert campaign.on_partial_refund == "keep"
    assert campaign.allow_list == ()


def test_a_campaign_keeps_what_it_says() -> None:
    campaign = parse(
        mode="live",
        conditions=[{"field": "amount", "at_least": "20.00"}],
        delay="PT2H",
        expires_after="P14D",
        language="cs_cz",
        contact_cap={"period": "P30D", "when_capped": "drop"},
        starts_at="2026-01-01T00:00:00Z",
        on_partial_refund="cancel",
        allow_list=["@example.com"],
    )
    assert campaign.mode is Mode.LIVE
    assert [condition.field for condition in campaign.conditions] == ["amount"]
    assert (campaign.delay, campaign.expires_after) == (timedelta(hours=2), timedelta(days=14))
    assert campaign.language == "cs-CZ"
    assert campaign.contact_cap == ContactCap(period=timedelta(days=30), when_capped="drop")
    assert campaign.starts_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert campaign.on_partial_refund == "cancel"


@pytest.mark.parametrize("field", SHORTEST)
def test_a_mandatory_field_that_is_missing_is_named(field: str) -> None:
    with pytest.raises(CampaignError) as caught:
        parse_campaign("a", json.dumps({k: v for k, v in SHORTEST.items() if k != field}))
    assert caught.value.faults == (f"{field}: Field required",)


def test_every_field_at_fault_is_named() -> None:
    assert faults(survey="1", delay="P1M", mode="on", colour="red") == (
        "mode: Input should be 'dry_run', 'allow_list' or 'live'",
        "survey: Input should be a valid integer",
        NO_DURATION,
        "colour: Extra inputs are not permitted",
    )


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT0S", timedelta(0)),
        ("PT2H", timedelta(hours=2)),
        ("P30D", timedelta(days=30)),
        ("P2W", timedelta(weeks=2)),
        ("P1W2DT3H4M5S", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        ("P180D", MAX_DELAY),
    ],
)
def test_a_delay_is_an_iso_duration(text: str, duration: timedelta) -> None:
    assert parse(delay=text).delay == duration


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1DT", "P1M", "P1Y", "-P1D", "+P1D", "P1.5D", "p1d", "P1D ", "30 days"),
        "PT" + "9" * 99 + "S",
    ],
)
def test_what_is_no_clear_duration_is_refused(text: str) -> None:
    assert faults(delay=text) == (NO_DURATION,)


@pytest.mark.parametrize("value", [3600, 1.5, None, True, ["P1D"]])
def test_a_bare_number_is_no_duration(value: object) -> None:
    assert faults(delay=value) == (NO_DURATION,)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"delay": "P180DT1S"}, "delay: it should be at most 180 days"),
        ({"expires_after": "P90DT1S"}, "expires_after: it should be at most 90 days"),
        ({"expires_after": "PT0S"}, "expires_after: it should be more than nothing"),
        ({"contact_cap": {"period": "P366D"}}, "contact_cap.period: it should be at most 365 days"),
        ({"contact_cap": {"period": "PT0S"}}, "contact_cap.period: it should be more than nothing"),
        ({"contact_cap": {}}, "contact_cap.period: Field required"),
        ({"survey": 0}, "survey: Input should be greater than or equal to 1"),
        ({"survey": True}, "survey: Input should be a valid integer"),
        ({"event": "refund"}, "event: Input should be 'purchase' or 'signup'"),
        (
            {"language": "in English"},
            "language: it should be a language tag by BCP 47, as in en-GB",
        ),
        ({"mode": "allow_list"}, "allow_list: mode allow_list needs an entry"),
        ({"id": "after-purchase"}, "id: leave it out, the parameter's name is the id"),
    ],
)
def test_a_fault_says_what_to_change(fields: dict[str, object], fault: str) -> None:
    assert faults(**fields) == (fault,)


@pytest.mark.parametrize(
    ("event", "field", "has"),
    [
        ("signup", "amount", "shop, customer.language, customer.zone, labels.<name>"),
        (
            "purchase",
            "total",
            "amount, currency, shop, customer.language, customer.zone, labels.<name>",
        ),
    ],
)
def test_a_field_that_events_do_not_have_is_named(event: str, field: str, has: str) -> None:
    found = faults(event=event, conditions=[{"field": field, "exists": True}])
    assert found == (f"conditions: a {event} has no field {field}; it has {has}",)


def test_an_unknown_kind_is_the_only_fault_of_a_campaign_with_conditions() -> None:
    found = faults(event="refund", conditions=[{"field": "amount", "exists": True}])
    assert found == ("event: Input should be 'purchase' or 'signup'",)


def test_a_fault_in_a_condition_says_in_which() -> None:
    [fault] = faults(conditions=[{"field": "amount", "at_least": 1}, {"field": "amount"}])
    assert fault.startswith("conditions.1: give exactly one of")


@pytest.mark.parametrize("id_", ["", "After", "a b", "a/b", "a#b", "a_b", "x" * 65])
def test_an_id_is_a_word_of_small_letters_digits_and_dashes(id_: str) -> None:
    with pytest.raises(CampaignError) as caught:
        parse_campaign(id_, json.dumps(SHORTEST))
    [fault] = caught.value.faults
    assert fault.startswith("id: ")


@pytest.mark.parametrize(
    "text", ["", "pl4nted", "[]", '"pl4nted"', '{"survey": NaN}', '{"\ud800":1}']
)
def test_a_text_that_is_no_object_is_a_campaign_error(text: str) -> None:
    with pytest.raises(
        CampaignError, match=r"campaign after-purchase: (not JSON: |JSON, but no ob)"
    ):
        parse_campaign("after-purchase", text)


def test_a_broken_text_is_not_quoted() -> None:
    with pytest.raises(CampaignError) as caught:
        parse_campaign("after-purchase", '{"survey": pl4nted}')
    assert "pl4nted" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"shop": "pl4nted #"},
        {"account": "PL4NTED"},
        {"language": "pl4nted pl4nted"},
        {"allow_list": ["pl4nted"]},
        {"allow_list": ["pl4nted@localhost"]},
        {"conditions": [{"field": "amount", "equals": "pl4nted"}]},
        {"conditions": ["pl4nted"]},
        {"starts_at": "pl4nted"},
    ],
)
def test_no_fault_shows_a_value(fields: dict[str, object]) -> None:
    assert "pl4nted" not in " ".join(faults(**fields)).lower()


@pytest.mark.parametrize("starts_at", ["2026-01-01", "2026-01-01T00:00:00", 0, "soon"])
def test_a_start_needs_its_zone(starts_at: object) -> None:
    [fault] = faults(starts_at=starts_at)
    assert fault.startswith("starts_at: it should be a time by ISO 8601 with its zone")


@pytest.mark.parametrize(
    ("email", "allowed"),
    [
        ("ada@example.com", True),
        ("ADA@EXAMPLE.COM", True),
        ("bert@shop.example.com", True),
        ("bert@bücher.example.com", True),
        ("bert@example.com", False),
        ("ada@deep.shop.example.com", False),
        ("ada@notshop.example.com", False),
    ],
)
def test_the_allow_list_names_addresses_and_whole_domains(email: str, *, allowed: bool) -> None:
    campaign = parse(
        mode="allow_list",
        allow_list=["Ada@example.com", "@Shop.example.com", "@xn--bcher-kva.example.com"],
    )
    assert campaign.allows(email) is allowed


@pytest.mark.parametrize("entry", ["", "@", "ada", "example.com", "@localhost", "@a@example.com"])
def test_an_entry_of_the_allow_list_is_an_address_or_a_domain(entry: str) -> None:
    fault = "allow_list.0: it should be an address, or a domain as in @example.com"
    assert faults(allow_list=[entry]) == (fault,)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_demos_campaigns_are_sound(path: Path) -> None:
    campaign = parse_campaign(path.stem, path.read_text())
    assert (campaign.mode, campaign.shop) == (Mode.LIVE, "demo")
    assert campaign.account in {"invitation-service", "netquest"}


def test_the_example_in_the_docs_is_sound() -> None:
    page = (SAMPLES.parents[1] / "docs" / "campaigns.md").read_text()
    example = page.split("```json\n")[1].split("```")[0]
    assert parse_campaign("after-purchase", example).delay == timedelta(hours=2)
