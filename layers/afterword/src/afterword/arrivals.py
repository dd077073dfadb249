"""A batch of queue messages: dead letters, what is passed over, and what is translated or comes again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from afterword.noting import Notes
from afterword.reading.poison import PoisonError
from afterword.reading.reader import receive
from afterword.reading.skips import SkippedError
from afterword.remembering.dead_letters import DeadLetter
from afterword.remembering.errors import ParametersError
from afterword.remembering.ledger import LedgerError
from afterword.sending.guarding import where

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_lambda_powertools import Logger

    from afterword.reading.reader import Mapper, Received
    from afterword.reading.shop_events import ShopEvent
    from afterword.remembering.dead_letters import DeadLetters

type Translate = Callable[[Sequence[ShopEvent], int], Counter[str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue. `sent_at` as SQS gives it, in Unix milliseconds.

    `redrives` says how often it came back from the dead-letter queue; empty: never.
    """

    id: str
    body: str
    queue: str
    sent_at: str
    redrives: str = ""

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """Make one of a record of Lambda's SQS event.

        https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
        """
        sent_at = record["attributes"]["SentTimestamp"]
        redrives = record.get("messageAttributes", {}).get("redrives", {}).get("stringValue") or ""
        queue = record["eventSourceARN"]
        return cls(record["messageId"], _encodable(record["body"]), queue, sent_at, redrives)

    def __repr__(self) -> str:
        """Return no body: it may hold personal data."""
        return f"Message({self.id})"


class Arrivals:
    """Takes in messages; whatever happens to one of them, the others go on.

    Args:
        mapper: Loads the mappings.
        translate: Turns shop events into invitations; may be repeated with the same events.
        dead_letters: Where unreadable messages go.
        logger: Hears of what is not as it should be.
        notes: Where it is noted what came in.
    """

    def __init__(
        self,
        mapper: Callable[[], Mapper],
        translate: Translate,
        dead_letters: DeadLetters,
        logger: Logger,
        notes: Notes | None = None,
    ) -> None:
        self._mapper = mapper
        self._translate = translate
        self._dead_letters = dead_letters
        self._logger = logger
        self._notes = notes or Notes()

    def take_in(self, messages: Sequence[Message], now: int) -> tuple[list[str], Counter[str]]:
        """Return the ids of messages that must come again, and how many became what. `now` in Unix seconds."""
        try:
            mapper = self._mapper()
        except ParametersError as error:
            # What nobody can read without its mapping would be a dead letter now, and a good event a minute later.
            self._logger.error("a batch fails back", extra={"fault": str(error)})  # noqa: TRY400 -- the text says all
            return [each.id for each in messages], Counter(failed=len(messages))
        readable, letters, counts = _sort(messages, now, mapper)
        self._tell(letters)
        lost = self._dead_letters.put(letters)
        failed, translated = self._take_in(readable, now)
        counts += translated
        self._note(readable, failed)
        back = [each.id for each in messages if each.id in lost or each.id in failed]
        return back, +(counts + Counter(failed=len(back)))

    def _note(self, readable: Sequence[tuple[Message, Received]], failed: set[str]) -> None:
        """Note each event under all its ids, and count those that don't come again."""
        for message, each in readable:
            event, envelope = each.event, each.envelope
            self._notes.arrived(
                message_id=message.id, correlation_id=event.id, envelope_id=envelope.id
            )
            if message.id not in failed:
                self._notes.measure("EventsReceived", kind=event.type, source=envelope.name)

    def _tell(self, letters: Sequence[DeadLetter]) -> None:
        for each in letters:
            self._logger.warning(
                "a message can't be read",
                extra={"message_id": each.message_id, "reason": each.reason, "fault": each.detail},
            )

    def _take_in(
        self, readable: Sequence[tuple[Message, Received]], now: int
    ) -> tuple[set[str], Counter[str]]:
        if not readable:
            return set(), Counter()
        try:
            return set(), self._translate([each.event for _, each in readable], now)
        except (LedgerError, ParametersError) as error:
            self._logger.error("a batch fails back", extra={"fault": str(error)})  # noqa: TRY400 -- the text says all
            return {message.id for message, _ in readable}, Counter()
        except Exception as error:  # noqa: BLE001 -- a fault of ours with one event must not cost the others
            self._logger.error("a batch can't be translated", extra=where(error))  # noqa: TRY400 -- a traceback ends with the text, which may show a person
            if len(readable) == 1:
                return {readable[0][0].id}, Counter()
        half = len(readable) // 2
        first, counted = self._take_in(readable[:half], now)
        second, counted_too = self._take_in(readable[half:], now)
        return first | second, counted + counted_too


def _encodable(body: str) -> str:
    """Write lone surrogates as escapes: nothing with one could be put anywhere, not even among the dead letters."""
    return body.encode(errors="backslashreplace").decode()


def _sort(
    messages: Sequence[Message], now: int, mapper: Mapper
) -> tuple[list[tuple[Message, Received]], list[DeadLetter], Counter[str]]:
    readable, letters, counts = [], [], Counter[str]()
    for each in messages:
        try:
            readable.append((each, receive(each.body, now, mapper)))
        except SkippedError as skipped:
            counts[f"skipped.{skipped.reason}"] += 1
        except PoisonError as error:
            counts[f"dead_letter.{error.reason}"] += 1
            why = error.reason, error.detail
            letter = DeadLetter(each.id, each.queue, each.body, *why, each.sent_at, each.redrives)
            letters.append(letter)
    return readable, letters, counts
