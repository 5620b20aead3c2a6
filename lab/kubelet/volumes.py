"""A pod's volumes on its virtual node: host directories for the runtime to bind.

Source: pkg/volume/hostpath, pkg/volume/emptydir, pkg/kubelet/kubelet_pods.go makeMounts (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.errors import VolumeError
from lab.kubelet.node_services import PodOnNode
from lab.pods.model import Container, EmptyDirVolume, HostPathVolume, Volume, VolumeMount
from lab.runtime.runtime import Mount
from lab.timeline.facts import VolumeFailed

INITIAL_RETRY_SECONDS = 0.5  # pkg/volume/util/nestedpendingoperations: initialDurationBeforeRetry
MAXIMUM_RETRY_SECONDS = 122.0  # the same: maxDurationBeforeRetry
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

    def mount(self) -> PodVolumes | None:
        """Block until all volumes are there and return them, or None when the pod was deleted meanwhile. Every failed try is a
        VolumeFailed fact and a FailedMount event."""
        directories: dict[str, Path] = {}
        delay = INITIAL_RETRY_SECONDS
        while True:
            for volume in self._on.pod.spec.volumes:
                if volume.name not in directories:
                    self._try(volume, directories)
            if len(directories) == len(self._on.pod.spec.volumes):
                return PodVolumes(directories=directories)
            if self._on.wait_until(lambda: self._on.deleted, delay):
                return None
            delay = min(delay * 2, MAXIMUM_RETRY_SECONDS)

    def _try(self, volume: Volume, directories: dict[str, Path]) -> None:
        on, files, cluster = self._on, self._on.node.files, self._on.node.cluster
        try:
            match volume:
                case HostPathVolume():
                    directories[volume.name] = files.host_path(cluster, volume.path, volume.type, pod_uid=on.uid)
                case EmptyDirVolume():
                    directories[volume.name] = files.empty_dir(
                        cluster, on.uid, volume.name, medium=volume.medium, size_limit_bytes=volume.size_limit_bytes
                    )
        except VolumeError as error:
            on.note(VolumeFailed(volume=volume.name, message=str(error)))
            on.event("Warning", "FailedMount", f'MountVolume.SetUp failed for volume "{volume.name}" : {error}')


def mounts_of(on: PodOnNode, container: Container, number: int, volumes: PodVolumes) -> tuple[Mount, ...]:
    """Return the container's mounts: its volumeMounts and the file for its termination message."""
    mounts = [_mount(on, mount, volumes.directories[mount.name]) for mount in container.volume_mounts]
    # Dots, which no volume's name has: were it a volume of the pod, another container could put a link to the host at the file.
    directory = on.node.files.empty_dir(on.node.cluster, on.uid, f"termination.{container.name}.{number}")
    log = directory / TERMINATION_LOG
    log.touch(mode=0o666)
    log.chmod(0o666)
    volumes.termination[container.name, number] = directory
    target = str(PurePosixPath("/") / container.termination_message_path)
    return (*mounts, Mount(volume="", source=str(log), target=target, read_only=False))


def _mount(on: PodOnNode, mount: VolumeMount, directory: Path) -> Mount:
    if mount.sub_path:
        directory = on.node.files.sub_path(on.node.cluster, on.uid, directory, mount.sub_path)
    # A relative mountPath is relative to the root (kubelet_pods.go: makeMounts makes it absolute).
    target = str(PurePosixPath("/") / mount.mount_path)
    return Mount(volume=mount.name, source=str(directory), target=target, read_only=mount.read_only)
