"""Paths inside a directory that hostile containers write to.

Containers run as root and may put a symbolic link anywhere at any moment, so no path below such a directory is ever checked
first and used later: it is opened, the kernel keeps the walk inside (``openat2``), and what was opened is what is used. Absolute
links and ``..`` mean what they would mean after a chroot. Nothing here may hand a path below the directory back to a caller.
Source: openat2(2).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath

from lab.errors import SettingsError
from lab.runtime.syscalls import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

_AGAIN_LIMIT = 1000  # the kernel answers EAGAIN when a rename during the walk keeps it from being sure
_MAKE_LIMIT = 100  # directories that may vanish while they are being made


@contextlib.contextmanager
def opened_in(root: str, path: str, flags: int = os.O_PATH) -> Iterator[int]:
    """Open ``path`` as if ``root``, whose own path is trusted, were ``/``; yield the descriptor and close it. Raises OSError."""
    directory = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = open_at(directory, path, flags)
    finally:
        os.close(directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def require_openat2() -> None:
    """Raise SettingsError where the kernel, or a filter of system calls around the lab, does not let it open paths safely."""
    try:
        with opened_in("/", "."):
            pass
    except OSError as error:
        raise SettingsError(
            f"cannot open files of a virtual node safely: openat2 fails here ({error.strerror}); "
            "the lab needs Linux 5.6 or newer, and no filter against it, such as systemd's RestrictSUIDSGID"
        ) from error


def open_at(directory: int, path: str, flags: int = os.O_PATH) -> int:
    """Open ``path`` as if the directory descriptor were ``/``."""
    for _ in range(_AGAIN_LIMIT):
        try:
            return openat2(directory, path.lstrip("/") or ".", flags, resolve=RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        except BlockingIOError:
            continue
    raise OSError(errno.ELOOP, "the path is being changed all the time", path)


def make_directories(root: str, path: str, mode: int) -> None:
    """Create the directory and those above it where they are missing, as ``mkdir -p`` inside ``root``; ``mode`` is exact. An
    error names the directory that could not be made."""
    done = PurePosixPath()
    for name in _names(path):
        _make_directory(root, str(done), name, mode)
        done /= name


def make_file(root: str, path: str, mode: int) -> None:
    """Create an empty file where there is none; its directory must exist. Never follows a link at the last name."""
    *above, name = _names(path)
    with opened_in(root, "/".join(above), os.O_PATH | os.O_DIRECTORY) as directory:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=directory)
        try:
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)


def read_regular(descriptor: int, limit_bytes: int) -> bytes | None:
    """Return the first bytes of the regular file that an O_PATH descriptor stands for; None for everything else, which is never
    opened: a FIFO would block, a device would act."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return None
    readable = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(readable, "rb") as file:
        return file.read(limit_bytes)


def _make_directory(root: str, above: str, name: str, mode: int) -> None:
    path = f"/{above}/{name}" if above != "." else f"/{name}"
    for _ in range(_MAKE_LIMIT):
        with opened_in(root, above, os.O_PATH | os.O_DIRECTORY) as directory:
            try:
                os.mkdir(name, mode, dir_fd=directory)
            except FileExistsError:
                pass
            else:
                _set_mode(directory, name, mode)
                return
        try:
            with opened_in(root, path, os.O_PATH | os.O_DIRECTORY):
                return
        except FileNotFoundError:  # removed between the two, or a link that leads nowhere
            continue
        except NotADirectoryError as error:
            raise NotADirectoryError(error.errno, error.strerror, path) from None
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _set_mode(directory: int, name: str, mode: int) -> None:
    """Undo the umask. The directory may have been replaced meanwhile: then there is nothing to do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]
