"""What one sync of a pod has to do, computed from its spec and its record: pure.

Source: pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions and
kuberuntime_container.go computeInitContainerActions (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.kubelet.containers import Kill
from lab.pods.model import Container, Pod
from lab.timeline.pod_record import ContainerRecord, PodRecord
from lab.timeline.restart_policy import is_sidecar, restart_policy_of, restarts_after, should_be_restarted


@dataclass(slots=True, kw_only=True)
class PodActions:
    """``kill_pod``: stop everything, nothing will start again. ``stop``: containers to stop first. ``start_inits`` and
    ``start``: what to start, in order, when due."""

    kill_pod: bool = False
    create_sandbox: bool = False
    stop: list[tuple[Container, Kill]] = field(default_factory=list)
    start_inits: list[Container] = field(default_factory=list)
    start: list[Container] = field(default_factory=list)


def pod_actions(pod: Pod, record: PodRecord) -> PodActions:
    """Return what the next pass does."""
    actions = PodActions(create_sandbox=record.sandbox_id is None)
    initialized = _init_actions(pod, record, actions)
    if actions.kill_pod or not initialized:
        return actions
    kept = 0
    for container in pod.spec.containers:
        kept += _main_action(pod, container, record.of(container.name), actions)
    if kept == 0 and not actions.start:
        actions.kill_pod = True
    return actions


def _init_actions(pod: Pod, record: PodRecord, actions: PodActions) -> bool:
    """Add what the init containers need; return whether the regular containers are due."""
    started_main = any(record.of(c.name).latest is not None for c in pod.spec.containers)
    finished = _all_finished(pod, record)
    for container in pod.spec.init_containers:
        c = record.of(container.name)
        if is_sidecar(pod, container):
            if c.running and (kill := _probe_kill(pod, container, c)):
                actions.stop.append((container, kill))
                actions.start_inits.append(container)
            elif not c.running and not finished:
                actions.start_inits.append(container)
            elif c.running and (container.startup_probe is None or c.startup is True):
                continue
            if not started_main:
                return False
        elif not started_main and not (c.exited is not None and c.exited.exit_code == 0):
            if c.exited is not None and not restarts_after(pod, container, c.exited.exit_code):
                actions.kill_pod = True
            elif not c.running:
                actions.start_inits.append(container)
            return False
    return True


def _main_action(pod: Pod, container: Container, c: ContainerRecord, actions: PodActions) -> bool:
    """Add what one regular container needs; return whether it is kept as it is."""
    if not c.running:
        if should_be_restarted(pod, container, c):
            actions.start.append(container)
        return False
    restarts = restart_policy_of(pod, container) != "Never"
    assert c.latest is not None  # noqa: S101  # it runs
    if c.latest.image != container.image:
        actions.stop.append((container, Kill(message=f"Container {container.name} definition changed, will be restarted")))
        actions.start.append(container)
        return False
    kill = _probe_kill(pod, container, c)
    if kill is None:
        return True
    actions.stop.append((container, kill))
    if restarts:
        actions.start.append(container)
    return False


def _probe_kill(pod: Pod, container: Container, c: ContainerRecord) -> Kill | None:
    kind = "Init container" if pod.is_init(container) else "Container"
    tail = ", will be restarted" if restart_policy_of(pod, container) != "Never" and not pod.is_init(container) else ""
    if container.liveness_probe is not None and c.live is False:
        return Kill(message=f"{kind} {container.name} failed liveness probe{tail}", probe="liveness")
    if container.startup_probe is not None and c.startup is False:
        return Kill(message=f"{kind} {container.name} failed startup probe{tail}", probe="startup")
    return None


def _all_finished(pod: Pod, record: PodRecord) -> bool:
    """Whether every regular container has run and none will start again: then sidecars are not kept alive."""
    records = [(c, record.of(c.name)) for c in pod.spec.containers]
    return all(r.latest is not None and not r.running and not should_be_restarted(pod, c, r) for c, r in records)
