"""The soak's events: the same for the same seed, in the shares that were told, and each as its fact says."""

from __future__ import annotations

from collections import Counter

import pytest

from afterword.deciding.accounts import parse_account, parse_credentials
from afterword.deciding.campaigns import Mode, parse_campaign
from afterword.deciding.rules import Due, on_arrival
from afterword.reading.poison import PoisonError
from afterword.reading.reader import read
from afterword.reading.shop_events import Purchase, Refund, Signup
from benchmarks.soak.campaigns import CAMPAIGNS, parameters
from benchmarks.soak.events import MINUTE, START, Events
from benchmarks.soak.queue import BATCH_SIZE, MOST_RECEIVES, VISIBILITY, Queue

COUNT = 4000
EVENTS = Events(7, COUNT, 1000)
ALL = range(COUNT)


def test_the_same_seed_gives_the_same_events() -> None:
    again = Events(7, COUNT, 1000)
    # In another order: each is made from its number alone.
    assert [again.body(n) for n in reversed(ALL)] == [EVENTS.body(n) for n in reversed(ALL)]
    assert [Events(8, COUNT, 1000).body(n) for n in ALL] != [EVENTS.body(n) for n in ALL]


def test_they_come_in_the_shares_that_were_told() -> None:
    roles = Counter(EVENTS.fact(n).role for n in ALL)
    shares = {role: count / COUNT for role, count in roles.items()}
    assert 0.02 < shares["again"] < 0.04
    assert 0.012 < shares["poison"] < 0.028
    stops = shares["refund"] + shares["partial refund"] + shares["cancellation"]
    assert 0.04 < stops < 0.06
    assert shares["unsubscribe"] > 0
    assert shares["erasure"] > 0


def test_each_is_read_as_its_fact_says() -> None:
    poisons = set()
    for number in ALL:
        fact = EVENTS.fact(number)
        now = EVENTS.occurred(number) + MINUTE
        if fact.poison:
            with pytest.raises(PoisonError) as caught:
                read(EVENTS.body(number), now)
            assert caught.value.reason == fact.poison
            poisons.add(fact.poison)
            continue
        event = read(EVENTS.body(number), now)
        if fact.role == "again":
            assert EVENTS.body(number) == EVENTS.body(fact.about)
        if isinstance(event, Purchase | Signup):
            assert (event.type, event.shop, event.occasion) == (
                fact.kind,
                fact.shop,
                str(fact.about),
            )
            assert event.customer.token == fact.token
        elif isinstance(event, Refund):
            assert event.partial is (fact.role == "partial refund")
            assert event.stops == ("purchase", str(fact.about))
    assert len(poisons) == 5


def test_some_stops_come_before_what_they_stop() -> None:
    facts = {n: EVENTS.fact(n) for n in ALL}
    assert any(fact.role == "refund" and fact.about > n for n, fact in facts.items())


def test_a_fact_knows_who_wants_it() -> None:
    campaigns = [parse_campaign(each.id, each.text()) for each in CAMPAIGNS]
    wanted = 0
    for number in ALL:
        fact = EVENTS.fact(number)
        if fact.role == "ask":
            event = read(EVENTS.body(number), EVENTS.occurred(number))
            assert isinstance(event, Purchase | Signup)
            now = START + 10 * MINUTE
            decided = [e.id for e in campaigns if isinstance(on_arrival(event, e, now), Due)]
            assert decided == [each.id for each in fact.campaigns()]
            wanted += len(decided)
    assert wanted > COUNT / 2


def test_every_parameter_loads() -> None:
    found = dict(parameters("http://127.0.0.1:1"))
    for name, text in found.items():
        kind, last = name.split("/")[-2:]
        if "/secrets/accounts/" in name:
            parse_credentials(last, text)
        elif kind == "accounts":
            parse_account(last, text, allow_http=True)
        elif kind == "campaigns":
            parse_campaign(last, text)
    assert {each.account for each in CAMPAIGNS} == {"shop", "vendor", "panel"}
    modes = {parse_campaign(each.id, each.text()).mode for each in CAMPAIGNS}
    assert modes == {Mode.LIVE, Mode.DRY_RUN}


def test_a_queue_gives_what_has_happened_in_batches() -> None:
    queue = Queue(EVENTS)
    assert queue.receive(START) == {}
    batch = queue.receive(START + MINUTE)
    assert batch == dict.fromkeys(range(BATCH_SIZE), 0)
    assert queue.receive(START + MINUTE) == {}
    assert len(queue) == COUNT - BATCH_SIZE


def test_what_failed_comes_again_when_it_is_visible_and_not_for_ever() -> None:
    queue = Queue(Events(7, 3, 1000))
    now = START + MINUTE
    queue.keep(queue.receive(now), [1], now)
    assert len(queue) == 1
    assert queue.receive(now + VISIBILITY - 1) == {}
    for receives in range(1, MOST_RECEIVES):
        now += VISIBILITY
        assert queue.receive(now) == {1: receives}
        queue.keep({1: receives}, [1], now)
    assert (len(queue), queue.given_up, queue.redelivered) == (0, {1}, MOST_RECEIVES - 1)


def test_a_message_looks_as_lambda_hands_it_over() -> None:
    (record,) = Queue(EVENTS).sqs_event([5])["Records"]
    assert (record["messageId"], record["body"]) == ("5", EVENTS.body(5))
    assert record["attributes"]["SentTimestamp"] == f"{START}000"
