"""What a learner's container may do: nothing but run.

`container_request` is the only place where a container's rights are decided: it compiles a `ContainerConfig` to the body of
the engine's create call, and everything in it that is not the learner's program is fixed here. The engine's own defaults
stay: seccomp profile, AppArmor profile, masked and read-only paths of /proc. Nothing a manifest says can add a right, only
take one away.
Source: Docker Engine API v1.41 ``POST /containers/create``; pkg/kubelet/qos/policy.go for the OOM scores.
"""

from __future__ import annotations

from typing import Any

from lab.limits import MEBIBYTE, Limits
from lab.pods.surprises import GRANTED_CAPABILITIES
from lab.runtime.labels import container_labels, sandbox_labels
from lab.runtime.runtime import ContainerConfig, Mount, SandboxConfig

JSON = dict[str, Any]

# What nginx and shells need to serve port 80, drop to another user, write where root may, and signal one another; no more.
CAPABILITIES = GRANTED_CAPABILITIES
CONTAINER_OOM_SCORE = 1000  # pkg/kubelet/qos/policy.go: besteffortOOMScoreAdj; learners' processes die before the lab's
SANDBOX_MEMORY_BYTES = 16 * MEBIBYTE  # a pause process needs less than 1
SANDBOX_PIDS = 8

_NO_CORE: tuple[JSON, ...] = ({"Name": "core", "Soft": 0, "Hard": 0},)  # a core dump would go to the host's handler


def container_request(config: ContainerConfig, *, sandbox_id: str, instance: str, limits: Limits, image_user: str = "") -> JSON:
    """Return the body of the create call. ``image_user`` is the image's USER; it matters only where the manifest sets a
    group alone."""
    return {
        "Image": config.image,
        **_argv(config),
        "Env": [f"{name}={value}" for name, value in config.env],
        "WorkingDir": config.working_dir,
        "User": _user(config, image_user),
        "Tty": config.tty,
        "OpenStdin": config.stdin,
        "StdinOnce": False,
        "Labels": container_labels(instance, config),
        "HostConfig": {
            **_no_rights(),
            "CapAdd": list(_capabilities(config)),
            "GroupAdd": [str(group) for group in config.supplemental_groups],
            "NetworkMode": f"container:{sandbox_id}",
            "IpcMode": f"container:{sandbox_id}",  # a pod's containers share IPC, as in CRI's NamespaceMode_POD
            "ReadonlyRootfs": config.read_only_root_filesystem,
            "Mounts": [_mount(mount) for mount in config.mounts],
            **_resources(
                memory_bytes=min(config.memory_limit_bytes or limits.container_memory_bytes, limits.container_memory_bytes),
                pids=limits.container_pids,
                cpu_cores=min(config.cpu_limit_cores or limits.container_cpus, limits.container_cpus),
            ),
            "Ulimits": [*_NO_CORE, {"Name": "fsize", "Soft": limits.container_file_bytes, "Hard": limits.container_file_bytes}],
            "OomScoreAdj": CONTAINER_OOM_SCORE,
        },
    }


def sandbox_request(config: SandboxConfig, *, network: str, instance: str, image: str) -> JSON:
    """Return the body of the create call for a pod's pause container: it holds the pod's network and IPC namespaces and no
    right at all."""
    return {
        "Image": image,
        "Hostname": config.hostname,
        "Labels": sandbox_labels(instance, config),
        "HostConfig": {
            **_no_rights(),
            "NetworkMode": network,
            "IpcMode": "shareable",
            # The engine's resolver would forward names to the host's name servers. Given this upstream it asks inside the pod,
            # where nothing answers: no DNS.
            "Dns": ["127.0.0.1"],
            "DnsSearch": ["."],
            "ReadonlyRootfs": True,
            **_resources(memory_bytes=SANDBOX_MEMORY_BYTES, pids=SANDBOX_PIDS, cpu_cores=1.0),
        },
    }


def _argv(config: ContainerConfig) -> JSON:
    """Kubernetes' ``command`` replaces ENTRYPOINT and drops CMD; ``args`` alone replaces CMD."""
    if config.entrypoint is None:
        return {} if config.command is None else {"Cmd": list(config.command)}
    # The whole vector goes into Cmd, the entrypoint is emptied: Docker reads an Entrypoint of [""] as none, Kubernetes as a
    # name to run.
    return {"Entrypoint": [], "Cmd": [*config.entrypoint, *(config.command or ())]}


def _user(config: ContainerConfig, image_user: str) -> str:
    user = "" if config.run_as_user is None else str(config.run_as_user)
    if config.run_as_group is None:
        return user
    return f"{user or image_user.partition(':')[0] or '0'}:{config.run_as_group}"


def _capabilities(config: ContainerConfig) -> tuple[str, ...]:
    """Return what a manifest leaves of the lab's capabilities: it may drop them and ask for them back, and for no others."""
    added, dropped = (
        {name.upper().removeprefix("CAP_") for name in names}
        for names in (config.added_capabilities, config.dropped_capabilities)
    )
    if "ALL" in dropped:
        return tuple(name for name in CAPABILITIES if name in added)
    return tuple(name for name in CAPABILITIES if name in added or "ALL" in added or name not in dropped)


def _no_rights() -> JSON:
    return {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Devices": [],
        "PidMode": "",
        "UTSMode": "",
        "Init": False,
        "AutoRemove": False,
        "RestartPolicy": {"Name": "no"},
        "PublishAllPorts": False,
        # The lab reads the output as it comes (`followed_container`). A second copy by the engine could fill the disk, and under
        # a flood of short lines it costs a whole core and delays the end of the container (measured: by 3 s).
        "LogConfig": {"Type": "none", "Config": {}},
        "Ulimits": list(_NO_CORE),
    }


def _resources(*, memory_bytes: int, pids: int, cpu_cores: float) -> JSON:
    return {
        "Memory": memory_bytes,
        "MemorySwap": memory_bytes,  # memory and swap together: no swap
        "PidsLimit": pids,
        "NanoCpus": round(cpu_cores * 1e9),
        "OomKillDisable": False,
    }


def _mount(mount: Mount) -> JSON:
    return {
        "Type": "bind",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }
