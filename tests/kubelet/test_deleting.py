"""The ways to delete a pod, and what each does on the API and on the node. Recorded scenarios are named in brackets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.timeline.facts import HookSkipped, KillStarted, SandboxStopped, SignalSent
from tests.kubelet.stage import Stage, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def test_the_spec_s_grace_period_is_used_where_the_delete_asks_for_none(given: Given) -> None:
    story = given(app=deaf()).run(pod(grace=7)).delete_to_the_end()
    assert story.facts(KillStarted)[0].grace_period_seconds == 7


def test_a_delete_may_ask_for_more_than_the_spec_s_grace_period(given: Given) -> None:
    story = given(app=deaf()).run(pod(grace=2)).delete_to_the_end("--grace-period=9")
    assert story.steps() == [(0.0, "SIGTERM"), (9.0, "SIGKILL"), (9.0, "exits 137")]


def test_a_watcher_sees_terminating_then_the_final_state_then_nothing(given: Given) -> None:
    story = given(app=polite(1.0)).run(pod()).delete_to_the_end()
    assert story.columns() == ["Pending", "ContainerCreating", "Running", "Terminating", "Completed"]
    assert not story.is_in_api


def test_a_forced_delete_removes_the_object_at_once_and_the_node_still_stops_the_container_gracefully(given: Given) -> None:
    """[B1 B12] With a grace period of one second: the hook runs for as long, then come stop signal and SIGKILL."""
    story = given(app=deaf(hook=takes(10))).run(pod(container(pre_stop="hook")))
    answer = story.delete("--grace-period=0", "--force")
    assert (answer.took_seconds, story.is_in_api) == (0, False)
    story.stage.wait_until_cleared()
    assert story.steps() == [
        (0.0, "preStop starts"),
        (1.0, "preStop is abandoned"),
        (1.0, "SIGTERM"),
        (3.0, "SIGKILL"),
        (3.0, "exits 137"),
        (3.0, "preStop fails"),
    ]


def test_events_of_hooks_still_appear_after_a_forced_delete(given: Given) -> None:
    """[B12]"""
    story = given(app=deaf(hook=takes(10))).run(pod(container(pre_stop="hook"))).delete_to_the_end("--force", "--grace-period=0")
    assert story.gone_at() == 3.0
    assert story.event_times("FailedPreStopHook") == [6.0]


def test_a_grace_period_of_zero_in_the_spec_makes_a_plain_delete_remove_the_object_at_once(given: Given) -> None:
    """[B6]"""
    story = given(app=deaf(hook=takes(10))).run(pod(container(pre_stop="hook"), grace=0))
    answer = story.delete()
    assert (answer.stderr, story.is_in_api) == ("", False)
    story.stage.wait_until_cleared()
    assert story.steps()[1:4] == [(1.0, "preStop is abandoned"), (1.0, "SIGTERM"), (3.0, "SIGKILL")]


def test_a_negative_grace_period_in_the_spec_is_stored_as_one(given: Given) -> None:
    """[E25]"""
    story = given(app=deaf()).run(pod(grace=-5))
    assert story.object()["spec"]["terminationGracePeriodSeconds"] == 1
    assert story.delete_to_the_end().steps() == [(0.0, "SIGTERM"), (2.0, "SIGKILL"), (2.0, "exits 137")]


@pytest.mark.parametrize(
    ("second", "stored"), [("--grace-period=30", 30), ("--grace-period=90", 60), ("--grace-period=5", 1), ("--now", 1)]
)
def test_a_second_delete_never_changes_a_stop_in_progress(given: Given, second: str, stored: int) -> None:
    """[B5 B5b B5c] A shorter grace period is stored, and that is all."""
    story = given(app=deaf()).run(pod())
    story.delete("--grace-period=60", "--wait=false")
    story.stage.clock.sleep(10)
    story.delete(second, "--wait=false")
    assert story.object()["metadata"]["deletionGracePeriodSeconds"] == stored
    story.stage.wait_until_cleared()
    assert story.steps() == [(0.0, "SIGTERM"), (60.0, "SIGKILL"), (60.0, "exits 137")]


def test_a_later_forced_delete_removes_the_object_and_the_container_lives_until_the_first_deadline(given: Given) -> None:
    """[B16]"""
    story = given(app=deaf()).run(pod(grace=10))
    story.delete("--wait=false")
    story.stage.clock.sleep(2)
    story.delete("--grace-period=0", "--force")
    assert not story.is_in_api
    story.stage.wait_until_cleared()
    assert story.steps()[-1] == (10.0, "exits 137")


@pytest.mark.parametrize(("exit_code", "phase"), [(0, "Succeeded"), (3, "Failed")])
def test_a_finished_pod_is_removed_at_once_and_its_hook_is_not_run(given: Given, exit_code: int, phase: str) -> None:
    """[C13a C13b]"""
    story = given(app=brief((1, exit_code))).run(pod(container(pre_stop="hook"), restartPolicy="Never"), seconds=5)
    assert story.status["phase"] == phase
    assert story.delete().took_seconds == 0
    story.stage.wait_until_cleared()
    assert [(s.hook, s.why) for s in story.facts(HookSkipped)] == [("preStop", "container-exited")]
    assert "Killing" not in story.event_reasons()


def test_a_pod_in_back_off_is_removed_without_a_hook(given: Given) -> None:
    """[E18 D1]"""
    story = given(app=brief((1, 1))).run(pod(container(pre_stop="hook")), seconds=10)
    assert story.event_reasons()[-1] == "BackOff"
    story.delete_to_the_end()
    assert story.columns()[-2:] == ["Terminating", "Error"]
    assert {s.why for s in story.facts(HookSkipped)} == {"container-exited"}
    assert story.facts(SignalSent) == []


def test_a_pod_that_never_started_ends_with_an_unknown_status_and_its_hook_is_skipped(given: Given) -> None:
    """[E14 E17]"""
    story = given().run(pod(container(image="absent:1", pre_stop="hook"))).delete_to_the_end()
    assert story.columns()[-2:] == ["Terminating", "ContainerStatusUnknown"]
    assert story.phases()[-1] == "Failed"
    assert [s.why for s in story.facts(HookSkipped)] == ["never-started"]


def test_an_unschedulable_pod_is_removed_at_once(given: Given) -> None:
    """[E14b]"""
    story = given().run(pod(nodeSelector={"disk": "ssd"}))
    assert story.delete().took_seconds == 0
    assert not story.is_in_api


def test_a_finalizer_keeps_the_object_until_it_is_taken_away(given: Given) -> None:
    """[E13]"""
    manifest = pod(metadata={"finalizers": ["example.com/hold"]})
    story = given(app=polite()).run(manifest)
    story.delete("--wait=false")
    story.stage.clock.sleep(30)
    assert (story.columns()[-1], story.is_in_api) == ("Completed", True)
    assert story.facts(SandboxStopped) == []
    story.stage.kubectl("apply", pod(metadata={"finalizers": []}))
    assert not story.is_in_api
    story.stage.wait_until_cleared()


def test_the_wait_of_the_delete_ends_when_the_object_is_gone_not_when_the_container_is(given: Given) -> None:
    story = given(app=polite(4.0)).run(pod())
    answer = story.delete()
    assert 4.0 <= answer.took_seconds == story.gone_at() - 3.0


def test_nothing_of_a_deleted_pod_is_left_on_the_node(given: Given) -> None:
    story = given(app=polite()).run(pod(volumes=[{"name": "v", "emptyDir": {}}])).delete_to_the_end()
    assert story.stage.runtime.left == ()
    assert story.stage.cluster.node.pods_running() == 0
    assert len(story.facts(SandboxStopped)) == 1
