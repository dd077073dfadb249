"""Dead letters are told apart, left where they are by who only looks, and sent before they are deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from afterword.operating.dead_letters import (
    EXPLAINED,
    NO_ROOM,
    RECEIVED_TOO_OFTEN,
    UNDELIVERED,
    Redrive,
    back_again,
    digest,
    find,
    first_sent_at,
    hold_for,
    redrive,
    source,
    why,
)
from afterword.remembering.dead_letter_queue import Letter
from tests.support.dead_letters import Queues

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = 2**42  # Milliseconds, in a hundred years.
MIB = 1_048_576


@pytest.fixture
def queues() -> Iterator[Queues]:
    with mock_aws():
        yield Queues(boto3.client("sqs"))


def letter(body: str = "{}", **changes: Any) -> Letter:
    values: dict[str, Any] = {
        "id": "L-1",
        "handle": "h",
        "body": body,
        "attributes": {},
        "source": None,
        "sent_at": 1_793_527_200_500,
        "receives": 1,
    }
    return Letter(**values | changes)


def seen(queues: Queues) -> list[Letter]:
    with queues.letters.look(60) as look:
        return [each for page in look for each in page]


def send_back(queues: Queues, **changes: Any) -> list[Letter]:
    values: dict[str, Any] = {"chosen": lambda _: True, "before": LATER}
    wanted = Redrive(**values | changes)
    return [each for page in redrive(queues.letters, wanted, lambda _: None) for each in page]


def test_a_look_sees_each_letter_once_and_leaves_all_where_they_are(queues: Queues) -> None:
    queues.put_aside(*(f"body {number}" for number in range(57)))
    for _ in range(2):
        found = seen(queues)
        assert sorted(each.body for each in found) == sorted(f"body {n}" for n in range(57))
    assert {each.receives for each in seen(queues)} == {3}
    assert queues.letters.count() == 57


def test_a_look_that_is_broken_off_puts_back_what_it_had(queues: Queues) -> None:
    queues.put_aside(*(f"body {number}" for number in range(25)))

    def look_at_one_page() -> None:
        with queues.letters.look(600) as look:
            next(iter(look))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_at_one_page()
    assert len(seen(queues)) == 25


def test_a_look_ends_where_letters_show_again_and_again(queues: Queues) -> None:
    queues.put_aside(*(f"body {number}" for number in range(25)))
    with queues.letters.look(0) as look:
        seen_ = [each.id for page in look for each in page]
    assert len(seen_) == len(set(seen_)) > 0


def test_a_look_that_takes_longer_than_its_hold_sees_the_rest(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters that were seen come first, until they are hidden again."""
    queues.put_aside(*(f"body {number}" for number in range(60)))
    receive = queues.client.receive_message
    hidden: Any = {"QueueUrl": queues.dead, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600}
    pages = [receive(**hidden) for _ in range(4)]
    early = iter([*pages, *pages])
    monkeypatch.setattr(
        queues.client, "receive_message", lambda **request: next(early, None) or receive(**request)
    )
    assert len(seen(queues)) == 60


@pytest.mark.parametrize(
    ("letters", "rate", "hold"),
    [(0, None, 120), (5000, None, 320), (100, 1, 320), (10**6, 1, 43_200)],
)
def test_letters_are_hidden_as_long_as_it_takes(letters: int, rate: float, hold: int) -> None:
    assert hold_for(letters, rate) == hold


def test_a_letter_is_found_by_its_id(queues: Queues) -> None:
    queues.put_aside("a", "b", "c")
    ids = queues.ids()
    found = find(queues.letters, ids["b"])
    assert found
    assert found.body == "b"
    assert find(queues.letters, "another") is None
    assert len(seen(queues)) == 3


def test_our_own_letters_say_why_and_where_from(queues: Queues) -> None:
    queues.put_aside("no JSON", redrives="2")
    (found,) = seen(queues)
    known = why(found)
    assert (known.reason, known.detail) == ("not_json", "expected value")
    assert (source(found), first_sent_at(found)) == ("afterword-shop-events", 1_793_527_200)
    assert found.redrives == 2


def test_what_eventbridge_could_not_deliver_is_told_apart(queues: Queues) -> None:
    queues.put_undelivered('{"detail": {}}')
    (found,) = seen(queues)
    known = why(found)
    assert (known.reason, known.detail) == (UNDELIVERED, "NO_PERMISSIONS: The queue's policy")
    assert source(found) == "rule/bus/ShopEventsRule"
    assert "policy" in known.then


def test_what_sqs_itself_has_moved_is_told_apart(queues: Queues) -> None:
    queues.put_failed("{}")
    (found,) = seen(queues)
    assert why(found).reason == RECEIVED_TOO_OFTEN
    moved = letter("x" * MIB, source="arn:aws:sqs:eu-west-1:1:afterword-shop-events")
    assert (why(moved).reason, source(moved)) == (RECEIVED_TOO_OFTEN, "afterword-shop-events")


def test_a_letter_without_room_for_its_reason_is_told_apart() -> None:
    assert why(letter("x" * (MIB - 10))).reason == NO_ROOM
    assert why(letter("x" * (MIB - 100))).reason == RECEIVED_TOO_OFTEN


def test_a_reason_of_a_newer_version_is_shown_as_it_is() -> None:
    known = why(letter(attributes={"reason": "brand_new", "redrives": "many"}))
    assert (known.reason, known.detail) == ("brand_new", "")
    assert "does not know" in known.means
    assert letter(attributes={"redrives": "many"}).redrives == 0


def test_every_reason_of_the_reader_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "events.md").read_text()
    table = page.split("| reason | what to change |")[1].split("\n\n")[0]
    reasons = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert len(reasons) == 7
    assert reasons <= EXPLAINED.keys()


def test_nobody_sees_a_body_by_looking_at_a_letter() -> None:
    assert "jana" not in repr(letter("jana@example.com", handle="secret"))


def test_letters_go_back_with_their_bodies_and_a_count_alone(queues: Queues) -> None:
    queues.put_aside("a", "b")
    queues.put_aside("c", redrives="4")
    assert sorted(each.body for each in send_back(queues)) == ["a", "b", "c"]
    assert seen(queues) == []
    told = {
        each["Body"]: {name: v["StringValue"] for name, v in each["MessageAttributes"].items()}
        for each in queues.taken()
    }
    assert told == {"a": {"redrives": "1"}, "b": {"redrives": "1"}, "c": {"redrives": "5"}}


def test_only_what_is_chosen_goes_back_and_the_rest_stays_visible(queues: Queues) -> None:
    queues.put_aside(*(f"json {number}" for number in range(12)))
    queues.put_aside(*(f"future {number}" for number in range(12)), reason="in_the_future")
    sent = send_back(queues, chosen=lambda each: why(each).reason == "in_the_future")
    assert {each.body for each in sent} == {f"future {number}" for number in range(12)}
    assert {each.body for each in seen(queues)} == {f"json {number}" for number in range(12)}


def test_what_comes_back_meanwhile_is_not_sent_again(queues: Queues) -> None:
    queues.put_aside("old")
    (old,) = seen(queues)
    assert send_back(queues, before=old.sent_at - 1) == []
    assert len(send_back(queues, before=old.sent_at)) == 1


def test_an_edited_body_goes_in_place_of_the_letter_s(queues: Queues) -> None:
    queues.put_aside("a", "b")
    wrong = queues.ids()["a"]
    send_back(queues, chosen=lambda each: each.id == wrong, edited="{}")
    assert [each["Body"] for each in queues.taken()] == ["{}"]
    assert [each.body for each in seen(queues)] == ["b"]


@pytest.mark.parametrize(
    ("rate", "pauses"), [(4, [1.0, 1.0, 0.5]), (0.5, [2.0] * 10), (100, [0.1])]
)
def test_no_more_go_back_in_a_second_than_the_rate_says(
    queues: Queues, rate: float, pauses: list[float]
) -> None:
    queues.put_aside(*(f"body {number}" for number in range(10)))
    waited: list[float] = []
    list(redrive(queues.letters, Redrive(lambda _: True, LATER, rate), waited.append))
    assert waited == pauses


def test_who_is_interrupted_between_sending_and_deleting_loses_nothing(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.put_aside("a")

    def killed(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(queues.client, "delete_message_batch", killed)
        with pytest.raises(KeyboardInterrupt):
            send_back(queues)
    assert [each.body for each in seen(queues)] == ["a"], "sent, and still there"
    send_back(queues)
    assert [each["Body"] for each in queues.taken()] == ["a", "a"]


def test_what_the_queue_refuses_stays_a_letter(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.put_aside("a", "b")
    send = queues.client.send_message_batch

    def refuse_one(**request: Any) -> Any:
        request["Entries"] = [each for each in request["Entries"] if each["MessageBody"] != "a"]
        return send(**request) if request["Entries"] else {}

    monkeypatch.setattr(queues.client, "send_message_batch", refuse_one)
    assert [each.body for each in send_back(queues)] == ["b"]
    assert [each.body for each in seen(queues)] == ["a"]


def test_a_letter_of_a_mebibyte_goes_back_whole(queues: Queues) -> None:
    body = "x" * MIB
    queues.put_aside(body)
    send_back(queues)
    (message,) = queues.taken()
    assert message["Body"] == body
    assert "MessageAttributes" not in message


def test_what_is_dead_again_is_known_by_what_was_sent(queues: Queues) -> None:
    queues.put_aside("a", "b")
    assert list(back_again(queues.letters, {digest("a")}, LATER)) == []
    ((known, again),) = back_again(queues.letters, {digest("a")}, 0)
    assert (known, again.body) == (digest("a"), "a")


def test_what_waits_to_be_translated_is_counted(queues: Queues) -> None:
    queues.put_aside("a", "b")
    assert queues.letters.waiting() == 0
    send_back(queues)
    queues.client.receive_message(QueueUrl=queues.events)
    assert queues.letters.waiting() == 2
