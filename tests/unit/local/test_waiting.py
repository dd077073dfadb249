from __future__ import annotations

from local.waiting import wait_until


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_it_looks_until_it_is_so() -> None:
    clock = Clock()
    there = wait_until(lambda: clock.now >= 2, seconds=5, clock=clock, pause=clock.pause)
    assert (there, round(clock.now)) == (True, 2)


def test_it_gives_up_at_the_deadline() -> None:
    clock = Clock()
    assert not wait_until(lambda: False, seconds=5, clock=clock, pause=clock.pause)
    assert 5 <= clock.now < 6


def test_it_looks_once_where_no_time_is_given() -> None:
    clock = Clock()
    assert wait_until(lambda: True, seconds=0, clock=clock, pause=clock.pause)
