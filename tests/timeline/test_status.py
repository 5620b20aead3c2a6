"""The status that the kubelet would publish, computed from what happened (kubelet_pods.go: getPhase; status/generate.go)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.pods.model import Container, Pod, PodSpec, Probe, RestartPolicy, SleepAction
from lab.timeline.container_status import StatusInput, qualified_image
from lab.timeline.facts import ContainerExited, ContainerStarted
from lab.timeline.pod_record import Attempt, ContainerRecord, PodRecord, StartError
from lab.timeline.restart_policy import should_be_restarted
from lab.timeline.status import (
    computed_phase,
    pod_status,
    probed_status,
    quality_of_service,
    ready_to_start_status,
    scheduled_status,
    unschedulable_status,
)
from lab.timeline.tables import pod_ready, pod_status_column

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIME = "2026-01-01T00:00:00.000000000Z"


def attempt(number: int = 0, exit_code: int | None = None, *, oom_killed: bool = False) -> Attempt:
    started = ContainerStarted(container_id=f"id-{number}", attempt=number, pid=1, started_at=TIME)
    exited = None
    if exit_code is not None:
        exited = ContainerExited(
            container_id=f"id-{number}",
            attempt=number,
            exit_code=exit_code,
            signal=None,
            oom_killed=oom_killed,
            started_at=TIME,
            finished_at=TIME,
        )
    return Attempt(
        number=number,
        container_id=f"id-{number}",
        image="busybox",
        image_id="sha256:b",
        stop_signal="",
        started=started,
        exited=exited,
    )


def past(word: str, name: str = "app") -> ContainerRecord:
    """Return a container's record: never started, running, ended with 0 or 1, waiting after an end, restarted, without image."""
    waits = StartError(reason="CrashLoopBackOff", message="back-off 10s")
    attempts = {
        "never": (),
        "runs": (attempt(),),
        "exit0": (attempt(0, 0),),
        "exit1": (attempt(0, 1),),
        "waits": (attempt(0, 1),),
        "again": (attempt(0, 1), attempt(1)),
        "image": (),
    }[word]
    error = waits if word == "waits" else StartError(reason="ErrImagePull", message="no") if word == "image" else None
    return ContainerRecord(name=name, attempts=attempts, start_error=error)


def given(*words: str, policy: RestartPolicy = "Always", inits: tuple[tuple[str, str], ...] = (), **more: Any) -> StatusInput:
    """Return what a status depends on: regular containers c0, c1 … by their past, init containers as (kind, past)."""
    containers = tuple(Container(name=f"c{i}", image="busybox") for i in range(len(words)))
    init_containers = tuple(
        Container(name=f"i{i}", image="busybox", restart_policy="Always" if kind == "sidecar" else None)
        for i, (kind, _) in enumerate(inits)
    )
    records = {f"c{i}": past(word, f"c{i}") for i, word in enumerate(words)}
    records |= {f"i{i}": past(word, f"i{i}") for i, (_, word) in enumerate(inits)}
    spec = PodSpec(containers=containers, init_containers=init_containers, restart_policy=policy)
    pod = Pod(name="p", namespace="n", uid="u", spec=spec)
    record = PodRecord(sandbox_id="s", sandbox_ip="10.0.0.2", containers=records)
    return StatusInput(pod=pod, record=record, previous=more.pop("previous", {}), now=NOW, **more)


@pytest.mark.parametrize(
    ("words", "policy", "phase"),
    [
        (("never",), "Always", "Pending"),
        (("image",), "Always", "Pending"),
        (("runs",), "Always", "Running"),
        (("again",), "Always", "Running"),
        (("runs", "never"), "Always", "Pending"),
        (("runs", "exit1"), "Never", "Running"),
        (("exit0",), "Always", "Running"),
        (("exit1",), "Always", "Running"),
        (("waits",), "Always", "Running"),
        (("waits", "never"), "Always", "Pending"),
        (("exit0",), "OnFailure", "Succeeded"),
        (("exit1",), "OnFailure", "Running"),
        (("exit0",), "Never", "Succeeded"),
        (("exit1",), "Never", "Failed"),
        (("exit0", "exit1"), "Never", "Failed"),
        (("exit0", "exit0"), "Never", "Succeeded"),
        (("exit0", "exit1"), "OnFailure", "Running"),
    ],
)
def test_the_phase_follows_from_the_containers_and_the_restart_policy(
    words: tuple[str, ...], policy: RestartPolicy, phase: str
) -> None:
    assert computed_phase(given(*words, policy=policy)) == phase


@pytest.mark.parametrize(
    ("inits", "words", "policy", "phase"),
    [
        ((("init", "never"),), ("never",), "Always", "Pending"),
        ((("init", "runs"),), ("never",), "Always", "Pending"),
        ((("init", "exit1"),), ("never",), "Always", "Pending"),
        ((("init", "exit1"),), ("never",), "OnFailure", "Pending"),
        ((("init", "exit1"),), ("never",), "Never", "Failed"),
        ((("init", "exit0"),), ("never",), "Always", "Pending"),
        ((("init", "exit0"),), ("runs",), "Always", "Running"),
        ((("init", "exit0"),), ("exit1",), "Never", "Failed"),
        ((("sidecar", "runs"),), ("never",), "Always", "Pending"),
        ((("sidecar", "runs"),), ("runs",), "Always", "Running"),
        ((("sidecar", "waits"),), ("runs",), "Always", "Running"),
        ((("sidecar", "exit1"),), ("exit0",), "Never", "Succeeded"),
        ((("sidecar", "runs"),), ("exit0",), "Never", "Succeeded"),
    ],
)
def test_init_containers_and_sidecars_bear_on_the_phase(
    inits: tuple[tuple[str, str], ...], words: tuple[str, ...], policy: RestartPolicy, phase: str
) -> None:
    assert computed_phase(given(*words, policy=policy, inits=inits)) == phase


def test_a_terminal_phase_is_withheld_until_the_pod_is_torn_down() -> None:
    ended = given("exit0", policy="Never", previous={"phase": "Running"})
    assert pod_status(ended)["phase"] == "Running"
    assert pod_status(replace(ended, terminal=True))["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("word", "phase"), [("exit0", "Succeeded"), ("exit1", "Failed"), ("waits", "Failed"), ("never", "Failed")]
)
def test_a_torn_down_pod_has_succeeded_only_if_all_its_containers_have(word: str, phase: str) -> None:
    assert pod_status(given(word, terminal=True))["phase"] == phase


def test_a_terminal_phase_never_changes_again() -> None:
    assert pod_status(given("runs", previous={"phase": "Failed"}))["phase"] == "Failed"


def test_a_container_that_was_never_located_is_terminated_with_an_unknown_status() -> None:
    (container,) = pod_status(given("never", terminal=True))["containerStatuses"]
    assert container["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert container["state"]["terminated"]["exitCode"] == 137


def test_a_deadline_s_phase_and_reason_are_withheld_until_the_pod_is_torn_down() -> None:
    during = pod_status(given("runs", deadline_exceeded=True, previous={"phase": "Running"}))
    assert (during["phase"], "reason" in during) == ("Running", False)
    after = pod_status(given("exit0", deadline_exceeded=True, terminal=True, previous=during))
    assert (after["phase"], after["reason"]) == ("Failed", "DeadlineExceeded")
    assert after["message"] == "Pod was active on the node longer than the specified deadline"


# --- containers ---------------------------------------------------------------------------------------------------


def status_of(value: StatusInput, name: str = "c0") -> dict[str, Any]:
    status = pod_status(value)
    found: dict[str, Any] = next(
        c for c in [*status.get("initContainerStatuses", []), *status["containerStatuses"]] if c["name"] == name
    )
    return found


@pytest.mark.parametrize(
    ("word", "state", "last"),
    [
        ("never", "waiting", False),
        ("runs", "running", False),
        ("exit0", "terminated", False),
        ("waits", "waiting", True),
        ("again", "running", True),
    ],
)
def test_a_container_s_state_and_last_state(word: str, state: str, last: bool) -> None:
    container = status_of(given(word))
    assert list(container["state"]) == [state]
    assert ("terminated" in container["lastState"]) == last


def test_a_waiting_container_says_why() -> None:
    assert status_of(given("never"))["state"]["waiting"] == {"reason": "ContainerCreating"}
    assert status_of(given("never", inits=(("init", "runs"),)))["state"]["waiting"] == {"reason": "PodInitializing"}
    assert status_of(given("waits"))["state"]["waiting"] == {"reason": "CrashLoopBackOff", "message": "back-off 10s"}


def test_why_a_start_failed_is_not_shown_where_nothing_will_be_restarted() -> None:
    assert list(status_of(given("waits", policy="Never"))["state"]) == ["terminated"]


def test_an_exit_is_told_with_reason_times_and_id() -> None:
    assert status_of(given("exit1"))["state"]["terminated"] == {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:00Z",
        "containerID": "docker://id-0",
    }


@pytest.mark.parametrize(
    ("exit_code", "oom", "reason"), [(0, False, "Completed"), (143, False, "Error"), (137, True, "OOMKilled")]
)
def test_the_reason_of_an_exit(exit_code: int, oom: bool, reason: str) -> None:
    value = given("runs")
    ended = ContainerRecord(name="c0", attempts=(attempt(0, exit_code, oom_killed=oom),))
    value = replace(value, record=replace(value.record, containers={"c0": ended}))
    assert status_of(value)["state"]["terminated"]["reason"] == reason


def test_a_termination_message_belongs_to_its_instance() -> None:
    value = given("again", messages=(("id-0", "disk full"),))
    assert status_of(value)["lastState"]["terminated"]["message"] == "disk full"


def test_the_termination_messages_of_a_pod_share_12_kib() -> None:
    value = replace(given("exit1", "runs", "runs", "runs"), messages=(("id-0", "é" * 2048),))
    assert status_of(value)["state"]["terminated"]["message"] == "é" * 1536


def test_the_restart_count_is_the_number_of_the_newest_instance() -> None:
    assert [status_of(given(word))["restartCount"] for word in ("never", "runs", "again")] == [0, 0, 1]


def with_probe(kind: str, **verdicts: bool | None) -> StatusInput:
    value = given("runs")
    probed = replace(value.pod.spec.containers[0], **{kind: Probe(handler=SleepAction(seconds=0))})  # type: ignore[arg-type]
    pod = replace(value.pod, spec=replace(value.pod.spec, containers=(probed,)))
    record = replace(value.record, containers={"c0": replace(past("runs", "c0"), **verdicts)})  # type: ignore[arg-type]
    return replace(value, pod=pod, record=record)


@pytest.mark.parametrize(
    ("kind", "verdicts", "started", "ready"),
    [
        ("readiness_probe", {}, True, False),
        ("readiness_probe", {"ready": True}, True, True),
        ("readiness_probe", {"ready": False}, True, False),
        ("startup_probe", {}, False, False),
        ("startup_probe", {"startup": True}, True, True),
        ("liveness_probe", {}, True, True),
    ],
)
def test_started_and_ready_wait_for_their_probes(kind: str, verdicts: dict[str, bool], started: bool, ready: bool) -> None:
    container = status_of(with_probe(kind, **verdicts))
    assert (container["started"], container["ready"]) == (started, ready)


# --- conditions ---------------------------------------------------------------------------------------------------


def conditions(value: StatusInput) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c.get("reason", "")) for c in pod_status(value)["conditions"]}


def test_conditions_are_written_in_kubernetes_order() -> None:
    assert list(conditions(given("runs"))) == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]


@pytest.mark.parametrize(
    ("word", "terminal", "ready"),
    [
        ("runs", False, ("True", "")),
        ("never", False, ("False", "ContainersNotReady")),
        ("exit0", True, ("False", "PodCompleted")),
        ("exit1", True, ("False", "PodFailed")),
    ],
)
def test_ready_says_why_not(word: str, terminal: bool, ready: tuple[str, str]) -> None:
    value = given(word, policy="Never", terminal=terminal)
    assert conditions(value)["Ready"] == conditions(value)["ContainersReady"] == ready


@pytest.mark.parametrize(
    ("words", "known", "message"),
    [
        (("runs",), (), 'corresponding condition of pod readiness gate "example.com/a" does not exist.'),
        (("runs",), (("example.com/a", "False"),), 'the status of pod readiness gate "example.com/a" is not "True", but False'),
        (("runs",), (("example.com/a", "True"),), ""),
        (("never",), (("example.com/a", "True"),), "containers with unready status: [c0]"),
    ],
)
def test_a_readiness_gate_keeps_a_pod_from_being_ready_and_not_its_containers(
    words: tuple[str, ...], known: tuple[tuple[str, str], ...], message: str
) -> None:
    value = given(*words)
    spec = replace(value.pod.spec, readiness_gates=("example.com/a",))
    status = pod_status(replace(value, pod=replace(value.pod, spec=spec, gate_conditions=known)))
    found = {c["type"]: c for c in status["conditions"]}
    assert found["Ready"].get("message", "") == message
    assert found["ContainersReady"]["status"] == ("True" if words == ("runs",) else "False")


def test_a_verdict_changes_the_instance_that_was_probed_and_what_follows_from_it() -> None:
    value = given("runs", "runs")
    status = pod_status(value)
    later = NOW + timedelta(seconds=5)
    found = probed_status(status, value.pod, "id-0", {"ready": False}, later)
    assert [c["ready"] for c in found["containerStatuses"]] == [False, False]  # both stand-ins have that id
    assert {c["type"]: (c["status"], c["lastTransitionTime"]) for c in found["conditions"] if c["type"].endswith("Ready")} == {
        "Ready": ("False", "2026-01-01T00:00:05Z"),
        "ContainersReady": ("False", "2026-01-01T00:00:05Z"),
    }
    assert probed_status(found, value.pod, "id-0", {"ready": True}, NOW) == status
    assert probed_status(status, value.pod, "id-1", {"ready": False}, later) == status


def test_a_pod_that_has_been_torn_down_has_no_sandbox() -> None:
    assert conditions(given("exit0", terminal=True))["PodReadyToStartContainers"][0] == "False"
    assert conditions(given("runs"))["PodReadyToStartContainers"][0] == "True"


def test_initialized_waits_for_every_init_container_and_sidecar() -> None:
    waiting = given("never", inits=(("init", "exit0"), ("sidecar", "never")))
    (condition,) = (c for c in pod_status(waiting)["conditions"] if c["type"] == "Initialized")
    assert (condition["status"], condition["message"]) == ("False", "containers with incomplete status: [i1]")
    assert conditions(given("never", inits=(("init", "exit0"), ("sidecar", "runs"))))["Initialized"] == ("True", "")
    assert conditions(given("exit0", policy="Never", terminal=True))["Initialized"] == ("True", "PodCompleted")


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    first = pod_status(given("never"))
    later = replace(given("never", previous=first), now=NOW + timedelta(seconds=9))
    assert {c["lastTransitionTime"] for c in pod_status(later)["conditions"]} == {"2026-01-01T00:00:00Z"}
    up = replace(given("runs", previous=first), now=NOW + timedelta(seconds=9))
    changed = [c["type"] for c in pod_status(up)["conditions"] if c["lastTransitionTime"] == "2026-01-01T00:00:09Z"]
    assert changed == ["Ready", "ContainersReady"]


def test_a_pod_keeps_its_start_time_and_its_address() -> None:
    first = pod_status(given("runs"))
    later = replace(given("runs", previous=first), now=NOW + timedelta(seconds=9), record=PodRecord())
    assert (pod_status(later)["startTime"], pod_status(later)["podIP"]) == ("2026-01-01T00:00:00Z", "10.0.0.2")


# --- what a watcher sees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "inits", "ready", "status"),
    [
        (("runs", "runs"), (), "2/2", "Running"),
        (("runs", "waits"), (), "1/2", "CrashLoopBackOff"),
        (("waits", "image"), (), "0/2", "CrashLoopBackOff"),
        (("runs", "exit0"), (), "1/2", "NotReady"),
        (("exit0", "exit1"), (), "0/2", "Error"),
        (("exit0", "exit1", "runs"), (), "1/3", "Error"),
        (("exit0", "exit0"), (), "0/2", "Completed"),
        (("runs",), (("sidecar", "runs"),), "2/2", "Running"),
        (("never",), (("init", "exit0"), ("sidecar", "never")), "0/2", "Init:1/2"),
    ],
)
def test_ready_and_status_columns_of_several_containers(
    words: tuple[str, ...], inits: tuple[tuple[str, str], ...], ready: str, status: str
) -> None:
    value = given(*words, inits=inits)
    spec = {
        "containers": [{"name": c.name} for c in value.pod.spec.containers],
        "initContainers": [
            {"name": c.name, **({"restartPolicy": c.restart_policy} if c.restart_policy else {})}
            for c in value.pod.spec.init_containers
        ],
    }
    shown = {"metadata": {"name": "p"}, "spec": spec, "status": pod_status(value)}
    assert (pod_ready(shown), pod_status_column(shown)) == (ready, status)


# --- before the kubelet -------------------------------------------------------------------------------------------


def test_the_scheduler_says_whether_a_pod_is_scheduled() -> None:
    (bound,) = scheduled_status({"phase": "Pending"}, NOW)["conditions"]
    assert (bound["type"], bound["status"]) == ("PodScheduled", "True")
    (unbound,) = unschedulable_status({"phase": "Pending"}, "no node", NOW)["conditions"]
    assert (unbound["status"], unbound["reason"], unbound["message"]) == ("False", "Unschedulable", "no node")


def test_a_sandbox_that_is_up_changes_one_condition_and_nothing_else() -> None:
    before = pod_status(replace(given("never"), record=PodRecord()))
    after = ready_to_start_status(before, 1, NOW + timedelta(seconds=1))
    changed = [new["type"] for old, new in zip(before["conditions"], after["conditions"], strict=True) if old != new]
    assert changed == ["PodReadyToStartContainers"]
    assert {k: v for k, v in after.items() if k != "conditions"} == {k: v for k, v in before.items() if k != "conditions"}


@pytest.mark.parametrize(
    ("policy", "word", "restarted"),
    [
        ("Always", "never", True),
        ("Always", "runs", False),
        ("Always", "exit0", True),
        ("OnFailure", "exit0", False),
        ("OnFailure", "exit1", True),
        ("Never", "exit1", False),
        ("Never", "never", True),
    ],
)
def test_whether_a_container_is_to_be_started(policy: RestartPolicy, word: str, restarted: bool) -> None:
    pod = given(word, policy=policy).pod
    assert should_be_restarted(pod, pod.spec.containers[0], past(word, "c0")) == restarted


def test_nothing_of_a_deleted_pod_is_started() -> None:
    pod = replace(given("never").pod, deletion_timestamp="2026-01-01T00:00:30Z")
    assert not should_be_restarted(pod, pod.spec.containers[0], past("never", "c0"))


@pytest.mark.parametrize(
    ("written", "qualified"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.2", "docker.io/library/nginx:1.2"),
        ("team/app", "docker.io/team/app:latest"),
        ("registry.example/app", "registry.example/app:latest"),
        ("localhost/app:1", "localhost/app:1"),
        ("host:5000/app", "host:5000/app:latest"),
        ("nginx@sha256:00", "docker.io/library/nginx@sha256:00"),
    ],
)
def test_images_are_named_in_full(written: str, qualified: str) -> None:
    assert qualified_image(written) == qualified


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ([{}], "BestEffort"),
        ([{"limits": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"requests": {"cpu": "1", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}], "Burstable"),
    ],
)
def test_a_pod_s_quality_of_service_follows_from_its_limits(resources: list[dict[str, Any]], quality: str) -> None:
    assert quality_of_service({"containers": [{"name": "c", "resources": r} for r in resources]}) == quality
