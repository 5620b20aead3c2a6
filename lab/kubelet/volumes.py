"""A pod's volumes on its virtual node: host directories for the runtime to bind.

Source: pkg/volume/hostpath, pkg/volume/emptydir, pkg/kubelet/kubelet_pods.go makeMounts (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.errors import LabError
from lab.kubelet.environment import expand
from lab.kubelet.node_services import PodOnNode
from lab.kubelet.references import References
from lab.pods.model import (
    Container,
    DownwardFiles,
    EmptyDirVolume,
    FilesVolume,
    HostPathVolume,
    KeyFiles,
    Volume,
    VolumeMount,
)
from lab.runtime.runtime import Mount
from lab.timeline.facts import VolumeFailed

INITIAL_RETRY_SECONDS = 0.5  # pkg/volume/util/nestedpendingoperations: initialDurationBeforeRetry
MAXIMUM_RETRY_SECONDS = 122.0  # the same: maxDurationBeforeRetry
MOUNT_SECONDS = 123.0  # pkg/kubelet/volumemanager: podAttachAndMountTimeout
HOSTS = "/etc/hosts"
_HOSTS_HEAD = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
TERMINATION_LOG = "log"  # the file's name in its own directory


@dataclass(frozen=True, slots=True, kw_only=True)
class PodVolumes:
    """Host directories by volume name, and the directories that hold termination messages, by container and attempt."""

    directories: dict[str, Path]
    termination: dict[tuple[str, int], Path] = field(default_factory=dict)


class VolumeMounter:
    """Mounts a pod's volumes, trying again as the kubelet's volume manager does."""

    def __init__(self, on: PodOnNode) -> None:
        self._on = on
        self._directories: dict[str, Path] = {}
        self._delay = INITIAL_RETRY_SECONDS
        self._next_try_at = 0.0

    def mount(self) -> PodVolumes | None:
        """Block until all volumes are there and return them, or None when the pod was deleted meanwhile, and after
        `MOUNT_SECONDS`: then another pass is due. Every failed try is a VolumeFailed fact and a FailedMount event."""
        on, clock = self._on, self._on.clock
        deadline = clock.monotonic() + MOUNT_SECONDS
        while True:
            if clock.monotonic() >= self._next_try_at:
                for volume in on.pod.spec.volumes:
                    if volume.name not in self._directories:
                        self._try(volume, self._directories)
                self._next_try_at = clock.monotonic() + self._delay
                self._delay = min(self._delay * 2, MAXIMUM_RETRY_SECONDS)
            if len(self._directories) == len(on.pod.spec.volumes):
                return PodVolumes(directories=self._directories)
            if on.wait_until(lambda: on.deleted, max(0.0, min(self._next_try_at, deadline) - clock.monotonic())):
                return None
            if clock.monotonic() >= deadline:
                return None

    def _try(self, volume: Volume, directories: dict[str, Path]) -> None:
        on, files, cluster = self._on, self._on.node.files, self._on.node.cluster
        try:
            match volume:
                case HostPathVolume():
                    directories[volume.name] = files.host_path(cluster, volume.path, volume.type, pod_uid=on.uid)
                case EmptyDirVolume():
                    directories[volume.name] = files.empty_dir(
                        cluster,
                        on.uid,
                        volume.name,
                        medium=volume.medium,
                        size_limit_bytes=volume.size_limit_bytes,
                        group=on.pod.spec.fs_group,
                    )
                case FilesVolume():
                    directories[volume.name] = files.write_files(
                        cluster, on.uid, volume.name, _files_of(on, volume), group=on.pod.spec.fs_group
                    )
        except LabError as error:
            on.note(VolumeFailed(volume=volume.name, message=str(error)))
            on.event("Warning", "FailedMount", f'MountVolume.SetUp failed for volume "{volume.name}" : {error}')


def references_of(on: PodOnNode) -> References:
    """Return what the pod's variables and volumes may refer to, as it is now."""
    return References(
        pod=on.pod,
        limits=on.node.limits,
        pod_ip=on.record.sandbox_ip,
        look_up=lambda kind, name: on.node.api.get(kind, on.pod.namespace, name),
    )


def _files_of(on: PodOnNode, volume: FilesVolume) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of a volume's files by path. Raises LabError in the kubelet's words."""
    references = references_of(on)
    found: dict[str, tuple[bytes, int]] = {}
    for source in volume.sources:
        match source:
            case KeyFiles():
                found |= _key_files(references, source, volume.default_mode)
            case DownwardFiles():
                for path, reference, mode in source.items:
                    text = references.of_pod(reference, None)
                    found[path] = (text.encode(), volume.default_mode if mode is None else mode)
    return found


def _key_files(references: References, source: KeyFiles, default_mode: int) -> dict[str, tuple[bytes, int]]:
    keys = references.keys(source.kind, source.name, optional=source.optional)
    if not source.items:
        return {key: (data, default_mode) for key, data in keys.items()}
    missing = [key for key, _, _ in source.items if key not in keys]
    if missing and not source.optional:
        kind = "config" if source.kind == "ConfigMap" else "secret"
        raise LabError(f"references non-existent {kind} key: {missing[0]}")
    return {path: (keys[key], default_mode if mode is None else mode) for key, path, mode in source.items if key in keys}


def mounts_of(
    on: PodOnNode, container: Container, number: int, volumes: PodVolumes, variables: Mapping[str, str]
) -> tuple[Mount, ...]:
    """Return the container's mounts: its volumeMounts, whose subPathExpr may name ``variables``, the file for its termination
    message, and the pod's /etc/hosts."""
    mounts = [_mount(on, mount, volumes.directories[mount.name], variables) for mount in container.volume_mounts]
    # Dots, which no volume's name has: were it a volume of the pod, another container could put a link to the host at the file.
    directory = on.node.files.empty_dir(on.node.cluster, on.uid, f"termination.{container.name}.{number}")
    log = directory / TERMINATION_LOG
    log.touch(mode=0o666)
    log.chmod(0o666)
    volumes.termination[container.name, number] = directory
    target = str(PurePosixPath("/") / container.termination_message_path)
    mounts.append(Mount(volume="", source=str(log), target=target, read_only=False))
    if not any(str(PurePosixPath("/") / mount.mount_path) == HOSTS for mount in container.volume_mounts):
        mounts.append(Mount(volume="", source=str(_hosts(on)), target=HOSTS, read_only=False))
    return tuple(mounts)


def _hosts(on: PodOnNode) -> Path:
    """Return the pod's own /etc/hosts, written once (kubelet_pods.go: managedHostsFileContent)."""
    place = on.node.files.empty_dir(on.node.cluster, on.uid, "etc.hosts") / "hosts"
    if not place.exists():
        ip, hostname = on.record.sandbox_ip, on.pod.spec.hostname or on.pod.name[:63].rstrip("-.")
        aliases = ["\t".join((address, *names)) + "\n" for address, names in on.pod.spec.host_aliases]
        added = "\n# Entries added by HostAliases.\n" + "".join(aliases) if aliases else ""
        place.write_text(f"{_HOSTS_HEAD}{ip}\t{hostname}\n{added}")
        place.chmod(0o644)
    return place


def _mount(on: PodOnNode, mount: VolumeMount, directory: Path, variables: Mapping[str, str]) -> Mount:
    sub_path = mount.sub_path or expand(mount.sub_path_expr, variables)
    if sub_path:
        directory = on.node.files.sub_path(on.node.cluster, on.uid, directory, sub_path)
    of_files = any(isinstance(volume, FilesVolume) and volume.name == mount.name for volume in on.pod.spec.volumes)
    # A relative mountPath is relative to the root (kubelet_pods.go: makeMounts makes it absolute).
    target = str(PurePosixPath("/") / mount.mount_path)
    return Mount(volume=mount.name, source=str(directory), target=target, read_only=mount.read_only or of_files)
