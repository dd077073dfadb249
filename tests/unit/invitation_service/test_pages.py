"""The pages behind a mail's links: what they record, and what they never do."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.invitation_service import app
from invitation_service.answering.links import Links
from invitation_service.people.records import MAX_COMMENT_CHARACTERS
from invitation_service.surveys.models import SurveyStatus
from invitation_service.surveys.store import StoreBusyError
from invitation_service.texts.catalogue import LANGUAGES, texts_in
from tests.support.invitation_service import LINK_KEY, Answer, Service, event
from tests.support.pages import ACCOUNT, SURVEY, Invited, Shop

if TYPE_CHECKING:
    from collections.abc import Callable

FORM = {"content-type": "application/x-www-form-urlencoded"}
EN = texts_in("en")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    service = Service()
    api = service.api()
    monkeypatch.setattr(app, "_api", lambda: api)
    return Shop(service)


def path_of(url: str) -> str:
    return urlsplit(url).path


def get(shop: Shop, url: str, method: str = "GET", **headers: str) -> Answer:
    parts = urlsplit(url)
    query = (
        dict(pair.partition("=")[::2] for pair in parts.query.split("&")) if parts.query else None
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return shop.service.handle(event(method, parts.path, query=query, headers=named))


def post(shop: Shop, url: str, **fields: Any) -> Answer:
    body = base64.b64encode(urlencode(fields).encode()).decode()
    request = event("POST", path_of(url), body=body, is_base64=True, headers=FORM)
    return shop.service.handle(request)


def chosen(page: Answer) -> list[str]:
    return re.findall(r'name="score" value="(\d+)" required checked', page.text)


def test_the_page_asks_in_the_surveys_words_and_colour(shop: Shop) -> None:
    shop.configure(
        subject="Lime & Co",
        intro_text="Dear customer,",
        comments_question="Why?",
        highlight_color="#0b3d91",
        relationship_id=3,
    )

    page = get(shop, shop.invite().page)

    assert page.status == 200
    assert "How likely are you to recommend Lime &amp; Co to a colleague?" in page.text
    assert "Dear customer," in page.text
    assert ">Why?</label>" in page.text
    assert "--accent:#0b3d91;--on-accent:#ffffff" in page.text
    assert chosen(page) == []


@pytest.mark.parametrize("score", range(11))
def test_the_score_that_was_clicked_in_the_mail_is_chosen_and_not_recorded(
    shop: Shop, score: int
) -> None:
    jane = shop.invite()

    assert chosen(get(shop, jane.score(score))) == [str(score)]
    assert jane.answer is None


@pytest.mark.parametrize(
    "score", ["11", "-1", "9.5", "", "x", "\N{FULLWIDTH DIGIT ONE}", "010", "9&score=3"]
)
def test_a_score_that_is_none_chooses_nothing(shop: Shop, score: str) -> None:
    page = get(shop, f"{shop.invite().page}?score={score}")

    assert page.status == 200
    assert chosen(page) in ([], ["3"])


def test_programs_that_follow_every_link_of_a_mail_record_nothing(shop: Shop) -> None:
    jane = shop.invite()
    links = [jane.page, jane.unsubscribe, *(jane.score(score) for score in range(11))]

    answers = [get(shop, link, method) for link in links for method in ("HEAD", "GET")]

    assert {answer.status for answer in answers} == {200}
    assert jane.answer is None
    assert not jane.unsubscribed


def test_a_head_is_answered_as_a_get(shop: Shop) -> None:
    """The gateway leaves out the body."""
    jane = shop.invite()

    assert get(shop, jane.page, "HEAD") == get(shop, jane.page)


def test_sending_records_score_and_comment_and_thanks(shop: Shop) -> None:
    jane = shop.invite()

    sent = post(shop, jane.page, score=9, comment="Quick & <b>friendly</b>", lang="en")
    thanks = get(shop, jane.page + sent.headers["Location"])

    assert sent.status == 303
    assert jane.answer == (9, "Quick & <b>friendly</b>")
    assert thanks.status == 200
    assert EN.say("thanks.chosen", score=9) in thanks.text


def test_an_answer_shows_among_the_surveys_responses(shop: Shop) -> None:
    jane = shop.invite()

    post(shop, jane.page, score=9, comment="Good")

    [told] = shop.service.get("/1/responses.json").json["responses"]
    assert (told["rating"], told["comment"]) == (9, "Good")
    assert told["recipient_id"] == jane.who.recipient_id


def test_reloading_the_thanks_records_nothing_again(shop: Shop) -> None:
    jane = shop.invite()
    sent = post(shop, jane.page, score=9)
    before = jane.response
    shop.service.later(minutes=5)

    get(shop, jane.page + sent.headers["Location"])

    assert jane.response == before


def test_nobody_is_thanked_for_nothing(shop: Shop) -> None:
    page = get(shop, f"{shop.invite().page}?sent=1")

    assert EN.say("thanks.heading") not in page.text
    assert 'name="score"' in page.text


def test_an_answer_can_be_changed_and_stays_one(shop: Shop) -> None:
    jane = shop.invite()
    post(shop, jane.page, score=9, comment="Good")
    shop.service.later(days=1)

    again = get(shop, jane.page)
    post(shop, jane.page, score=2, comment="Broken by now")

    assert chosen(again) == ["9"]
    assert "Good</textarea>" in again.text
    assert EN.say("page.already_answered") in again.text
    assert jane.answer == (2, "Broken by now")
    assert jane.response
    assert jane.response.created_at == datetime(2026, 11, 21, 10, 22, tzinfo=UTC)
    assert jane.response.updated_at == datetime(2026, 11, 22, 10, 22, tzinfo=UTC)
    tally = shop.service.store.tally(ACCOUNT, SURVEY)
    assert (tally.answers, tally.detractors, tally.promoters) == (1, 1, 0)


def test_who_answered_and_clicks_another_score_sees_that_one_chosen_and_the_comment(
    shop: Shop,
) -> None:
    jane = shop.answered(9, "Good")

    page = get(shop, jane.score(3))

    assert chosen(page) == ["3"]
    assert "Good</textarea>" in page.text
    assert jane.answer == (9, "Good")


def test_a_comment_can_be_taken_back(shop: Shop) -> None:
    jane = shop.answered(9, "Good")

    post(shop, jane.page, score=9, comment="  ")

    assert jane.answer == (9, None)


@pytest.mark.parametrize("fields", [{}, {"score": ""}, {"score": "11"}, {"score": "nine"}])
def test_without_a_score_the_page_says_so_at_the_field_and_keeps_the_comment(
    shop: Shop, fields: dict[str, str]
) -> None:
    jane = shop.invite()

    page = post(shop, jane.page, comment="Good </textarea><script>", **fields)

    assert page.status == 422
    assert jane.answer is None
    assert re.search(
        r'id="score-problem" role="alert">' + re.escape(EN.say("page.score_missing")), page.text
    )
    assert 'aria-describedby="score-problem ends"' in page.text
    assert "Good &lt;/textarea&gt;&lt;script&gt;</textarea>" in page.text
    assert page.text.index("<title>Error:") > 0


def test_a_comment_of_five_thousand_characters_is_kept_and_one_more_is_refused(shop: Shop) -> None:
    jane = shop.invite()
    longest = "ž" * MAX_COMMENT_CHARACTERS

    page = post(shop, jane.page, score=9, comment=longest + "!")

    assert page.status == 422
    assert jane.answer is None
    assert 'id="comment-problem" role="alert"' in page.text
    assert longest + "!</textarea>" in page.text
    assert chosen(page) == ["9"]
    assert post(shop, jane.page, score=9, comment=longest).status == 303
    assert jane.answer == (9, longest)


def test_a_comment_of_megabytes_does_not_become_a_page_of_megabytes(shop: Shop) -> None:
    page = post(shop, shop.invite().page, score=9, comment="x" * 3_000_000)

    assert page.status == 422
    assert len(page.text) < 50_000


def test_a_comment_loses_control_characters_and_keeps_its_lines(shop: Shop) -> None:
    jane = shop.invite()

    post(shop, jane.page, score=9, comment=" one\r\ntwo\rthree\x00\x1b[31m\x9b\tfour 👩‍👩‍👧 ")

    assert jane.answer == (9, "one\ntwo\nthree[31m\tfour 👩‍👩‍👧")


def test_a_form_in_another_encoding_or_none_at_all_is_a_form_without_a_score(shop: Shop) -> None:
    jane = shop.invite()
    for body, content_type in [
        ("score=9", "text/plain"),
        ('{"score":9}', "application/json"),
        ("score=9", ""),
        ("&".join("score=9" for _ in range(60)), FORM["content-type"]),
    ]:
        request = event(
            "POST", path_of(jane.page), body=body, headers={"content-type": content_type}
        )
        assert shop.service.handle(request).status == 422
    assert jane.answer is None


def test_bytes_that_are_no_text_are_no_fault(shop: Shop) -> None:
    jane = shop.invite()
    body = base64.b64encode(b"score=9&comment=%ff%fe\xff%ed%a0%80").decode()
    request = event("POST", path_of(jane.page), body=body, is_base64=True, headers=FORM)

    assert shop.service.handle(request).status == 303
    assert jane.answer
    assert jane.answer[1]


def test_a_closed_survey_says_so_kindly_and_records_nothing(shop: Shop) -> None:
    jane = shop.answered(9)
    shop.configure(status=SurveyStatus.CLOSED)

    page, sent, empty = (
        get(shop, jane.score(1)),
        post(shop, jane.page, score=1),
        post(shop, jane.page),
    )

    assert (page.status, sent.status, empty.status) == (200, 409, 409)
    assert all(EN.say("closed.heading") in each.text for each in (page, sent, empty))
    assert jane.answer == (9, None)


def test_a_survey_that_closes_while_somebody_answers_records_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane = shop.invite()
    respond = shop.service.store.respond

    def close_first(*arguments: Any) -> Any:
        shop.configure(status=SurveyStatus.CLOSED)
        return respond(*arguments)

    monkeypatch.setattr(shop.service.store, "respond", close_first)

    assert post(shop, jane.page, score=1).status == 409
    assert jane.answer is None


def forget(shop: Shop, jane: Invited) -> None:
    """What the table's TTL does in the end."""
    del shop.service.store._people[ACCOUNT, SURVEY][jane.who.recipient_id]


@pytest.mark.parametrize("act", [get, post])
@pytest.mark.parametrize("link", ["page", "unsubscribe"])
def test_a_link_that_outlived_its_recipient_says_so_kindly(
    shop: Shop, act: Callable[..., Answer], link: str
) -> None:
    jane = shop.invite()
    forget(shop, jane)

    page = act(shop, getattr(jane, link))

    assert page.status == 410
    assert EN.say("gone.heading") in page.text


def test_a_recipient_forgotten_in_between_is_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane = shop.invite()
    respond = shop.service.store.respond

    def forget_first(*arguments: Any) -> Any:
        forget(shop, jane)
        return respond(*arguments)

    monkeypatch.setattr(shop.service.store, "respond", forget_first)

    assert post(shop, jane.page, score=1).status == 410


def forged(shop: Shop) -> dict[str, str]:
    jane = shop.invite()
    foreign = Links(lambda: ["a key of somebody else, quite long enough"], "")
    return {
        "made up": "/s/abc",
        "cut off": path_of(jane.page)[:-1],
        "for the other page": path_of(jane.unsubscribe).replace("/u/", "/s/"),
        "the other way round": path_of(jane.page).replace("/s/", "/u/"),
        "of a foreign key": foreign.score_url(jane.who),
        "no text": "/u/%ff%00",
    }


def test_a_forged_link_is_a_page_that_tells_nothing(shop: Shop) -> None:
    for act in (get, post):
        pages = {name: act(shop, path) for name, path in forged(shop).items()}

        assert {name: page.status for name, page in pages.items()} == dict.fromkeys(pages, 404)
        # One and the same: nobody learns how near a guess was.
        assert len({page.text for page in pages.values()}) == 1
        assert "Lípa" not in pages["cut off"].text
        assert EN.say("unknown.heading") in pages["cut off"].text


def test_another_method_is_refused_with_a_page(shop: Shop) -> None:
    page = get(shop, shop.invite().page, "DELETE")

    assert page.status == 405
    assert page.text.startswith("<!doctype html>")


def test_a_busy_store_is_a_page_that_asks_to_come_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise StoreBusyError

    monkeypatch.setattr(shop.service.store, "respond", refuse)

    page = post(shop, shop.invite().page, score=9)

    assert page.status == 503
    assert page.headers["Retry-After"] == "10"
    assert EN.say("fault.busy_text") in page.text


def test_a_fault_of_ours_is_a_page_without_a_trace(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the secret text")

    monkeypatch.setattr(shop.service.store, "respond", fail)

    page = post(shop, shop.invite().page, score=9)

    assert page.status == 500
    assert EN.say("fault.heading") in page.text
    assert "secret text" not in page.text + shop.service.log.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_recipients_language(shop: Shop, language: str) -> None:
    page = get(shop, shop.invite(f"{language}-XX").page, accept_language="fr")

    assert f'<html lang="{language}">' in page.text
    assert page.headers["Content-Language"] == language
    assert texts_in(language).say("page.send") in page.text


def test_without_a_language_of_ours_the_browsers_is_spoken_and_else_english(shop: Shop) -> None:
    jane = shop.invite("sk")

    assert (
        get(shop, jane.page, accept_language="pl, de-AT;q=0.8, cs;q=0.5").headers[
            "Content-Language"
        ]
        == "de"
    )
    assert get(shop, jane.page, accept_language="pl,*").headers["Content-Language"] == "en"
    assert get(shop, jane.page).headers["Content-Language"] == "en"


def test_another_language_can_be_chosen_and_stays_with_the_score(shop: Shop) -> None:
    jane = shop.invite("cs")
    page = get(shop, jane.score(4))
    link = re.search(r'href="\?(lang=de[^"]*)"', page.text)
    assert link

    german = get(shop, f"{jane.page}?{link[1].replace('&amp;', '&')}")
    sent = post(shop, jane.page, score=4, lang="de")
    thanks = get(shop, jane.page + sent.headers["Location"])

    assert german.headers["Content-Language"] == "de"
    assert chosen(german) == ["4"]
    assert 'name="lang" value="de"' in german.text
    assert thanks.headers["Content-Language"] == "de"


def test_a_page_loads_nothing_is_kept_by_nobody_and_tells_its_address_to_nobody(shop: Shop) -> None:
    jane = shop.answered(9, "Good")
    pages = [
        get(shop, jane.page),
        post(shop, jane.page),
        get(shop, f"{jane.page}?sent=1"),
        get(shop, jane.unsubscribe),
        post(shop, jane.unsubscribe),
        get(shop, "/s/abc"),
        get(shop, "/results/1"),
        get(shop, "/results/1", authorization=str(shop.service.authorization)),
    ]

    for page in pages:
        style = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
        assert len(style) == 1
        digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
        assert page.headers["Content-Security-Policy"].split("; ") == [
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert not re.search(r"<script|<img|<link|style=|\bon[a-z]+=|https?:", page.text)
    # The redirect carries them, too.
    assert post(shop, jane.page, score=9).headers["Cache-Control"] == "no-store"


texts = st.text(st.characters(codec="utf-8"), max_size=200)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(texts, texts, texts)
def test_nothing_that_anybody_wrote_becomes_html(
    shop: Shop, name: str, intro: str, comment: str
) -> None:
    mark = "<script>alert('x')</script>\"><b onclick=x>"
    shop.configure(
        subject=mark + name,
        intro_text=mark + intro,
        comments_question=mark,
        highlight_color="red;}</style>" + mark,
    )
    jane = shop.answered(9, "first", email=f"jane+{len(name)}@example.com")
    post(shop, jane.page, score=9, comment=mark + comment)

    for url in (jane.page, f"{jane.page}?sent=1", jane.unsubscribe, "/results/1"):
        page = get(shop, url, authorization=str(shop.service.authorization))
        assert page.status == 200
        assert "<script" not in page.text
        assert "<b onclick" not in page.text


def test_unsubscribing_takes_a_press_of_a_button(shop: Shop) -> None:
    jane = shop.invite()

    page = get(shop, jane.unsubscribe)
    assert EN.say("unsubscribe.heading") in page.text
    assert not jane.unsubscribed
    done = post(shop, jane.unsubscribe, lang="en")

    assert done.status == 200
    assert EN.say("unsubscribe.done_heading") in done.text
    assert jane.unsubscribed


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        ("", ""),
    ],
)
def test_a_mail_program_unsubscribes_in_one_click(shop: Shop, body: str, content_type: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc8058#section-3.2: no redirect, no cookie, no page needed."""
    jane = shop.invite()
    request = event(
        "POST", path_of(jane.unsubscribe), body=body, headers={"content-type": content_type}
    )

    assert shop.service.handle(request).status == 200
    assert jane.unsubscribed
    assert shop.service.handle(request).status == 200
    assert jane.unsubscribed


def test_unsubscribing_by_mistake_can_be_undone(shop: Shop) -> None:
    jane = shop.invite()
    post(shop, jane.unsubscribe)

    again = get(shop, jane.unsubscribe)
    undone = post(shop, jane.unsubscribe, undo=1)

    assert 'name="undo"' in again.text
    assert EN.say("unsubscribe.undone_heading") in undone.text
    assert not jane.unsubscribed


def test_unsubscribing_is_for_the_address_in_that_account(shop: Shop) -> None:
    jane, again = shop.invite(email="Jane@example.com"), shop.invite(email="jane@example.com")

    post(shop, jane.unsubscribe)

    assert again.unsubscribed
    assert not shop.service.store.is_unsubscribed("other", jane.email)


def test_unsubscribing_outlives_the_survey(shop: Shop) -> None:
    jane = shop.invite()
    shop.configure(status=SurveyStatus.CLOSED)

    assert post(shop, jane.unsubscribe).status == 200
    assert jane.unsubscribed


def test_who_unsubscribed_may_still_answer_what_they_were_asked(shop: Shop) -> None:
    jane = shop.invite()
    post(shop, jane.unsubscribe)

    post(shop, jane.page, score=3)

    assert jane.answer == (3, None)


def test_the_page_shows_no_whole_address(shop: Shop) -> None:
    """Mails are passed on, and links with them."""
    page = get(shop, shop.invite(email="jane@example.com").unsubscribe)

    assert "jane@example.com" not in page.text
    assert "j…@example.com" in page.text


def test_the_log_knows_no_token_no_address_and_no_comment(shop: Shop) -> None:
    jane = shop.invite(email="planted.address@example.com")
    secrets = [path_of(url).rpartition("/")[2] for url in (jane.page, jane.unsubscribe)]

    get(shop, jane.score(9))
    post(shop, jane.page, score=9, comment="planted comment")
    post(shop, jane.page, comment="planted comment")
    get(shop, jane.page, "DELETE")
    post(shop, jane.unsubscribe)
    post(shop, jane.unsubscribe, undo=1)
    get(shop, jane.page[:-1])
    get(shop, "/results/1", authorization="Basic cGxhbnRlZA==")
    forget(shop, jane)
    get(shop, jane.page)

    log = shop.service.log.getvalue()
    assert "answer recorded" in log
    assert "unsubscribed" in log
    assert not [
        secret for secret in secrets if secret[:-1] in log or secret.partition(".")[0] in log
    ]
    assert "planted" not in log
    assert LINK_KEY not in log


def test_pages_are_found_below_a_longer_path(shop: Shop) -> None:
    jane = shop.invite()
    for prefix in ("/_aws/execute-api/a1b2c3", "/s", "/surveys/u"):
        assert get(shop, prefix + path_of(jane.page)).status == 200
        assert get(shop, prefix + path_of(jane.unsubscribe)).status == 200
        assert get(shop, f"{prefix}/s/abc").text.startswith("<!doctype html>")


def test_paths_of_the_api_are_no_pages(shop: Shop) -> None:
    for path in ("/api/v2/nps/surveys/s/abc", "/s", "/s/", "/s/a/b", "/favicon.ico"):
        answer = shop.service.send("GET", path)
        assert answer.status == 404
        assert answer.json["error"] == "RecordNotFound"
