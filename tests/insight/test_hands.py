"""What a learner can do something about: holds in force, containers that run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.insight.hands import Hands
from lab.timeline.facts import HoldPointsChosen, RunClosed
from tests.kubelet.stage import Stage, container, pod, polite


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, {"app": polite(), "other": polite()}, ClusterOptions(), None)
    yield stage
    stage.close()


def hands_of(stage: Stage) -> Hands:
    hands = Hands()
    for entry in stage.timeline.read(0):
        hands.add(entry)
    return hands


def test_a_hold_is_in_force_until_the_kubelet_goes_on(stage: Stage) -> None:
    stage.timeline.append(HoldPointsChosen(run_id="r", points=("before-start",)))
    stage.kubectl("apply", pod(container(), container("other")), run_id="r")
    stage.clock.sleep(2)
    (hold,) = hands_of(stage).held.holds
    assert (hold.pod, hold.container, hold.point) == ("p", "app", "before-start")
    assert hands_of(stage).running == ()
    assert stage.cluster.node.proceed("r", hold.seq)
    stage.clock.sleep(2)
    assert [(h.container, h.point) for h in hands_of(stage).held.holds] == [("other", "before-start")]
    assert [(c.pod, c.container) for c in hands_of(stage).running] == [("p", "app")]


def test_the_chosen_points_are_those_chosen_last(stage: Stage) -> None:
    assert (hands_of(stage).held.points, hands_of(stage).held.stepwise) == ((), False)
    stage.timeline.append(HoldPointsChosen(run_id="r", points=("before-start", "after-start")))
    stage.timeline.append(HoldPointsChosen(run_id="r", points=()))
    assert (hands_of(stage).held.points, hands_of(stage).held.stepwise) == ((), True)


def test_a_container_that_has_ended_runs_no_more(stage: Stage) -> None:
    story = stage.run(pod(container(), container("other")))
    assert [c.container for c in hands_of(stage).running] == ["app", "other"]
    story.delete_to_the_end()
    assert hands_of(stage).running == ()


def test_nothing_can_be_done_about_a_run_that_has_ended(stage: Stage) -> None:
    stage.timeline.append(HoldPointsChosen(run_id="r", points=("after-start",)))
    stage.kubectl("apply", pod(), run_id="r")
    stage.clock.sleep(2)
    stage.timeline.append(RunClosed(run_id="r", why="x"))
    hands = hands_of(stage)
    assert (hands.held.live, hands.held.holds, hands.running) == (False, (), ())
