"""How recipients and responses look as DynamoDB items. Names of attributes stay.

| item | pk | sk |
|---|---|---|
| recipient | `A#account#S#survey` | `R#id` |
| response | `A#account#S#survey` | `P#id` |
| address: a recipient who has it | `A#account#E#hash` | `R#survey#id` |

The survey's own item counts recipients and answers. The index `changes` holds who changed when.
"""

from datetime import datetime, timedelta

from invitation_service.directory.items import address_key
from invitation_service.people.records import Category, Delivery, Response, SurveyRecipient, Tally
from invitation_service.surveys.items import Item, Kept, invitations_pk, seconds, text_of

# Names, addresses and comments go after this time; the survey's counters stay.
PEOPLE_ARE_KEPT = timedelta(days=400)
CHANGES_INDEX = "changes"


def recipient_key(account: str, survey_id: int, recipient_id: int) -> Item:
    """Return a recipient's key; padded, so that the order of texts is the order of ids."""
    return {
        "pk": {"S": invitations_pk(account, survey_id)},
        "sk": {"S": f"R#{recipient_id:019d}"},
    }


def response_key(account: str, survey_id: int, response_id: int) -> Item:
    """Return a response's key."""
    return {
        "pk": {"S": invitations_pk(account, survey_id)},
        "sk": {"S": f"P#{response_id:019d}"},
    }


def reference_key(account: str, email: str, survey_id: int, recipient_id: int) -> Item:
    """Return the key of an address's reference to a recipient."""
    return {
        "pk": address_key(account, email)["pk"],
        "sk": {"S": f"R#{survey_id:019d}#{recipient_id:019d}"},
    }


def recipients_lane(account: str) -> str:
    """Return the partition of the index `changes` that holds an account's recipients."""
    return f"A#{account}#R"


def responses_lane(account: str) -> str:
    """Return the partition of the index `changes` that holds an account's responses."""
    return f"A#{account}#P"


def change_mark(record: SurveyRecipient | Response) -> str:
    """Return what exports sort by: when a record changed, then which it is."""
    return f"{text_of(record.updated_at)}#{record.survey_id:019d}#{record.id:019d}"


def _kept_until(created_at: datetime) -> Item:
    return {"ttl": {"N": seconds(created_at + PEOPLE_ARE_KEPT)}}


def recipient_item(account: str, recipient: SurveyRecipient) -> Item:
    """Return a recipient's item."""
    optional: dict[str, str | None] = {"locale": recipient.locale, "reason": recipient.reason}
    if recipient.delivered_at:
        optional["delivered_at"] = text_of(recipient.delivered_at)
    item: Item = {
        **recipient_key(account, recipient.survey_id, recipient.id),
        "id": {"N": str(recipient.id)},
        "survey_id": {"N": str(recipient.survey_id)},
        "email": {"S": recipient.email},
        "name": {"S": recipient.name},
        "user_id": {"N": str(recipient.user_id)},
        "created_at": {"S": text_of(recipient.created_at)},
        "updated_at": {"S": text_of(recipient.updated_at)},
        "delivery": {"S": recipient.delivery},
        "change_lane": {"S": recipients_lane(account)},
        "changed": {"S": change_mark(recipient)},
        **{name: {"S": text} for name, text in optional.items() if text is not None},
        **_kept_until(recipient.created_at),
    }
    if recipient.invitation_id is not None:
        item["invitation_id"] = {"N": str(recipient.invitation_id)}
    return item


def read_recipient(item: Kept) -> SurveyRecipient:
    """Return the recipient that an item holds."""
    delivered = item.get("delivered_at")
    # Not validated again: what was accepted once stays readable under stricter rules.
    return SurveyRecipient.model_construct(
        id=int(item["id"]["N"]),
        survey_id=int(item["survey_id"]["N"]),
        invitation_id=int(item["invitation_id"]["N"]) if "invitation_id" in item else None,
        email=item["email"]["S"],
        name=item["name"]["S"],
        locale=item["locale"]["S"] if "locale" in item else None,
        user_id=int(item["user_id"]["N"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        delivered_at=datetime.fromisoformat(delivered["S"]) if delivered else None,
        delivery=Delivery(item["delivery"]["S"]),
        reason=item["reason"]["S"] if "reason" in item else None,
    )


def reference_item(account: str, recipient: SurveyRecipient) -> Item:
    """Return the reference of a recipient's address."""
    return {
        **reference_key(account, recipient.email, recipient.survey_id, recipient.id),
        "survey_id": {"N": str(recipient.survey_id)},
        "id": {"N": str(recipient.id)},
        **_kept_until(recipient.created_at),
    }


def response_item(account: str, response: Response, version: int) -> Item:
    """Return a response's item; `version` counts its changes."""
    comment: Item = {} if response.comment is None else {"comment": {"S": response.comment}}
    return {
        **response_key(account, response.survey_id, response.id),
        **comment,
        "id": {"N": str(response.id)},
        "survey_id": {"N": str(response.survey_id)},
        "recipient_id": {"N": str(response.recipient_id)},
        "rating": {"N": str(response.rating)},
        "category": {"S": response.category},
        "has_comment": {"BOOL": bool(response.comment)},
        "created_at": {"S": text_of(response.created_at)},
        "updated_at": {"S": text_of(response.updated_at)},
        "version": {"N": str(version)},
        "change_lane": {"S": responses_lane(account)},
        "changed": {"S": change_mark(response)},
        **_kept_until(response.created_at),
    }


def read_response(item: Kept) -> Response:
    """Return the response that an item holds."""
    return Response.model_construct(
        id=int(item["id"]["N"]),
        survey_id=int(item["survey_id"]["N"]),
        recipient_id=int(item["recipient_id"]["N"]),
        rating=int(item["rating"]["N"]),
        comment=item["comment"]["S"] if "comment" in item else None,
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
    )


def response_filter(category: Category | None, *, has_comment: bool | None) -> Item:
    """Return what those responses' items have in common that are asked for."""
    wanted: Item = {"category": {"S": category}} if category else {}
    if has_comment is not None:
        wanted["has_comment"] = {"BOOL": has_comment}
    return wanted


def read_tally(survey: Kept) -> Tally:
    """Return the tally that a survey's item holds."""
    counted = {name: survey[name]["N"] for name in Tally.model_fields if name in survey}
    return Tally(**{name: int(number) for name, number in counted.items()})
