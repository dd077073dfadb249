"""Offset paging: `page` and `per_page`, and the absolute addresses of the pages beside."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.web.errors import MalformedRequestError

ROOT = "/api/v2/"
MAX_PER_PAGE = 100
MAX_PAGES = 100

_NUMBER = re.compile(r"0{0,8}[1-9][0-9]{0,8}")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes:
        number: From 1 to 100.
        size: Records on a page, from 1 to 100.
        explicit_size: Whether the client asked for that size.
    """

    number: int = 1
    size: int = MAX_PER_PAGE
    explicit_size: bool = False

    @property
    def offset(self) -> int:
        """How many records come before this page."""
        return (self.number - 1) * self.size

    def query(self, number: int, others: Mapping[str, str]) -> str:
        """Return the query of another page of the same size, with other parameters first."""
        size = {"per_page": self.size} if self.explicit_size else {}
        return urlencode({**others, "page": number, **size})


def read_page(query: Mapping[str, str]) -> Page:
    """Read `page` and `per_page`; a `per_page` above 100 counts as 100.

    Raises:
        MalformedRequestError: One of them is no positive number, or the page lies beyond the last
            that may be asked for.
    """
    number, size = _number(query, "page", 1), _number(query, "per_page", MAX_PER_PAGE)
    if number > MAX_PAGES:
        raise MalformedRequestError("InvalidPage", f"page must not be above {MAX_PAGES}")
    return Page(number, min(size, MAX_PER_PAGE), explicit_size="per_page" in query)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        raise MalformedRequestError("InvalidPage", f"{name} must be a positive number")
    return int(text)


def links(
    address: str, page: Page, count: int, others: Mapping[str, str] | None = None
) -> dict[str, str | int | None]:
    """Return `next_page`, `previous_page` and `count`.

    Args:
        address: The list's absolute address, without a query.
        page: The page that is shown.
        count: How many records the list has in all.
        others: Other parameters, which belong to each page.
    """
    asked = others or {}
    more = page.offset + page.size < count and page.number < MAX_PAGES
    return {
        "next_page": f"{address}?{page.query(page.number + 1, asked)}" if more else None,
        "previous_page": f"{address}?{page.query(page.number - 1, asked)}"
        if page.number > 1
        else None,
        "count": count,
    }


def address_of(event: APIGatewayProxyEventV2, public_url: str | None) -> str:
    """Return the absolute address that the client used, without its query.

    What stands before the path that the gateway handed over is unknown here. Where a client
    reaches the API under a longer path than the gateway passes on, `public_url` has to name it.

    Args:
        event: The request.
        public_url: The configured address of the API, if any; `{api_id}` is filled in.
    """
    context = event.request_context
    prefix, _, rest = event.raw_path.partition(ROOT)
    path = quote(f"{ROOT}{rest}")
    if public_url:
        return public_url.replace("{api_id}", context.api_id) + path
    host = event.headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = context.domain_name
    # API Gateway always sends this header, and always "https".
    secure = event.headers.get("x-forwarded-proto", "http") != "http"
    return f"http{'s' if secure else ''}://{host}{quote(prefix)}{path}"
