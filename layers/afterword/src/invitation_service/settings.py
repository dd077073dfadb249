"""What the function is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_MANDATORY = ("DELIVERY_QUEUE_URL", "PARAMETER_PREFIX", "TABLE_NAME")


class SettingsError(Exception):
    """The environment lacks something; the text names all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The invitation service's settings.

    Attributes:
        table_name: The service's own DynamoDB table.
        parameter_prefix: SSM path under which `invitation-service/credentials` stands.
        public_url: The address that clients use, without `/api/v2/…`, for links between pages;
            `{api_id}` in it becomes the API's id. None: it is worked out from each request.
        delivery_queue_url: The queue whose messages say what is to be mailed.
        api_id: The API's id.
    """

    table_name: str
    parameter_prefix: str
    delivery_queue_url: str
    public_url: str | None = None
    api_id: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings.

        Args:
            environ: The function's environment variables.

        Raises:
            SettingsError: A mandatory variable is missing or empty.
        """
        missing = [name for name in _MANDATORY if not environ.get(name)]
        if missing:
            raise SettingsError(f"Missing environment variables: {', '.join(missing)}")
        return cls(
            table_name=environ["TABLE_NAME"],
            parameter_prefix=environ["PARAMETER_PREFIX"].rstrip("/"),
            delivery_queue_url=environ["DELIVERY_QUEUE_URL"],
            public_url=environ.get("PUBLIC_URL", "").rstrip("/") or None,
            api_id=environ.get("API_ID", ""),
        )

    @property
    def credentials_parameter(self) -> str:
        """The full name of the SecureString that holds who may call."""
        return f"{self.parameter_prefix}/invitation-service/credentials"

    @property
    def link_keys_parameter(self) -> str:
        """The full name of the SecureString that holds the keys of mails' links."""
        return f"{self.parameter_prefix}/invitation-service/link-keys"

    @property
    def mail_parameters(self) -> str:
        """What the names of the SecureStrings with accounts' mail settings begin with."""
        return f"{self.parameter_prefix}/invitation-service/mail"

    @property
    def links_url(self) -> str:
        """What stands before `/s/` and `/u/` in mails."""
        return (self.public_url or "").replace("{api_id}", self.api_id)
