"""What the dialect's routes need to know of the request that they answer."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.access.auth import Credentials
from invitation_service.access.limits import EXPORTS_PER_MINUTE, Kind, Limits
from invitation_service.web.answers import read_body
from invitation_service.web.paging import Page, address_of, read_page


class Request:
    """The request that is being answered.

    Args:
        event: Returns API Gateway's event.
        credentials: Knows who may call.
        limits: Counts the account's calls.
        told: Takes headers that the answer is to have, whatever becomes of the call.
        public_url: See `Settings.public_url`.
    """

    def __init__(
        self,
        event: Callable[[], APIGatewayProxyEventV2],
        credentials: Credentials,
        limits: Limits,
        told: Callable[[dict[str, str]], None],
        public_url: str | None,
    ) -> None:
        self._event = event
        self._credentials = credentials
        self._limits = limits
        self._told = told
        self._public_url = public_url

    def account(self) -> str:
        """Return the account of the admin who calls, and count the call.

        Raises:
            UnauthenticatedError: No credential, or an unknown one.
            ForbiddenError: The credential's role is not admin.
            TooManyRequestsError: The account has had its calls of this minute.
            UnavailableError: Who may call could not be read.
        """
        return self._counted(Kind.CALLS)

    def exporting_account(self) -> str:
        """Return the same for an export; exports are counted apart."""
        return self._counted(Kind.EXPORTS)

    def _counted(self, kind: Kind) -> str:
        admin = self._credentials.admin(self._event().headers.get("authorization"))
        limit = EXPORTS_PER_MINUTE if kind is Kind.EXPORTS else admin.calls_per_minute
        use = self._limits.count(admin.account, kind, limit)
        self._told(use.headers())
        use.refuse_excess()
        return admin.account

    def body(self) -> bytes:
        """Return the body."""
        return read_body(self._event())

    def query(self) -> dict[str, str]:
        """Return the query; of a parameter that comes twice, what API Gateway makes of it."""
        return self._event().query_string_parameters

    def page(self) -> Page:
        """Return the page that is asked for.

        Raises:
            MalformedRequestError: There is no such page.
        """
        return read_page(self.query())

    def address(self) -> str:
        """Return the absolute address that the client used, without its query."""
        return address_of(self._event(), self._public_url)

    def header(self, name: str) -> str:
        """Return a header, stripped; empty if there is none."""
        return self._event().headers.get(name, "").strip()
