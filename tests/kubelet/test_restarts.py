"""Restarts and their back-off. Recorded scenarios are named in brackets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import groupby, pairwise

import pytest

from lab.kubelet.backoff import Backoff, go_duration
from lab.kubelet.node_services import seconds_since
from lab.timeline.facts import BackingOff
from tests.kubelet.stage import Stage, brief, container, pod, polite

Given = Callable[..., Stage]


def gaps_of(starts: list[float], lived: float) -> list[float]:
    """Return how long after an instance's end the next was started."""
    return [round(later - earlier - lived, 3) for earlier, later in pairwise(starts)]


@pytest.mark.parametrize("exit_code", [0, 1])
def test_the_first_restart_is_immediate_and_the_later_ones_wait_twice_as_long_each(given: Given, exit_code: int) -> None:
    """[E11 D1] 10, 20, 40 … 300 s from the last instance's end; then the next sync starts it."""
    story = given(app=brief((1, exit_code))).run(pod(), seconds=2400)
    gaps = gaps_of(story.starts(), 1.0)
    assert gaps[0] <= 1.0
    for gap, nominal in zip(gaps[1:8], (10, 20, 40, 80, 160, 300, 300), strict=True):
        assert nominal <= gap <= nominal * 1.5 + 1


def test_an_instance_that_lived_for_more_than_ten_minutes_starts_the_back_off_over(given: Given) -> None:
    story = given(app=brief((1, 1), (1, 1), (1, 1), (700, 1), (1, 1))).run(pod(), seconds=800)
    starts = story.starts()
    assert 20 <= starts[3] - starts[2] <= 31
    assert starts[4] - (starts[3] + 700) <= 1.0
    assert [delay for delay, _ in groupby(b.delay_seconds for b in story.facts(BackingOff))] == [10, 20, 10, 20, 40]


def test_an_instance_that_lived_for_less_than_ten_minutes_does_not(given: Given) -> None:
    story = given(app=brief((1, 1), (1, 1), (500, 1))).run(pod(), seconds=560)
    starts = story.starts()
    assert starts[3] - (starts[2] + 500) >= 20


def test_back_off_is_told_by_event_status_and_fact(given: Given) -> None:
    """[E11]"""
    story = given(app=brief((1, 1))).run(pod(), seconds=100)
    event = f"app BackOff: Back-off restarting failed container app in pod p_default({story.uid})"
    assert event in story.events()
    message = f"back-off 10s restarting failed container=app pod=p_default({story.uid})"
    assert {"reason": "CrashLoopBackOff", "message": message} in story.waiting()
    assert story.facts(BackingOff)[0].message == message
    assert story.container_status()["lastState"]["terminated"]["exitCode"] == 1


def test_a_pod_in_back_off_is_running_in_phase(given: Given) -> None:
    story = given(app=brief((1, 1))).run(pod(), seconds=60)
    assert "CrashLoopBackOff" in story.columns()
    assert story.phases() == ["Pending", "Running"]
    assert story.ready_columns()[-1] == "0/1"


@pytest.mark.parametrize(
    ("policy", "exit_code", "restarted"),
    [("Always", 0, True), ("Always", 1, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_the_restart_policy_decides_by_the_exit_code(given: Given, policy: str, exit_code: int, restarted: bool) -> None:
    story = given(app=brief((1, exit_code), None)).run(pod(restartPolicy=policy), seconds=6)
    assert story.container_status()["restartCount"] == int(restarted)
    assert len(story.starts()) == 1 + int(restarted)


def test_a_restarted_container_shows_its_last_end(given: Given) -> None:
    story = given(app=brief((2, 9), None)).run(pod(), seconds=6)
    status = story.container_status()
    assert list(status["state"]) == ["running"]
    assert status["lastState"]["terminated"]["exitCode"] == 9
    assert status["lastState"]["terminated"]["reason"] == "Error"


def test_one_container_s_back_off_does_not_hold_back_another(given: Given) -> None:
    story = given(a=brief((1, 1)), b=brief((30, 1), None)).run(pod(container("a"), container("b")), seconds=33)
    assert gaps_of(story.starts("b"), 30.0)[0] <= 1.0


def test_a_new_image_starts_the_back_off_over_and_restarts_at_once(given: Given) -> None:
    """[E26]"""
    stage = given(app=brief((1, 1), (1, 1), (1, 1), None))
    story = stage.run(pod(), seconds=20)
    assert len(story.starts()) == 3
    stage.kubectl("apply", pod(container(image="nginx")))
    stage.clock.sleep(2)
    assert story.starts()[3:] == [20.0]
    assert story.columns()[-1] == "Running"


def test_a_running_container_whose_image_changed_is_stopped_with_its_hook_and_started_anew(given: Given) -> None:
    """[E26]"""
    stage = given(app=polite(1.0))
    story = stage.run(pod(container(pre_stop="hook")))
    stage.kubectl("apply", pod(container(image="nginx", pre_stop="hook")))
    stage.clock.sleep(40)
    assert "app Killing: Container app definition changed, will be restarted" in story.events()
    assert [word for _, word in story.steps()] == ["preStop starts", "preStop ends", "SIGTERM", "exits 0", "starts"]


def test_a_deleted_pod_restarts_nothing(given: Given) -> None:
    stage = given(a=brief((4, 1)), b=polite(30.0))
    story = stage.run(pod(container("a"), container("b"), grace=60)).delete_to_the_end()
    assert len(story.starts("a")) == 1


def test_an_entry_of_the_back_off_is_unknown_to_other_keys() -> None:
    backoff = Backoff()
    backoff.next("a", 0.0, 0.0)
    assert backoff.remaining_seconds("a", 0.0, 4.0) == 6.0
    assert (backoff.remaining_seconds("b", 0.0, 4.0), backoff.delay_seconds("b")) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.022, "22ms"),
        (1.234, "1.234s"),
        (10, "10s"),
        (80, "1m20s"),
        (300, "5m0s"),
        (3661.5, "1h1m1.5s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:01Z", "2026-01-01T00:00:01.0Z", "2026-01-01T00:00:01.000000900Z"])
def test_a_time_of_the_engine_has_as_many_digits_as_it_needs(moment: str) -> None:
    """Go leaves out zeros at the end."""
    assert seconds_since(moment, datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)) == pytest.approx(2.0, abs=1e-5)
