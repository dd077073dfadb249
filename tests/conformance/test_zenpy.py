"""zenpy 2.0.57, unmodified: both exports, which are all that it knows of the NPS API.

https://pypi.org/project/zenpy/2.0.57/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tests.conformance.conftest import ADMIN, HURRIED
from tests.support import clients

if TYPE_CHECKING:
    from tests.conformance.conftest import Site
    from tests.support.clients import Client

START = 1577836800


def test_both_exports_come_to_an_end_and_hold_who_answered(site: Site, zenpy: Client) -> None:
    survey = site.new_survey("Exported")
    base = f"{site.url}/api/v2/nps/surveys/{survey}"
    person = {"recipient": {"email": "jane@example.com", "name": "Jane"}}
    made = requests.post(f"{base}/recipients.json", json=person, auth=ADMIN, timeout=60).json()
    number = made["recipient"]["id"]
    response = {"response": {"recipient_id": number, "rating": 9, "comment": "Good"}}
    requests.post(f"{base}/responses.json", json=response, auth=ADMIN, timeout=60)

    recipients = zenpy.call("recipients_incremental", start_time=START)
    responses = zenpy.call("responses_incremental", start_time=START)

    [jane] = [each for each in recipients if each["survey_id"] == survey]
    [answer] = [each for each in responses if each["survey_id"] == survey]
    assert (jane["id"], jane["user_email"], jane["survey_name"]) == (
        number,
        "jane@example.com",
        "Exported",
    )
    assert (answer["rating"], answer["comment"], answer["user_name"]) == (9, "Good", "Jane")


def test_an_export_of_many_pages_has_everybody_once(site: Site, zenpy: Client) -> None:
    survey = site.new_survey("Of many pages")
    site.fill(survey, 1_050)

    found = zenpy.call("recipients_incremental", start_time=START)

    ids = [each["id"] for each in found if each["survey_id"] == survey]
    assert len(ids) == len(set(ids)) == 1_050


@pytest.mark.usefixtures("_installed")
def test_too_many_exports_are_told_with_when_to_come_again(site: Site) -> None:
    """Without a budget for waiting, it would wait as long as it is told to."""
    signing_in = {"email": HURRIED["email"], "token": HURRIED["api_token"], "ratelimit_budget": 0}
    with clients.zenpy(site.url, **signing_in) as client:
        answers = [client.ask("responses_incremental", start_time=START) for _ in range(22)]

    told = [each.get("error") for each in answers]
    assert told[0] is None
    assert "RatelimitBudgetExceeded" in told
