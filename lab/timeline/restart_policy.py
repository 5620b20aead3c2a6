"""Which containers start again, and which are sidecars: pure.

Source: pkg/kubelet/container/helpers.go (ShouldContainerBeRestarted), pkg/kubelet/kuberuntime/kuberuntime_container.go, v1.36.
"""

from __future__ import annotations

from lab.pods.model import Container, Pod, RestartPolicy
from lab.timeline.pod_record import ContainerRecord


def restart_policy_of(pod: Pod, container: Container) -> RestartPolicy:
    """Return the policy that governs a container: its own, else OnFailure for an init container of an Always pod, else the
    pod's."""
    if container.restart_policy is not None:
        return container.restart_policy
    if pod.is_init(container) and pod.spec.restart_policy == "Always":
        return "OnFailure"
    return pod.spec.restart_policy


def is_sidecar(pod: Pod, container: Container) -> bool:
    """Whether the container is a restartable init container."""
    return pod.is_init(container) and container.restart_policy == "Always"


def should_be_restarted(pod: Pod, container: Container, record: ContainerRecord) -> bool:
    """Whether the next sync would start the container (again). A pod that is being deleted never restarts one."""
    if pod.deletion_timestamp is not None:
        return False
    if record.latest is None:
        return True
    if record.latest.started is not None and record.exited is None:
        return False
    if record.exited is None:
        return True
    return restarts_after(pod, container, record.exited.exit_code)


def restarts_after(pod: Pod, container: Container, exit_code: int) -> bool:
    """Whether a container that ended by itself with ``exit_code`` starts again: by its rules, else by its policy
    (pkg/api/v1/pod/util.go, ContainerShouldRestart)."""
    if any((exit_code in rule.values) == (rule.operator == "In") for rule in container.restart_rules):
        return True
    match restart_policy_of(pod, container):
        case "Never":
            return False
        case "OnFailure":
            return exit_code != 0
        case _:
            return True
