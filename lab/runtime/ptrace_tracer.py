"""A process of its own that watches others through ptrace and prints each signal they take as a line of JSON.

A tracer must wait for its tracees from one thread and may not mix with the lab's own children, hence the separate process.
It seizes, never attaches: no stop, no SIGSTOP, and no system call is slowed down. Tracees go on unharmed when it ends. It sees
the signals that a process is given, those included that the kernel is about to drop for want of a handler, but not who sent a
SIGKILL, nor what sigwait takes. Reads commands ``follow PID`` and ``forget PID`` on stdin; ends with it. Standard library only:
it is run as a file. Source: ptrace(2), Linux ``kernel/ptrace.c``.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from pathlib import Path

_CONT, _SEIZE, _INTERRUPT, _DETACH, _LISTEN, _GETSIGINFO = 7, 0x4206, 0x4207, 17, 0x4208, 0x4202  # sys/ptrace.h
_OPTIONS = 0x2 | 0x4 | 0x8  # trace forks, vforks and clones from their start
_EVENT_STOP = 128
_WALL = 0x40000000  # threads too
_SIGINFO_BYTES = 128

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long

_tracees: dict[int, int] = {}  # thread → the PID 1 it was followed for
_leaving: set[int] = set()  # threads to let go at their next stop


def main() -> None:
    """Serve until stdin is closed."""
    child_read, child_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(child_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _print(ready=os.getpid())
    rest = b""
    while True:
        readable, _, _ = select.select([0, child_read], [], [])
        if child_read in readable:
            os.read(child_read, 4096)
        _reap()
        if 0 in readable:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                verb, _, pid = line.decode().partition(" ")
                (_follow if verb == "follow" else _forget)(int(pid))


def _follow(first: int) -> None:
    for thread in _threads(first):
        if _ptrace(_SEIZE, thread, _OPTIONS):
            _tracees[thread] = first
        elif thread == first:
            _print(lost=first, why=os.strerror(ctypes.get_errno()))


def _forget(first: int) -> None:
    for thread in [thread for thread, owner in _tracees.items() if owner == first]:
        _leaving.add(thread)
        _ptrace(_INTERRUPT, thread)
    _reap()
    _print(forgotten=first)


def _reap() -> None:
    while True:
        try:
            thread, status = os.waitpid(-1, os.WNOHANG | _WALL)
        except ChildProcessError:
            return
        if thread == 0:
            return
        if os.WIFSTOPPED(status):
            _stopped(thread, os.WSTOPSIG(status), status >> 16)
        else:
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and thread in _tracees:
                _print(owner=_tracees[thread], thread=thread, signal=int(signal.SIGKILL), code=0, sender=0, result="default")
            _tracees.pop(thread, None)
            _leaving.discard(thread)


def _stopped(thread: int, number: int, event: int) -> None:
    owner = _tracees.setdefault(thread, _owner(thread))
    deliver = number if event == 0 else 0
    if deliver:
        _tell(owner, thread, number)
    if thread in _leaving:
        _leaving.discard(thread)
        _tracees.pop(thread, None)
        _ptrace(_DETACH, thread, deliver)
    elif event == _EVENT_STOP and number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        _ptrace(_LISTEN, thread)  # stay stopped, as the process was told to
    else:
        _ptrace(_CONT, thread, deliver)


def _tell(owner: int, thread: int, number: int) -> None:
    info = (ctypes.c_int * (_SIGINFO_BYTES // 4))()
    known = _ptrace(_GETSIGINFO, thread, ctypes.addressof(info))
    code, sender = (info[2], info[4]) if known else (0, 0)  # si_code; si_pid, as the receiver's PID namespace numbers it
    try:
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{thread}/status").read_text(errors="replace").splitlines()
            if ":\t" in line
        )
    except OSError:
        return
    bit = 1 << (number - 1)
    if int(status["SigCgt"], 16) & bit:
        result = "delivered"
    elif int(status["SigIgn"], 16) & bit:
        result = "ignored"
    else:
        spared = status["NStgid"].split()[-1] == "1" and number != signal.SIGSTOP and code <= 0
        result = "ignored" if spared else "default"
    _print(owner=owner, thread=thread, signal=number, code=code, sender=sender if code <= 0 else 0, result=result)


def _owner(thread: int) -> int:
    """Return for which PID 1 a new thread is traced: the one in its PID namespace."""
    try:
        namespace = os.readlink(f"/proc/{thread}/ns/pid")
        return next(owner for owner in set(_tracees.values()) if os.readlink(f"/proc/{owner}/ns/pid") == namespace)
    except (OSError, StopIteration):
        return 0


def _threads(first: int) -> list[int]:
    """Return the threads of PID 1 and of all its descendants."""
    found, pids = [], [first]
    while pids:
        pid = pids.pop()
        try:
            for thread in map(int, os.listdir(f"/proc/{pid}/task")):
                found.append(thread)
                pids += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        except OSError:
            continue
    return found


def _ptrace(request: int, thread: int, data: int = 0) -> bool:
    return bool(_libc.ptrace(request, thread, None, data) == 0)


def _print(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
