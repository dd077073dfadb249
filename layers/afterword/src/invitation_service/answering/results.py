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
    """Return the categories' parts, from bad to good; their shares add up to 100 per cent."""
    counts: dict[str, int] = tally.model_dump()
    shares = _shares([counts[each.value] for each in Category])
    return [
        Part(each.value, _SCORES[each], counts[each.value], share)
        for each, share in zip(Category, shares, strict=True)
    ]


def _shares(counts: list[int]) -> list[int]:
    # Each rounded down; what is left goes to those who lost most by it.
    whole = max(sum(counts), 1)
    shares = [100 * count // whole for count in counts]
    losers = sorted(range(len(counts)), key=lambda at: -(100 * counts[at] % whole))
    for at in losers[: 100 - sum(shares) if any(counts) else 0]:
        shares[at] += 1
    return shares


def signed(score: int | None) -> str:
    """Return a score as people write it, with a real minus sign."""
    return f"{score:+d}".replace("-", "\N{MINUS SIGN}") if score else "0"
