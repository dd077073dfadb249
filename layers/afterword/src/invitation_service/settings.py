"""What the function is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


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
    """

    table_name: str
    parameter_prefix: str
    public_url: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings.

        Args:
            environ: The function's environment variables.

        Raises:
            SettingsError: A mandatory variable is missing or empty.
        """
        missing = [name for name in ("PARAMETER_PREFIX", "TABLE_NAME") if not environ.get(name)]
        if missing:
            raise SettingsError(f"Missing environment variables: {', '.join(missing)}")
        return cls(
            table_name=environ["TABLE_NAME"],
            parameter_prefix=environ["PARAMETER_PREFIX"].rstrip("/"),
            public_url=environ.get("PUBLIC_URL", "").rstrip("/") or None,
        )

    @property
    def credentials_parameter(self) -> str:
        """The full name of the SecureString that holds who may call."""
        return f"{self.parameter_prefix}/invitation-service/credentials"

    @property
    def link_keys_parameter(self) -> str:
        """The full name of the SecureString that holds the keys of mails' links."""
        return f"{self.parameter_prefix}/invitation-service/link-keys"
