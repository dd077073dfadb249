"""zdesk 2.8.1, unmodified: each of its nineteen methods of the NPS API.

https://pypi.org/project/zdesk/2.8.1/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.conftest import HURRIED
from tests.support import clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import Site
    from tests.support.clients import Client

START = 1577836800


def inviting(*names: str) -> dict[str, Any]:
    people = [{"email": f"{name}@example.com", "name": name, "language": "cs"} for name in names]
    return {"invitation": {"recipients": people}}


def test_surveys_are_listed_shown_changed_and_closed(site: Site, zdesk: Client) -> None:
    survey = site.new_survey("After a signup")

    listed = zdesk.call("nps_surveys_list")["surveys"]
    shown = zdesk.call("nps_survey_show", survey)["survey"]
    changes = {"survey": {"subject": "Our shop", "highlight_color": "#123456"}}
    changed = zdesk.call("nps_survey_update", survey, changes)["survey"]
    closed = zdesk.call("nps_survey_close_create", survey, {})["survey"]

    assert listed[0] == shown
    assert (shown["name"], shown["status"]) == ("After a signup", "open")
    assert (changed["subject"], changed["highlight_color"]) == ("Our shop", "#123456")
    assert closed["status"] == "closed"
    assert zdesk.call("nps_survey_show", survey)["survey"] == closed


def test_a_survey_is_previewed_in_a_language(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()

    preview = zdesk.call("nps_survey_preview", survey, locale="cs")["preview"]

    assert preview["locale"] == "cs"
    assert "After a purchase" in preview["html"]


def test_invitations_are_created_listed_and_shown(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()

    created = zdesk.call("nps_survey_invitation_create", survey, inviting("jane", "mike"))
    listed = zdesk.call("nps_survey_invitations", survey)
    shown = zdesk.call("nps_survey_invitation_show", survey, created["invitation"]["id"])

    assert created["invitation"].keys() == {"created_at", "id", "survey_id", "updated_at"}
    assert [each["id"] for each in listed["invitations"]] == [created["invitation"]["id"]]
    assert shown["invitation"]["id"] == created["invitation"]["id"]
    assert shown["invitation"]["recipients_count"] == 2


def test_recipients_are_created_listed_shown_changed_and_found(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()
    body = {"recipient": {"email": "jane+x@example.com", "name": "Jane", "locale": "de"}}

    created = zdesk.call("nps_survey_recipient_create", survey, body)["recipient"]
    shown = zdesk.call("nps_survey_recipient_show", survey, created["id"])["recipient"]
    listed = zdesk.call("nps_survey_recipients", survey)["recipients"]
    changes = {"recipient": {"name": "Janet"}}
    changed = zdesk.call("nps_survey_recipient_update", survey, created["id"], changes)["recipient"]
    found = zdesk.call("nps_survey_recipients_search", survey, email="JANE+x@example.com")

    assert (created["email"], created["name"], created["locale"]) == (
        "jane+x@example.com",
        "Jane",
        "de",
    )
    assert [shown] == listed == [created]
    assert changed["name"] == "Janet"
    assert found["recipients"] == [changed]


def test_responses_are_created_listed_shown_and_changed(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()
    recipient, other = (
        zdesk.call(
            "nps_survey_recipient_create",
            survey,
            {"recipient": {"email": f"{name}@example.com", "name": name}},
        )["recipient"]["id"]
        for name in ("jane", "mike")
    )

    def answer(recipient_id: int, rating: int, comment: str | None = None) -> Any:
        body = {
            "response": {"recipient_id": recipient_id, "rating": rating, "comment": comment},
        }
        return zdesk.call("nps_survey_response_create", survey, body)["response"]

    def listed(**filters: str) -> list[int]:
        found = zdesk.call("nps_survey_responses", survey, **filters)["responses"]
        return [each["id"] for each in found]

    first = answer(recipient, 3, "Late")
    again = answer(recipient, 9, "Good in the end")
    silent = answer(other, 7)
    shown = zdesk.call("nps_survey_response_show", survey, first["id"])["response"]
    changes = {"response": {"rating": 10}}
    changed = zdesk.call("nps_survey_response_update", survey, first["id"], changes)["response"]

    assert first["id"] == again["id"]
    assert (shown["rating"], shown["comment"]) == (9, "Good in the end")
    assert (changed["rating"], changed["comment"]) == (10, "Good in the end")
    assert listed() == [silent["id"], first["id"]]
    assert listed(category="promoters") == [first["id"]]
    assert listed(category="detractors") == []
    assert listed(has_comment="false") == [silent["id"]]


def test_a_list_is_followed_to_its_last_page(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()
    for name in ("one", "two", "three"):
        body = {"recipient": {"email": f"{name}@example.com", "name": name}}
        zdesk.call("nps_survey_recipient_create", survey, body)

    everybody = zdesk.call("nps_survey_recipients", survey, per_page=1, get_all_pages=True)

    assert [each["name"] for each in everybody["recipients"]] == ["three", "two", "one"]


@pytest.mark.parametrize(
    "signing_in", [{"zdesk_password": "pass:wörd"}, {"zdesk_oauth": "bearer-1"}]
)
@pytest.mark.usefixtures("_installed")
def test_one_signs_in_with_a_password_or_a_bearers_token(
    site: Site, signing_in: dict[str, str]
) -> None:
    with clients.zdesk(site.url, zdesk_email="boss@example.com", **signing_in) as client:
        assert "surveys" in client.call("nps_surveys_list")


@pytest.mark.usefixtures("_installed")
def test_who_is_unknown_or_no_admin_is_told_apart(site: Site) -> None:
    with clients.zdesk(site.url, zdesk_email="admin@example.com", zdesk_api="wrong") as client:
        unknown = client.ask("nps_surveys_list")
    with clients.zdesk(site.url, zdesk_email="agent@example.com", zdesk_api="token-2") as client:
        agent = client.ask("nps_surveys_list")

    assert (unknown["error"], unknown["status"]) == ("AuthenticationError", 401)
    assert (agent["error"], agent["status"]) == ("ZendeskError", 403)


def test_what_is_not_there_is_a_404(site: Site, zdesk: Client) -> None:
    survey = site.new_survey()

    for method, *args in (
        ("nps_survey_show", survey + 1),
        ("nps_survey_show", "x"),
        ("nps_survey_invitation_show", survey, 0),
        ("nps_survey_recipient_show", survey, 0),
        ("nps_survey_response_update", survey, 0, {"response": {"rating": 1}}),
    ):
        answer = zdesk.ask(str(method), *args)
        assert (answer["error"], answer["status"]) == ("ZendeskError", 404)


def test_a_refused_body_comes_back_as_the_result(site: Site, zdesk: Client) -> None:
    """It does not take 422 for an error: the caller has to look for one."""
    answer = zdesk.call("nps_survey_invitation_create", site.new_survey(), inviting())

    assert answer["error"] == "RecordInvalid"


@pytest.mark.usefixtures("_installed")
def test_too_many_calls_are_told_with_when_to_come_again(site: Site) -> None:
    signing_in = {"zdesk_email": HURRIED["email"], "zdesk_api": HURRIED["api_token"]}
    with clients.zdesk(site.url, **signing_in) as client:
        answers = [client.ask("nps_surveys_list") for _ in range(3)]

    # A minute may end in between, once.
    limited = [each for each in answers if each.get("status") == 429]
    assert limited
    assert limited[0]["error"] == "RateLimitError"
    assert limited[0]["text"].startswith("Number of allowed API requests per minute exceeded")


@pytest.mark.parametrize("kind", ["recipients", "responses"])
def test_exports_hold_what_has_changed(
    site: Site, zdesk: Client, kind: str, exported: Callable[[str], Any]
) -> None:
    survey = site.new_survey("Exported")
    body = {"recipient": {"email": "jane@example.com", "name": "Jane"}}
    recipient = zdesk.call("nps_survey_recipient_create", survey, body)["recipient"]["id"]
    response = {"response": {"recipient_id": recipient, "rating": 9}}
    zdesk.call("nps_survey_response_create", survey, response)

    page = exported(f"nps_incremental_{kind}_list")

    [jane] = [each for each in page[kind] if each["survey_id"] == survey]
    assert page["next_page"] is None
    assert page["count"] == len(page[kind])
    assert page["end_time"] >= START
    assert (jane["user_email"], jane["survey_name"]) == ("jane@example.com", "Exported")


@pytest.fixture
def exported(zdesk: Client) -> Callable[[str], Any]:
    return lambda method: zdesk.call(method, start_time=START, get_all_pages=True)


def test_a_start_lately_is_refused(zdesk: Client) -> None:
    far = 99999999999
    assert zdesk.call("nps_incremental_recipients_list", start_time=far)["error"] == "RecordInvalid"
