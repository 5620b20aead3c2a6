"""The mounts under the virtual nodes: size-limited file systems, and pins.

A pin is a bind mount of something that is open already, on a place that no container can reach. Docker resolves a bind's source
as a path long after it was checked; a learner's other container could have put a link there meanwhile. The path of a pin cannot
be swapped. All mounts are nosuid,nodev. Without root (or CAP_SYS_ADMIN) there are no mounts: directories are plain, unlimited and
unpinned, which is good for a learner's own machine and not for a class. Source: open_tree(2), move_mount(2), tmpfs(5).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path

from lab.runtime import syscalls

_INODES_PER_FILE_SYSTEM = 16_384  # a quota too: each costs about a kilobyte of kernel memory
_FLAGS = syscalls.MS_NOSUID | syscalls.MS_NODEV


class NodeMounts:
    """Makes and removes mounts at paths that only the lab writes to."""

    def __init__(self, root: Path, *, plain: bool) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._can_mount = not plain and _can_mount(root)

    @property
    def are_possible(self) -> bool:
        """Whether there are mounts; else directories are plain."""
        return self._can_mount

    def make(self, directory: Path, *, size_bytes: int, mode: int) -> None:
        """Make ``directory`` an empty file system of that size; one that is there already is left as it is."""
        directory.mkdir(parents=True, exist_ok=True)
        if not self._can_mount:
            directory.chmod(mode)
        elif not is_mounted(directory):
            options = f"size={size_bytes},nr_inodes={_INODES_PER_FILE_SYSTEM},mode={mode:o}"
            syscalls.mount("pod-hook-lab", str(directory), "tmpfs", flags=_FLAGS, options=options)

    def pin(self, descriptor: int, directory: Path) -> Path:
        """Return a path for what ``descriptor`` has open; the same again for the same file or directory."""
        if not self._can_mount:
            return Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        identity = os.fstat(descriptor)
        place = directory / f"{identity.st_dev:x}-{identity.st_ino:x}"
        directory.mkdir(parents=True, exist_ok=True)
        if stat.S_ISDIR(identity.st_mode):
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        if not os.path.samestat(place.lstat(), identity):
            _bind(descriptor, place)
        return place

    def remove(self, directory: Path) -> None:
        """Remove the file system or plain directory with all it holds. Running containers keep theirs until they end."""
        if self._can_mount:
            _unmount(directory)
        if directory.is_dir() and not is_mounted(directory):
            shutil.rmtree(directory)

    def remove_pins(self, directory: Path) -> None:
        """Remove all pins in ``directory`` and the directory; never what was pinned."""
        if not directory.is_dir():
            return
        for place in directory.iterdir():
            _unmount(place)
            if place.is_dir():
                place.rmdir()  # refuses when it is mounted still, or not empty
            else:
                place.unlink()
        directory.rmdir()


def is_mounted(directory: Path) -> bool:
    """Whether the directory is a mount of another file system than its parent's."""
    return directory.lstat().st_dev != directory.parent.lstat().st_dev


def _bind(descriptor: int, place: Path) -> None:
    mounted = syscalls.clone_mount(descriptor)
    try:
        target = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            syscalls.attach_mount(mounted, target)
        finally:
            os.close(target)
    finally:
        os.close(mounted)


def _unmount(place: Path) -> None:
    while True:
        try:
            syscalls.unmount(str(place), flags=syscalls.MNT_DETACH)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):  # not a mount (any more)
                return
            raise


def _can_mount(root: Path) -> bool:
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory(dir=root, prefix=".try-") as place:
        try:
            syscalls.mount("pod-hook-lab", place, "tmpfs", flags=_FLAGS)
        except OSError:
            return False
        with contextlib.suppress(OSError):
            syscalls.unmount(place, flags=syscalls.MNT_DETACH)
    return True
