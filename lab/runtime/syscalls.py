"""The few Linux system calls that Python's standard library does not offer, through ctypes.

Each function is the call and nothing more: it takes what the kernel takes and raises `OSError` with the kernel's errno.
Policy (which flags, which paths) belongs to the callers. Source: Linux ``include/uapi/asm-generic/unistd.h``; calls from number
424 on have the same number on every architecture.
"""

from __future__ import annotations

import ctypes
import os

_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_OPENAT2 = 437

RESOLVE_NO_MAGICLINKS = 0x02  # linux/openat2.h
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND = 1, 2, 4, 32, 4096  # linux/mount.h
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH, _MOVE_MOUNT_T_EMPTY_PATH = 0x04, 0x40
_FSOPEN_CLOEXEC, _FSCONFIG_CMD_CREATE, _FSMOUNT_CLOEXEC = 1, 6, 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def openat2(directory: int, path: str, flags: int, *, resolve: int, mode: int = 0) -> int:
    """Open ``path`` relative to the directory descriptor under the ``RESOLVE_*`` rules; return a close-on-exec descriptor."""
    how = _OpenHow(flags=flags | os.O_CLOEXEC, mode=mode, resolve=resolve)
    return _syscall(
        path, _OPENAT2, directory, ctypes.c_char_p(os.fsencode(path)), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))
    )


def mount(source: str, target: str, filesystem: str = "", *, flags: int = 0, options: str = "") -> None:
    """Mount, bind or remount."""
    arguments = (os.fsencode(source), os.fsencode(target), filesystem.encode() or None, flags, options.encode() or None)
    _checked(target, int(_libc.mount(*arguments)))


def unmount(target: str, *, flags: int = 0) -> None:
    """Unmount what is mounted on ``target``."""
    _checked(target, int(_libc.umount2(os.fsencode(target), flags)))


def clone_mount(descriptor: int) -> int:
    """Return a detached bind mount of the file or directory that ``descriptor`` (O_PATH will do) has open, as a descriptor."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH
    return _syscall(f"descriptor {descriptor}", _OPEN_TREE, descriptor, ctypes.c_char_p(b""), flags)


def attach_mount(mounted: int, target: int) -> None:
    """Attach a detached mount on the file or directory that ``target`` has open."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    empty = ctypes.c_char_p(b"")
    _syscall(f"descriptor {target}", _MOVE_MOUNT, mounted, empty, target, empty, flags)


def detached_filesystem(filesystem: str) -> int:
    """Return a mount of a file system that is attached nowhere: it lives as long as the descriptor, so nothing is left behind."""
    context = _syscall(filesystem, _FSOPEN, ctypes.c_char_p(filesystem.encode()), _FSOPEN_CLOEXEC)
    try:
        _syscall(filesystem, _FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _syscall(filesystem, _FSMOUNT, context, _FSMOUNT_CLOEXEC, 0)
    finally:
        os.close(context)


def _syscall(name: str, number: int, *arguments: object) -> int:
    wide = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
    return _checked(name, int(_libc.syscall(ctypes.c_long(number), *wide)))


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result
