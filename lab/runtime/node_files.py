"""The files of a cluster's one node: what hostPath means, and where emptyDirs live. Never the host's own files.

Each cluster has a root directory of its own; ``/tmp`` of a manifest is ``tmp`` in it. Containers write to it as root, so every
path is opened inside it (`safe_paths`), and what a container is to mount is pinned first (`node_mounts`). Size is limited where
mounts are possible. Differs from the kubelet: emptyDirs are not below the node's /var/lib/kubelet, and one that is full says "no
space left on device" rather than getting its pod evicted. Source: pkg/volume/hostpath/host_path.go,
pkg/volume/emptydir/empty_dir.go, pkg/volume/util/subpath/subpath_linux.go (v1.36).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.errors import VolumeError
from lab.runtime import safe_paths, volume_changes, written_files
from lab.runtime.node_listing import NodeEntry, listing
from lab.runtime.node_mounts import NodeMounts
from lab.runtime.volume_changes import Snapshot, VolumeChange

__all__ = ["NodeFiles", "Snapshot", "VolumeChange"]

DEFAULT_SIZE_LIMIT_BYTES = (
    64 << 20
)  # of a node, and of a pod's emptyDirs; tmpfs counts as the writer's memory, so below its limit

_DIRECTORY_MODE = 0o755  # hostpath: MakeDir
_FILE_MODE = 0o644  # hostpath: MakeFile
_EMPTY_DIR_MODE = 0o777  # emptydir: perm
_SUB_PATH_MODE = 0o777  # subpath: SafeMakeDir is given the volume's mode; the lab's volumes are emptyDirs and open hostPaths
_NODE_DIRECTORIES = {"tmp": 0o1777, "var/tmp": 0o1777, "var/log": 0o755, "etc": 0o755, "opt": 0o755, "mnt": 0o755, "home": 0o755}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_KINDS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


class NodeFiles:
    """All clusters' node files below one directory that belongs to the lab alone. Thread-safe.

    ``<root>/<cluster>/node`` is the node's root, ``…/pods/<uid>`` a pod's emptyDirs, ``…/pins/<uid>`` what its containers mount.
    """

    def __init__(self, root: Path, *, size_limit_bytes: int = DEFAULT_SIZE_LIMIT_BYTES, plain: bool = False) -> None:
        """``plain`` asks for directories without mounts even where those are possible: right where no container runs."""
        self._root = root
        self._size_limit_bytes = size_limit_bytes
        self._mounts = NodeMounts(root, plain=plain)
        self._lock = threading.RLock()

    @property
    def are_protected(self) -> bool:
        """Whether mounts are possible: without them sizes are unlimited and one learner's containers may trick Docker into
        mounting the host's files. A classroom needs them."""
        return self._mounts.are_possible

    def prepare(self, cluster: str) -> None:
        """Make the cluster's node, with an empty /tmp, unless it is there."""
        with self._lock:
            node = self._node(cluster)
            self._mounts.make(node, size_bytes=self._size_limit_bytes, mode=_DIRECTORY_MODE)
            for path, mode in _NODE_DIRECTORIES.items():
                safe_paths.make_directories(str(node), path, mode)

    def reset(self, cluster: str) -> None:
        """Give the cluster a clean node. Its pods should be gone; what still runs keeps the old files to itself."""
        with self._lock:
            self.remove_cluster(cluster)
            self.prepare(cluster)

    def remove_cluster(self, cluster: str) -> None:
        """Remove the node and everything on it. Not there is success."""
        with self._lock:
            directory = self._cluster(cluster)
            for kind in ("pods", "pins"):
                if (directory / kind).is_dir():
                    for pod in tuple((directory / kind).iterdir()):
                        self.remove_pod(cluster, pod.name)
                    (directory / kind).rmdir()
            if directory.is_dir():
                self._mounts.remove(directory / "node")
                directory.rmdir()

    def sweep(self) -> int:
        """Remove all clusters' nodes; return how many there were."""
        with self._lock:
            clusters = (
                [entry.name for entry in self._root.iterdir() if _NAME.fullmatch(entry.name)] if self._root.is_dir() else []
            )
            for cluster in clusters:
                self.remove_cluster(cluster)
            return len(clusters)

    def host_path(self, cluster: str, path: str, type: str = "", *, pod_uid: str = "node") -> Path:
        """Return a path to bind for a hostPath volume, creating what its type creates; it is good until `remove_pod`.
        Raises VolumeError in the kubelet's words."""
        node, shown = str(self._node(cluster)), f"/{path.lstrip('/')}"
        with self._lock:
            try:
                self._create(node, shown, type)
                with safe_paths.opened_in(node, shown) as descriptor:
                    _check(descriptor, shown, type)
                    return self._mounts.pin(descriptor, self._pins(cluster, pod_uid))
            except FileNotFoundError:
                raise VolumeError(_failed_check(shown, type)) from None
            except OSError as error:
                raise VolumeError(f"cannot use hostPath {shown} on the node: {_reason(error)}") from error

    def sub_path(self, cluster: str, pod_uid: str, volume: Path, path: str) -> Path:
        """Return a path to bind for a subPath of a volume that `host_path` or `empty_dir` returned, made as a directory where it
        is missing. Raises VolumeError."""
        with self._lock:
            try:
                try:
                    with safe_paths.opened_in(str(volume), path) as descriptor:
                        return self._mounts.pin(descriptor, self._pins(cluster, pod_uid))
                except FileNotFoundError:
                    safe_paths.make_directories(str(volume), path, _SUB_PATH_MODE)
                with safe_paths.opened_in(str(volume), path) as descriptor:
                    return self._mounts.pin(descriptor, self._pins(cluster, pod_uid))
            except OSError as error:
                raise VolumeError(f'failed to create subPath directory for "{path}": {_reason(error)}') from error

    def empty_dir(
        self,
        cluster: str,
        pod_uid: str,
        volume: str,
        *,
        medium: str = "",
        size_limit_bytes: int | None = None,
        group: int | None = None,
    ) -> Path:
        """Return an emptyDir's directory, made when it is not there; it lives until `remove_pod`. ``group`` owns it and what is
        made in it."""
        with self._lock:
            try:
                pod = self._pod(cluster, pod_uid)
                self._mounts.make(pod, size_bytes=self._size_limit_bytes, mode=_DIRECTORY_MODE)
                directory = pod / _name(volume)
                if medium == "Memory" or size_limit_bytes is not None:
                    size = min(size_limit_bytes or self._size_limit_bytes, self._size_limit_bytes)
                    self._mounts.make(directory, size_bytes=max(size, 1), mode=_EMPTY_DIR_MODE)
                else:
                    directory.mkdir(exist_ok=True)
                    directory.chmod(_EMPTY_DIR_MODE)
                if group is not None:
                    _give_to_group(directory, group)
            except OSError as error:
                raise VolumeError(f"cannot make emptyDir {volume}: {_reason(error)}") from error
            return directory

    def write_files(
        self, cluster: str, pod_uid: str, volume: str, files: Mapping[str, tuple[bytes, int]], *, group: int | None = None
    ) -> Path:
        """Return a directory that holds ``files`` (content and mode by path), laid out as the kubelet lays it out: links to a
        directory that is exchanged as a whole. It lives until `remove_pod`. Raises VolumeError."""
        with self._lock:
            directory = self.empty_dir(cluster, pod_uid, volume, group=group)
            try:
                written_files.write(directory, files, group)
            except OSError as error:
                raise VolumeError(f"cannot write the files of volume {volume}: {_reason(error)}") from error
            return directory

    def remove_pod(self, cluster: str, pod_uid: str) -> None:
        """Remove a pod's emptyDirs and pins. Not there is success."""
        with self._lock:
            self._mounts.remove_pins(self._pins(cluster, pod_uid))
            self._mounts.remove(self._pod(cluster, pod_uid))

    def make_directory(self, cluster: str, path: str) -> None:
        """Create a directory on the node, and those above it. Raises VolumeError."""
        try:
            safe_paths.make_directories(str(self._node(cluster)), path, _DIRECTORY_MODE)
        except OSError as error:
            raise VolumeError(_path_error("mkdir", f"/{path.lstrip('/')}", error)) from error

    def read(self, cluster: str, path: str, *, limit_bytes: int) -> bytes | None:
        """Return the beginning of a regular file on the node, links followed as on the node; None when there is none."""
        try:
            with safe_paths.opened_in(str(self._node(cluster)), path) as descriptor:
                return safe_paths.read_regular(descriptor, limit_bytes)
        except OSError:
            return None

    def listing(self, cluster: str, path: str) -> tuple[NodeEntry, ...] | None:
        """Return what stands in a directory on the node, links followed on the way to it; None when it is none."""
        try:
            return listing(str(self._node(cluster)), path)
        except (OSError, ValueError, OverflowError):  # ValueError: a NUL in the path
            return None

    def snapshot(self, directory: Path) -> Snapshot:
        """Return what a volume holds now. ``directory`` is what `host_path`, `sub_path` or `empty_dir` returned."""
        return volume_changes.snapshot(directory)

    def changes(self, directory: Path, since: Snapshot) -> tuple[VolumeChange, ...]:
        """Return the files that appeared, changed or vanished since, with the text of those that are text."""
        return volume_changes.changes(directory, since)

    def _create(self, node: str, path: str, type: str) -> None:
        if type not in ("", "DirectoryOrCreate", "FileOrCreate"):
            return
        try:
            with safe_paths.opened_in(node, path):
                return
        except (FileNotFoundError, NotADirectoryError):
            pass
        try:
            if type == "FileOrCreate":
                safe_paths.make_file(node, path, _FILE_MODE)
            else:  # with no type at all it is the container runtime that makes a missing directory
                safe_paths.make_directories(node, path, _DIRECTORY_MODE)
        except OSError as error:
            raise VolumeError(_path_error("open" if type == "FileOrCreate" else "mkdir", path, error)) from error

    def _cluster(self, cluster: str) -> Path:
        return self._root / _name(cluster)

    def _node(self, cluster: str) -> Path:
        return self._cluster(cluster) / "node"

    def _pod(self, cluster: str, pod_uid: str) -> Path:
        return self._cluster(cluster) / "pods" / _name(pod_uid)

    def _pins(self, cluster: str, pod_uid: str) -> Path:
        return self._cluster(cluster) / "pins" / _name(pod_uid)


def _give_to_group(directory: Path, group: int) -> None:
    """Make a new directory the group's (pkg/volume/volume_linux.go: SetVolumeOwnership). Without root it stays open to all."""
    with contextlib.suppress(PermissionError):
        os.chown(directory, -1, group)
        directory.chmod(_EMPTY_DIR_MODE | stat.S_ISGID)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"cannot use {name!r} as the name of a directory; names hold letters, digits, '-', '_' and '.'")
    return name


def _check(descriptor: int, path: str, type: str) -> None:
    if type and not _KINDS[type][0](os.fstat(descriptor).st_mode):
        raise VolumeError(_failed_check(path, type))


def _failed_check(path: str, type: str) -> str:
    if not type:
        return f"cannot use hostPath {path} on the node: it vanished while it was being mounted"
    return f"hostPath type check failed: {path} is not {_KINDS[type][1]}"


def _path_error(verb: str, path: str, error: OSError) -> str:
    """Return the message of Go's PathError: os.MkdirAll names the directory that stood in the way."""
    shown = error.filename if verb == "mkdir" and str(error.filename).startswith("/") else path
    return f"{verb} {shown}: {_reason(error)}"


def _reason(error: OSError) -> str:
    """Return the error as Go words it."""
    return os.strerror(error.errno or errno.EIO).lower()
