"""node-zendesk 3.0.3, unmodified: all that it knows of the NPS API.

https://www.npmjs.com/package/node-zendesk/v/3.0.3
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.conftest import HURRIED
from tests.support import clients

if TYPE_CHECKING:
    from tests.conformance.conftest import Site
    from tests.support.clients import Client

SEED = {
    "invitation": {
        "recipients": [
            {"email": "peter@example.com", "language": "en-US", "name": "Peter"},
            {"email": "david@example.com", "language": "en-US", "name": "David"},
        ]
    }
}


def test_invitations_are_created_listed_and_shown(site: Site, node_zendesk: Client) -> None:
    survey = site.new_survey()

    created = node_zendesk.ask("invitations.create", {"surveyId": survey, "data": SEED})
    number = created["result"]["invitation"]["id"]
    listed = node_zendesk.ask("invitations.list", {"surveyId": survey})
    shown = node_zendesk.ask("invitations.show", {"surveyId": survey, "invitationId": number})

    assert created["status"] == 201
    assert [each["id"] for each in listed["result"]["invitations"]] == [number]
    assert shown["result"]["invitation"]["recipients_count"] == 2


def test_surveys_are_listed_and_shown(site: Site, node_zendesk: Client) -> None:
    survey = site.new_survey("After a signup")

    listed = node_zendesk.call("surveys.list")
    shown = node_zendesk.call("surveys.show", survey)

    assert listed["surveys"][0] == shown["survey"]
    assert (shown["survey"]["id"], shown["survey"]["name"]) == (survey, "After a signup")


@pytest.mark.usefixtures("_installed")
def test_one_signs_in_with_a_bearers_token(site: Site) -> None:
    signing_in = {"username": "x", "token": "bearer-1", "oauth": True}
    with clients.node_zendesk(site.url, **signing_in) as client:
        assert client.ask("surveys.list")["status"] == 200


def test_errors_keep_their_status(site: Site, node_zendesk: Client) -> None:
    survey = site.new_survey()

    missing = node_zendesk.ask("surveys.show", survey + 1)
    invalid = node_zendesk.ask("invitations.create", {"surveyId": survey, "data": {}})

    assert missing["status"] == 404
    assert invalid["status"] == 422
    assert "RecordInvalid" in invalid["text"]


@pytest.mark.usefixtures("_installed")
def test_too_many_calls_are_told_apart(site: Site) -> None:
    signing_in = {"username": HURRIED["email"], "token": HURRIED["api_token"]}
    with clients.node_zendesk(site.url, **signing_in) as client:
        statuses = [client.ask("surveys.list")["status"] for _ in range(3)]

    assert 429 in statuses
