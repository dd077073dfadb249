"""The entries of the credentials parameter: who may call, and for which account."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, model_validator

from invitation_service.access.limits import CALLS_PER_MINUTE
from invitation_service.surveys.store import Quota

# It becomes part of database keys.
Account = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Secret = Annotated[str | None, Field(min_length=1, repr=False)]
PathSecret = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{8,128}$", repr=False)]


class Credential(BaseModel):
    """One entry of the credentials parameter: a person or program that may call."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    account: Account
    email: Annotated[str, Field(min_length=1, repr=False)]
    role: Literal["admin", "agent"]
    password: Secret = None
    api_token: Secret = None
    bearer: Secret = None
    calls_per_minute: Annotated[int, Field(ge=1)] = CALLS_PER_MINUTE
    """In the NPS dialect; what all who call for the account have made counts."""

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if not (self.password or self.api_token or self.bearer):
            raise ValueError("one of password, api_token, bearer is mandatory")
        return self


class QuotaRule(BaseModel):
    """How many invitations a webhook account may make in a period of the calendar, in UTC."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1)]
    period: Literal["day", "month"] = "month"


class WebhookAccount(BaseModel):
    """One entry of the credentials parameter: who may call webhooks.

    Netquest's `webhook_key` and `webhook_auth` stand in the path, so they have no other characters
    than those that a path leaves alone.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    account: Account
    id_account: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    webhook_key: PathSecret
    webhook_auth: PathSecret
    get_allowed: bool = True
    quota: QuotaRule | None = None

    def quota_at(self, now: datetime) -> Quota | None:
        """Return what an invitation is counted against at a moment in UTC."""
        if self.quota is None:
            return None
        period = now.strftime("%Y-%m" if self.quota.period == "month" else "%Y-%m-%d")
        return Quota(counter=f"{self.id_account}#{period}", limit=self.quota.limit)


def _kind(entry: object) -> str:
    return "webhook" if isinstance(entry, dict) and "id_account" in entry else "person"


CREDENTIALS: TypeAdapter[list[Credential | WebhookAccount]] = TypeAdapter(
    list[
        Annotated[
            Annotated[Credential, Tag("person")] | Annotated[WebhookAccount, Tag("webhook")],
            Discriminator(_kind),
        ]
    ]
)
