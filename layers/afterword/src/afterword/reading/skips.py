"""What is no fault of anybody's: an event that is not meant to become a shop event."""


class SkippedError(Exception):
    """An event that is passed over: counted by its reason, and no dead letter.

    Attributes:
        reason: Why, in snake case: one that a mapping names, or `not_mapped`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"skipped: {reason}")
        self.reason = reason
