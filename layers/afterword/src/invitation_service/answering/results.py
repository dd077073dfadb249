"""What became of a survey, free of HTTP."""

from dataclasses import dataclass

from invitation_service.people.records import Category, Response, Tally
from invitation_service.surveys.models import Survey
from invitation_service.surveys.store import Store
from invitation_service.web.errors import RecordNotFoundError

_COMMENTS = 50
_SCORES = {
    Category.PROMOTERS: "9\N{EN DASH}10",
    Category.PASSIVES: "7\N{EN DASH}8",
    Category.DETRACTORS: "0\N{EN DASH}6",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One category's part of the answers."""

    name: str
    scores: str
    count: int
    share: int


class Results:
    """The results of one account's surveys at a time.

    Args:
        store: Where everything is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def survey(self, account: str, survey_id: int) -> Survey:
        """Return a survey.

        Raises:
            RecordNotFoundError: The account has no such survey.
        """
        survey = self._store.survey(account, survey_id)
        if survey is None:
            raise RecordNotFoundError
        return survey

    def tally(self, account: str, survey_id: int) -> Tally:
        """Return a survey's tally.

        Raises:
            RecordNotFoundError: The account has no such survey.
        """
        self.survey(account, survey_id)
        return self._store.tally(account, survey_id)

    def comments(self, account: str, survey_id: int) -> list[Response]:
        """Return the responses with a comment of those invited last, the latest response first."""
        found, _ = self._store.responses(
            account, survey_id, has_comment=True, offset=0, limit=_COMMENTS
        )
        return sorted(found, key=lambda each: each.updated_at, reverse=True)


def parts_of(tally: Tally) -> list[Part]:
    """Return the categories' parts, from bad to good; the shares are rounded to whole per cent."""
    whole = max(tally.answers, 1)
    counts: dict[str, int] = tally.model_dump()
    return [
        Part(each.value, _SCORES[each], counts[each.value], round(100 * counts[each.value] / whole))
        for each in Category
    ]


def signed(score: int | None) -> str:
    """Return a score as people write it, with a real minus sign."""
    return f"{score:+d}".replace("-", "\N{MINUS SIGN}") if score else "0"
