"""The keys that sign links, out of SSM, and how they are changed without breaking the links that are out."""

from collections.abc import Callable, Sequence
from typing import Annotated

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from invitation_service.access.auth import QUIET_SECONDS, Fetch
from invitation_service.web.errors import UnavailableError

_KEYS: TypeAdapter[list[str]] = TypeAdapter(
    Annotated[list[Annotated[str, Field(min_length=32)]], Field(min_length=1)],
    config=ConfigDict(hide_input_in_errors=True),
)


class LinkKeys:
    """Returns the keys, and looks past the cache when a link is signed by none of them.

    Args:
        fetch: Gets the parameter's text: a JSON list of strings of at least 32 characters, newest first.
        clock: Seconds, of any origin, that never go back.
        logger: Told, by type alone, when the parameter cannot be used.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float], logger: Logger) -> None:
        self._fetch = fetch
        self._clock = clock
        self._logger = logger
        self._known: Sequence[str] = ()
        self._quiet_until = float("-inf")
        self._failed = False

    def __call__(self) -> Sequence[str]:
        """Return the keys, newest first: those that were last good, if need be.

        Raises:
            UnavailableError: They could not be read, now or earlier.
        """
        if not self._failed:
            self._load(fresh=False)
        elif self._may_ask():
            # The cache may hold the very text that could not be read.
            self._load(fresh=True)
        if not self._known:
            raise UnavailableError
        return self._known

    def newer(self) -> Sequence[str] | None:
        """Return the keys as SSM has them now; None if that was asked within the last ten seconds."""
        if not self._may_ask():
            return None
        self._load(fresh=True)
        return self._known

    def _may_ask(self) -> bool:
        now = self._clock()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + QUIET_SECONDS
        return True

    def _load(self, *, fresh: bool) -> None:
        try:
            self._known = _KEYS.validate_json(self._fetch(fresh=fresh))
            self._failed = False
        except (GetParameterError, ValidationError) as error:
            self._failed = True
            name = type(error).__name__
            self._logger.error("link keys unusable", error_type=name)  # noqa: TRY400 - no text.
