"""How the lab marks what it owns on the engine, and finds it again.

Every container and network carries which lab made it, for which learner's cluster and for which run. Sweeping is by these labels
alone: what does not carry them is never touched.
"""

from __future__ import annotations

from lab.runtime.runtime import ContainerConfig, SandboxConfig

INSTANCE = "pod-hook-lab.instance"
CLUSTER = "pod-hook-lab.cluster"
RUN = "pod-hook-lab.run"
POD_UID = "pod-hook-lab.pod-uid"
CONTAINER = "pod-hook-lab.container"
ATTEMPT = "pod-hook-lab.attempt"
SANDBOX_CONTAINER = "POD"  # pkg/kubelet/dockershim: sandboxContainerName, still what people look for in `docker ps`


def network_labels(instance: str, cluster: str) -> dict[str, str]:
    """Return a cluster network's labels. It serves every run of the cluster."""
    return {INSTANCE: instance, CLUSTER: cluster, RUN: ""}


def sandbox_labels(instance: str, config: SandboxConfig) -> dict[str, str]:
    """Return a pause container's labels."""
    return {
        INSTANCE: instance,
        CLUSTER: config.cluster,
        RUN: config.run_id,
        POD_UID: config.pod_uid,
        CONTAINER: SANDBOX_CONTAINER,
        ATTEMPT: "0",
    }


def container_labels(instance: str, config: ContainerConfig) -> dict[str, str]:
    """Return a container's labels."""
    return {
        INSTANCE: instance,
        CLUSTER: config.cluster,
        RUN: config.run_id,
        POD_UID: config.pod_uid,
        CONTAINER: config.name,
        ATTEMPT: str(config.attempt),
    }


def selector(*, instance: str | None = None, cluster: str | None = None) -> dict[str, list[str]]:
    """Return the engine's filter for what this lab (any lab when None) made, for one cluster or all."""
    wanted = [INSTANCE if instance is None else f"{INSTANCE}={instance}"]
    if cluster is not None:
        wanted.append(f"{CLUSTER}={cluster}")
    return {"label": wanted}
