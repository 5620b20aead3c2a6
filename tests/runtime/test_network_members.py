"""Who joins and leaves a network of the engine at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from lab.clock import SystemClock
from lab.runtime.network_members import NetworkMembers

PATIENCE_SECONDS = 30.0


class Stage:
    """Who is inside, step by step: each enters in a thread of its own and leaves when told to."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.members = NetworkMembers(self.clock)
        self.changed = self.clock.condition()
        self.asked: set[str] = set()
        self.inside: set[str] = set()
        self.over: set[str] = set()

    def enter(self, name: str, kind: Callable[[str], AbstractContextManager[None]], cluster: str = "c") -> None:
        def body() -> None:
            with self.changed:
                self.asked.add(name)
                self.changed.notify_all()
            with kind(cluster), self.changed:
                self.inside.add(name)
                self.changed.notify_all()
                assert self.changed.wait_for(lambda: name in self.over, PATIENCE_SECONDS)
                self.inside.discard(name)
                self.changed.notify_all()

        self.clock.spawn(name, body)
        self.until(lambda: name in self.asked)

    def end(self, name: str) -> None:
        with self.changed:
            self.over.add(name)
            self.changed.notify_all()

    def until(self, holds: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE_SECONDS), self.inside


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_joins_go_together_and_a_leave_waits_for_all_of_them(stage: Stage) -> None:
    stage.enter("one", stage.members.join)
    stage.enter("two", stage.members.join)
    stage.until(lambda: stage.inside == {"one", "two"})
    stage.enter("gone", stage.members.leave)
    stage.end("one")
    stage.until(lambda: "one" not in stage.inside)
    assert stage.inside == {"two"}
    stage.end("two")
    stage.until(lambda: stage.inside == {"gone"})
    stage.end("gone")
    stage.until(lambda: not stage.inside)


def test_leaves_go_one_at_a_time_and_a_join_waits_for_those_that_came_before(stage: Stage) -> None:
    stage.enter("first", stage.members.leave)
    stage.until(lambda: stage.inside == {"first"})
    stage.enter("second", stage.members.leave)
    stage.enter("new", stage.members.join)
    assert stage.inside == {"first"}
    stage.end("first")
    stage.until(lambda: stage.inside == {"second"})
    stage.end("second")
    stage.until(lambda: stage.inside == {"new"})
    stage.end("new")
    stage.until(lambda: not stage.inside)


def test_networks_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.enter("here", stage.members.leave)
    stage.enter("there", stage.members.leave, "other")
    stage.until(lambda: stage.inside == {"here", "there"})
    stage.end("here")
    stage.end("there")
    stage.until(lambda: not stage.inside)
