from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.auth import _basic_auth_str

from local.errors import LocalError
from local.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answering(BaseAdapter):
    """Answers every request alike, and remembers the last one."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self.status, self.body = status, body
        self.asked = PreparedRequest()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - requests' own signature.
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        assert (stream, timeout, verify, cert, dict(proxies or {})) == (False, 30, True, None, {})
        self.asked = request
        response = Response()
        response.status_code, response._content = self.status, self.body
        return response

    def close(self) -> None:
        pass


def provider(status: int, body: bytes) -> tuple[Provider, Answering]:
    signed_in = Provider("http://127.0.0.1:1/api", "a@example.com", "secret")
    adapter = Answering(status, body)
    signed_in._http.mount("http://", adapter)
    return signed_in, adapter


@pytest.mark.parametrize(
    ("call", "body", "method", "path", "result"),
    [
        (lambda p: p.create_survey("A"), b'{"survey":{"id":7}}', "POST", "", 7),
        (lambda p: p.change_survey(7, {"subject": "A"}), b'{"survey":{}}', "PUT", "/7", None),
        (lambda p: p.count(7), b'{"count":3}', "GET", "/7/invitations", 3),
        (
            lambda p: p.invitations(7, page=2, per_page=1),
            b'{"next_page":null}',
            "GET",
            "/7/invitations?page=2&per_page=1",
            {"next_page": None},
        ),
        (
            lambda p: p.invitation(7, 9),
            b'{"invitation":{"id":9}}',
            "GET",
            "/7/invitations/9",
            {"id": 9},
        ),
    ],
)
def test_it_asks_signed_in(call: Any, body: bytes, method: str, path: str, result: object) -> None:
    signed_in, adapter = provider(200, body)
    assert call(signed_in) == result
    assert adapter.asked.method == method
    assert adapter.asked.url == f"http://127.0.0.1:1/api/api/v2/nps/surveys{path}"
    expected = _basic_auth_str("a@example.com/token", "secret")
    assert adapter.asked.headers["Authorization"] == expected


def test_a_refusal_is_told_without_what_was_sent() -> None:
    signed_in, _ = provider(401, b'{"error":"no"}')
    with pytest.raises(
        LocalError, match=r"answered 401 to GET nps/surveys/7/invitations\."
    ) as refusal:
        signed_in.count(7)
    assert "secret" not in str(refusal.value)


def test_what_webhooks_need_is_put_beside_the_dialect() -> None:
    signed_in, adapter = provider(200, b"{}")
    signed_in.put("respondents", "81a2B7", {"respondent": {"email": "a@example.com"}})
    assert adapter.asked.method == "PUT"
    assert adapter.asked.url == "http://127.0.0.1:1/api/api/v2/ours/respondents/81a2B7"
    assert adapter.asked.body == b'{"respondent": {"email": "a@example.com"}}'
