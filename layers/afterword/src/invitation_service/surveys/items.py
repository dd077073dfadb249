"""How records look as DynamoDB items. Names of attributes stay: stored items outlive versions.

| item | pk | sk |
|---|---|---|
| counter | `A#account` | `N#surveys`, `N#invitations` |
| survey | `A#account` | `S#id` |
| invitation | `A#account#S#survey` | `I#id` |
| idempotency key | `A#account#S#survey` | `K#hash` |
| quota | `A#account` | `Q#webhook account#period` |
| chunk of recipients | `A#account#R#load` | `number` |
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from invitation_service.surveys.models import (
    Invitation,
    Mailing,
    Recipient,
    Status,
    Survey,
    SurveySettings,
    SurveyStatus,
)
from invitation_service.surveys.store import Idempotency, Quota, Remembered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Item = dict[str, AttributeValueTypeDef]
type Kept = Mapping[str, Any]

# An item holds at most 400 kB, its keys and attribute names included:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
CHUNK_BYTES = 350_000
# Names and addresses go after this time; the invitation with its numbers stays.
RECIPIENTS_ARE_KEPT = timedelta(days=400)
# Longer than any period.
QUOTAS_ARE_KEPT = timedelta(days=400)


def account_key(account: str, sk: str) -> Item:
    """Return the key of an account's counter or survey."""
    return {"pk": {"S": f"A#{account}"}, "sk": {"S": sk}}


def survey_key(account: str, survey_id: int) -> Item:
    """Return a survey's key."""
    return account_key(account, f"S#{survey_id:019d}")


def invitations_pk(account: str, survey_id: int) -> str:
    """Return the partition that holds a survey's invitations."""
    return f"A#{account}#S#{survey_id}"


def invitation_key(account: str, survey_id: int, invitation_id: int) -> Item:
    """Return an invitation's key; padded, so that the order of texts is the order of ids."""
    return {
        "pk": {"S": invitations_pk(account, survey_id)},
        "sk": {"S": f"I#{invitation_id:019d}"},
    }


def idempotency_key(account: str, survey_id: int, key: str) -> Item:
    """Return the key of an Idempotency-Key's record."""
    return {"pk": {"S": invitations_pk(account, survey_id)}, "sk": {"S": f"K#{key}"}}


def quota_key(account: str, quota: Quota) -> Item:
    """Return the key of a quota's counter."""
    return account_key(account, f"Q#{quota.counter}")


def chunk_key(account: str, load: str, number: int) -> Item:
    """Return the key of a chunk. `load` is in the partition key to spread the writing."""
    return {"pk": {"S": f"A#{account}#R#{load}"}, "sk": {"S": f"{number:04d}"}}


def text_of(moment: datetime) -> str:
    """Return a moment as it is kept: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat()


def seconds(moment: datetime) -> str:
    """Return Unix seconds, rounded up, as DynamoDB takes numbers."""
    return str(math.ceil(moment.timestamp()))


def survey_item(account: str, survey: Survey) -> Item:
    """Return a survey's item."""
    return {
        **survey_key(account, survey.id),
        "id": {"N": str(survey.id)},
        "name": {"S": survey.name},
        "created_at": {"S": text_of(survey.created_at)},
        "updated_at": {"S": text_of(survey.updated_at)},
        "invitations": {"N": str(survey.invitations)},
    }


def read_survey(item: Kept) -> Survey:
    """Return the survey that an item holds."""
    return Survey(
        id=int(item["id"]["N"]),
        name=item["name"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        invitations=int(item["invitations"]["N"]),
        status=SurveyStatus(item["status"]["S"] if "status" in item else SurveyStatus.OPEN),
        settings=SurveySettings.model_validate(_settings(item)),
        sending=int(item["sending"]["N"]) if "sending" in item else None,
    )


def _settings(item: Kept) -> dict[str, str]:
    # Numbers are kept as text; pydantic reads them. What was never changed is not there.
    kept = {name: item[name] for name in SurveySettings.model_fields if name in item}
    return {name: text for name, value in kept.items() for text in value.values()}


def survey_changes(fields: Mapping[str, str | int], now: datetime) -> Item:
    """Return the attributes of a survey that change; strings may be enumerations."""
    changes: Item = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": str(value)}
        for name, value in fields.items()
    }
    return {**changes, "updated_at": {"S": text_of(now)}}


def invitation_item(
    account: str, invitation: Invitation, load: str, chunks: int, beginning: Item
) -> Item:
    """Return an invitation's item, which says where its recipients are.

    Args:
        account: Whose it is.
        invitation: The invitation.
        load: Where its recipients are.
        chunks: In how many items.
        beginning: What deliveries begin with.
    """
    return {
        **invitation_key(account, invitation.survey_id, invitation.id),
        "id": {"N": str(invitation.id)},
        "survey_id": {"N": str(invitation.survey_id)},
        "status": {"S": invitation.status},
        "recipients_count": {"N": str(invitation.recipients_count)},
        "created_at": {"S": text_of(invitation.created_at)},
        "updated_at": {"S": text_of(invitation.updated_at)},
        "load": {"S": load},
        "chunks": {"N": str(chunks)},
        **beginning,
        **(_mailing_fields(invitation.mailing) if invitation.mailing else {}),
    }


def _mailing_fields(mailing: Mailing) -> Item:
    return {
        "token": {"S": mailing.token},
        "template_id": {"N": str(mailing.template_id)},
        "due_at": {"S": text_of(mailing.due_at)},
        "footer": {"BOOL": mailing.footer},
    }


def _read_mailing(item: Kept) -> Mailing | None:
    if "token" not in item:
        return None
    return Mailing(
        token=item["token"]["S"],
        template_id=int(item["template_id"]["N"]),
        due_at=datetime.fromisoformat(item["due_at"]["S"]),
        footer=item["footer"]["BOOL"],
    )


def read_invitation(item: Kept) -> Invitation:
    """Return the invitation that an item holds."""
    delivered = item.get("delivered_at")
    return Invitation(
        id=int(item["id"]["N"]),
        survey_id=int(item["survey_id"]["N"]),
        status=Status(item["status"]["S"]),
        recipients_count=int(item["recipients_count"]["N"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
        delivered_at=datetime.fromisoformat(delivered["S"]) if delivered else None,
        mailing=_read_mailing(item),
    )


def idempotency_item(account: str, invitation: Invitation, kept: Idempotency) -> Item:
    """Return the record of an Idempotency-Key."""
    return {
        **idempotency_key(account, invitation.survey_id, kept.key),
        "fingerprint": {"S": kept.fingerprint},
        "id": {"N": str(invitation.id)},
        "created_at": {"S": text_of(invitation.created_at)},
        "expires_at": {"N": seconds(kept.kept_until)},
        "ttl": {"N": seconds(kept.kept_until)},
    }


def read_remembered(item: Kept, now: datetime) -> Remembered | None:
    """Return the first answer, None once it expired: TTL may delete days later."""
    if int(item["expires_at"]["N"]) <= now.timestamp():
        return None
    return Remembered(
        fingerprint=item["fingerprint"]["S"],
        invitation_id=int(item["id"]["N"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
    )


def chunk_items(
    account: str, load: str, recipients: Iterable[Recipient], now: datetime
) -> list[Item]:
    """Return the items that hold the recipients, in order."""
    ttl = seconds(now + RECIPIENTS_ARE_KEPT)
    return [
        {**chunk_key(account, load, number), "people": {"S": people}, "ttl": {"N": ttl}}
        for number, people in enumerate(_chunks(recipients))
    ]


def _chunks(recipients: Iterable[Recipient]) -> Iterator[str]:
    """Yield JSON lists of recipients, each within `CHUNK_BYTES` of UTF-8."""
    chunk: list[str] = []
    size = 0
    for recipient in recipients:
        text = recipient.model_dump_json(exclude_none=True)
        length = len(text.encode()) + 1
        if chunk and size + length > CHUNK_BYTES:
            yield f"[{','.join(chunk)}]"
            chunk, size = [], 0
        chunk.append(text)
        size += length
    if chunk:
        yield f"[{','.join(chunk)}]"


def read_chunk(item: Kept) -> list[Recipient]:
    """Return the recipients that a chunk holds."""
    # Not validated again: what was accepted once stays readable under stricter rules.
    people = json.loads(item["people"]["S"])
    return [Recipient.model_construct(**each) for each in people]
