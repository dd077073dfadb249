"""What is known of a request by the thread that makes it, and by the one that waits for it and may give it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterword.sending.calls import LostError, NeverSentError

if TYPE_CHECKING:
    from afterword.sending.calls import Answer, Request, Result


class Attempt:
    """One request.

    Attributes:
        head: The answer, once its status is known, as yet without a body.
        result: What came of it, once that is known.
        begun: Whether any of it may have gone out.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.head: Answer | None = None
        self.result: Result | None = None
        self.begun = self._over = False

    def begin(self) -> None:
        """Note that the request goes out now. Raises as `go_on` does."""
        # In this order: whoever gives up looks at the other one afterwards. A name that resolves late, or a function
        # that was frozen meanwhile, must not send what has been given up.
        self.begun = True
        self.go_on()

    def go_on(self) -> None:
        """Raise TimeoutError if it has been given up."""
        if self._over:
            raise TimeoutError

    def give_up(self) -> Result:
        """Return what came of it, and keep it from being sent."""
        self._over = True
        # The status says what happened; a body that is missing says less, not something else.
        return self.result or self.head or self.fail("time-out")

    def fail(self, reason: str) -> NeverSentError | LostError:
        """Return what a failure means by what has gone out."""
        return LostError(reason) if self.begun else NeverSentError(reason)
