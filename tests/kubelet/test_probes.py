"""Probes: what a failure does, what gates what, what goes on while the pod ends. Recorded scenarios are named in brackets."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from typing import Any

import pytest

from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import HookSkipped, ProbeChanged
from tests.kubelet.http_server import Answers
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def probe(word: str = "probe", **more: Any) -> dict[str, Any]:
    return {"exec": {"command": [word]}, "periodSeconds": 1, "failureThreshold": 1, **more}


def test_a_failed_liveness_probe_stops_the_container_with_its_hook_and_restarts_it_at_once(given: Given) -> None:
    """[E1]"""
    stage = given(app=deaf(probe=takes(0, 1, stderr="no"), hook=takes(1)))
    spec = container(pre_stop="hook", livenessProbe=probe(initialDelaySeconds=3))
    story = stage.run(pod(spec, grace=4), seconds=7.5)
    assert story.steps() == [
        (0.0, "preStop starts"),
        (1.0, "preStop ends"),
        (1.0, "SIGTERM"),
        (4.0, "SIGKILL"),
        (4.0, "exits 137"),
        (4.0, "starts"),
    ]
    assert "app Unhealthy: Liveness probe failed: no" in story.events()
    assert "app Killing: Container app failed liveness probe, will be restarted" in story.events()
    assert story.event_times("Killing") == [3.0]


@pytest.mark.parametrize(("own", "grace"), [(3, 3), (20, 20), (None, 8)])
def test_a_probe_s_own_grace_period_comes_before_the_pod_s(given: Given, own: int | None, grace: int) -> None:
    """[E22 E22b]"""
    liveness = probe(initialDelaySeconds=2) | ({"terminationGracePeriodSeconds": own} if own else {})
    stage = given(app=deaf(probe=takes(0, 1), hook=takes(60)))
    story = stage.run(pod(container(pre_stop="hook", livenessProbe=liveness), grace=8), seconds=2 + grace + 2.5)
    assert story.steps()[1:4] == [(grace, "preStop is abandoned"), (grace, "SIGTERM"), (grace + 2, "SIGKILL")]


def test_containers_that_fail_their_probes_at_once_are_stopped_one_after_the_other(given: Given) -> None:
    """kuberuntime_manager.go: SyncPod, step 3; only the end of a pod stops all at once."""
    stage = given(a=deaf(probe=takes(0, 1)), b=deaf(probe=takes(0, 1)))
    failing = probe(initialDelaySeconds=3)
    story = stage.run(pod(container("a", livenessProbe=failing), container("b", livenessProbe=failing), grace=4), seconds=12)
    assert story.event_times("Killing")[:2] == [3.0, 7.0]
    assert [story.starts(name)[1] for name in "ab"] == [11.0, 11.0]


def test_a_probe_s_own_grace_period_plays_no_role_when_the_pod_is_deleted(given: Given) -> None:
    liveness = probe(terminationGracePeriodSeconds=1)
    story = given(app=deaf()).run(pod(container(livenessProbe=liveness), grace=6)).delete_to_the_end()
    assert story.steps()[-1] == (6.0, "exits 137")


def test_a_grace_period_of_zero_leaves_no_time_for_the_hook(given: Given) -> None:
    """Only a kill that is no deletion can have it (kuberuntime_container.go: killContainer)."""
    stage = given(app=deaf(probe=takes(0, 1), hook=takes(1)))
    story = stage.run(pod(container(pre_stop="hook", livenessProbe=probe(initialDelaySeconds=2)), grace=0), seconds=4.5)
    assert story.steps() == [
        (0.0, "preStop is skipped: grace-period-zero"),
        (0.0, "SIGTERM"),
        (2.0, "SIGKILL"),
        (2.0, "exits 137"),
        (2.0, "starts"),
    ]
    assert [s.attempt for s in story.facts(HookSkipped)] == [0]


@pytest.mark.parametrize(
    "gate", [{"post_start": "slow"}, {"startupProbe": probe("slow", timeoutSeconds=5)}], ids=["postStart", "startup probe"]
)
def test_the_initial_delay_counts_from_the_start_of_the_container(given: Given, gate: dict[str, Any]) -> None:
    """prober/worker.go compares it with startedAt: a hook or a startup probe that goes first does not add to it."""
    stage = given(app=polite(probe=takes(0, 1), slow=takes(4)))
    story = stage.run(pod(container(livenessProbe=probe(failureThreshold=9, initialDelaySeconds=6), **gate)), seconds=9)
    assert story.event_times("Unhealthy")[0] == 6.0


def test_failures_in_a_row_up_to_the_threshold_are_needed(given: Given) -> None:
    stage = given(app=polite(probe=takes(0, 1)))
    story = stage.run(pod(container(livenessProbe=probe(failureThreshold=3, initialDelaySeconds=1))), seconds=3.9)
    assert [(p.failures, p.failure_threshold) for p in story.facts(ProbeChanged)] == [(1, 3), (2, 3), (3, 3)]
    assert story.event_times("Unhealthy") == [1.0, 2.0, 3.0]
    assert story.event_times("Killing") == [3.0]


def test_a_container_killed_by_its_probe_backs_off_as_one_that_ended_by_itself_but_one_restart_later(given: Given) -> None:
    """The kubelet starts it in the very pass that killed it, and looks at the instance before (doBackOff)."""
    stage = given(app=polite(probe=takes(0, 1)))
    story = stage.run(pod(container(livenessProbe=probe(initialDelaySeconds=3))), seconds=50)
    starts = story.starts()
    assert [round(b - a) for a, b in itertools.pairwise(starts[:3])] == [3, 3]
    assert 13 <= starts[3] - starts[2] <= 20
    assert story.facts(ProbeChanged)[-1].attempt == 3


@pytest.mark.parametrize(
    ("policy", "message"),
    [("Never", "Stopping container app"), ("OnFailure", "Container app failed liveness probe, will be restarted")],
)
def test_the_killing_event_says_whether_the_container_will_be_restarted(given: Given, policy: str, message: str) -> None:
    stage = given(app=polite(0.0, 3, probe=takes(0, 1)))
    story = stage.run(pod(container(livenessProbe=probe(initialDelaySeconds=2)), restartPolicy=policy), seconds=3.5)
    assert f"app Killing: {message}" in story.events()
    assert story.status["phase"] == ("Failed" if policy == "Never" else "Running")


def test_a_container_that_is_not_restarted_dies_alone(given: Given) -> None:
    stage = given(a=polite(0.0, 3, probe=takes(0, 1)), b=polite())
    story = stage.run(pod(container("a", livenessProbe=probe()), container("b"), restartPolicy="Never"), seconds=3)
    assert "a Killing: Container a failed liveness probe" in story.events()
    assert story.columns()[-1] == "Error"
    assert story.status["phase"] == "Running"
    assert list(story.container_status("b")["state"]) == ["running"]


def test_a_failed_startup_probe_stops_the_container_with_its_hook(given: Given) -> None:
    """[E23]"""
    stage = given(app=polite(0.0, 0, probe=takes(0, 1), hook=takes(1)))
    spec = container(pre_stop="hook", startupProbe=probe(failureThreshold=3))
    story = stage.run(pod(spec, grace=6), seconds=4.5)
    assert story.event_times("Unhealthy")[:3] == [1.0, 2.0, 3.0]
    assert "app Killing: Container app failed startup probe, will be restarted" in story.events()
    assert story.steps()[:4] == [(0.0, "preStop starts"), (1.0, "preStop ends"), (1.0, "SIGTERM"), (1.0, "exits 0")]


def test_until_the_startup_probe_succeeds_the_container_is_not_started_and_no_other_probe_runs(given: Given) -> None:
    stage = given(app=polite(startup=takes(6), liveness=takes(0, 1), readiness=takes(0)))
    spec = container(
        startupProbe=probe("startup", timeoutSeconds=10),
        livenessProbe=probe("liveness"),
        readinessProbe=probe("readiness"),
    )
    story = stage.run(pod(spec), seconds=5)
    assert (story.container_status()["started"], story.container_status()["ready"]) == (False, False)
    assert story.facts(ProbeChanged) == []
    assert story.columns()[-1] == "Running"
    story.stage.clock.sleep(3.5)
    assert next(p.probe for p in story.facts(ProbeChanged)) == "startup"
    assert {p.probe for p in story.facts(ProbeChanged)} == {"startup", "liveness", "readiness"}


def test_probes_start_only_after_poststart_has_ended(given: Given) -> None:
    """[D21]"""
    stage = given(app=polite(hook=takes(5), probe=takes(0)))
    story = stage.run(pod(container(post_start="hook", readinessProbe=probe())), seconds=4.5)
    assert ("exec", f"app-0-{story.uid}", "probe") not in stage.runtime.calls
    stage.clock.sleep(1)
    assert ("exec", f"app-0-{story.uid}", "probe") in stage.runtime.calls


def test_a_container_is_ready_once_its_readiness_probe_succeeds(given: Given) -> None:
    stage = given(app=polite(probe=takes(0)))
    story = stage.run(pod(container(readinessProbe=probe(initialDelaySeconds=3, successThreshold=2))), seconds=8)
    assert story.ready_columns() == ["0/1", "1/1"]
    conditions = {c["type"]: c["status"] for c in story.status["conditions"]}
    assert (conditions["Ready"], conditions["ContainersReady"]) == ("True", "True")
    assert [p.result for p in story.facts(ProbeChanged)] == ["success"]


def test_a_failed_readiness_probe_takes_the_container_out_and_kills_nothing(given: Given) -> None:
    stage = given(app=polite(probe=takes(0, 1, stdout="busy")))
    story = stage.run(pod(container(readinessProbe=probe())), seconds=6)
    assert story.ready_columns() == ["0/1"]
    assert story.columns()[-1] == "Running"
    assert "Killing" not in story.event_reasons()
    assert "app Unhealthy: Readiness probe failed: busy" in story.events()
    ready = next(c for c in story.status["conditions"] if c["type"] == "Ready")
    assert (ready["reason"], ready["message"]) == ("ContainersNotReady", "containers with unready status: [app]")


def test_readiness_goes_on_while_the_pod_ends_and_liveness_does_not(given: Given) -> None:
    """[D21]"""
    stage = given(app=polite(hook=takes(5), liveness=takes(0), readiness=takes(0)))
    spec = container(pre_stop="hook", livenessProbe=probe("liveness"), readinessProbe=probe("readiness"))
    story = stage.run(pod(spec), seconds=3.5)
    before = len(stage.runtime.calls)
    story.delete_to_the_end()
    during = [call[-1] for call in stage.runtime.calls[before:]]
    assert during.count("readiness") >= 4
    assert "liveness" not in during


def test_a_pod_that_is_ending_is_shown_unready_as_soon_as_its_readiness_probe_fails(given: Given) -> None:
    """The status manager does not wait for the worker, which is busy with the stop (SetContainerReadiness). [upstream e2e:
    container_probe.go, readiness during termination]"""
    commands = {"hook": takes(6), "probe": takes(0)}
    stage = given(app=ContainerScript(on_signal={"SIGTERM": (0.0, 0)}, execs=commands))
    story = stage.run(pod(container(pre_stop="hook", readinessProbe=probe())))
    deleted = stage.clock.monotonic()
    stage.clock.spawn("delete", story.delete)
    stage.clock.sleep(2.5)
    commands["probe"] = takes(0, 1)
    stage.clock.sleep(2)
    ready = next(c for c in story.status["conditions"] if c["type"] == "Ready")
    assert (story.container_status()["ready"], ready["status"], ready["reason"]) == (False, "False", "ContainersNotReady")
    assert story.status["phase"] == "Running"
    assert stage.clock.monotonic() - deleted < 6
    stage.wait_until_cleared()


def test_an_exec_probe_that_takes_too_long_has_failed(given: Given) -> None:
    stage = given(app=polite(probe=takes(30)))
    story = stage.run(pod(container(readinessProbe=probe(timeoutSeconds=2))), seconds=4)
    assert story.facts(ProbeChanged)[0].output == 'command timed out: "probe" timed out after 2s'


def test_http_probes_want_a_status_from_200_to_399(given: Given) -> None:
    with Answers({"/up": 204, "/down": 503}) as server:
        for path, ready in (("/up", "1/1"), ("/down", "0/1")):
            stage = given(pod_ip="127.0.0.1", app=polite())
            http = {"httpGet": {"path": path, "port": server.port}, "periodSeconds": 1}
            story = stage.run(pod(container(readinessProbe=http)), seconds=2.5)
            assert story.ready_columns()[-1] == ready
        assert story.facts(ProbeChanged)[0].output == "HTTP probe failed with statuscode: 503"
        assert server.requests[0].headers["User-Agent"] == "kube-probe/1.36"


def test_an_http_probe_that_is_sent_to_another_host_has_succeeded_with_a_warning(given: Given) -> None:
    """pkg/probe/http does not follow it. [upstream e2e: container_probe.go, non-local redirect]"""
    with Answers({"/": "http://elsewhere.invalid/"}) as server:
        stage = given(pod_ip="127.0.0.1", app=polite())
        http = {"httpGet": {"path": "/", "port": server.port}, "periodSeconds": 1, "failureThreshold": 1}
        story = stage.run(pod(container(livenessProbe=http)), seconds=2.5)
    assert "app ProbeWarning: Liveness probe warning: Probe terminated redirects, Response body:" in story.events()
    assert "Killing" not in story.event_reasons()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ({"httpGet": {"port": "web"}}, 'strconv.Atoi: parsing "web": invalid syntax'),
        ({"tcpSocket": {"port": "web"}}, 'strconv.Atoi: parsing "web": invalid syntax'),
        ({"exec": {"command": ["probe"]}}, "exec: no such file"),
    ],
)
def test_a_probe_that_cannot_be_made_says_nothing_of_the_container(given: Given, handler: dict[str, Any], words: str) -> None:
    """prober/worker.go throws an error away, so even a liveness probe that always errs restarts nothing."""
    stage = given(pod_ip="127.0.0.1", app=polite(probe=takes(0, error="exec: no such file")))
    story = stage.run(pod(container(livenessProbe=handler | {"periodSeconds": 1, "failureThreshold": 1})))
    assert story.facts(ProbeChanged) == []
    assert f"app Unhealthy: Liveness probe errored and resulted in unknown state: {words}" in story.events()
    assert "Killing" not in story.event_reasons()


def test_liveness_ticks_from_the_pod_s_first_sync_and_readiness_begins_anew_with_the_status_that_needs_it(given: Given) -> None:
    """[D21]"""
    stage = given(app=polite(hook=takes(1.5), liveness=takes(0), readiness=takes(0)))
    spec = container(post_start="hook", livenessProbe=probe("liveness"), readinessProbe=probe("readiness"))
    stage.run(pod(spec), seconds=3.9)
    made = [call[-1] for call in stage.runtime.calls if call[-1] in ("liveness", "readiness")]
    assert made == ["readiness", "liveness", "readiness", "liveness", "readiness"]


def test_the_first_startup_probe_comes_a_period_after_the_pod_s_first_sync(given: Given) -> None:
    """[E23]"""
    stage = given(app=polite(probe=takes(0)))
    story = stage.run(pod(container(startupProbe=probe(periodSeconds=4))), seconds=6)
    assert [(round(at), cell) for at, cell in story.timed_ready_columns()][-2:] == [(0, "0/1"), (4, "1/1")]


def test_tcp_probes_want_a_connection(given: Given) -> None:
    stage = given(pod_ip="127.0.0.1", app=polite())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        spec = container(
            readinessProbe={"tcpSocket": {"port": "web"}, "periodSeconds": 1}, ports=[{"name": "web", "containerPort": port}]
        )
        story = stage.run(pod(spec), seconds=1.5)
        assert story.ready_columns()[-1] == "1/1"
    stage.clock.sleep(4)
    assert story.facts(ProbeChanged)[-1].output == f"dial tcp 127.0.0.1:{port}: connect: connection refused"


def test_a_tcp_probe_to_another_host_is_refused_by_the_lab(given: Given) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        handler = {"tcpSocket": {"port": listening.getsockname()[1], "host": "127.0.0.2"}, "periodSeconds": 1}
        story = given(pod_ip="127.0.0.1", app=polite()).run(pod(container(readinessProbe=handler)), seconds=1.5)
    assert "only to the pod's own address" in story.facts(ProbeChanged)[0].output
    assert story.ready_columns() == ["0/1"]
