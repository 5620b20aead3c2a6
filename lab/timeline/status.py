"""A pod's API status, computed from what happened to it: pure functions.

When a status is published is the kubelet's affair (`lab.kubelet.pod_worker`); this module only says what it would be.
Source: pkg/kubelet/kubelet_pods.go (getPhase), pkg/kubelet/status/generate.go, pkg/kubelet/status/status_manager.go
(TerminatePod), v1.36.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lab.pods.model import Container, Pod
from lab.timeline.container_status import RUNTIME_SCHEME, StatusInput, container_status, located, named
from lab.timeline.facts import JSON
from lab.timeline.restart_policy import is_sidecar, restarts_after

NODE_NAME = "lab-node"


def rfc3339_seconds(moment: datetime) -> str:
    """Return a time as the API writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod_status(given: StatusInput) -> JSON:
    """Return the pod's ``status`` in API form."""
    pod, previous = given.pod, given.previous
    initialized = _has_started_main(given)
    inits = [container_status(given, c, waiting="PodInitializing") for c in pod.spec.init_containers]
    waiting = "PodInitializing" if pod.spec.init_containers else "ContainerCreating"
    mains = [container_status(given, c, waiting=waiting) for c in pod.spec.containers]
    computed = phase = _phase(given, inits, mains, initialized)
    if given.terminal:
        inits = located(inits)
        mains = located(mains) if _was_initialized(given) else mains
        if phase in ("Pending", "Running"):
            computed = phase = "Failed"
    elif is_terminal(phase):
        phase = previous.get("phase", "Pending")  # withheld until nothing can run any more
    if is_terminal(previous.get("phase", "")):
        computed = phase = previous["phase"]
    status: JSON = {"observedGeneration": pod.generation, "phase": phase}
    if given.deadline_exceeded:
        computed = "Failed"
        if given.terminal:
            message = "Pod was active on the node longer than the specified deadline"
            status |= {"phase": "Failed", "reason": "DeadlineExceeded", "message": message}
    status["conditions"] = _conditions(given, computed, inits, mains)
    status["startTime"] = previous.get("startTime") or rfc3339_seconds(given.now)
    status |= {"hostIP": "127.0.0.1", "hostIPs": [{"ip": "127.0.0.1"}], "qosClass": previous.get("qosClass", "BestEffort")}
    if ip := given.record.sandbox_ip or previous.get("podIP", ""):
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    if inits:
        status["initContainerStatuses"] = inits
    status["containerStatuses"] = mains
    return status


def computed_phase(given: StatusInput) -> str:
    """Return the phase that the pod's containers amount to, even while it is still withheld from the API."""
    inits = [container_status(given, c, waiting="PodInitializing") for c in given.pod.spec.init_containers]
    mains = [container_status(given, c, waiting="ContainerCreating") for c in given.pod.spec.containers]
    return _phase(given, inits, mains, _has_started_main(given))


def is_terminal(phase: str) -> bool:
    """Whether a phase never changes again."""
    return phase in ("Succeeded", "Failed")


def scheduled_status(status: JSON, now: datetime) -> JSON:
    """Return the status after the scheduler bound the pod to the node."""
    return {**status, "observedGeneration": 1, "conditions": [_condition("PodScheduled", "True", (), 1, now, {})]}


def unschedulable_status(status: JSON, message: str, now: datetime) -> JSON:
    """Return the status after the scheduler found no node."""
    why = ("Unschedulable", message)
    return {**status, "observedGeneration": 1, "conditions": [_condition("PodScheduled", "False", why, 1, now, {})]}


def ready_to_start_status(status: JSON, generation: int, now: datetime) -> JSON:
    """Return the status with PodReadyToStartContainers=True: what the kubelet publishes as soon as the sandbox is up, and
    only that."""
    conditions = [
        _condition(c["type"], "True", (), generation, now, c) if c["type"] == "PodReadyToStartContainers" else c
        for c in status["conditions"]
    ]
    return {**status, "conditions": conditions}


def probed_status(status: JSON, pod: Pod, container_id: str, found: Mapping[str, bool], now: datetime) -> JSON:
    """Return the status with what a probe has found of one instance, ``{"ready": …}`` or ``{"started": …}``, and the conditions
    that follow from it (status_manager.go: SetContainerReadiness, SetContainerStartup)."""
    kinds = ("initContainerStatuses", "containerStatuses")
    changed = {
        kind: [{**c, **found} if c.get("containerID") == RUNTIME_SCHEME + container_id else c for c in status[kind]]
        for kind in kinds
        if kind in status
    }
    unready = _unready(pod, changed.get(kinds[0], ()), changed.get(kinds[1], ()), status["phase"])
    why = {"Ready": unready or _gated(pod), "ContainersReady": unready}
    conditions = [
        _condition(c["type"], "False" if why[c["type"]] else "True", why[c["type"]], pod.generation, now, c)
        if c["type"] in why
        else c
        for c in status["conditions"]
    ]
    return {**status, "conditions": conditions, **changed}


def quality_of_service(spec: JSON) -> str:
    """Return BestEffort, Burstable or Guaranteed for a pod's spec in API form (pkg/apis/core/v1/helper/qos)."""
    resources = [c.get("resources") or {} for c in (*spec.get("initContainers", ()), *spec["containers"])]
    asked = [{k: v for kind in ("requests", "limits") for k, v in (r.get(kind) or {}).items()} for r in resources]
    if not any(asked):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(r.get("limits") or {}) and (r.get("requests") or r["limits"]) == r["limits"] for r in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _was_initialized(given: StatusInput) -> bool:
    """Whether the published status says that the pod got past its init containers (status_manager.go: hasPodInitialized)."""
    if not given.pod.spec.init_containers:
        return True
    mains = given.previous.get("containerStatuses", [])
    if any("waiting" not in s["state"] or "terminated" in s["lastState"] for s in mains):
        return True
    last = named(given.previous, given.pod.spec.init_containers[-1].name)
    if is_sidecar(given.pod, given.pod.spec.init_containers[-1]):
        return bool(last.get("started"))
    return bool(last.get("state", {}).get("terminated", {}).get("exitCode") == 0)


# --- phase and conditions -----------------------------------------------------------------------------------------


def _has_started_main(given: StatusInput) -> bool:
    return any(given.record.of(c.name).latest is not None for c in given.pod.spec.containers)


def _phase(given: StatusInput, inits: Sequence[JSON], mains: Sequence[JSON], initialized: bool) -> str:
    pod = given.pod
    pending_init = failed_init = False
    for container, status in zip(pod.spec.init_containers, inits, strict=True):
        state = status["state"]
        if is_sidecar(pod, container):
            pending_init |= not initialized and not status["started"]
        elif "terminated" in state:
            if state["terminated"]["exitCode"] != 0:
                failed_init |= not restarts_after(pod, container, state["terminated"]["exitCode"])
                pending_init |= not failed_init
        else:
            pending_init |= not initialized
    if failed_init:
        return "Failed"
    if pending_init and not (given.terminal and initialized):
        return "Pending"
    waiting = running = stopped = succeeded = restartable = 0
    for container, status in zip(pod.spec.containers, mains, strict=True):
        state, last = status["state"], status["lastState"]
        if "running" in state:
            running += 1
        elif "terminated" in state or "terminated" in last:
            ended = state.get("terminated") or last["terminated"]
            stopped += 1
            succeeded += ended["exitCode"] == 0
            restartable += restarts_after(pod, container, ended["exitCode"])
        else:
            waiting += 1
    if waiting:
        return "Pending"
    if running:
        return "Running"
    if restartable and not given.terminal:
        return "Running"
    return "Succeeded" if succeeded == stopped else "Failed"


def _conditions(given: StatusInput, phase: str, inits: Sequence[JSON], mains: Sequence[JSON]) -> list[JSON]:
    old = {c["type"]: c for c in given.previous.get("conditions", [])}
    generation, now = given.pod.generation, given.now

    def condition(kind: str, value: bool, why: tuple[str, ...] = ()) -> JSON:
        return _condition(kind, "True" if value else "False", why, generation, now, old.get(kind, {}))

    unready = _unready(given.pod, inits, mains, phase)
    uninitialized = [
        s["name"] for c, s in zip(given.pod.spec.init_containers, inits, strict=True) if not _initialized(given, c, s)
    ]
    if phase == "Succeeded":
        initialized = condition("Initialized", True, ("PodCompleted",))
    elif uninitialized and not _has_started_main(given):
        message = f"containers with incomplete status: [{' '.join(uninitialized)}]"
        initialized = condition("Initialized", False, ("ContainersNotInitialized", message))
    else:
        initialized = condition("Initialized", True)
    sandbox = given.record.sandbox_id is not None and not given.terminal
    not_ready = unready or _gated(given.pod)
    return [
        condition("PodReadyToStartContainers", sandbox),
        initialized,
        condition("Ready", not not_ready, not_ready),
        condition("ContainersReady", not unready, unready),
        condition("PodScheduled", True),
    ]


def _unready(pod: Pod, inits: Sequence[JSON], mains: Sequence[JSON], phase: str) -> tuple[str, ...]:
    """Return why the containers are not ready, as (reason, message), or nothing when they are."""
    if phase == "Succeeded":
        return ("PodCompleted",)
    if phase == "Failed":
        return ("PodFailed",)
    sidecars = [s for c, s in zip(pod.spec.init_containers, inits, strict=True) if is_sidecar(pod, c)]
    names = [s["name"] for s in (*sidecars, *mains) if not s["ready"]]
    return ("ContainersNotReady", f"containers with unready status: [{' '.join(names)}]") if names else ()


def _gated(pod: Pod) -> tuple[str, ...]:
    """Return why the readiness gates keep a pod from being ready, as (reason, message), or nothing when they do not
    (status/generate.go: GeneratePodReadyCondition)."""
    known = dict(pod.gate_conditions)
    closed = [
        f'the status of pod readiness gate "{gate}" is not "True", but {known[gate]}'
        if gate in known
        else f'corresponding condition of pod readiness gate "{gate}" does not exist.'
        for gate in pod.spec.readiness_gates
        if known.get(gate) != "True"
    ]
    return ("ReadinessGatesNotReady", ", ".join(closed)) if closed else ()


def _initialized(given: StatusInput, container: Container, status: JSON) -> bool:
    return bool(status["started"]) if is_sidecar(given.pod, container) else bool(status["ready"])


def _condition(kind: str, value: str, why: tuple[str, ...], generation: int, now: datetime, old: JSON) -> JSON:
    changed = old.get("status") != value
    condition: dict[str, Any] = {
        "type": kind,
        "status": value,
        "observedGeneration": generation,
        "lastProbeTime": None,
        "lastTransitionTime": rfc3339_seconds(now) if changed else old["lastTransitionTime"],
    }
    if why:
        condition["reason"] = why[0]
    if len(why) > 1:
        condition["message"] = why[1]
    return condition
