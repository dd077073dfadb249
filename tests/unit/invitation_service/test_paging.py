from __future__ import annotations

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from invitation_service.web.errors import MalformedRequestError
from invitation_service.web.paging import Page, address_of, links, read_page

LIST = "/api/v2/nps/surveys/1/invitations"
ADDRESS = f"https://api.example.com{LIST}"


@pytest.mark.parametrize(
    ("query", "offset", "size"),
    [
        ({}, 0, 100),
        ({"page": "1"}, 0, 100),
        ({"page": "3", "per_page": "20"}, 40, 20),
        ({"page": "002"}, 100, 100),
        ({"per_page": "1000"}, 0, 100),
        ({"page": "100"}, 9_900, 100),
    ],
)
def test_a_page_is_a_stretch_of_at_most_a_hundred(
    query: dict[str, str], offset: int, size: int
) -> None:
    page = read_page(query)

    assert (page.offset, page.size) == (offset, size)


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "1,2",
        "",
        "1.5",
        "many",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "9" * 5_000,
        "0" * 5_000 + "1",
        "1\n",
    ],
)
def test_what_is_no_positive_number_is_no_page(name: str, text: str) -> None:
    with pytest.raises(MalformedRequestError, match=f"{name} must be a positive number"):
        read_page({name: text})


def test_nobody_goes_beyond_page_100() -> None:
    with pytest.raises(MalformedRequestError, match="page must not be above 100"):
        read_page({"page": "101"})


def test_the_last_page_that_may_be_asked_for_leads_no_further() -> None:
    shown = links(ADDRESS, Page(number=100), count=20_000)

    assert shown == {
        "next_page": None,
        "previous_page": f"{ADDRESS}?page=99",
        "count": 20_000,
    }


def test_a_full_last_page_leads_no_further() -> None:
    assert links(ADDRESS, Page(number=2), count=200)["next_page"] is None
    assert links(ADDRESS, Page(number=2), count=201)["next_page"] == f"{ADDRESS}?page=3"


def request(path: str, headers: dict[str, str]) -> APIGatewayProxyEventV2:
    context: dict[str, Any] = {
        "apiId": "a1b2c3d4e5",
        "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
    }
    return APIGatewayProxyEventV2({"rawPath": path, "headers": headers, "requestContext": context})


@pytest.mark.parametrize(
    ("headers", "prefix", "start"),
    [
        ({}, "", "https://api.example.com"),
        ({"x-forwarded-proto": "http"}, "", "http://api.example.com"),
        ({"x-forwarded-proto": "nonsense"}, "", "https://api.example.com"),
        ({"host": "127.0.0.1:4566"}, "", "https://127.0.0.1:4566"),
        ({"host": "[::1]:4566"}, "", "https://[::1]:4566"),
        ({}, "/base path", "https://api.example.com/base%20path"),
        ({"host": 'x.example"/'}, "", "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"),
        ({"host": ""}, "", "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"),
    ],
)
def test_a_list_has_the_address_that_the_client_used(
    headers: dict[str, str], prefix: str, start: str
) -> None:
    usual = {"host": "api.example.com", "x-forwarded-proto": "https"}

    assert address_of(request(prefix + LIST, usual | headers), None) == start + LIST


def test_an_engine_that_forwards_no_scheme_speaks_plain_http() -> None:
    address = address_of(request(LIST, {"host": "127.0.0.1:4566"}), None)

    assert address == f"http://127.0.0.1:4566{LIST}"


@pytest.mark.parametrize("prefix", ["", "/base"])
def test_a_configured_address_stands_for_all_that_comes_before(prefix: str) -> None:
    public = "http://127.0.0.1:4566/_aws/execute-api/{api_id}"

    address = address_of(request(prefix + LIST, {"host": "elsewhere"}), public)

    assert address == f"http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4e5{LIST}"
