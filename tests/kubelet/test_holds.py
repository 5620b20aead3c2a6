"""Hold points: the kubelet stops where the learner wants it, and no grace period counts the time."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from typing import get_args

import pytest

from lab.timeline.facts import (
    ContainerStarted,
    HoldPoint,
    HoldPointsChosen,
    HookStarted,
    KubeletContinued,
    KubeletHeld,
    SignalSent,
)
from tests.kubelet.stage import NAMESPACE, Stage, Story, container, deaf, pod, polite, takes

Given = Callable[..., Stage]
POINTS: tuple[HoldPoint, ...] = get_args(HoldPoint)
RUN = "r1"


def held_run(stage: Stage, manifest: str, *points: HoldPoint, seconds: float = 3.0) -> Story:
    """Apply a manifest of a run that stops at these points and let it live for ``seconds``."""
    stage.timeline.append(HoldPointsChosen(run_id=RUN, points=points))
    assert stage.kubectl("apply", manifest, run_id=RUN).rc == 0
    value = stage.cluster.registry.pod(NAMESPACE, json.loads(manifest)["metadata"]["name"])
    stage.clock.sleep(seconds)
    return Story(stage, value["metadata"]["name"], value["metadata"]["uid"])


def delete(stage: Stage, story: Story) -> None:
    def press() -> None:
        story.delete()

    stage.clock.spawn("delete", press)


def points_of(stage: Stage) -> list[HoldPoint]:
    return [point for _, _, point in stage.cluster.node.held(RUN)]


def proceed_after(stage: Stage, seconds: float) -> None:
    """Press Continue so long after each hold began, until nothing is left on the node."""

    def press() -> None:
        while stage.cluster.node.pods_running():
            if stage.cluster.node.held(RUN):
                stage.clock.sleep(seconds)
                stage.cluster.node.proceed(RUN)
            stage.clock.sleep(0.001)

    stage.clock.spawn("learner", press)


def test_a_run_stops_at_every_point_in_order_until_continue(given: Given) -> None:
    stage = given(app=deaf(hook=takes(1.0)))
    story = held_run(stage, pod(container(post_start="hook", pre_stop="hook"), grace=5), *POINTS)
    for point in POINTS[:3]:
        assert points_of(stage) == [point]
        assert stage.cluster.node.proceed(RUN)
        stage.clock.sleep(3)
    assert story.columns()[-1] == "Running"
    delete(stage, story)
    stage.clock.sleep(3)
    for point in POINTS[3:]:
        assert points_of(stage) == [point]
        assert stage.cluster.node.proceed(RUN)
        stage.clock.sleep(8)
    stage.wait_until_cleared()
    assert [fact.point for fact in story.facts(KubeletHeld)] == list(POINTS)
    assert [(fact.point, fact.why) for fact in story.facts(KubeletContinued)] == [(point, "learner") for point in POINTS]


def test_before_the_start_no_process_runs_and_after_it_the_hook_has_not_begun(given: Given) -> None:
    stage = given(app=polite(hook=takes(1.0)))
    story = held_run(stage, pod(container(post_start="hook")), "before-start", "after-start")
    assert story.facts(ContainerStarted) == []
    stage.cluster.node.proceed(RUN)
    stage.clock.sleep(5)
    assert len(story.facts(ContainerStarted)) == 1
    assert story.facts(HookStarted) == []
    stage.cluster.node.proceed(RUN)
    stage.clock.sleep(3)
    assert [fact.hook for fact in story.facts(HookStarted)] == ["postStart"]


def test_a_held_poststart_result_keeps_the_pod_from_running_although_hook_and_process_go_on(given: Given) -> None:
    stage = given(app=polite(hook=takes(1.0)))
    story = held_run(stage, pod(container(post_start="hook")), "before-post-start-result", seconds=60)
    assert [word for _, word in story.steps(since="creation")] == ["starts", "postStart starts", "postStart ends"]
    assert story.columns()[-1] == "ContainerCreating"
    stage.cluster.node.proceed(RUN)
    stage.clock.sleep(3)
    assert story.columns()[-1] == "Running"


def test_a_failed_poststart_hook_kills_its_container_only_after_the_hold(given: Given) -> None:
    stage = given(app=polite(hook=takes(0.5, 1)))
    story = held_run(stage, pod(container(post_start="hook")), "before-post-start-result", seconds=30)
    assert story.warnings() == []
    stage.cluster.node.proceed(RUN)
    stage.clock.sleep(2)
    assert story.warnings()[0] == "FailedPostStartHook: PostStartHook failed"


@pytest.mark.parametrize(("grace", "hook_seconds"), [(6, 3.0), (5, 3.7), (5, 4.5), (5, 1.999), (30, 0.0), (4, 60.0)])
@pytest.mark.parametrize("held_seconds", [0.4, 17.0])
def test_the_grace_period_is_the_same_wherever_the_kubelet_is_held(
    given: Given, grace: int, hook_seconds: float, held_seconds: float
) -> None:
    """Between stop signal and SIGKILL: max(2, G - floor(hook)), for every choice of points of the kill path."""
    manifest = pod(container(pre_stop="hook"), grace=grace)
    expected = max(2, grace - int(min(hook_seconds, grace)))
    path: tuple[HoldPoint, ...] = ("before-pre-stop", "before-stop-signal", "before-sigkill")
    for chosen in product([False, True], repeat=3):
        points = tuple(point for point, wanted in zip(path, chosen, strict=True) if wanted)
        stage = given(app=deaf(hook=takes(hook_seconds)))
        story = held_run(stage, manifest, *points)
        proceed_after(stage, held_seconds)
        story.delete_to_the_end()
        at = {e.fact.signal: e.elapsed_seconds for e in story.entries() if isinstance(e.fact, SignalSent)}
        held = {fact.point: fact.held_seconds for fact in story.facts(KubeletContinued)}
        assert tuple(held) == points
        assert at["SIGKILL"] - at["SIGTERM"] - held.get("before-sigkill", 0.0) == pytest.approx(expected, abs=1e-6)
        assert [fact.timeout_seconds for fact in story.facts(SignalSent)] == [expected, 0]


@pytest.mark.parametrize("points", [("before-pre-stop",), ("before-stop-signal",), ("before-pre-stop", "before-stop-signal")])
def test_a_sidecar_that_waits_for_its_turn_does_not_pay_for_the_holds_of_the_others(
    given: Given, points: tuple[HoldPoint, ...]
) -> None:
    manifest = pod(container(pre_stop="hook"), grace=10, initContainers=[container("proxy", restartPolicy="Always")])
    stage = given(app=polite(1.0, hook=takes(1.0)), proxy=deaf())
    story = held_run(stage, manifest, *points)
    proceed_after(stage, 100)
    story.delete_to_the_end()
    # app: 1 s of hook, 1 s until it has ended; the proxy has waited these 2 s.
    (stop, _) = story.facts(SignalSent, "proxy")
    assert (stop.signal, stop.timeout_seconds) == ("SIGTERM", 8)


def test_a_delete_ends_the_hold_and_the_next_point_holds_again(given: Given) -> None:
    stage = given(app=polite(hook=takes(1.0)))
    story = held_run(stage, pod(container(post_start="hook")), "after-start", "before-stop-signal", seconds=10)
    delete(stage, story)
    stage.clock.sleep(10)
    assert [fact.why for fact in story.facts(KubeletContinued)] == ["deletion"]
    assert points_of(stage) == ["before-stop-signal"]
    story.delete("--force")
    stage.wait_until_cleared()
    assert [fact.why for fact in story.facts(KubeletContinued)] == ["deletion", "deletion"]


def test_a_container_that_ends_by_its_hook_while_the_stop_signal_is_held_is_sent_none(given: Given) -> None:
    stage = given(app=polite(4.0, hook=takes(1.0, signals=("SIGTERM",))))
    story = held_run(stage, pod(container(pre_stop="hook"), grace=20), "before-stop-signal").delete_to_the_end()
    assert [fact.why for fact in story.facts(KubeletContinued)] == ["exit"]
    assert story.facts(SignalSent) == []


def test_a_container_that_obeys_late_while_sigkill_is_held_is_not_killed(given: Given) -> None:
    stage = given(app=polite(9.0))
    story = held_run(stage, pod(grace=5), "before-sigkill").delete_to_the_end()
    assert [fact.why for fact in story.facts(KubeletContinued)] == ["exit"]
    assert [fact.signal for fact in story.facts(SignalSent)] == ["SIGTERM"]
    assert story.columns()[-1] == "Completed"


def test_an_abort_ends_the_hold(given: Given) -> None:
    stage = given(app=deaf())
    story = held_run(stage, pod(), "after-start")
    stage.cluster.node.abort(frozenset({story.uid}))
    stage.wait_until_cleared()
    assert story.facts(KubeletContinued) == []
    assert points_of(stage) == []


def test_points_chosen_anew_hold_for_a_pod_that_is_here_already(given: Given) -> None:
    stage = given(app=deaf())
    story = held_run(stage, pod(grace=5), "before-sigkill")
    stage.timeline.append(HoldPointsChosen(run_id=RUN, points=()))
    story.delete_to_the_end()
    assert story.facts(KubeletHeld) == []


def test_nobody_is_held_who_did_not_ask_for_it(given: Given) -> None:
    stage = given(app=deaf(hook=takes(1.0)))
    stage.timeline.append(HoldPointsChosen(run_id="another", points=POINTS))
    story = stage.run(pod(container(post_start="hook", pre_stop="hook"), grace=4)).delete_to_the_end()
    assert story.facts(KubeletHeld) == []


def test_continue_for_a_hold_that_is_over_says_so(given: Given) -> None:
    stage = given(app=deaf())
    held_run(stage, pod(), "after-start")
    ((seq, name, point),) = stage.cluster.node.held(RUN)
    assert (name, point) == ("app", "after-start")
    assert not stage.cluster.node.proceed(RUN, seq + 1)
    assert not stage.cluster.node.proceed("another", seq)
    assert stage.cluster.node.proceed(RUN, seq)
    assert not stage.cluster.node.proceed(RUN, seq)
