"""What became of a survey: its score, for admins, as a page and as JSON."""

import base64
from collections.abc import Callable, Mapping

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.answering import forms
from invitation_service.answering.languages import texts_for
from invitation_service.answering.rendering import page
from invitation_service.answering.results import Results, parts_of, signed
from invitation_service.web.answers import Answer, Routes, json_answer, read_body, read_id
from invitation_service.web.errors import UnauthenticatedError


class ResultsRoutes:
    """Answers requests for results.

    Args:
        results: Knows them.
        admin: Returns the account of an Authorization header's admin, or raises.
        event: Returns the request.
    """

    def __init__(
        self,
        results: Results,
        admin: Callable[[str | None], str],
        event: Callable[[], APIGatewayProxyEventV2],
    ) -> None:
        self._results = results
        self._admin = admin
        self._event = event

    def routes(self) -> Routes:
        """Return what answers what."""
        show = self._show
        return {
            "/results/<survey_id>": {"GET": show, "HEAD": show, "POST": self._sign_in_and_show},
            "/api/v2/ours/surveys/<survey_id>/nps": {"GET": self._tell},
        }

    def _account(self) -> str:
        return self._admin(self._event().headers.get("authorization"))

    def _tell(self, survey_id: str) -> Answer:
        account, number = self._account(), read_id(survey_id)
        tally = self._results.tally(account, number)
        counts = {"survey_id": number, "score": tally.score, "answers": tally.answers}
        return json_answer(200, {"nps": counts | tally.model_dump()})

    def _show(self, survey_id: str) -> Answer:
        return self._page(self._account(), survey_id)

    def _sign_in_and_show(self, survey_id: str) -> Answer:
        """Take name and secret from a form, where a gateway keeps the browser from asking for them."""
        event = self._event()
        fields = forms.read_fields(read_body(event), event.headers.get("content-type", ""))
        try:
            account = self._admin(_basic(fields, "/token"))
        except UnauthenticatedError:
            account = self._admin(_basic(fields))
        return self._page(account, survey_id, fields.get("lang"))

    def _page(self, account: str, survey_id: str, language: str | None = None) -> Answer:
        number = read_id(survey_id)
        survey, tally = (
            self._results.survey(account, number),
            self._results.tally(account, number),
        )
        texts, parts = texts_for(self._event(), language), parts_of(tally)
        title = texts.say("results.title")
        return page(
            "results",
            texts,
            colour=survey.settings.highlight_color,
            figures={each.name: each.count for each in parts},
            title=title,
            heading=title,
            rated=survey.rated,
            tally=tally,
            score=signed(tally.score),
            parts=parts,
            responses=self._results.comments(account, number),
        )


def _basic(fields: Mapping[str, str], suffix: str = "") -> str:
    pair = f"{fields.get('email', '')}{suffix}:{fields.get('secret', '')}"
    return f"Basic {base64.b64encode(pair.encode(errors='replace')).decode()}"
