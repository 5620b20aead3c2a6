"""The grace ruler of a held run: it stands still while the kubelet does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.insight.ruler import Ruler, Rulers
from lab.timeline.facts import HoldPoint, HoldPointsChosen
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    scripts = {"app": deaf(hook=takes(3.0)), "polite": polite(1.0)}
    stage = Stage(tmp_path, scripts, ClusterOptions(), None)
    yield stage
    stage.close()


def held(stage: Stage, manifest: str, *points: HoldPoint) -> None:
    """Delete a pod that is held at these points, and come to the first."""
    stage.timeline.append(HoldPointsChosen(run_id="r", points=points))
    stage.kubectl("apply", manifest, run_id="r")
    stage.clock.sleep(3)
    stage.clock.spawn("delete", lambda: stage.cluster.kubectl.delete("p", namespace="default"))
    stage.clock.sleep(8)


def ruler_of(stage: Stage) -> Ruler:
    rulers = Rulers()
    for entry in stage.timeline.read(0):
        rulers.add(entry)
    (ruler,) = rulers.current.values()
    return ruler


def proceed(stage: Stage, seconds: float) -> None:
    assert stage.cluster.node.proceed("r")
    stage.clock.sleep(seconds)


def test_nothing_of_the_grace_period_is_spent_before_the_hook_while_the_kubelet_is_held(stage: Stage) -> None:
    held(stage, pod(container(pre_stop="hook"), grace=6), "before-pre-stop")
    ruler = ruler_of(stage)
    assert [ruler.left_seconds(ruler.deleted_at + seconds) for seconds in (0, 5, 100)] == [6.0, 6.0, 6.0]
    proceed(stage, 20)
    ruler = ruler_of(stage)
    assert ruler.held_seconds == pytest.approx(8.0)
    assert ruler.hook_began_at == pytest.approx(ruler.deleted_at + 8.0)
    assert ruler.killed_at == pytest.approx(ruler.deleted_at + 8.0 + 6.0)
    assert ruler.kill_due_at == pytest.approx(ruler.killed_at)
    assert ruler.ends_at == pytest.approx(ruler.killed_at)


def test_what_the_hook_left_stands_still_before_the_stop_signal(stage: Stage) -> None:
    held(stage, pod(container(pre_stop="hook"), grace=6), "before-stop-signal")
    assert ruler_of(stage).left_seconds(1000) == pytest.approx(3.0)
    proceed(stage, 20)
    ruler = ruler_of(stage)
    assert ruler.signal_at is not None
    assert ruler.killed_at == pytest.approx(ruler.signal_at + 3.0)


def test_before_sigkill_nothing_is_left_and_it_is_due_when_the_kubelet_goes_on(stage: Stage) -> None:
    held(stage, pod(container(pre_stop="hook"), grace=6), "before-sigkill")
    assert ruler_of(stage).left_seconds(1000) == pytest.approx(0.0)
    proceed(stage, 5)
    ruler = ruler_of(stage)
    assert ruler.kill_due_at == ruler.killed_at


def test_a_process_that_ends_while_its_signal_is_held_leaves_what_was_left_unused(stage: Stage) -> None:
    held(stage, pod(container("polite"), grace=20), "before-stop-signal")
    stage.runtime.signal_container(f"polite-0-{stage.timeline.view().list('Pod')[0]['metadata']['uid']}", "SIGTERM")
    stage.clock.sleep(5)
    ruler = ruler_of(stage)
    assert ruler.exited_at is not None
    assert ruler.held_seconds > 0
    assert ruler.left_seconds(ruler.exited_at) == pytest.approx(20.0)
