"""What no retry can mend: a body that is not a shop event."""


class PoisonError(Exception):
    """A record that goes to the dead-letter queue, alone, with its reason.

    Attributes:
        reason: A label in snake case, from a short closed list, fit for a metric's dimension:
            `not_json`, `no_known_event`, `unknown_version`, `invalid_event`, `no_notification`,
            `too_many_envelopes` or `in_the_future`.
        detail: What to change. It names fields, never values: it is logged, and it travels as an
            attribute of the dead letter.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
