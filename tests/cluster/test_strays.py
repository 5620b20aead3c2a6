"""Containers whose run has ended are looked for while they may still appear."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lab.clock import VirtualClock
from lab.cluster.strays import LOOKS, Strays
from lab.errors import EngineError, EngineUnavailable


class Engine:
    """Has containers by their runs, and answers as the test says."""

    def __init__(self) -> None:
        self.containers = ["ended", "live"]
        self.answers: list[EngineError] = []
        self.asked = 0

    def remove(self, is_live: Callable[[str], bool]) -> int:
        self.asked += 1
        if self.answers:
            raise self.answers.pop(0)
        before = len(self.containers)
        self.containers = [run for run in self.containers if is_live(run)]
        return before - len(self.containers)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def strays(clock: VirtualClock, engine: Engine) -> Iterator[Strays]:
    strays = Strays(clock, engine.remove, lambda run_id: run_id == "live")
    yield strays
    strays.close()


def test_nobody_looks_before_there_is_a_reason(clock: VirtualClock, engine: Engine, strays: Strays) -> None:
    clock.sleep(100)
    assert engine.asked == 0


def test_the_containers_of_a_run_that_has_ended_are_removed_and_no_others(
    clock: VirtualClock, engine: Engine, strays: Strays
) -> None:
    strays.look()
    clock.sleep(100)
    assert engine.containers == ["live"]
    assert engine.asked == LOOKS


def test_a_container_that_appears_late_is_removed(clock: VirtualClock, engine: Engine, strays: Strays) -> None:
    strays.look()
    clock.sleep(5)
    engine.containers.append("ended")
    clock.sleep(5)
    assert engine.containers == ["live"]


def test_an_engine_that_is_away_is_waited_for_however_long(clock: VirtualClock, engine: Engine, strays: Strays) -> None:
    engine.answers = [EngineUnavailable("away")] * 500
    strays.look()
    clock.sleep(1000)
    assert engine.containers == ["live"]
    assert engine.asked == 500 + LOOKS


def test_an_engine_that_refuses_is_asked_again(clock: VirtualClock, engine: Engine, strays: Strays) -> None:
    engine.answers = [EngineError("cannot remove it now")]
    strays.look()
    clock.sleep(100)
    assert engine.containers == ["live"]
    assert engine.asked == LOOKS


def test_a_closed_one_looks_no_more(clock: VirtualClock, engine: Engine, strays: Strays) -> None:
    strays.look()
    strays.close()
    clock.sleep(100)
    assert engine.asked == 0
