"""Where the invitation service of an installation is: its address, and its parameters in SSM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterword.settings import LOCAL_STAGE
from cli.errors import CommandError
from cli.places import DEFAULT_STAGE, aws_client, local_clients, stack_outputs
from cli.service.api import ServiceApi
from cli.service.keys import Entry, read_entries, write_entries
from invitation_service.access.accounts import Credential
from local import kept
from local.sam import api_url

if TYPE_CHECKING:
    from cli.places import Clients

_CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Desk:
    """An installation's invitation service.

    Attributes:
        client: Makes a boto3 client by the service's name.
        stage: The stage.
        stack: The stack's name.
        local: Whether it is the local cloud's.
        url: The service's address, if it is known without the stack.
    """

    client: Clients
    stage: str
    stack: str
    local: bool = False
    url: str | None = None

    def read(self, name: str) -> str | None:
        """Read a parameter of the service, decrypted; None if there is none."""
        ssm = self.client("ssm")
        try:
            answer = ssm.get_parameter(Name=self._path(name), WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            return None
        return str(answer["Parameter"]["Value"])

    def write(self, name: str, value: str) -> None:
        """Write a parameter of the service, encrypted."""
        self.client("ssm").put_parameter(
            Name=self._path(name), Value=value, Type="SecureString", Overwrite=True
        )

    def entries(self) -> list[Entry]:
        """Read who may call. Raises CommandError."""
        return read_entries(self.read(_CREDENTIALS))

    def keep(self, entries: list[Entry]) -> None:
        """Write who may call. Raises CommandError."""
        self.write(_CREDENTIALS, write_entries(entries))

    def api(self, account: str) -> ServiceApi:
        """Return the service, signed in as an admin of an account.

        Raises:
            CommandError: Nobody may sign in as one, or the service has no address.
        """
        admins = [
            each
            for each in self.entries()
            if isinstance(each, Credential) and each.account == account and each.role == "admin"
        ]
        if not admins:
            raise CommandError(
                f"No admin of the account {account} has a key.",
                f"Make one by 'afterword service keys add --account {account} --email …'.",
            )
        return ServiceApi(self.address(), admins[0])

    def address(self) -> str:
        """Return what stands before `/api/v2`. Raises CommandError."""
        if self.url:
            return self.url.rstrip("/")
        outputs = stack_outputs(self.client("cloudformation"), self.stack)
        if "InvitationServiceUrl" not in outputs:
            raise CommandError(
                f"The stack {self.stack} has no invitation service.",
                "Deploy it with InvitationService=on, or name its address by --url.",
            )
        cloud = kept.find() if self.local else None
        if cloud:
            return api_url(cloud, outputs["InvitationServiceApiId"])
        return outputs["InvitationServiceUrl"]

    def _path(self, name: str) -> str:
        return f"/afterword/{self.stage}/invitation-service/{name}"


def find_desk(stage: str, stack: str | None, url: str | None, *, local: bool) -> Desk:
    """Return the desk of a stage.

    Args:
        stage: The stage.
        stack: The stack's name; None: `afterword` for prod, `afterword-<stage>` for others.
        url: The service's address; None: the stack's output says it.
        local: The local cloud of `make up` instead.

    Raises:
        CommandError: No local cloud is running.
    """
    meant = LOCAL_STAGE if local else stage
    name = stack or ("afterword" if meant == DEFAULT_STAGE else f"afterword-{meant}")
    return Desk(local_clients() if local else aws_client, meant, name, local, url)
