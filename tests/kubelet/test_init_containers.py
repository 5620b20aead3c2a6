"""Init containers and sidecars: who starts when, who is stopped when. Recorded scenarios are named in brackets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.timeline.facts import HookSkipped, SignalSent
from tests.kubelet.stage import Stage, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def sidecar(name: str = "side", **more: Any) -> dict[str, Any]:
    return container(name, restartPolicy="Always", **more)


def test_init_containers_run_one_after_the_other_before_the_regular_ones(given: Given) -> None:
    stage = given(first=brief((2, 0)), second=brief((3, 0)), app=polite())
    story = stage.run(pod(initContainers=[container("first"), container("second")]), seconds=9)
    (first,), (second,), (app,) = story.starts("first"), story.starts("second"), story.starts()
    assert first + 2 <= second <= first + 3
    assert second + 3 <= app <= second + 4
    assert story.columns() == ["Pending", "Init:0/2", "Init:1/2", "PodInitializing", "Running"]
    assert story.events()[1].startswith("first Pulling")


@pytest.mark.parametrize(
    ("policy", "phase", "status"), [("Never", "Failed", "Init:Error"), ("Always", "Pending", "Init:CrashLoopBackOff")]
)
def test_no_regular_container_starts_when_an_init_container_fails(given: Given, policy: str, phase: str, status: str) -> None:
    stage = given(first=brief((1, 4)), app=polite())
    story = stage.run(pod(initContainers=[container("first")], restartPolicy=policy), seconds=100)
    assert story.starts() == []
    assert story.status["phase"] == phase
    assert status in story.columns()
    assert (len(story.starts("first")) > 1) == (policy == "Always")


def test_init_containers_are_not_run_again_when_a_regular_container_restarts(given: Given) -> None:
    stage = given(first=brief((1, 0)), app=brief((2, 1)))
    story = stage.run(pod(initContainers=[container("first")]), seconds=40)
    assert len(story.starts("first")) == 1
    assert len(story.starts()) >= 2


def test_the_conditions_say_which_containers_are_not_initialized(given: Given) -> None:
    stage = given(first=brief((5, 0)), app=polite())
    story = stage.run(pod(initContainers=[container("first")]))
    (condition,) = (c for c in story.status["conditions"] if c["type"] == "Initialized")
    assert (condition["status"], condition["message"]) == ("False", "containers with incomplete status: [first]")


def test_a_pod_that_is_deleted_while_it_initializes_starts_nothing_more(given: Given) -> None:
    stage = given(first=polite(1.0, 0))
    story = stage.run(pod(container(pre_stop="hook"), initContainers=[container("first")])).delete_to_the_end()
    assert story.starts() == []
    assert [s.why for s in story.facts(HookSkipped)] == ["never-started"]
    assert story.phases()[-1] == "Failed"


def test_the_next_container_waits_for_a_sidecar_s_poststart_hook(given: Given) -> None:
    """[E3]"""
    stage = given(side=polite(hook=takes(2)), app=polite())
    story = stage.run(pod(initContainers=[sidecar(post_start="hook")]), seconds=5)
    assert story.starts("side") == [0.0]
    assert 2.0 <= story.starts()[0] <= 3.0
    assert story.ready_columns()[-1] == "2/2"


def test_the_next_container_waits_for_a_sidecar_s_startup_probe(given: Given) -> None:
    stage = given(side=polite(probe=takes(4)), app=polite())
    startup = {"exec": {"command": ["probe"]}, "timeoutSeconds": 10, "periodSeconds": 1}
    story = stage.run(pod(initContainers=[sidecar(startupProbe=startup)]), seconds=7)
    assert 5.0 <= story.starts()[0] <= 6.0


def test_a_sidecar_whose_poststart_hook_fails_is_killed_and_restarted(given: Given) -> None:
    stage = given(side=polite(hook=takes(1, 1)), app=polite())
    story = stage.run(pod(initContainers=[sidecar(post_start="hook")]), seconds=30)
    assert "side FailedPostStartHook: PostStartHook failed" in story.events()
    assert len(story.starts("side")) >= 2


def test_hooks_of_all_start_together_and_a_sidecar_s_stop_signal_waits_for_the_regular_containers(given: Given) -> None:
    """[E3]"""
    stage = given(side=polite(pre=takes(2)), app=polite(0.5, 0, pre=takes(3)))
    story = stage.run(
        pod(container(pre_stop="pre"), initContainers=[sidecar(pre_stop="pre")], grace=10), seconds=5
    ).delete_to_the_end()
    assert story.steps() == [(0.0, "preStop starts"), (3.0, "preStop ends"), (3.0, "SIGTERM"), (3.5, "exits 0")]
    assert story.steps("side") == [(0.0, "preStop starts"), (2.0, "preStop ends"), (3.5, "SIGTERM"), (3.5, "exits 0")]


def test_a_sidecar_waits_no_longer_than_the_grace_period(given: Given) -> None:
    """[E3b]"""
    story = given(side=deaf(), app=deaf()).run(pod(initContainers=[sidecar()], grace=6), seconds=5).delete_to_the_end()
    assert story.steps() == [(0.0, "SIGTERM"), (6.0, "SIGKILL"), (6.0, "exits 137")]
    assert story.steps("side") == [(6.0, "SIGTERM"), (8.0, "SIGKILL"), (8.0, "exits 137")]


def test_sidecars_are_stopped_in_reverse_order(given: Given) -> None:
    stage = given(one=polite(1.0), two=polite(2.0), app=polite(3.0))
    story = stage.run(pod(initContainers=[sidecar("one"), sidecar("two")]), seconds=6).delete_to_the_end()
    assert [story.steps(name)[0] for name in ("app", "two", "one")] == [(0.0, "SIGTERM"), (3.0, "SIGTERM"), (5.0, "SIGTERM")]


def test_sidecars_are_stopped_when_the_last_regular_container_has_ended_by_itself(given: Given) -> None:
    """[E3c]"""
    stage = given(side=polite(0.0, 3, pre=takes(1)), app=brief((4, 0)))
    story = stage.run(pod(initContainers=[sidecar(pre_stop="pre")], restartPolicy="Never"), seconds=10)
    assert [word for _, word in story.steps("side")] == ["preStop starts", "preStop ends", "SIGTERM", "exits 3"]
    assert (story.status["phase"], story.columns()[-1]) == ("Succeeded", "Completed")


def test_a_sidecar_that_ends_is_restarted_and_does_not_end_the_pod(given: Given) -> None:
    stage = given(side=brief((5, 1), None), app=polite())
    story = stage.run(pod(initContainers=[sidecar()], restartPolicy="Never"), seconds=10)
    assert len(story.starts("side")) == 2
    assert (story.status["phase"], story.columns()[-1]) == ("Running", "Running")


def test_a_sidecar_that_fails_its_liveness_probe_is_restarted_as_an_init_container(given: Given) -> None:
    stage = given(side=polite(probe=takes(0, 1)), app=polite())
    liveness = {"exec": {"command": ["probe"]}, "periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": 3}
    story = stage.run(pod(initContainers=[sidecar(livenessProbe=liveness)]), seconds=5.5)
    assert "side Killing: Init container side failed liveness probe" in story.events()
    assert len(story.starts("side")) == 2
    assert story.facts(SignalSent, "app") == []
