"""Who was invited and what they answered, one record each, in the NPS dialect's terms.

https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_recipients/
https://developer.zendesk.com/api-reference/ticketing/nps-api/nps_responses/
"""

import hmac
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from invitation_service.surveys.models import Model

LOWEST_RATING, HIGHEST_RATING = 0, 10
MAX_COMMENT_CHARACTERS = 5_000


class Delivery(StrEnum):
    """Where the mail to one recipient stands."""

    NONE = "none"
    """Added by a client's call, not by an invitation: nobody mails."""
    WAITING = "waiting"
    SENDING = "sending"
    """Claimed: a mail may be on its way."""
    DELIVERED = "delivered"
    """The mail server took it."""
    FAILED = "failed"
    """The mail server refused it for good, or for too long."""
    SUPPRESSED = "suppressed"
    """Unsubscribed: left out."""
    UNCERTAIN = "uncertain"
    """Nobody knows whether the mail server took it. Never mailed again by itself."""


class Category(StrEnum):
    """What a rating makes of a person: https://www.netpromoter.com/know/."""

    DETRACTORS = "detractors"
    PASSIVES = "passives"
    PROMOTERS = "promoters"

    @classmethod
    def of(cls, rating: int) -> "Category":
        """Return the category of a rating from 0 to 10."""
        if rating >= 9:  # noqa: PLR2004 - the definition of the score.
            return cls.PROMOTERS
        return cls.PASSIVES if rating >= 7 else cls.DETRACTORS  # noqa: PLR2004


def user_id_of(account: str, email: str) -> int:
    """Return the number that stands for an address in an account, below 2^53.

    JavaScript's numbers are exact up to there.
    """
    digest = hmac.digest(account.encode(), email.casefold().encode(), "sha256")
    return int.from_bytes(digest[:8]) >> 11


class SurveyRecipient(Model):
    """One person in one invitation. Somebody invited twice is two recipients.

    Attributes:
        id: Ascends within an account, over all its surveys.
        invitation_id: Which invitation; None for one that a client's call added.
        user_id: The same for an address, whatever its recipients; a number without a meaning.
        updated_at: Also moves when the mail is delivered and when the person answers.
        reason: Why the mail was not delivered: a short word of ours.
    """

    id: int
    survey_id: int
    invitation_id: int | None = None
    email: str = Field(repr=False)
    name: str = Field(repr=False)
    locale: str | None = None
    user_id: int
    created_at: datetime
    updated_at: datetime
    delivered_at: datetime | None = None
    delivery: Delivery = Delivery.NONE
    reason: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return what clients see: the dialect's fields alone."""
        ours = {"survey_id", "invitation_id", "delivery", "reason"}
        return self.model_dump(mode="json", exclude=ours)


class Response(Model):
    """What a recipient answered; a later answer replaces the earlier one.

    Attributes:
        id: The recipient's id, since there is one answer each (ours).
    """

    id: int
    survey_id: int
    recipient_id: int
    rating: Annotated[int, Field(ge=LOWEST_RATING, le=HIGHEST_RATING)]
    comment: str | None = Field(default=None, repr=False)
    created_at: datetime
    updated_at: datetime

    @property
    def category(self) -> Category:
        """What the rating makes of the person."""
        return Category.of(self.rating)

    @property
    def counters(self) -> set[str]:
        """Which of the tally's counters it counts in."""
        return {self.category} | ({f"{self.category}_with_comment"} if self.comment else set())

    def shown(self) -> dict[str, Any]:
        """Return what clients see."""
        return self.model_dump(mode="json", exclude={"survey_id"})


class Tally(Model):
    """How many of a survey's answers are in each category, with and without a comment."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    promoters_with_comment: int = 0
    passives_with_comment: int = 0
    detractors_with_comment: int = 0

    def counted(self, category: Category | None = None, *, has_comment: bool | None = None) -> int:
        """Return how many answers are in a category (or any) and have a comment, or none."""
        each = [category] if category else list(Category)
        every = sum(int(getattr(self, one)) for one in each)
        if has_comment is None:
            return every
        commented = sum(int(getattr(self, f"{one}_with_comment")) for one in each)
        return commented if has_comment else every - commented

    @property
    def answers(self) -> int:
        """How many have answered."""
        return self.promoters + self.passives + self.detractors

    @property
    def score(self) -> int | None:
        """The Net Promoter Score from -100 to 100, rounded; None before the first answer."""
        if not self.answers:
            return None
        return round(100 * (self.promoters - self.detractors) / self.answers)
