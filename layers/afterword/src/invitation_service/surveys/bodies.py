"""From the bytes of a request to a model, or to the dialect's error that names the field."""

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from invitation_service.surveys.models import MAX_RECIPIENTS, CreateInvitation
from invitation_service.web.errors import (
    Details,
    MalformedRequestError,
    RecordInvalidError,
    TooManyValuesError,
)

# An answer with ten thousand complaints helps nobody.
MAX_COMPLAINTS = 100

_BLANK = {"missing", "blank"}
_TEXTS = {
    "missing": "cannot be blank",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def read_json(body: bytes) -> object:
    """Read a request's body.

    Raises:
        MalformedRequestError: It is not JSON in UTF-8.
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise MalformedRequestError("InvalidJson", "The request body is not valid JSON") from None


def read_model[Model: BaseModel](model: type[Model], data: object) -> Model:
    """Validate what `read_json` returned.

    Raises:
        RecordInvalidError: A field is missing or wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RecordInvalidError(_details(error)) from None


def read_invitation(body: bytes) -> CreateInvitation:
    """Read and validate the body of a create-invitation call.

    Raises:
        MalformedRequestError: It is not JSON.
        TooManyValuesError: It names more than 10,000 recipients.
        RecordInvalidError: A field is missing or wrong.
    """
    data = read_json(body)
    match data:
        case {"invitation": {"recipients": [*recipients]}} if len(recipients) > MAX_RECIPIENTS:
            raise TooManyValuesError(MAX_RECIPIENTS)
    return read_model(CreateInvitation, data)


def _details(error: ValidationError) -> Details:
    details: Details = {}
    complaints = error.errors(include_input=False, include_url=False, include_context=False)
    for complaint in complaints[:MAX_COMPLAINTS]:
        field, label = _field(complaint["loc"])
        details.setdefault(field, []).append(
            {
                "description": f"{label}: {_text(complaint)}",
                "error": "BlankValue" if complaint["type"] in _BLANK else "InvalidValue",
            }
        )
    return details


def _field(location: tuple[int | str, ...]) -> tuple[str, str]:
    """Return a field's path, such as `recipients[3].email`, and its label, such as `Email`."""
    # The dialect's details name the fields of a record, so the record's own name is left out.
    path = location[1:] if len(location) > 1 else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    names = [part for part in path if isinstance(part, str)]
    return text.lstrip(".") or "base", names[-1].capitalize() if names else "Body"


def _text(complaint: ErrorDetails) -> str:
    if complaint["type"] in {"blank", "invalid"}:
        return complaint["msg"]
    return _TEXTS.get(complaint["type"], "is invalid")
