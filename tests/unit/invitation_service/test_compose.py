"""The mail that asks says what it should, in the right language, and nothing gets into its headers or its HTML."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import SMTPUTF8, default
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from invitation_service.colours import contrast
from invitation_service.mailing.addresses import UnmailableAddressError
from invitation_service.mailing.compose import LetterLinks
from invitation_service.mailing.headers import MAX_HEADER_CHARACTERS
from invitation_service.mailing.settings import Sender
from invitation_service.surveys.models import SurveySettings
from tests.support.letters import LINKS, NOW, SENDER, body, make_mail, make_template

HEADERS = [
    "To",
    "From",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]
INJECTIONS = (
    "a\r\nBcc: eve@example.com",
    "a\n\n<script>",
    "=?utf-8?q?a=0D=0ABcc=3A_eve=40example.com?=",
    '"Jane" <eve@example.com>, Bob',
    "x" * 3000,
    "č" * 3000,
    "\u2028Bcc: eve@example.com",
    "a\x85Bcc: eve@example.com",
    " \t ",
    "\ud800",
    "(comment) \\",
    "a=?",
    "?=",
)
anything = st.one_of(st.sampled_from(INJECTIONS), st.text(max_size=80))


class Page(HTMLParser):
    """What a page links to, and the elements it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.links += [value for name, value in attrs if (tag, name) == ("a", "href") and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def received(mail: EmailMessage) -> EmailMessage:
    """Return a mail as the program reads it that gets it."""
    return message_from_bytes(mail.as_bytes(), _class=EmailMessage, policy=default)


def display_name(mail: EmailMessage) -> str:
    """Return who a mail goes to.

    The newer reader of the library puts spaces into a name of several encoded words, which RFC 2047, 6.2 forbids.
    """
    written = message_from_bytes(mail.as_bytes())["To"]
    return str(make_header(decode_header(parseaddr(written)[0])))


def nps(**settings: Any) -> SurveySettings:
    return SurveySettings(**settings)


# Headers


def test_a_mail_says_who_sends_it_to_whom_and_when() -> None:
    mail = received(make_mail())
    told = [str(mail[name]) for name in ("From", "To", "Date")]
    assert told == [
        "Lime & Thyme <hello@shop.example.com>",
        "Jane Doe <jane@example.com>",
        "Sat, 21 Nov 2026 10:05:00 +0000",
    ]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] is None


def test_answers_go_where_the_sender_wants_them() -> None:
    assert make_mail()["Reply-To"] is None
    sender = SENDER.model_copy(update={"reply_to": "care@shop.example.com"})
    assert str(make_mail(sender=sender)["Reply-To"]) == "care@shop.example.com"


def test_one_click_unsubscribes_as_rfc_8058_wants_it() -> None:
    """Written as a whole: no mail program looks into a folded or encoded address."""
    raw = make_mail().as_bytes().decode()
    assert make_mail().as_string() == raw
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>\r\n" in raw
    assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_a_mail_may_unsubscribe_beside_the_link() -> None:
    sender = SENDER.model_copy(update={"unsubscribe_mailto": "stop@háčky.example.com"})
    raw = make_mail(sender=sender).as_bytes().decode("ascii")
    mailto = "<mailto:stop@xn--hky-ela4t.example.com?subject=unsubscribe>"
    assert f"List-Unsubscribe: <{LINKS.unsubscribe}>, {mailto}\r\n" in raw


def test_a_recipient_s_message_id_is_always_the_same_and_nobody_else_s() -> None:
    first, again = make_mail(), make_mail(settings=nps(intro_text="Other words"))
    other = make_mail(recipient={"id": 8})
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{40}@shop\.example\.com>", first["Message-ID"])


def test_the_same_letter_is_the_same_mail_to_the_byte() -> None:
    assert make_mail().as_bytes() == make_mail().as_bytes()


def test_who_has_no_name_goes_by_the_address_once() -> None:
    mail = make_mail(recipient={"name": "Jane@example.com"})
    assert str(mail["To"]) == "jane@example.com"


def test_a_domain_of_another_script_is_written_so_that_any_server_takes_it() -> None:
    mail = make_mail(recipient={"email": "jana@háčky.example.com"})
    assert str(mail["To"]) == "Jane Doe <jana@xn--hky-ela4t.example.com>"
    assert mail.as_bytes().isascii()


def test_an_address_of_another_script_is_written_for_servers_that_know_it() -> None:
    raw = make_mail(recipient={"email": "žofie@example.com"}).as_bytes()
    assert '"Jane Doe" <žofie@example.com>' in raw.decode()
    assert str(message_from_bytes(raw, policy=SMTPUTF8)["To"]) == "Jane Doe <žofie@example.com>"


@pytest.mark.parametrize("address", ["jane", "jane@", "@example.com", "a b@example.com", "a@b..c"])
def test_what_is_no_address_is_refused_without_a_word_of_it(address: str) -> None:
    with pytest.raises(UnmailableAddressError, match=r"^$") as refusal:
        make_mail(recipient={"email": address})
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@settings(deadline=None, max_examples=50)
@given(name=anything, subject=anything, rated=anything, label=anything)
@example(name=INJECTIONS[0], subject="[L1]", rated=INJECTIONS[0], label=INJECTIONS[0])
@example(name=INJECTIONS[2], subject="[L1]", rated=INJECTIONS[2], label=INJECTIONS[2])
def test_nothing_gets_into_the_headers(name: str, subject: str, rated: str, label: str) -> None:
    """No header more than there should be, nobody else addressed, no line too long: RFC 5322, 2.1.1."""
    sender = SENDER.model_copy(update={"from_name": name})
    for template in (None, make_template("Hello [L1]", subject)):
        mail = make_mail(
            sender=sender,
            recipient={"name": name},
            settings=nps(subject=rated, email_subject=subject),
            template=template,
            labels={"l1": label},
        )
        raw = mail.as_bytes()
        seen = received(mail)
        assert seen.keys() == HEADERS
        to, by = seen["To"], seen["From"]
        assert isinstance(to, AddressHeader)
        assert isinstance(by, AddressHeader)
        assert [each.addr_spec for each in to.addresses] == ["jane@example.com"]
        assert [each.addr_spec for each in by.addresses] == ["hello@shop.example.com"]
        assert seen["Subject"]
        assert len(str(seen["Subject"])) <= MAX_HEADER_CHARACTERS + 50
        assert not re.search(r"[\r\n]", str(to) + str(by) + str(seen["Subject"]))
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert b"\n" not in raw.replace(b"\r\n", b"")


written = st.text(
    st.one_of(st.just(" "), st.characters(categories=("L", "N", "P", "S"))), max_size=100
)


@settings(deadline=None, max_examples=50)
@given(written)
@example("The Demo Shop: jak pravděpodobné je, že byste nás doporučili přátelům nebo kolegům?")
@example("How likely are you to recommend The Demo Shop to a friend or colleague?")
@example('Ann "Nan" O\'Hara, \\ (CEO) <ceo@example.com>; Müller-Lüdenscheidt')
def test_names_and_subjects_arrive_as_they_were_written(text: str) -> None:
    made = make_mail(recipient={"name": f"Jane {text}"}, settings=nps(email_subject=f"Hi {text}"))
    wanted = " ".join(text.replace("=?", "= ?").split())
    assert received(made)["Subject"] == f"Hi {wanted}".strip()
    assert display_name(made) == f"Jane {wanted}".strip()
    assert "Subject: " in made.as_string()
    assert "Subject: \r\n" not in made.as_string()


# What surveys say


def test_an_nps_mail_asks_the_question_and_offers_eleven_answers() -> None:
    mail = make_mail(settings=nps(intro_text="Hello!\n\nYou bought <b>something</b>."))
    page, text = Page(body(mail, "html")), body(mail, "plain")
    question = "How likely are you to recommend Lime & Thyme to a friend or colleague?"
    assert mail["Subject"] == question
    assert [link for link in page.links if "score=" in link] == list(LINKS.scores)
    assert {LINKS.page, LINKS.unsubscribe} <= set(page.links)
    for said in (question, "Hello!", "You bought <b>something</b>.", "Not at all likely"):
        assert said in page.text
        assert said in text
    assert LINKS.page in text
    assert LINKS.unsubscribe in text
    assert not page.of("b")


def test_a_survey_s_subject_and_relationship_are_used() -> None:
    mail = make_mail(
        settings=nps(email_subject="One question", subject="Our care", relationship_id=3)
    )
    assert mail["Subject"] == "One question"
    assert "recommend Our care to a colleague?" in Page(body(mail, "html")).text


@pytest.mark.parametrize(
    ("locale", "default_language", "spoken", "asked"),
    [
        ("cs-CZ", "en", "cs", "doporučili přátelům nebo kolegům?"),
        ("de", "en", "de", "im Freundes- oder Kollegenkreis weiterempfehlen?"),
        ("fr", "cs", "cs", "doporučili"),
        (None, "de", "de", "weiterempfehlen?"),
        ("fr", "pl", "en", "How likely"),
    ],
)
def test_a_mail_speaks_the_recipient_s_language(
    locale: str | None, default_language: str, spoken: str, asked: str
) -> None:
    sender = SENDER.model_copy(update={"default_language": default_language})
    mail = received(make_mail(sender=sender, recipient={"locale": locale}))
    page = Page(body(mail, "html"))
    assert mail["Content-Language"] == spoken
    assert page.of("html")[0]["lang"] == spoken
    assert asked in page.text
    assert asked in body(mail, "plain")


def test_the_footer_is_the_sender_s_and_may_be_left_out() -> None:
    """Whoever leaves it out keeps the way to unsubscribe."""
    for footer, there in ((True, True), (False, False)):
        mail = make_mail(footer=footer)
        for kind in ("plain", "html"):
            said = body(mail, kind)
            assert ("Thyme Ltd" in said) is there
            assert LINKS.unsubscribe in said
        assert LINKS.unsubscribe in mail["List-Unsubscribe"]
    assert "https://shop.example.com/contact" in Page(body(make_mail(), "html")).links


@pytest.mark.parametrize(
    ("locale", "said"), [("cs-CZ", "Patička"), ("de", "Footer"), ("en-GB", "Footer")]
)
def test_a_footer_may_have_a_text_for_each_language(locale: str, said: str) -> None:
    sender = SENDER.model_copy(update={"footer": {"cs": "Patička", "en-US": "Footer"}})
    assert said in body(make_mail(sender=sender, recipient={"locale": locale}), "plain")


def test_a_footer_that_nobody_wrote_for_this_reader_is_none() -> None:
    sender = SENDER.model_copy(update={"footer": {"cs": "Patička"}})
    assert "Patička" not in body(make_mail(sender=sender), "plain")


# What templates say


def test_a_template_s_mail_says_what_it_says_with_its_macros_filled() -> None:
    template = make_template(
        "Hello [L1] [l2],\n\nsee [LINK] or https://shop.example.com/o?o=[L3].\n[L15][L16] [ID_RESPONDENT]",
        "How was it, [L1]?",
    )
    labels = {"l1": "Jane <i>", "l2": "https://evil.example.com", "l3": "a b&c"}
    mail = make_mail(template=template, labels=labels, respondent="81a2B7")
    page, text = Page(body(mail, "html")), body(mail, "plain")
    assert mail["Subject"] == "How was it, Jane <i>?"
    assert text.startswith(
        "Hello Jane <i> https://evil.example.com,\n\n"
        f"see {LINKS.page} or https://shop.example.com/o?o=a%20b%26c.\n[L16] 81a2B7\n"
    )
    assert "Hello Jane <i> https://evil.example.com," in page.text
    assert LINKS.page in page.links
    assert "https://shop.example.com/o?o=a%20b%26c" in page.links
    # What a customer calls himself is no link in the shop's name.
    assert "https://evil.example.com" not in page.links
    assert not page.of("i")
    assert not any("score=" in link for link in page.links)


def test_a_template_without_a_link_gets_one() -> None:
    mail = make_mail(template=make_template("Tell us!"))
    assert Page(body(mail, "html")).links.count(LINKS.page) == 1
    assert body(mail, "plain").count(LINKS.page) == 1


def test_a_link_on_a_line_of_its_own_becomes_a_button() -> None:
    mail = make_mail(template=make_template("Tell us:\n\n[link]\n\nThank you"))
    page = Page(body(mail, "html"))
    button = next(each for each in page.of("a") if "inline-block" in (each["style"] or ""))
    assert button["href"] == LINKS.page
    assert page.links.count(LINKS.page) == 1


def test_a_subject_of_nothing_is_the_question() -> None:
    assert "How likely" in make_mail(template=make_template("[LINK]", "[L1]"))["Subject"]


def test_line_ends_and_control_characters_of_a_text_don_t_matter() -> None:
    mail = make_mail(template=make_template("one\r\ntwo\rthree\x00\x1b[31m\r\n \r\n\r\nfour"))
    assert body(mail, "plain").startswith("one\ntwo\nthree[31m\n\nfour\n")


# How it looks


@settings(deadline=None, max_examples=50)
@given(anything, anything)
def test_nothing_becomes_markup(words: str, label: str) -> None:
    """Whatever is put in, the elements of the page stay the same."""
    sender = SENDER.model_copy(update={"from_name": f"Shop {words}"})
    intro = f"<script>{words.replace(chr(10), ' ').replace(chr(13), ' ')}</script><img src=x>"
    mail = make_mail(
        sender=sender,
        template=make_template(f"[L1] [LINK] {intro}", words),
        labels={"l1": f"<img src=x onerror=alert(1)>{label}"},
        links=LetterLinks((), 'https://x.example.com/"><script>', "https://x.example.com/'>"),
    )
    page = Page(body(mail, "html"))
    tags = {tag for tag, _ in page.elements}
    assert tags <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "div",
            "table",
            "tr",
            "td",
            "p",
            "a",
            "br",
        )
    }
    assert len(page.of("style")) == 1
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_nothing_is_fetched_and_nobody_is_tracked() -> None:
    html = body(make_mail(settings=nps(intro_text="Hello")), "html")
    page = Page(html)
    assert not [tag for tag, _ in page.elements if tag in {"img", "link", "script", "iframe"}]
    assert "url(" not in html
    assert set(page.links) == {
        *LINKS.scores,
        LINKS.page,
        LINKS.unsubscribe,
        "https://shop.example.com/contact",
    }


@settings(deadline=None, max_examples=50)
@given(st.one_of(st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True), anything))
@example("#ffffff")
@example("#000000")
@example("red;}</style><script>")
def test_scores_can_be_read_on_any_colour(colour: str) -> None:
    page = Page(body(make_mail(settings=nps(highlight_color=colour)), "html"))
    for score in (each for each in page.of("a") if "score=" in (each["href"] or "")):
        style = dict(re.findall(r"([a-z-]+): ([^;]+);", score["style"] or ""))
        assert contrast(style["color"], style["background-color"]) >= 4.5
        edge = style["border"].split()[-1]
        seen = max(contrast(edge, "#ffffff"), contrast(style["background-color"], "#ffffff"))
        assert seen >= 1.5


def test_screen_readers_are_told_what_a_number_means() -> None:
    page = Page(body(make_mail(), "html"))
    labels = [each.get("aria-label") for each in page.of("a") if "score=" in (each["href"] or "")]
    assert labels == [f"{score} out of 10" for score in range(11)]
    assert all(table["role"] == "presentation" for table in page.of("table"))


def test_links_in_a_letter_are_not_told() -> None:
    assert "x" * 20 not in repr(LINKS)


def test_a_date_is_the_letter_s() -> None:
    assert make_mail()["Date"].datetime == NOW


def test_a_sender_needs_no_server_to_be_written_for() -> None:
    sender = Sender(from_name="X", from_address="x@example.com")
    assert str(make_mail(sender=sender)["From"]) == "X <x@example.com>"
