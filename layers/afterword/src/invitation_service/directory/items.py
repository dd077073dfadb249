"""How the directory looks as DynamoDB items. Names of attributes stay: stored items outlive versions.

| item | pk | sk |
|---|---|---|
| template | `A#account` | `T#id` |
| respondent | `A#account#P#token` | `P` |
| address: where it leads, whether it is unsubscribed | `A#account#E#hash` | `E` |
"""

import hashlib
from datetime import datetime

from invitation_service.directory.records import Respondent, Template
from invitation_service.surveys.items import Item, Kept, account_key, text_of


def template_key(account: str, template_id: int) -> Item:
    """Return a template's key."""
    return account_key(account, f"T#{template_id:019d}")


def respondent_key(account: str, token: str) -> Item:
    """Return a respondent's key."""
    return {"pk": {"S": f"A#{account}#P#{token}"}, "sk": {"S": "P"}}


def address_key(account: str, email: str) -> Item:
    """Return an address's key: hashed, for keys show up where contents do not."""
    digest = hashlib.sha256(email.casefold().encode()).hexdigest()
    return {"pk": {"S": f"A#{account}#E#{digest}"}, "sk": {"S": "E"}}


def template_item(account: str, template: Template) -> Item:
    """Return a template's item."""
    return {
        **template_key(account, template.id),
        "id": {"N": str(template.id)},
        "subject": {"S": template.subject},
        "text": {"S": template.text},
        "updated_at": {"S": text_of(template.updated_at)},
    }


def read_template(item: Kept) -> Template:
    """Return the template that an item holds."""
    return Template(
        id=int(item["id"]["N"]),
        subject=item["subject"]["S"],
        text=item["text"]["S"],
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
    )


def respondent_item(account: str, respondent: Respondent) -> Item:
    """Return a respondent's item."""
    language: Item = {"language": {"S": respondent.language}} if respondent.language else {}
    return {
        **respondent_key(account, respondent.token),
        **language,
        "token": {"S": respondent.token},
        "email": {"S": respondent.email},
        "labels": {"M": {name: {"S": text} for name, text in respondent.labels.items()}},
        "updated_at": {"S": text_of(respondent.updated_at)},
    }


def read_respondent(item: Kept) -> Respondent:
    """Return the respondent that an item holds."""
    return Respondent(
        token=item["token"]["S"],
        email=item["email"]["S"],
        language=item["language"]["S"] if "language" in item else None,
        labels={name: text["S"] for name, text in item["labels"]["M"].items()},
        updated_at=datetime.fromisoformat(item["updated_at"]["S"]),
    )
