"""postStart: what it blocks, and what its failure does. Recorded scenarios are named in brackets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.timeline.facts import HookFailed, HookFinished, KillStarted
from tests.kubelet.stage import Stage, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def test_until_the_hook_has_ended_the_pod_is_pending_though_its_container_runs(given: Given) -> None:
    """[D5 D6]"""
    story = given(app=polite(hook=takes(8))).run(pod(container(post_start="hook")), seconds=7)
    assert (story.columns()[-1], story.status["phase"]) == ("ContainerCreating", "Pending")
    assert story.container_status()["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert story.starts() == [0.0]
    assert story.events()[-1] == "app Started: Container started"
    story.stage.clock.sleep(3)
    assert (story.columns()[-1], story.ready_columns()[-1]) == ("Running", "1/1")
    assert story.container_status()["state"]["running"]["startedAt"] == "2026-01-01T00:00:00Z"


def test_a_hook_that_succeeds_leaves_no_trace_in_the_api(given: Given) -> None:
    """[D10]"""
    story = given(app=polite(hook=takes(1, stdout="secret"))).run(pod(container(post_start="hook")))
    assert story.event_reasons() == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert "secret" not in str(story.object())
    assert story.facts(HookFinished)[0].stdout == "secret"


def test_a_command_can_be_run_in_the_container_while_its_hook_runs(given: Given) -> None:
    """[D5]"""
    stage = given(app=polite(hook=takes(8), date=takes(0, stdout="now")))
    stage.run(pod(container(post_start="hook")))
    assert stage.cluster.node.exec("default", "p", "app", ("date",)).stdout == b"now"


@pytest.mark.parametrize("args", [(), ("--grace-period=3",)])
def test_a_delete_waits_for_the_hook_and_only_then_does_the_stop_begin(given: Given, args: tuple[str, ...]) -> None:
    """[D5b E17b]"""
    story = given(app=polite(hook=takes(20), stop=takes(1)))
    run = story.run(pod(container(post_start="hook", pre_stop="stop"))).delete_to_the_end(*args)
    assert run.steps(since="creation") == [
        (0.0, "starts"),
        (0.0, "postStart starts"),
        (20.0, "postStart ends"),
        (20.0, "preStop starts"),
        (21.0, "preStop ends"),
        (21.0, "SIGTERM"),
        (21.0, "exits 0"),
    ]
    assert run.columns() == ["Pending", "ContainerCreating", "Terminating", "Completed"]


def test_a_hook_has_no_time_limit(given: Given) -> None:
    """[D5]"""
    story = given(app=polite(hook=takes(100_000))).run(pod(container(post_start="hook")), seconds=4000)
    story.delete("--grace-period=3", "--wait=false")
    story.stage.clock.sleep(4000)
    assert story.columns()[-1] == "Terminating"
    assert story.steps(since="creation") == [(0.0, "starts"), (0.0, "postStart starts")]


def test_a_forced_delete_removes_the_object_and_the_container_is_stopped_after_its_hook(given: Given) -> None:
    """[D5c]"""
    story = given(app=deaf(hook=takes(10), stop=takes(60))).run(pod(container(post_start="hook", pre_stop="stop")))
    story.delete("--grace-period=0", "--force")
    assert story.gone_at() == 3.0
    story.stage.wait_until_cleared()
    assert story.steps(since="creation")[2:7] == [
        (10.0, "postStart ends"),
        (10.0, "preStop starts"),
        (11.0, "preStop is abandoned"),
        (11.0, "SIGTERM"),
        (13.0, "SIGKILL"),
    ]


def test_the_next_container_is_started_when_the_hook_of_the_one_before_has_ended(given: Given) -> None:
    """[D14]"""
    stage = given(first=polite(hook=takes(4)), second=polite())
    story = stage.run(pod(container("first", post_start="hook"), container("second")), seconds=6)
    assert (story.starts("first"), story.starts("second")) == ([0.0], [4.0])
    assert story.ready_columns() == ["0/2", "2/2"]


def test_the_next_container_is_started_also_after_a_hook_that_failed_and_the_kill(given: Given) -> None:
    """[D14b]"""
    stage = given(first=deaf(hook=takes(1, 1)), second=polite())
    story = stage.run(pod(container("first", post_start="hook"), container("second"), grace=4), seconds=5.5)
    assert story.starts("second") == [5.0]
    events = story.events()
    assert events.index("first Killing: FailedPostStartHook") < events.index("second Started: Container started")


def test_a_failed_hook_stops_the_container_with_its_prestop_hook_and_grace_period(given: Given) -> None:
    """[D15]"""
    stage = given(app=deaf(hook=takes(1, 1), stop=takes(1)))
    story = stage.run(pod(container(post_start="hook", pre_stop="stop"), grace=4), seconds=5.5)
    assert story.steps()[:5] == [
        (0.0, "preStop starts"),
        (1.0, "preStop ends"),
        (1.0, "SIGTERM"),
        (4.0, "SIGKILL"),
        (4.0, "exits 137"),
    ]
    killing = story.events().index("app Killing: FailedPostStartHook")
    assert story.events()[killing - 1] == "app FailedPostStartHook: PostStartHook failed"
    assert story.warnings()[0] == "FailedPostStartHook: PostStartHook failed"


def test_a_failed_hook_s_output_is_in_the_status_and_nowhere_else_in_the_api(given: Given) -> None:
    """[D1 D11]"""
    stage = given(app=deaf(hook=takes(0, 3, stdout="out\n", stderr="err\n")))
    story = stage.run(pod(container(post_start={"exec": {"command": ["sh", "-c", "hook"]}}), grace=4), seconds=5.5)
    waiting = story.container_status()["state"]["waiting"]
    assert waiting == {
        "reason": "PostStartHookError",
        "message": (
            f'Exec lifecycle hook ([sh -c hook]) for Container "app" in Pod "p_default({story.uid})" failed - '
            "error: command 'sh -c hook' exited with 3: err\n"
            ', message: "out\\nerr\\n"'
        ),
    }
    assert story.container_status()["lastState"]["terminated"]["exitCode"] == 137
    assert story.columns()[-1] == "PostStartHookError"
    assert "err" not in "".join(story.events()).replace("PostStartHook", "")


def test_a_command_that_cannot_be_run_fails_the_hook_with_the_engine_s_words(given: Given) -> None:
    stage = given(app=polite(hook=takes(0, error="exec: no such file")))
    story = stage.run(pod(container(post_start="hook")), seconds=0.5)
    (failed, *_) = story.facts(HookFailed)
    assert "failed - error: exec: no such file" in failed.message
    assert failed.exit_code == 126


@pytest.mark.parametrize(
    ("policy", "exit_code", "phase", "restarts"),
    [
        ("Never", 0, "Succeeded", 0),
        ("Never", 5, "Failed", 0),
        ("OnFailure", 0, "Succeeded", 0),
        ("OnFailure", 5, "Running", 1),
        ("Always", 0, "Running", 1),
    ],
)
def test_after_a_failed_hook_the_process_s_exit_code_decides(
    given: Given, policy: str, exit_code: int, phase: str, restarts: int
) -> None:
    """[D2 D2b D3]"""
    stage = given(app=polite(0.0, exit_code, hook=takes(1, 1)))
    story = stage.run(pod(container(post_start="hook"), restartPolicy=policy), seconds=5)
    assert story.status["phase"] == phase
    assert story.container_status()["restartCount"] == restarts


def test_a_failed_hook_s_message_is_lost_where_the_container_is_not_restarted(given: Given) -> None:
    story = given(app=polite(hook=takes(0, 1, stderr="why"))).run(
        pod(container(post_start="hook"), restartPolicy="Never"), seconds=5
    )
    assert list(story.container_status()["state"]) == ["terminated"]
    assert "why" not in str(story.object())
    assert story.columns()[-1] == "Completed"


@pytest.mark.parametrize("exit_code", [0, 4])
def test_an_entrypoint_that_ends_while_the_hook_runs_takes_the_hook_with_it(given: Given, exit_code: int) -> None:
    """[D9 D9b D23 E24] And the hook counts as failed whatever the code; nothing is left to stop."""
    story = given(app=brief((2, exit_code), hook=takes(10))).run(
        pod(container(post_start="hook"), restartPolicy="Never"), seconds=6
    )
    assert story.facts(HookFailed)[0].exit_code == 137
    assert story.events()[-2:] == ["app FailedPostStartHook: PostStartHook failed", "app Killing: FailedPostStartHook"]
    assert story.status["phase"] == ("Failed" if exit_code else "Succeeded")


def test_the_hook_runs_again_after_every_restart(given: Given) -> None:
    """[D18]"""
    story = given(app=brief((1, 1), hook=takes(0))).run(pod(container(post_start="hook")), seconds=40)
    assert [h.attempt for h in story.facts(HookFinished)] == [0, 1, 2]


def test_a_failed_hook_is_killed_with_the_spec_s_grace_period_also_while_a_delete_waits(given: Given) -> None:
    """The kubelet's pass goes on with the pod as it was when the pass began (kuberuntime_manager.go: SyncPod)."""
    story = given(app=deaf(hook=takes(10, 1))).run(pod(container(post_start="hook"), grace=7))
    story.delete_to_the_end("--grace-period=3")
    assert [k.grace_period_seconds for k in story.facts(KillStarted)] == [7]
    assert story.steps(since="creation")[-1] == (17.0, "exits 137")
