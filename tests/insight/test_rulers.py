"""How grace rulers follow a stop: what was due when, and what was left."""

from __future__ import annotations

import pytest

from lab.insight.ruler import Ruler
from lab.timeline.facts import HookTimedOut
from tests.insight.life import Life

PRE_STOP = {"preStop": {"exec": {"command": ["x"]}}}


def ruler(life: Life) -> Ruler:
    (found,) = life.known.rulers.current.values()
    return found


def hooked(grace: int, *, forced: bool = False) -> Life:
    life = Life(grace=grace, lifecycle=PRE_STOP)
    life.start()
    life.delete(10.0, grace=0 if forced else None)
    if forced:
        life.write("remove", "user", 10.0)
    life.kill(10.0, 1 if forced else grace, hook=True)
    life.hook("preStop", "x", at=10.0)
    return life


def test_before_anything_is_stopped_there_is_no_ruler() -> None:
    life = Life()
    life.start()
    life.delete(5.0)
    assert life.known.rulers.current == {}


@pytest.mark.parametrize(("grace", "took", "due"), [(6, 3.4, 16.4), (6, 0.9, 16.9), (4, 3.5, 15.5), (30, 10.0, 40.0)])
def test_when_the_hook_ends_sigkill_is_due_after_the_whole_seconds_that_are_left_but_never_less_than_two(
    grace: int, took: float, due: float
) -> None:
    life = hooked(grace)
    assert ruler(life).kill_due_at == 10.0 + grace
    life.hook_ends("preStop", 10.0 + took, took)
    assert ruler(life).kill_due_at == pytest.approx(due)
    assert ruler(life).spent_seconds == pytest.approx(took)


@pytest.mark.parametrize(
    ("grace", "took", "counted", "at_floor"), [(30, 0.8, 0, False), (6, 3.8, 3, False), (4, 3.5, 3, True), (6, 3.0, None, False)]
)
def test_it_tells_what_counts_of_a_hook_from_what_it_used_and_knows_when_the_process_gets_the_floor(
    grace: int, took: float, counted: int | None, at_floor: bool
) -> None:
    life = hooked(grace)
    assert not ruler(life).is_at_floor
    life.hook_ends("preStop", 10.0 + took, took)
    found = ruler(life)
    assert found.is_at_floor is at_floor
    assert (found.counted_seconds if found.counts_less_than_spent else None) == counted


def test_a_hook_that_is_given_up_leaves_two_seconds_and_its_later_end_changes_nothing() -> None:
    life = hooked(4)
    life.add(HookTimedOut(hook="preStop", attempt=0, grace_period_seconds=4), 14.0)
    life.stop_signal(14.0, 2)
    before = ruler(life)
    life.hook_fails("preStop", 137, at=15.0)
    assert ruler(life) == before
    assert (before.hook_timed_out, before.kill_due_at) == (True, 16.0)


def test_what_was_left_when_the_process_ended_by_itself_stays_and_a_kill_leaves_nothing() -> None:
    life = Life(grace=5)
    life.start()
    life.kill(10.0, 5)
    life.stop_signal(10.0, 5)
    life.exits(0, at=11.5)
    assert ruler(life).left_seconds(100.0) == pytest.approx(3.5)
    killed = Life(grace=5)
    killed.start()
    killed.kill(10.0, 5)
    killed.stop_signal(10.0, 5)
    killed.sigkill(15.0)
    killed.exits(137, signal=9, at=15.1)
    assert ruler(killed).left_seconds(100.0) == 0.0


def test_a_forced_delete_is_marked_and_counts_its_second_with_the_floor() -> None:
    found = ruler(hooked(30, forced=True))
    assert (found.forced, found.grace_seconds, found.kill_due_at) == (True, 1, 12.0)


@pytest.mark.parametrize(
    ("reason", "deleted", "cause"),
    [
        ("Stopping container app", True, "deletion"),
        ("Stopping container app", False, "other"),
        ("Container app failed liveness probe, will be restarted", False, "liveness"),
        ("FailedPostStartHook", False, "postStart"),
    ],
)
def test_a_ruler_knows_why_the_container_is_stopped(reason: str, deleted: bool, cause: str) -> None:
    life = Life()
    life.start()
    if deleted:
        life.delete(9.0)
    life.kill(10.0, 30, reason=reason)
    assert ruler(life).cause == cause
