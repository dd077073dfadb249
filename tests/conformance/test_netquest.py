"""Netquest's webhooks by plain HTTP: the request of its own documentation, word for word.

https://pruvodce.netquest.cz/api-dokumentace/pouziti-webhook-pro-odeslani-pozvanky-stavajicimu-respondentovi/
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from tests.conformance.conftest import Site

PATH = "/webhooks/387487/TUwNjNDg3M/84b750d6956f02503015938fc38bfe36/send-invitation-to-token"
QUERY = "id_survey=419349&id_template=1833&token=81a2B7&delay=15&footer=0"
SUCCESS = {"type": "success", "msg": "Invitation has been scheduled"}


@pytest.fixture(autouse=True)
def _respondent(site: Site) -> None:
    site.put("surveys/419349", {"survey": {"name": "The panel, after a purchase"}})
    site.put("templates/1833", {"template": {"subject": "How was it?", "text": "Hi [l1]: [LINK]"}})
    site.put("respondents/81a2B7", {"respondent": {"email": "pavel@example.com"}})


def test_the_golden_address_invites_by_get(site: Site) -> None:
    answer = requests.get(f"{site.url}{PATH}?{QUERY}", timeout=60)

    assert (answer.status_code, answer.json()) == (200, SUCCESS)


def test_the_same_as_a_form_invites_by_post(site: Site) -> None:
    fields = dict(pair.split("=") for pair in QUERY.split("&"))

    answer = requests.post(f"{site.url}{PATH}", data=fields, timeout=60)

    assert (answer.status_code, answer.json()) == (200, SUCCESS)


def test_curl_invites_with_nothing_but_its_data(site: Site) -> None:
    command = ["curl", "--silent", "--max-time", "30", "--data", QUERY, f"{site.url}{PATH}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - a command of ours.

    assert told.stdout == '{"type":"success","msg":"Invitation has been scheduled"}'


def test_who_unsubscribed_is_not_found(site: Site) -> None:
    person = {"email": "petra@example.com", "unsubscribed": True}
    site.put("respondents/92b3C8", {"respondent": person})

    answer = requests.get(f"{site.url}{PATH}?{QUERY.replace('81a2B7', '92b3C8')}", timeout=60)

    assert answer.json() == {"type": "error", "msg": "Respondents not found"}
