"""The route that tells how far an invitation's mails are."""

from __future__ import annotations

import pytest

from functions.invitation_service import app
from invitation_service.delivering.messages import Message
from tests.support.delivering import MailRoom
from tests.support.invitation_service import AGENT, OTHER_ACCOUNT, Service

PATH = "/api/v2/ours/surveys/1/invitations/1/delivery"
NOBODY = {"sending": 0, "failed": 0, "suppressed": 0, "uncertain": 0, "delivered": 0, "waiting": 0}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service(slow_mail=True)
    monkeypatch.setattr(app, "_api", made.api)
    made.send("POST", "/api/v2/nps/surveys", {"survey": {"name": "After a purchase"}})
    return made


def invite(service: Service, *names: str) -> int:
    people = [{"email": f"{each}@example.com", "name": each} for each in names]
    return service.invite({"invitation": {"recipients": people}}).status


def test_recipients_are_counted_by_state(service: Service) -> None:
    invite(service, "jane", "mike")
    assert service.send("GET", PATH).json == {
        "delivery": {"status": "preparing", "named": 2, **NOBODY}
    }

    room = MailRoom(store=service.store, now=service.now.replace(microsecond=0))
    room.store.set_unsubscribed("shop", "jane@example.com", unsubscribed=True)
    [job] = service.told
    room.worker().work(Message.about(job), lambda: 300.0)
    assert service.send("GET", PATH + ".json").json == {
        "delivery": {
            "status": "scheduled",
            "named": 2,
            **NOBODY,
            "suppressed": 1,
            "waiting": 1,
        }
    }


def test_who_may_not_ask_hears_nothing(service: Service) -> None:
    invite(service, "jane")
    statuses = []
    for who in (None, AGENT, OTHER_ACCOUNT):
        service.authorization = who
        statuses.append(service.send("GET", PATH).status)

    assert statuses == [401, 403, 404]


@pytest.mark.parametrize("path", [PATH.replace("/1/d", "/2/d"), PATH.replace("/1/d", "/x/d")])
def test_an_unknown_invitation_is_not_found(service: Service, path: str) -> None:
    invite(service, "jane")

    assert service.send("GET", path).status == 404


def test_a_second_call_during_a_mailing_is_refused_until_it_is_over(service: Service) -> None:
    assert invite(service, "jane") == 201
    refused = service.invite({"invitation": {"recipients": [{"email": "a@b.cz", "name": "A"}]}})

    assert refused.status == 422
    assert refused.json == {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {
            "base": [
                {
                    "description": "Invitations are still being sent for this survey",
                    "error": "InvalidValue",
                }
            ]
        },
    }
    service.store.free_survey(service.told[0])
    assert invite(service, "mike") == 201


def test_a_call_that_is_repeated_during_a_mailing_gets_its_answer_again(service: Service) -> None:
    body = {"invitation": {"recipients": [{"email": "jane@example.com", "name": "Jane"}]}}
    first = service.invite(body, key="order-1001")
    again = service.invite(body, key="order-1001")

    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert len(service.told) == 1


def test_a_body_that_is_wrong_is_told_so_during_a_mailing_too(service: Service) -> None:
    invite(service, "jane")

    refused = service.invite({"invitation": {"recipients": [{"name": "A"}]}})

    assert list(refused.json["details"]) == ["recipients[0].email"]
