"""Who may ask the engine to start something, and who waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.clock import VirtualClock
from lab.runtime.turns import Rank, Turns


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


def start(clock: VirtualClock, turns: Turns, done: list[str], *names: str) -> None:
    """Have starts of one second each ask for turns at the same time: a name's letter says what is started."""
    ranks = {"c": Rank.CONTAINER, "s": Rank.SANDBOX, "w": Rank.WARM_SANDBOX}

    def one(name: str) -> None:
        with turns.turn(ranks[name[0]]):
            clock.sleep(1)
            done.append(f"{name} at {clock.monotonic():.0f}")

    for name in names:
        clock.spawn(name, one, name)


def test_no_more_than_so_many_start_at_a_time(clock: VirtualClock) -> None:
    done: list[str] = []
    start(clock, Turns(clock, at_once=2), done, "s1", "s2", "s3", "s4", "s5")
    clock.sleep(10)
    assert done == ["s1 at 1", "s2 at 1", "s3 at 2", "s4 at 2", "s5 at 3"]


def test_a_container_goes_before_a_sandbox_and_a_warm_one_goes_last(clock: VirtualClock) -> None:
    done: list[str] = []
    start(clock, Turns(clock, at_once=1), done, "s1", "w1", "s2", "c1")
    clock.sleep(10)
    assert done == ["s1 at 1", "c1 at 2", "s2 at 3", "w1 at 4"]


def test_a_start_that_fails_gives_its_turn_back(clock: VirtualClock) -> None:
    turns, done = Turns(clock, at_once=1), list[str]()
    with pytest.raises(RuntimeError), turns.turn(Rank.SANDBOX):
        raise RuntimeError
    start(clock, turns, done, "s1")
    clock.sleep(10)
    assert done == ["s1 at 1"]


def test_the_engine_is_quiet_from_the_end_of_what_was_waited_for(clock: VirtualClock) -> None:
    turns = Turns(clock)
    assert turns.quiet_seconds() > 1000
    with turns.needed():
        clock.sleep(5)
        assert turns.quiet_seconds() == 0
    clock.sleep(2)
    assert turns.quiet_seconds() == 2
