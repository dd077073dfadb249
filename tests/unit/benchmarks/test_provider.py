"""The stand-in for providers: what it accepts it remembers, whatever it then says."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.stand_ins.http import Request, Response
from benchmarks.stand_ins.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_800_000_000
INVITE = "/shop/api/v2/nps/surveys/1/invitations.json"
TOKEN = "/panel/webhooks/1/key/auth/send-invitation-to-token"


class Asked:
    def __init__(self) -> None:
        self.provider = Provider(lambda: NOW)

    def __call__(
        self, method: str, target: str, body: bytes = b"", key: str | None = None
    ) -> Response:
        headers = {} if key is None else {"idempotency-key": key}
        return self.provider.handle(Request(method, target, headers, body))

    def invite(self, *people: str, key: str | None = None, target: str = INVITE) -> Response:
        recipients = [{"email": each, "name": each, "language": "en"} for each in people]
        body = json.dumps({"invitation": {"recipients": recipients}}).encode()
        return self("POST", target, body, key)

    def webhook(self, token: str) -> Any:
        form = f"id_survey=9&id_template=1&delay=0&token={token}".encode()
        return json.loads(self("POST", TOKEN, form).body)

    def settle(self, **settings: Any) -> None:
        self("POST", "/stand-in/settings", json.dumps(settings).encode())

    def books(self, account: str = "shop", survey: int = 1) -> Any:
        return json.loads(self("GET", f"/stand-in/books?account={account}&survey={survey}").body)


@pytest.fixture
def ask() -> Asked:
    return Asked()


def test_invitations_have_ascending_ids_and_count_their_recipients(ask: Asked) -> None:
    first, second = ask.invite("a", "b"), ask.invite("b")
    assert (first.status, second.status) == (201, 201)
    shown = json.loads(second.body)["invitation"]
    assert (shown["id"], shown["recipients_count"], shown["survey_id"]) == (2, 1, 1)
    assert ask.books() == {"a": 1, "b": 2}
    assert ask.books(survey=2) == {}


def test_they_are_listed_and_shown_with_their_time(ask: Asked) -> None:
    ask.settle(now=NOW + 60)
    ask.invite("a")
    ask.invite("a", target=INVITE.replace("/1/", "/2/"))
    listed = json.loads(ask("GET", INVITE).body)["invitations"]
    assert [(each["id"], each["created_at"]) for each in listed] == [
        (1, "2027-01-15T08:01:00+00:00")
    ]
    one = ask("GET", INVITE.replace(".json", "/1.json"))
    assert json.loads(one.body)["invitation"] == listed[0]
    assert ask("GET", INVITE.replace(".json", "/2.json")).status == 404
    assert ask("GET", "/shop/elsewhere").status == 404


def test_a_key_counts_where_it_is_honoured(ask: Asked) -> None:
    ask.settle(replays=["shop"])
    first, again = ask.invite("a", key="k"), ask.invite("a", key="k")
    assert first == again
    assert ask.books() == {"a": 1}
    assert ask.invite("b", key="k").status == 400
    for _ in range(2):
        ask.invite("a", key="k", target=INVITE.replace("shop", "vendor"))
    assert ask.books("vendor") == {"a": 2}


def test_nobody_and_too_many_are_refused(ask: Asked) -> None:
    assert ask.invite().status == 422
    assert ask.invite(*map(str, range(10_001))).status == 422
    assert ask.books() == {}


def test_webhooks_answer_in_the_body(ask: Asked) -> None:
    ask.settle(daily=2)
    assert ask.webhook("t-1")["type"] == "success"
    assert ask.webhook("left-1") == {"type": "error", "msg": "Respondents not found"}
    assert ask.webhook("unknown-1") == {"type": "error", "msg": "Token not found"}
    assert ask.webhook("t-2")["type"] == "success"
    assert ask.webhook("t-3")["msg"] == "Invitations limit has been reached"
    ask.settle(now=NOW + 86_400)
    assert ask.webhook("t-3")["type"] == "success"
    assert ask.books("panel", 9) == {"t-1": 1, "t-2": 1, "t-3": 1}


def test_a_person_without_a_token_goes_by_the_address(ask: Asked) -> None:
    ask("POST", "/panel/webhooks/1/k/a/send-invitation", b"id_survey=9&email=a%40example.com")
    assert ask.books("panel", 9) == {"a@example.com": 1}


def kinds(ask: Asked) -> Counter[str]:
    return Counter(json.loads(ask("GET", "/stand-in/counts").body)["faults"])


def faulty(ask: Asked, what: str, call: Any) -> Iterator[tuple[str, Response, bool]]:
    """Call with a fault each time: which one, the answer, and whether the person was accepted."""
    ask.settle(share=1, seed=3)
    for number in range(200):
        before = kinds(ask)
        answer = call(f"t-{number}")
        (name,) = kinds(ask) - before
        survey = ("panel", 9) if what == "netquest" else ("shop", 1)
        yield name.removeprefix(f"{what}: "), answer, f"t-{number}" in ask.books(*survey)


def test_the_books_know_what_an_answer_does_not_say(ask: Asked) -> None:
    seen = {
        kind: (answer.instead or answer.status, accepted)
        for kind, answer, accepted in faulty(ask, "nps invite", ask.invite)
    }
    assert seen == {
        "429": (429, False),
        "503 later": (503, False),
        "500 before": (500, False),
        "reset before": ("reset", False),
        "422 busy": (422, False),
        "422": (422, False),
        "500": (500, True),
        "502": (502, True),
        "504": (504, True),
        "reset": ("reset", True),
        "truncated": ("truncated", True),
    }


def test_so_they_do_of_webhooks(ask: Asked) -> None:
    def call(token: str) -> Response:
        return ask("POST", TOKEN, f"id_survey=9&token={token}".encode())

    seen = {kind: accepted for kind, _, accepted in faulty(ask, "netquest", call)}
    before = {"429", "503 later", "500 before", "reset before"}
    after = {"500", "502", "504", "reset", "no json"}
    assert seen == dict.fromkeys(before, False) | dict.fromkeys(after, True)


def test_a_look_may_fail_too(ask: Asked) -> None:
    ask.settle(share=1, seed=1)
    assert {ask("GET", INVITE).status for _ in range(50)} == {500, 429, 0}


def test_an_answer_takes_as_long_as_it_is_told(ask: Asked) -> None:
    assert ask.invite("a").seconds == 0
    ask.settle(seconds=0.05)
    assert ask.invite("a").seconds == 0.05


def test_calls_are_counted(ask: Asked) -> None:
    ask.invite("a")
    ask("GET", INVITE)
    ask.webhook("t-1")
    counts = json.loads(ask("GET", "/stand-in/counts").body)
    assert counts.pop("cpu") > 0
    assert counts == {
        "calls": {"nps invite": 1, "nps look": 1, "netquest": 1},
        "accepted": 2,
        "faults": {},
    }
    assert ask("GET", "/stand-in/nothing").status == 404
