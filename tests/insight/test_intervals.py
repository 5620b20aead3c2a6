"""Intervals: read off a run's entries, or absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.insight.intervals import INTERVALS, measure, summary
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import Entry, HookStarted, LogChunk, RunAdmitted, RunOpened, RunQueued
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

GivenStage = Callable[..., Stage]


@pytest.fixture
def given(tmp_path: Path) -> Iterator[GivenStage]:
    stages: list[Stage] = []

    def open_stage(**scripts: ContainerScript) -> Stage:
        stages.append(Stage(tmp_path, scripts, ClusterOptions(), None))
        return stages[-1]

    yield open_stage
    for stage in stages:
        stage.close()


def measured(stage: Stage) -> dict[str, float]:
    return {name: round(seconds, 3) for name, seconds in measure(stage.timeline.read(0)).items()}


def test_time_in_the_queue_is_not_the_run_s(given: GivenStage) -> None:
    stage = given(app=polite(1.5))
    stage.timeline.append(RunOpened(run_id="r", example="e", manifest=""))
    stage.timeline.append(RunQueued(run_id="r", ahead=3))
    stage.clock.sleep(100)
    stage.timeline.append(RunAdmitted(run_id="r", waited_seconds=100.0))
    stage.run(pod(container()), 5.0)
    assert measured(stage)["run-running"] < 10


def test_a_whole_run_is_measured(given: GivenStage) -> None:
    stage = given(app=polite(1.5, start=takes(2.0), stop=takes(3.0)))
    stage.timeline.append(RunOpened(run_id="r", example="e", manifest=""))
    stage.run(pod(container(post_start="start", pre_stop="stop"), grace=20), 5.0).delete_to_the_end()
    found = measured(stage)
    assert {key: found[key] for key in ("post-start", "pre-stop", "signal-exit", "delete-exit")} == {
        "post-start": 2.0,
        "pre-stop": 3.0,
        "signal-exit": 1.5,
        "delete-exit": 4.5,
    }
    assert found["run-running"] >= 2.0
    assert found["delete-gone"] >= 4.5
    assert "log-post-start" not in found


def test_what_did_not_happen_is_not_measured(given: GivenStage) -> None:
    stage = given(app=deaf())
    stage.run(pod())
    assert measured(stage) == {}


def test_a_hook_that_is_given_up_ends_when_the_kubelet_gives_it_up(given: GivenStage) -> None:
    stage = given(app=deaf(stop=takes(60.0)))
    stage.run(pod(container(pre_stop="stop"), grace=4)).delete_to_the_end()
    assert measured(stage)["pre-stop"] == 4.0


def test_an_earlier_end_is_not_taken_for_the_end_of_what_began_later(given: GivenStage) -> None:
    stage = given(app=ContainerScript(exits=((1.0, 1), None), on_signal={"SIGTERM": (2.0, 0)}))
    stage.run(pod(grace=20), 30.0).delete_to_the_end()
    assert measured(stage)["signal-exit"] == 2.0


def test_of_two_containers_the_ends_of_one_are_measured(given: GivenStage) -> None:
    stage = given(slow=polite(4.0, stop=takes(1.0)), fast=polite(0.5))
    stage.run(pod(container("slow", pre_stop="stop"), container("fast"), grace=20)).delete_to_the_end()
    assert measured(stage)["signal-exit"] == 0.5
    assert measured(stage)["pre-stop"] == 1.0


@pytest.mark.parametrize("written_first", [True, False])
def test_which_came_first_the_log_or_the_hook_is_told_by_the_sign(given: GivenStage, written_first: bool) -> None:
    """By the time at which the line was written, not by when it was read."""
    stage = given(app=deaf())
    stage.run(pod())
    hook = stage.timeline.append(
        HookStarted(hook="postStart", handler="exec", action=("true",), attempt=0), pod_uid="u", container="app"
    )
    at = hook.at + timedelta(seconds=-0.25 if written_first else 0.25)
    stage.clock.sleep(1)
    line = (at.isoformat().replace("+00:00", "000Z"), "stdout", "SIGTERM sent")
    stage.timeline.append(LogChunk(attempt=0, offset=0, lines=(line,)), pod_uid="u", container="app")
    assert measured(stage)["log-post-start"] == (0.25 if written_first else -0.25)
    assert "signal-exit" not in measured(stage)


def test_every_interval_has_its_words_in_both_languages() -> None:
    names = [(interval.name.english, interval.name.chinese) for interval in INTERVALS]
    assert len(set(names)) == len({interval.id for interval in INTERVALS}) == len(INTERVALS)
    assert all(chinese != english for english, chinese in names)


def test_a_distribution_has_its_numbers() -> None:
    found = summary([0.3, -0.1, 0.2, 0.4])
    assert found is not None
    assert (found.count, found.least, found.median, found.greatest, found.negative) == (4, -0.1, 0.25, 0.4, 1)
    assert summary([]) is None


def test_nothing_is_measured_in_nothing() -> None:
    nothing: tuple[Entry, ...] = ()
    assert measure(nothing) == {}
