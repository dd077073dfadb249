"""The pages behind a mail's links: the one that asks, and the one that unsubscribes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.answering import forms
from invitation_service.answering.answers import Answers, GoneError, Opened
from invitation_service.answering.languages import texts_for
from invitation_service.answering.links import ForgedLinkError, Links, Who
from invitation_service.answering.rendering import page, redirect
from invitation_service.people.records import MAX_COMMENT_CHARACTERS
from invitation_service.people.store import SurveyClosedError
from invitation_service.texts.catalogue import Texts
from invitation_service.web.answers import Answer, Routes, read_body
from invitation_service.web.errors import RecordNotFoundError


@dataclass(frozen=True, slots=True)
class _Visit:
    """Somebody who came by a link, and what is known about them."""

    who: Who
    opened: Opened
    texts: Texts

    def page(self, template: str, **values: Any) -> Answer:  # noqa: ANN401 - as `rendering.page`.
        survey = self.opened.survey
        colour = survey.settings.highlight_color
        return page(template, self.texts, rated=survey.rated, colour=colour, **values)

    def message(self, section: str, status: int) -> Answer:
        return self.page("message", status=status, **told(self.texts, section))


class AnswerPages:
    """Answers what comes by the links of mails. A GET never records anything: programs follow links.

    Args:
        answers: Does what is asked for.
        links: Reads the links' tokens.
        logger: Gets accounts and surveys; never a path, a form or an address.
        event: Returns the request.
    """

    def __init__(
        self,
        answers: Answers,
        links: Links,
        logger: Logger,
        event: Callable[[], APIGatewayProxyEventV2],
    ) -> None:
        self._answers = answers
        self._links = links
        self._logger = logger
        self._event = event

    def routes(self) -> Routes:
        """Return what answers what."""
        ask, leave = self._show_ask, self._show_leave
        return {
            "/s/<token>": {"GET": ask, "HEAD": ask, "POST": self._take_answer},
            "/u/<token>": {"GET": leave, "HEAD": leave, "POST": self._take_leave},
        }

    def _show_ask(self, token: str) -> Answer:
        try:
            visit = self._visit(self._links.read_answer, token)
        except GoneError:
            return self._gone()
        query, response = self._event().query_string_parameters, visit.opened.response
        if not visit.opened.is_open:
            return visit.message("closed", 200)
        if response and "sent" in query:
            texts = told(visit.texts, "thanks", rated=visit.opened.survey.rated)
            return visit.page("thanks", score=response.rating, query={"sent": 1}, **texts)
        clicked = forms.read_score(query.get("score"))
        if response:
            score = response.rating if clicked is None else clicked
            return _ask(visit, forms.AnswerForm(score, response.comment))
        return _ask(visit, forms.AnswerForm(clicked, None))

    def _take_answer(self, token: str) -> Answer:
        fields = self._fields()
        try:
            visit = self._visit(self._links.read_answer, token, fields)
        except GoneError:
            return self._gone()
        form = forms.read_answer(fields)
        if not visit.opened.is_open:
            return visit.message("closed", 409)
        if form.score is None or form.problem:
            return _ask(visit, form, status=422)
        try:
            self._answers.answer(visit.who, form.score, form.comment)
        except GoneError:
            return self._gone()
        except SurveyClosedError:
            return visit.message("closed", 409)
        self._log("answer recorded", visit)
        return redirect({"sent": 1, "lang": visit.texts.language})

    def _show_leave(self, token: str) -> Answer:
        try:
            visit = self._visit(self._links.read_unsubscribe, token)
            unsubscribed = self._answers.is_unsubscribed(visit.who)
        except GoneError:
            return self._gone()
        return _leave(visit, "done" if unsubscribed else "ask")

    def _take_leave(self, token: str) -> Answer:
        """Unsubscribe, whatever the body is: mail programs send `List-Unsubscribe=One-Click` (RFC 8058)."""
        fields = self._fields()
        unsubscribed = "undo" not in fields
        try:
            visit = self._visit(self._links.read_unsubscribe, token, fields)
            self._answers.set_unsubscribed(visit.who, unsubscribed=unsubscribed)
        except GoneError:
            return self._gone()
        self._log("unsubscribed" if unsubscribed else "subscribed again", visit)
        return _leave(visit, "done" if unsubscribed else "undone")

    def _visit(
        self, read: Callable[[str], Who], token: str, fields: Mapping[str, str] | None = None
    ) -> _Visit:
        try:
            who = read(token)
        except ForgedLinkError:
            raise RecordNotFoundError from None
        opened = self._answers.open(who)
        chosen = (fields or {}).get("lang")
        return _Visit(who, opened, texts_for(self._event(), chosen, opened.recipient.locale))

    def _fields(self) -> Mapping[str, str]:
        event = self._event()
        return forms.read_fields(read_body(event), event.headers.get("content-type", ""))

    def _gone(self) -> Answer:
        texts = texts_for(self._event())
        return page("message", texts, status=410, **told(texts, "gone"))

    def _log(self, what: str, visit: _Visit) -> None:
        self._logger.info(what, account=visit.who.account, survey=visit.who.survey_id)


def told(texts: Texts, section: str, **values: str) -> dict[str, Any]:
    """Return the title, heading and text of a page that says one thing."""
    return {key: texts.say(f"{section}.{key}", **values) for key in ("title", "heading", "text")}


def _ask(visit: _Visit, form: forms.AnswerForm, status: int = 200) -> Answer:
    survey, texts = visit.opened.survey, visit.texts
    return visit.page(
        "ask",
        status=status,
        query={} if form.score is None else {"score": form.score},
        title=texts.say("page.title", rated=survey.rated),
        question=texts.question(survey.rated, survey.settings.relationship_id),
        intro=survey.settings.intro_text,
        comment_question=survey.settings.comments_question or texts.say("page.comment_question"),
        answered=visit.opened.response is not None,
        score=form.score,
        comment=form.comment or "",
        most=MAX_COMMENT_CHARACTERS,
        problem=form.problem,
    )


def _leave(visit: _Visit, state: str) -> Answer:
    texts, sender = visit.texts, visit.opened.survey.rated
    keys = {
        "ask": ("title", "heading", "text"),
        "done": ("done_title", "done_heading", "done_text"),
        "undone": ("title", "undone_heading", "undone_text"),
    }[state]
    names = zip(("title", "heading", "text"), keys, strict=True)
    values: dict[str, Any] = {
        name: texts.say(f"unsubscribe.{key}", sender=sender) for name, key in names
    }
    address = _shortened(visit.opened.recipient.email)
    return visit.page("unsubscribe", state=state, address=address, **values)


def _shortened(email: str) -> str:
    """Return what its owner knows an address by: mails are passed on, and links with them."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"
