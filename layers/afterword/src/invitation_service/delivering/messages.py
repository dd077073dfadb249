"""What stands in the delivery queue: which invitation to look after, or which of its recipients to mail.

A message never sends itself again: what it leaves undone is due again, and the sweep tells of it.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from pydantic import Field, ValidationError

from invitation_service.delivering.records import Job
from invitation_service.surveys.models import Model


class BrokenMessageError(Exception):
    """A message is none of ours; the text names the fields that are wrong."""


class Message(Model):
    """Look after an invitation; with `first` and `last`, mail its recipients with these ids."""

    account: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    survey: int
    invitation: int
    first: int | None = None
    last: int | None = None

    @classmethod
    def about(cls, job: Job, first: int | None = None, last: int | None = None) -> Self:
        """Return the message about an invitation, or a slice of it."""
        return cls(
            account=job.account,
            survey=job.survey_id,
            invitation=job.invitation_id,
            first=first,
            last=last,
        )

    @property
    def job(self) -> Job:
        """Which invitation it is about."""
        return Job(self.account, self.survey, self.invitation)

    def text(self) -> str:
        """Return it as it stands in the queue."""
        return self.model_dump_json(exclude_none=True)


def read_message(text: str) -> Message:
    """Read a message's body.

    Raises:
        BrokenMessageError: It is none of ours.
    """
    try:
        return Message.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    wrong = {str(part) for fault in faults for part in fault["loc"]} & Message.model_fields.keys()
    raise BrokenMessageError(f"message: {', '.join(sorted(wrong)) or 'unreadable'}")


class Queue(Protocol):
    """Takes messages."""

    def send(self, messages: Sequence[Message]) -> None:
        """Put messages into the queue; if it raises, some of them may be there."""
        ...
