"""Whether the engine is well, asked by many while it is slow, gone, or silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lab.clock import SystemClock
from lab.runtime.engine_health import ANSWER_SECONDS, SILENCE_SECONDS, SILENT, EngineHealth

PATIENCE_SECONDS = 30.0


class Engine:
    """Answers with its problem, once its gate is open."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0
        self.answering = threading.Event()

    def ask(self) -> str | None:
        self.asked += 1
        problem = self.problem
        self.answering.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        return problem


class LateClock(SystemClock):
    """The real one, which can be set forward."""

    ahead_seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_seconds


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


@pytest.fixture
def health(engine: Engine, clock: LateClock) -> Iterator[EngineHealth]:
    health = EngineHealth(clock, engine.ask)
    yield health
    engine.gate.set()
    health.close()


def test_one_that_was_well_and_keeps_silent_is_so_no_more_and_nobody_waits(
    engine: Engine, clock: LateClock, health: EngineHealth
) -> None:
    assert health.problem() is None
    engine.gate.clear()
    clock.ahead_seconds += ANSWER_SECONDS
    engine.answering.clear()
    assert health.problem() is None
    assert engine.answering.wait(PATIENCE_SECONDS)
    clock.ahead_seconds += SILENCE_SECONDS
    assert health.problem() == SILENT


def test_the_first_answer_is_waited_for_and_believed_for_some_seconds(engine: Engine, health: EngineHealth) -> None:
    engine.problem = "no images"
    assert health.problem() == "no images"
    engine.problem = None
    assert [health.problem() for _ in range(5)] == [None] * 5
    assert engine.asked == 2


def test_nobody_waits_for_an_engine_that_was_well_and_is_slow_now(engine: Engine, health: EngineHealth, clock: LateClock) -> None:
    assert health.problem() is None
    engine.gate.clear()
    clock.ahead_seconds += ANSWER_SECONDS + 1
    assert [health.problem() for _ in range(5)] == [None] * 5  # would wait for the gate
    assert engine.answering.wait(PATIENCE_SECONDS)
    assert engine.asked == 2


def test_an_engine_that_went_is_asked_anew_by_the_next_page(engine: Engine, health: EngineHealth) -> None:
    assert health.problem() is None
    engine.problem = "cannot reach it"
    assert health.problem() is None
    health.lost()
    assert health.problem() == "cannot reach it"
    engine.problem = None
    assert health.problem() is None


def test_what_an_engine_said_before_it_went_is_not_believed(engine: Engine, health: EngineHealth, clock: LateClock) -> None:
    assert health.problem() is None
    engine.gate.clear()
    clock.ahead_seconds += ANSWER_SECONDS + 1
    engine.answering.clear()
    health.problem()
    assert engine.answering.wait(PATIENCE_SECONDS)
    health.lost()
    engine.problem = "cannot reach it"
    engine.gate.set()
    health.close()
    assert health.problem() == "cannot reach it"


def test_an_engine_that_went_silent_is_said_to_be_silent_after_a_moment(engine: Engine, health: EngineHealth) -> None:
    assert health.problem() is None
    engine.gate.clear()
    health.lost()
    assert health.problem() == SILENT
    assert engine.asked == 2
    engine.gate.set()
    health.close()
    assert health.problem() is None
