"""How a container is stopped: grace period, preStop, stop signal, SIGKILL. Recorded scenarios are named in brackets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.timeline.facts import HookFailed, HookFinished, HookTimedOut, KillStarted, ProcessObserved, SignalReceived, SignalSent
from tests.kubelet.stage import Stage, Story, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def stop_of(story: Story, name: str = "app") -> list[tuple[float, str]]:
    return [(at, word) for at, word in story.steps(name) if word != "starts"]


@pytest.mark.parametrize(
    ("grace", "hook_seconds", "kill_after"),
    [(6, 3.0, 3), (5, 3.7, 2), (5, 4.5, 2), (5, 2.0, 3), (5, 1.999, 4), (30, 0.0, 30), (5, 5.0, 2)],
)
def test_whole_seconds_of_the_prestop_hook_are_taken_from_the_grace_period(
    given: Given, grace: int, hook_seconds: float, kill_after: int
) -> None:
    """[C4 C5c C5d C1b] With a floor of two seconds between stop signal and SIGKILL."""
    story = given(app=deaf(hook=takes(hook_seconds))).run(pod(container(pre_stop="hook"), grace=grace)).delete_to_the_end()
    killed = round(hook_seconds + kill_after, 3)
    assert stop_of(story) == [
        (0.0, "preStop starts"),
        (hook_seconds, "preStop ends"),
        (hook_seconds, "SIGTERM"),
        (killed, "SIGKILL"),
        (killed, "exits 137"),
    ]


def test_a_prestop_hook_that_outlives_the_grace_period_is_abandoned_and_dies_with_its_container(given: Given) -> None:
    """[C3]"""
    story = given(app=deaf(hook=takes(60, stdout="half"))).run(pod(container(pre_stop="hook"), grace=5)).delete_to_the_end()
    assert stop_of(story) == [
        (0.0, "preStop starts"),
        (5.0, "preStop is abandoned"),
        (5.0, "SIGTERM"),
        (7.0, "SIGKILL"),
        (7.0, "exits 137"),
        (7.0, "preStop fails"),
    ]
    assert story.facts(HookFailed)[0].exit_code == 137
    assert story.event_times("FailedPreStopHook") == [10.0]


def test_a_process_that_obeys_the_late_stop_signal_ends_with_its_own_code(given: Given) -> None:
    """[C5]"""
    story = given(app=polite(1.0, 0, hook=takes(60))).run(pod(container(pre_stop="hook"), grace=4)).delete_to_the_end()
    assert stop_of(story)[1:4] == [(4.0, "preStop is abandoned"), (4.0, "SIGTERM"), (5.0, "exits 0")]
    assert story.columns()[-1] == "Completed"


def test_without_a_hook_the_stop_signal_comes_at_once_and_sigkill_when_the_grace_period_is_over(given: Given) -> None:
    """[B7 B10]"""
    story = given(app=deaf()).run(pod(grace=5)).delete_to_the_end()
    assert stop_of(story) == [(0.0, "SIGTERM"), (5.0, "SIGKILL"), (5.0, "exits 137")]
    assert [(s.signal, s.why, s.source, s.timeout_seconds) for s in story.facts(SignalSent)] == [
        ("SIGTERM", "stop-signal", "default", 5),
        ("SIGKILL", "grace-period-over", "kill", 0),
    ]


@pytest.mark.parametrize("args", [("--grace-period=1",), ("--now",), ("--grace-period=0",)])
def test_a_grace_period_of_one_second_gives_the_hook_one_second_and_the_process_two(given: Given, args: tuple[str, ...]) -> None:
    """[B2 B3 B4]"""
    story = given(app=deaf(hook=takes(10))).run(pod(container(pre_stop="hook"))).delete_to_the_end(*args)
    assert stop_of(story)[:4] == [
        (0.0, "preStop starts"),
        (1.0, "preStop is abandoned"),
        (1.0, "SIGTERM"),
        (3.0, "SIGKILL"),
    ]
    assert story.facts(HookTimedOut)[0].grace_period_seconds == 1


def test_a_grace_period_of_one_second_without_a_hook_still_gives_the_process_two(given: Given) -> None:
    """[B19 B19b]"""
    story = given(app=deaf()).run(pod()).delete_to_the_end("--now")
    assert stop_of(story) == [(0.0, "SIGTERM"), (2.0, "SIGKILL"), (2.0, "exits 137")]


def test_the_stop_signal_is_the_image_s_also_when_the_command_is_overridden(given: Given) -> None:
    """[B11 B15]"""
    nginx = container(image="nginx", command=["sh", "-c", "serve"])
    story = given(app=polite(signal="SIGQUIT")).run(pod(nginx)).delete_to_the_end()
    assert stop_of(story) == [(0.0, "SIGQUIT"), (0.0, "exits 0")]
    assert story.facts(SignalSent)[0].source == "image"


def test_the_stop_signal_of_the_spec_is_used_where_its_feature_gate_is_on(given: Given) -> None:
    """[E10 E10b]"""
    stage = given(options=ClusterOptions(feature_gates=frozenset({"ContainerStopSignals"})), app=polite(signal="SIGUSR1"))
    spec = container(image="nginx", lifecycle={"stopSignal": "SIGUSR1"})
    story = stage.run(pod(spec, os={"name": "linux"})).delete_to_the_end()
    assert (story.facts(SignalSent)[0].signal, story.facts(SignalSent)[0].source) == ("SIGUSR1", "lifecycle")


def test_the_stop_signal_of_the_spec_is_dropped_where_its_feature_gate_is_off(given: Given) -> None:
    """[E10c]"""
    spec = container(image="nginx", lifecycle={"stopSignal": "SIGUSR1"})
    story = given(app=polite(signal="SIGQUIT")).run(pod(spec, os={"name": "linux"})).delete_to_the_end()
    assert story.facts(SignalSent)[0].signal == "SIGQUIT"


def test_a_process_that_handles_the_stop_signal_ends_the_pod_with_its_own_exit_code(given: Given) -> None:
    """[B8 B9]"""
    story = given(app=polite(0.5, 7)).run(pod()).delete_to_the_end()
    assert stop_of(story) == [(0.0, "SIGTERM"), (0.5, "exits 7")]
    assert story.columns()[-2:] == ["Terminating", "Error"]
    assert story.container_status()["state"]["terminated"]["exitCode"] == 7


def test_a_process_without_a_handler_is_seen_to_ignore_its_stop_signal(given: Given) -> None:
    """[B7b]"""
    story = given(app=deaf()).run(pod(grace=3)).delete_to_the_end()
    assert [(s.signal, s.result) for s in story.facts(SignalReceived)] == [("SIGTERM", "ignored"), ("SIGKILL", "default")]
    assert story.facts(ProcessObserved)[0].sig_caught == "0" * 16


def test_the_process_is_looked_at_before_its_stop_signal(given: Given) -> None:
    story = given(app=polite()).run(pod()).delete_to_the_end()
    kinds = [type(e.fact) for e in story.entries()]
    assert kinds.index(ProcessObserved) < kinds.index(SignalSent)
    assert int(story.facts(ProcessObserved)[0].sig_caught, 16) == 1 << 14  # SIGTERM is 15


def test_containers_are_stopped_in_parallel_each_with_its_own_hook_and_the_same_grace_period(given: Given) -> None:
    """[E4 C18 C21]"""
    stage = given(a=deaf(slow=takes(3)), b=deaf(quick=takes(1)), c=polite(0.5))
    story = stage.run(
        pod(container("a", pre_stop="slow"), container("b", pre_stop="quick"), container("c"), grace=5)
    ).delete_to_the_end()
    assert stop_of(story, "a")[2:] == [(3.0, "SIGTERM"), (5.0, "SIGKILL"), (5.0, "exits 137")]
    assert stop_of(story, "b")[2:] == [(1.0, "SIGTERM"), (5.0, "SIGKILL"), (5.0, "exits 137")]
    assert stop_of(story, "c") == [(0.0, "SIGTERM"), (0.5, "exits 0")]
    assert story.event_times("Killing") == [3.0, 3.0, 3.0]


def test_the_killing_event_comes_before_the_hook_and_names_the_container(given: Given) -> None:
    story = given(app=polite(hook=takes(2))).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    assert story.timed_events()[-1] == (3.0, "app Killing: Stopping container app")
    assert story.event_times("Killing")[0] == 3.0
    assert story.facts(KillStarted)[0].grace_period_seconds == 30


def test_a_failing_hook_never_keeps_the_container_from_being_stopped(given: Given) -> None:
    """[C1 C2]"""
    failing = takes(1, 3, stdout="secret", stderr="oops")
    story = given(app=polite(hook=failing)).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    assert stop_of(story) == [(0.0, "preStop starts"), (1.0, "preStop fails"), (1.0, "SIGTERM"), (1.0, "exits 0")]
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]
    (failed,) = story.facts(HookFailed)
    assert (failed.exit_code, failed.stdout, failed.stderr) == (3, "secret", "oops")


def test_a_hook_s_output_stays_out_of_the_api(given: Given) -> None:
    """[C14]"""
    story = given(app=polite(hook=takes(1, 0, stdout="secret"))).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    assert story.facts(HookFinished)[0].stdout == "secret"
    assert "secret" not in str(story.object()) + str(story.events())


def test_a_hook_whose_container_ends_by_itself_is_killed_with_it_and_no_signal_is_sent(given: Given) -> None:
    """[C17 C19b]"""
    ends_pid_1 = takes(20, signals=("SIGTERM",))
    story = given(app=polite(2.0, 0, hook=ends_pid_1)).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    assert stop_of(story) == [(0.0, "preStop starts"), (2.0, "exits 0"), (2.0, "preStop fails")]
    assert story.facts(HookFailed)[0].exit_code == 137
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]
