"""The errors of both dialects: each one knows its status, its body and its headers."""

from typing import Any, ClassVar

Details = dict[str, list[dict[str, str]]]


class DialectError(Exception):
    """An answer other than success, in words that a dialect's clients know.

    The bodies of the NPS dialect follow
    https://developer.zendesk.com/api-reference/introduction/requests/ where something is documented
    there; docs/invitation-service.md says which are ours. No text carries what the client sent.
    """

    status: ClassVar[int]

    @property
    def headers(self) -> dict[str, str]:
        """Headers beside the content type."""
        return {}

    @property
    def reason(self) -> str:
        """What the log may tell beside the type: a text of ours, or nothing."""
        return ""

    def body(self) -> dict[str, Any] | str:
        """Return the answer's JSON object, or plain text."""
        raise NotImplementedError


class MalformedRequestError(DialectError):
    """The request cannot be read: its body is no JSON, or a query parameter is no number."""

    status = 400

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self._body = {"error": error, "description": description}

    def body(self) -> dict[str, Any]:  # noqa: D102 - as DialectError.body.
        return dict(self._body)


class TooManyValuesError(DialectError):
    """A call names more recipients than one call may."""

    status = 400

    def __init__(self, most: int) -> None:
        super().__init__(f"Maximum {most} recipients may be invited per call")
        self._most = most

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "TooManyValues", "description": str(self), "max_count": self._most}


class IdempotentRequestError(DialectError):
    """An Idempotency-Key comes again with another body."""

    status = 400

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {
            "error": "IdempotentRequestError",
            "description": "Request parameters don't match the given idempotency key",
        }


class UnauthenticatedError(DialectError):
    """No credential, or none that is known."""

    status = 401

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "Couldn't authenticate you"}


class ForbiddenError(DialectError):
    """Known, but no admin."""

    status = 403

    def body(self) -> dict[str, Any]:
        """Return the body, in which `error` is an object: the dialect has that for roles."""
        message = (
            "Access to this resource is restricted. "
            "Please contact the account administrator for assistance."
        )
        return {"error": {"title": "Forbidden", "message": message}}


class RecordNotFoundError(DialectError):
    """No such record in this account, or no such route."""

    status = 404

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "RecordNotFound", "description": "Not found"}


class MethodNotAllowedError(DialectError):
    """The path is known, the method is not."""

    status = 405

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "MethodNotAllowed", "description": "This method is not allowed here"}


class RecordInvalidError(DialectError):
    """The body was read and is refused; `details` says which field and why."""

    status = 422

    def __init__(self, details: Details) -> None:
        super().__init__("Record validation errors")
        self.details = details

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "RecordInvalid", "description": str(self), "details": self.details}


def survey_closed() -> RecordInvalidError:
    """Return the refusal of what only an open survey takes."""
    return RecordInvalidError(
        {"base": [{"description": "Survey is closed", "error": "InvalidValue"}]}
    )


def still_sending() -> RecordInvalidError:
    """Return the refusal of an invitation while the survey's earlier one is being sent."""
    return RecordInvalidError(
        {
            "base": [
                {
                    "description": "Invitations are still being sent for this survey",
                    "error": "InvalidValue",
                }
            ]
        }
    )


class TooManyRequestsError(DialectError):
    """The account has made all its calls of this minute; nothing was done.

    Args:
        seconds: Until it may call again, at least 1: zenpy reads whole seconds alone.
    """

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("Number of allowed API requests per minute exceeded")
        self._seconds = seconds

    @property
    def headers(self) -> dict[str, str]:  # noqa: D102
        return {"Retry-After": str(self._seconds)}

    def body(self) -> str:
        """Return the text: the dialect has no JSON here."""
        return str(self)


class UnavailableError(DialectError):
    """Nothing was done, and the same call may well succeed soon.

    Raise it only where it is certain that nothing was done: with `Retry-After` beside it, a client
    may take a 503 for "not processed".
    """

    status = 503

    @property
    def headers(self) -> dict[str, str]:  # noqa: D102 - as DialectError.headers.
        return {"Retry-After": "10"}

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "ServiceUnavailable", "description": "Try again shortly"}


class UnexpectedError(DialectError):
    """Something broke that nobody foresaw; the answer says nothing about it."""

    status = 500

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"error": "InternalError", "description": "Something went wrong on our side"}


class WebhookError(DialectError):
    """A webhook does not do what it is asked for; the text says why.

    The status is no error's: clients of this dialect decide by `type`.

    Args:
        msg: One of the texts of docs/invitation-service.md; never what the client sent.
    """

    status = 200

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self._msg = msg

    @property
    def reason(self) -> str:  # noqa: D102 - as DialectError.reason.
        return self._msg

    def body(self) -> dict[str, Any]:  # noqa: D102
        return {"type": "error", "msg": self._msg}
