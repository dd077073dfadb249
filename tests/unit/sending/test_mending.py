"""What happens to batches that nobody finished: killed functions, lost answers, second looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from afterword.deciding.account_errors import AccountError
from afterword.remembering.records import Batch, BatchState, Leaving, State
from afterword.sending.batches import LOOK_AFTER, REPLAY_AFTER
from afterword.sending.mending import REPLAY_FOR, Mender, is_ours
from afterword.sending.provider import KEY_TAKEN, Refused, Retry, Seen, Uncertain
from tests.support.samples import NOW, batch, campaign, key
from tests.support.shop import INVOCATION, Shop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterword.deciding.rules import StopMark
    from afterword.remembering.records import Occasion
    from afterword.sending.provider import Outcome, Recipient, Terms

LEASE = INVOCATION + 60


class KilledError(BaseException):
    """SIGKILL: no handler of ours sees it."""


def shop(*, replays: bool = True, **more: Any) -> Shop:
    made = Shop([campaign(**{"keep_address": "always"} | more)])
    made.provider.replays_key = replays
    return made


def killed(made: Shop, *, accepted: bool) -> Callable[[list[str]], Outcome]:
    """The function dies in mid-call; the provider has taken it, or not."""

    def die(emails: list[str]) -> Outcome:
        if accepted:
            (open_,) = made.ledger.due_batches(NOW + 10_000, 10)
            made.provider.accept(emails, open_.id)
        raise KilledError

    return die


def lost(made: Shop) -> Callable[[list[str]], Outcome]:
    """The provider takes the call, its answer never arrives."""

    def answer(emails: list[str]) -> Outcome:
        (open_,) = made.ledger.due_batches(NOW + 10_000, 10)
        made.provider.accept(emails, open_.id)
        return Uncertain("no answer: time-out")

    return answer


def state(made: Shop, order: str = "A-1") -> tuple[BatchState, str | None]:
    (found,) = made.invitations(key(order))
    read = made.ledger.read_batch(found.batch or "")
    assert read
    return read.state, read.reason


@pytest.mark.parametrize("accepted", [True, False])
def test_a_function_killed_in_mid_call_is_made_up_for_by_a_replay(*, accepted: bool) -> None:
    made = shop()
    made.provider.outcomes.append(killed(made, accepted=accepted))
    with pytest.raises(KilledError):
        made.translate(made.purchase("A-1"))
    assert state(made)[0] is BatchState.CALLING
    made.clock.pass_by(LEASE)
    assert made.sweep()["uncertain"] == 1
    made.clock.pass_by(REPLAY_AFTER)
    assert made.sweep()["sent"] == 1
    assert made.provider.invited == ["a-1@example.com"]
    assert state(made)[0] is BatchState.SENT


@pytest.mark.parametrize("accepted", [True, False])
def test_without_replay_a_killed_call_is_looked_for(*, accepted: bool) -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(killed(made, accepted=accepted))
    with pytest.raises(KilledError):
        made.translate(made.purchase("A-1"))
    made.clock.pass_by(LEASE)
    made.sweep()
    for _ in range(3):
        made.clock.pass_by(LOOK_AFTER)
        made.sweep()
    assert made.provider.invited == ["a-1@example.com"]
    assert state(made)[0] is BatchState.SENT


def test_a_function_killed_between_claim_and_call_has_sent_nothing() -> None:
    made = shop()

    def die(recipients: Sequence[Recipient], terms: Terms | None = None) -> bytes:
        assert recipients
        assert terms
        raise KilledError

    encode, made.provider.encode = made.provider.encode, die  # type: ignore[method-assign]  # the kill
    with pytest.raises(KilledError):
        made.translate(made.purchase("A-1"))
    made.provider.encode = encode  # type: ignore[method-assign]  # restored
    made.sweep()
    assert made.provider.calls == []
    made.clock.pass_by(LEASE)
    assert made.sweep()["sent"] == 1
    assert made.provider.invited == ["a-1@example.com"]


def test_a_lease_that_has_not_run_out_is_left_alone() -> None:
    made = shop()
    made.provider.outcomes.append(killed(made, accepted=False))
    with pytest.raises(KilledError):
        made.translate(made.purchase("A-1"))
    made.clock.pass_by(LEASE - 1)
    assert made.sweep()["uncertain"] == 0


def test_a_lost_answer_is_found_by_replaying_the_identical_call() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    assert made.sweep()["sent"] == 1
    assert made.provider.invited == ["a-1@example.com"]
    assert len(made.provider.calls) == 2


def test_a_replay_that_is_turned_away_says_nothing_of_the_first_call() -> None:
    made = shop()
    made.provider.outcomes.extend([lost(made), Retry("http_429", after=5), Uncertain("http_502")])
    made.translate(made.purchase("A-1"))
    for _ in range(5):
        made.clock.pass_by(10 * REPLAY_AFTER)
        made.sweep()
    assert made.provider.invited == ["a-1@example.com"]
    assert state(made)[0] is BatchState.SENT


def test_a_replay_that_is_refused_proves_that_nobody_was_invited() -> None:
    made = shop()
    made.provider.outcomes.extend([Uncertain("http_502"), Refused("http_422")])
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    assert made.sweep()["ended.refused"] == 1
    assert made.provider.invited == []


@pytest.mark.parametrize("processed", [True, False])
def test_whoever_changed_in_between_is_asked_once_all_the_same(*, processed: bool) -> None:
    made = shop()
    made.provider.outcomes.append(lost(made) if processed else Uncertain("http_502"))
    made.translate(made.purchase("A-1"))
    made.campaigns = [campaign(language="cs")]
    made.clock.pass_by(REPLAY_AFTER)
    if processed:
        made.provider.outcomes.append(KEY_TAKEN)
    assert made.sweep()["sent"] == 1
    assert state(made)[0] is BatchState.SENT
    assert made.provider.invited == ["a-1@example.com"]


def test_a_key_that_is_taken_by_the_same_call_says_nothing() -> None:
    made = shop()
    made.provider.outcomes.extend([Uncertain("http_502"), KEY_TAKEN])
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    assert state(made)[0] is BatchState.UNCERTAIN


@pytest.mark.parametrize("leaves", ["unsubscribe", "erasure"])
@pytest.mark.parametrize("processed", [True, False])
def test_whoever_left_in_between_is_not_asked_and_the_others_are(
    leaves: str, *, processed: bool
) -> None:
    made = shop()
    made.provider.outcomes.append(lost(made) if processed else Uncertain("http_502"))
    made.translate(made.purchase("A-1"), made.purchase("A-2"))
    made.translate(made.event(leaves, email="a-1@example.com"))
    made.clock.pass_by(REPLAY_AFTER)
    counts = made.sweep()
    if processed:
        assert counts["sent"] == 2
        assert made.provider.invited == ["a-1@example.com", "a-2@example.com"]
        assert state(made, "A-1")[0] is BatchState.SENT
    else:
        assert counts["sent"] == 1
        assert made.provider.invited == ["a-2@example.com"]
        (left,) = made.invitations(key("A-1"))
        reason = {"unsubscribe": "unsubscribed", "erasure": "erased"}[leaves]
        assert counts[f"ended.{reason}"] == 1
        assert (left.state, left.reason) == (State.ENDED, reason)
    assert state(made, "A-2")[0] is BatchState.SENT


@pytest.mark.parametrize("processed", [True, False])
def test_what_was_refunded_in_between_is_not_asked_about_and_the_others_are(
    *, processed: bool
) -> None:
    made = shop(contact_cap={"period": "P1D"})
    made.provider.outcomes.append(lost(made) if processed else Uncertain("http_502"))
    made.translate(made.purchase("A-1"), made.purchase("A-2"))
    made.translate(made.event("refund", order_id="A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    counts = made.sweep()
    assert counts["sent"] == (2 if processed else 1)
    assert counts["ended.refunded"] == (0 if processed else 1)
    assert ("a-1@example.com" in made.provider.invited) is processed
    (refunded,) = made.invitations(key("A-1"))
    (customer,) = made.ledger.read_customers([refunded.customer]).values()
    assert customer.last_at == (NOW if processed else None), "for the contact cap"
    assert state(made, "A-2")[0] is BatchState.SENT


@pytest.mark.parametrize("comes_back", [True, False])
def test_if_each_of_several_different_calls_may_be_the_one_that_counted_a_person_must_look(
    *, comes_back: bool
) -> None:
    made = shop()
    # Nobody got the first call; the second one, without A-1, was processed, and its answer was lost.
    made.provider.outcomes.extend([Uncertain("http_502"), lost(made)])
    made.translate(*(made.purchase(order) for order in ("A-1", "A-2", "A-3")))
    before = made.ledger.read_customers([each.customer for each in made.invitations(key("A-1"))])
    made.translate(made.event("unsubscribe", email="a-1@example.com"))
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    if comes_back:
        ((who, told),) = before.items()
        made.ledger.readmit(who, made.clock())
        made.ledger.remember_customers([told], made.clock())
    else:
        made.translate(made.event("unsubscribe", email="a-2@example.com"))
    made.clock.pass_by(2 * REPLAY_AFTER)
    assert made.sweep()["held"] == 3
    assert state(made) == (BatchState.HELD, "replay_would_differ")
    assert made.provider.invited == ["a-2@example.com", "a-3@example.com"]


def test_a_second_call_is_told_of_the_first_one_also_when_a_third_one_has_to_ask() -> None:
    made = shop()
    made.provider.outcomes.extend([lost(made), Uncertain("http_502")])
    made.translate(made.purchase("A-1"), made.purchase("A-2"))
    made.translate(made.event("unsubscribe", email="a-1@example.com"))
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    made.clock.pass_by(2 * REPLAY_AFTER)
    assert made.sweep()["sent"] == 2
    assert made.provider.invited == ["a-1@example.com", "a-2@example.com"]


def test_who_has_lost_a_batch_to_another_does_not_repeat_its_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = shop()
    made.provider.outcomes.append(Uncertain("http_502"))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    read_marks = made.ledger.read_marks

    def be_slow(occasions: list[Occasion]) -> dict[Occasion, StopMark]:
        (open_,) = made.ledger.open_batches()
        made.ledger.change_batch(open_, replace(open_, due=made.clock() + LOOK_AFTER))
        return read_marks(occasions)

    monkeypatch.setattr(made.ledger, "read_marks", be_slow)
    made.sweep()
    assert len(made.provider.calls) == 1


def test_calls_are_repeated_more_and_more_rarely() -> None:
    made = shop()
    made.provider.outcomes.extend([Uncertain("http_502")] * 9)
    made.provider.calls_per_minute = 1000
    made.translate(made.purchase("A-1"))
    pauses = []
    for _ in range(3):
        (open_,) = made.ledger.open_batches()
        made.clock.now = open_.due or 0
        way = made.ledger.read_way("shop", 1)
        healthy = replace(way.account_state, failures=0, not_before=0)
        made.ledger.swap_way(way, replace(way, account_state=healthy))
        made.sweep()
        (later,) = made.ledger.open_batches()
        pauses.append((later.due or 0) - made.clock())
    assert pauses == [REPLAY_AFTER, 2 * REPLAY_AFTER, 4 * REPLAY_AFTER]


def test_a_batch_whose_members_have_all_left_is_left_to_a_person() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.translate(made.event("erasure", email="a-1@example.com"))
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    assert len(made.provider.calls) == 1
    assert state(made) == (BatchState.HELD, "replay_would_differ")
    assert made.ledger.read_way("shop", 1).slot.holder is None


def test_a_batch_whose_campaign_is_gone_is_left_to_a_person() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.campaigns = []
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    assert state(made) == (BatchState.HELD, "replay_would_differ")


def test_replays_end_before_the_provider_forgets_the_key() -> None:
    made = shop()
    made.provider.outcomes.extend([Uncertain("http_502")] * 20)
    made.translate(made.purchase("A-1"))
    while state(made)[0] is BatchState.UNCERTAIN:
        made.clock.pass_by(900)
        made.sweep()
    assert state(made) == (BatchState.HELD, "unanswered")
    assert made.clock() <= NOW + REPLAY_FOR + 2000


def test_what_is_absent_twice_ten_minutes_apart_was_not_sent() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(Uncertain("http_504"))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(LOOK_AFTER)
    made.sweep()
    assert state(made)[0] is BatchState.UNCERTAIN
    assert len(made.provider.calls) == 1
    made.clock.pass_by(LOOK_AFTER)
    counts = made.sweep()
    assert (counts["released"], counts["sent"]) == (1, 1)
    assert made.provider.invited == ["a-1@example.com"]


def test_a_request_that_arrives_late_is_found_by_the_second_look() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(Uncertain("http_504"))
    made.translate(made.purchase("A-1"))
    late = replace_created(made, NOW + 5)
    made.clock.pass_by(LOOK_AFTER)
    made.sweep()
    late()
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["sent"] == 1
    assert made.provider.invited == ["a-1@example.com"]


def replace_created(made: Shop, created_at: int) -> Callable[[], None]:
    def accept() -> None:
        made.provider.accept(["a-1@example.com"], "late")
        made.provider.accepted[-1].created_at = created_at

    return accept


def test_two_unknown_invitations_leave_it_to_a_person() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.provider.accept(["somebody@example.org"], "another sender")
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["held"] == 1
    assert state(made) == (BatchState.HELD, "ambiguous_at_provider")


def test_nobody_else_calls_the_survey_while_a_call_is_in_doubt() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.translate(made.purchase("A-2"))
    made.clock.pass_by(LOOK_AFTER - 1)
    made.sweep()
    assert made.provider.invited == ["a-1@example.com"]
    made.clock.pass_by(1)
    assert made.sweep()["sent"] == 2
    assert made.provider.invited == ["a-1@example.com", "a-2@example.com"]


def test_a_survey_that_cannot_be_listed_is_asked_again_later() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.provider.unreachable = Retry("http_500", outage=True)
    made.clock.pass_by(LOOK_AFTER)
    made.sweep()
    assert state(made)[0] is BatchState.UNCERTAIN
    made.provider.unreachable = None
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["sent"] == 1


def test_a_sent_batch_is_looked_at_once() -> None:
    made = shop()
    made.translate(made.purchase("A-1"))
    for _ in range(3):
        made.clock.pass_by(LOOK_AFTER)
        made.sweep()
    assert made.provider.look_ups == 1
    assert made.ledger.due_batches(NOW + 10**9, 10) == []


def test_what_failed_at_the_provider_is_held() -> None:
    made = shop()
    made.translate(made.purchase("A-1"))
    made.provider.accepted[0].status = "failed"
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["held"] == 1
    assert state(made) == (BatchState.HELD, "failed_at_provider")


def test_a_call_that_reached_nobody_was_dropped_by_the_provider() -> None:
    made = shop()
    made.translate(made.purchase("A-1"), made.purchase("A-2"))
    made.provider.accepted[0].status = "zero_recipients"
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["ended.provider_dropped"] == 2
    assert state(made)[0] is BatchState.DROPPED


def test_fewer_recipients_than_sent_are_counted() -> None:
    made = shop()
    made.translate(made.purchase("A-1"), made.purchase("A-2"))
    made.provider.accepted[0].emails.pop()
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["ended.provider_dropped"] == 1
    assert state(made)[0] is BatchState.SENT


def test_what_cannot_be_verified_is_given_up_in_the_end() -> None:
    made = shop()
    made.translate(made.purchase("A-1"))
    made.provider.unreachable = Retry("http_404")
    unverified = 0
    for _ in range(8):
        made.clock.pass_by(LOOK_AFTER)
        unverified += made.sweep()["unverified"]
    assert unverified == 1
    assert state(made)[0] is BatchState.SENT
    assert made.provider.look_ups == 5


def test_a_release_that_was_interrupted_is_finished() -> None:
    made = shop()
    made.provider.outcomes.append(killed(made, accepted=False))
    with pytest.raises(KilledError):
        made.translate(made.purchase("A-1"))
    (open_,) = made.ledger.due_batches(NOW + LEASE, 1)
    half = replace(open_, state=BatchState.RELEASING, reason="http_429", split=5)
    assert made.ledger.change_batch(open_, half)
    made.clock.pass_by(LEASE)
    counts = made.sweep()
    assert (counts["released"], counts["sent"]) == (1, 1)
    assert made.invitations(key("A-1"))[0].batch_limit == 5


def test_two_menders_take_one_step_once() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    (open_,) = made.ledger.due_batches(made.clock(), 1)
    first, second = (mender(made) for _ in range(2))
    stale = made.ledger.due_batches
    first.mend()
    made.ledger.due_batches = lambda *_: [open_]  # type: ignore[method-assign]  # a stale index
    assert not second.mend()
    made.ledger.due_batches = stale  # type: ignore[method-assign]  # restored
    assert len(made.provider.calls) == 2


def mender(made: Shop) -> Mender:
    by_id = {each.id: each for each in made.campaigns}
    return Mender(made.ledger, lambda _: made.provider, by_id, made.clock, made.clock() + 120)


def test_a_blocked_provider_is_asked_later() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    way = made.ledger.read_way("shop", 1)
    paused = replace(way.account_state, not_before=NOW + 500)
    made.ledger.swap_way(way, replace(way, account_state=paused))
    made.clock.pass_by(REPLAY_AFTER)
    made.sweep()
    assert len(made.provider.calls) == 1
    made.clock.now = NOW + 500
    assert made.sweep()["sent"] == 1


def test_a_broken_account_puts_its_batches_off() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)

    def broken(name: str) -> object:
        raise AccountError(name, ("base_url: is missing",))

    broken_mender = Mender(made.ledger, broken, {}, made.clock, made.clock() + 120)  # type: ignore[arg-type]  # raises
    assert broken_mender.mend()["broken_account"] == 1
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["sent"] == 1


def test_with_too_little_time_nobody_is_asked() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.clock.pass_by(REPLAY_AFTER)
    hurried = Mender(made.ledger, lambda _: made.provider, {}, made.clock, made.clock() + 5)
    assert not hurried.mend()
    assert len(made.provider.calls) == 1
    assert made.sweep()["sent"] == 1


def test_a_campaign_that_is_gone_leaves_its_doubt_to_a_person() -> None:
    made = shop()
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    made.campaigns = []
    made.clock.pass_by(REPLAY_AFTER)
    assert made.sweep()["held"] == 1


def test_a_suppressed_member_keeps_its_claim_in_doubt() -> None:
    made = shop(replays=False)
    made.provider.outcomes.append(lost(made))
    made.translate(made.purchase("A-1"))
    (found,) = made.invitations(key("A-1"))
    made.ledger.suppress([Leaving(found.customer, "unsubscribed", NOW)])
    made.clock.pass_by(LOOK_AFTER)
    assert made.sweep()["sent"] == 1
    assert made.invitations(key("A-1"))[0].state is State.CLAIMED


CALLED = batch(called_at=NOW, size=5, state=BatchState.UNCERTAIN)


@pytest.mark.parametrize(
    ("seen", "ours"),
    [
        ([Seen(9, NOW + 3, "scheduled", 5)], True),
        ([Seen(9, NOW + 3, "scheduled", 2)], True),
        ([Seen(9, NOW + 3, None, None)], True),
        ([Seen(9, NOW + 3, "scheduled", 6)], False),
        ([Seen(9, NOW - 121, "scheduled", 5)], False),
        ([Seen(9, NOW + 131, "scheduled", 5)], False),
        ([Seen(9, NOW, None, 5), Seen(10, NOW, None, 5)], False),
        ([], False),
    ],
)
def test_only_one_invitation_that_fits_the_call_is_ours(seen: list[Seen], *, ours: bool) -> None:
    assert is_ours(CALLED, seen, 10) is ours


def test_a_batch_that_was_never_called_is_nobody_s() -> None:
    never: Batch = replace(CALLED, called_at=None)
    assert not is_ours(never, [Seen(9, NOW, None, 1)], 10)
