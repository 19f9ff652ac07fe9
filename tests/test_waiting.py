"""The one wait, on a clock that only moves when the wait sleeps."""

from collections.abc import Callable, Iterator

import pytest

from aicontainer.errors import Failed, Gone, TimedOut
from aicontainer.events import Event
from aicontainer.waiting import Seen, failed, gone, pending, ready, wait


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def _looks(*seen: Seen | Exception) -> Callable[[], Seen]:
    coming: Iterator[Seen | Exception] = iter(seen)

    def look() -> Seen:
        one = next(coming)
        if isinstance(one, Exception):
            raise one
        return one

    return look


def test_it_returns_the_value_at_the_first_ready_look() -> None:
    clock = Clock()
    value = wait("x", _looks(pending("a"), ready(42)), limit=10, pause=2, clock=clock, sleep=clock.sleep)
    assert value == 42
    assert clock.slept == [2]


def test_what_is_ready_at_once_costs_no_pause() -> None:
    clock = Clock()
    assert wait("x", _looks(ready("v")), limit=0, clock=clock, sleep=clock.sleep) == "v"
    assert clock.slept == []


def test_a_timeout_is_an_error_with_the_last_state_and_looks_once_more_at_the_limit() -> None:
    clock = Clock()
    looks = _looks(pending("pulling"), pending("pulling"), pending("starting"))
    with pytest.raises(TimedOut) as caught:
        wait("the pod", looks, limit=3, pause=2, next_step="look", clock=clock, sleep=clock.sleep)
    assert clock.slept == [2, 1]  # the last pause is cut so that the last look is at the limit
    assert caught.value.seen == "starting"
    assert caught.value.waited == 3
    assert caught.value.next_step == "look"


def test_a_clock_that_jumps_past_the_limit_still_gets_its_last_look() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.now += 1000  # a laptop that slept

    assert wait("x", _looks(pending("a"), ready(1)), limit=5, clock=clock, sleep=sleep) == 1


@pytest.mark.parametrize(("look", "kind"), [(failed("CrashLoopBackOff"), Failed), (gone("deleted"), Gone)])
def test_a_state_without_hope_ends_the_wait_at_once(look: Seen, kind: type[Exception]) -> None:
    clock = Clock()
    with pytest.raises(kind, match="the pod") as caught:
        wait("the pod", _looks(pending("a"), look), limit=1000, pause=1, clock=clock, sleep=clock.sleep)
    assert clock.slept == [1]
    assert look.text in str(caught.value)


def test_an_error_of_the_look_ends_the_wait() -> None:
    with pytest.raises(KeyError):
        wait("x", _looks(KeyError("k")), limit=10)


def test_a_state_is_told_once_as_long_as_it_stays() -> None:
    clock, told = Clock(), list[Event]()
    looks = _looks(pending("a"), pending("a"), pending("b"), ready())
    wait("x", looks, limit=10, tell=told.append, clock=clock, sleep=clock.sleep)
    assert [(event.step, event.kind, event.text) for event in told] == [("x", "progress", "a"), ("x", "progress", "b")]


def test_a_look_that_knows_what_to_do_is_told_in_place_of_the_waits_own_advice() -> None:
    with pytest.raises(Failed) as caught:
        wait("x", _looks(failed("no room", "make room")), limit=10, next_step="look closer")
    assert caught.value.next_step == "make room"
    with pytest.raises(Failed) as other:
        wait("x", _looks(failed("broken")), limit=10, next_step="look closer")
    assert other.value.next_step == "look closer"
