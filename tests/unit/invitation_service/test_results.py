"""What became of a survey, for admins alone: as JSON, and as a page."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.invitation_service import app
from invitation_service.answering.results import parts_of, signed
from invitation_service.people.records import Tally
from tests.support.invitation_service import ADMIN, AGENT, OTHER_ACCOUNT, Answer, Service, event
from tests.support.pages import Shop

NPS = "/api/v2/ours/surveys/1/nps"
PAGE = "/results/1"
counts = st.integers(0, 10**6)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    service = Service()
    api = service.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return Shop(service)


def sign_in(shop: Shop, email: str, secret: str) -> Answer:
    body = urlencode({"email": email, "secret": secret, "lang": "cs"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return shop.service.handle(event("POST", PAGE, body=body, headers=headers))


def test_the_score_is_told_with_all_counts(shop: Shop) -> None:
    for score, comment in [(10, "Good"), (9, None), (9, "Yes"), (8, None), (3, "No")]:
        shop.answered(score, comment)

    assert shop.service.send("GET", NPS).json == {
        "nps": {
            "survey_id": 1,
            "score": 40,
            "answers": 5,
            "promoters": 3,
            "passives": 1,
            "detractors": 1,
            "promoters_with_comment": 2,
            "passives_with_comment": 0,
            "detractors_with_comment": 1,
        }
    }


def test_before_the_first_answer_there_is_no_score(shop: Shop) -> None:
    told = shop.service.send("GET", NPS).json["nps"]

    assert told["score"] is None
    assert told["answers"] == 0


@pytest.mark.parametrize("path", [NPS, f"{NPS}.json"])
def test_results_are_for_admins_of_the_account(shop: Shop, path: str) -> None:
    told = {}
    for who in (ADMIN, AGENT, OTHER_ACCOUNT, None):
        shop.service.authorization = who
        told[who] = shop.service.send("GET", path).status

    assert told == {ADMIN: 200, AGENT: 403, OTHER_ACCOUNT: 404, None: 401}


@pytest.mark.parametrize("survey", ["2", "x", "1e1"])
def test_an_unknown_survey_is_not_found(shop: Shop, survey: str) -> None:
    assert shop.service.send("GET", f"/api/v2/ours/surveys/{survey}/nps").status == 404
    assert shop.service.send("GET", f"/results/{survey}").status == 404


def test_the_page_is_for_admins_of_the_account_and_asks_browsers_who_they_are(shop: Shop) -> None:
    told = {}
    for who in (ADMIN, AGENT, OTHER_ACCOUNT, None):
        shop.service.authorization = who
        told[who] = shop.service.send("GET", PAGE)

    assert {who: page.status for who, page in told.items()} == {
        ADMIN: 200,
        AGENT: 403,
        OTHER_ACCOUNT: 404,
        None: 401,
    }
    assert all(page.text.startswith("<!doctype html>") for page in told.values())
    assert told[None].headers["WWW-Authenticate"] == 'Basic realm="results", charset="UTF-8"'
    assert "Lípa" not in told[AGENT].text + told[OTHER_ACCOUNT].text + told[None].text
    # The API never does: its clients are no browsers.
    assert "WWW-Authenticate" not in shop.service.send("GET", NPS).headers


@pytest.mark.parametrize(
    ("email", "secret"), [("admin@example.com", "token-1"), ("BOSS@example.com", "pass:wörd")]
)
def test_an_admin_signs_in_by_a_form_with_password_or_token(
    shop: Shop, email: str, secret: str
) -> None:
    page = sign_in(shop, email, secret)

    assert page.status == 200
    assert '<html lang="cs">' in page.text
    assert "Lípa" in page.text


def test_a_wrong_form_is_asked_for_again_without_the_browser_asking_as_well(shop: Shop) -> None:
    page = sign_in(shop, "admin@example.com", "planted-secret")

    assert page.status == 401
    assert 'role="alert"' in page.text
    assert "WWW-Authenticate" not in page.headers
    assert "planted-secret" not in page.text + shop.service.log.getvalue()
    assert sign_in(shop, "agent@example.com", "token-2").status == 403
    assert sign_in(shop, "", "").status == 401


def test_the_latest_comments_come_first_and_fifty_are_enough(shop: Shop) -> None:
    for number in range(60):
        shop.service.later(minutes=1)
        shop.answered(number % 11, f"comment {number}." if number else None)

    page = shop.service.send("GET", PAGE)

    said = [int(each) for each in re.findall(r">comment (\d+)\.<", page.text)]
    assert said == list(range(59, 9, -1))


def test_the_page_tells_no_addresses(shop: Shop) -> None:
    shop.answered(9, "Good", email="jane@example.com")

    assert "jane" not in shop.service.send("GET", PAGE).text


@given(counts, counts, counts)
def test_shares_add_up_and_are_off_by_less_than_one(
    promoters: int, passives: int, detractors: int
) -> None:
    parts = parts_of(Tally(promoters=promoters, passives=passives, detractors=detractors))
    whole = promoters + passives + detractors

    assert sum(part.share for part in parts) == (100 if whole else 0)
    assert [part.count for part in parts] == [detractors, passives, promoters]
    assert all(abs(part.share - 100 * part.count / max(whole, 1)) < 1 for part in parts)


@pytest.mark.parametrize(
    ("score", "written"), [(100, "+100"), (1, "+1"), (0, "0"), (None, "0"), (-7, "\N{MINUS SIGN}7")]
)
def test_a_score_is_written_with_its_sign(score: int | None, written: str) -> None:
    assert signed(score) == written
