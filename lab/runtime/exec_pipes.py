"""The pipes of an exec, held open by the lab, so that a hook ends when its output is closed and not before.

A hook is finished when nobody holds its stdout and stderr any more, as in CRI (recordings C16, C16b). Docker lets go of
them about two seconds after the exec's first process has ended, even if a child still writes: its output would be lost and
the child be killed by SIGPIPE. So once the first process has ended and the stream has not, the lab opens the same pipes for
reading through /proc (and the FIFOs by which containerd's shim passes them on), and reads on where Docker stops. Needs root
on the engine's host; elsewhere `hold` returns None and the end of Docker's stream is the end of the exec.
Source: containerd pkg/process/exec.go ``delete`` (waits two seconds for the copies); moby daemon/monitor.go
``ProcessEvent``.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

from lab.clock import Clock

_SETTLE_SECONDS = 0.2  # what the shim read just before the pipe was closed reaches the FIFO within this
_PIPE_BYTES = 64 * 1024


class HeldPipes:
    """Read ends of one exec's stdout and stderr. Close it."""

    def __init__(self, pipes: dict[int, str], relays: dict[int, str]) -> None:
        self._pipes = pipes
        self._relays = relays

    def read(self, clock: Clock, deadline: float | None) -> tuple[list[tuple[str, bytes]], bool]:
        """Wait for output that Docker no longer relays and return it, with whether that was the end of it.

        Returns ([], False) when ``deadline`` (of ``clock.monotonic()``) has passed.
        """
        while self._pipes:
            wait = None if deadline is None else deadline - clock.monotonic()
            if wait is not None and wait <= 0:
                return [], False
            found = self._drain(wait)
            if found:
                return found, False
        return self._drain(_SETTLE_SECONDS) if self._relays else [], True

    def _drain(self, timeout_seconds: float | None) -> list[tuple[str, bytes]]:
        poll = select.poll()
        for descriptor in (*self._pipes, *self._relays):
            poll.register(descriptor, select.POLLIN)
        found = []
        for descriptor, _ in poll.poll(None if timeout_seconds is None else timeout_seconds * 1000):
            ends = self._pipes if descriptor in self._pipes else self._relays
            try:
                data = os.read(descriptor, _PIPE_BYTES)
            except BlockingIOError:
                continue  # the shim was faster
            if data:
                found.append((ends[descriptor], data))
            else:
                del ends[descriptor]
                os.close(descriptor)
        return found

    def close(self) -> None:
        """Let go of the pipes."""
        for descriptor in (*self._pipes, *self._relays):
            os.close(descriptor)
        self._pipes, self._relays = {}, {}


def hold(exec_id: str, exec_pid: int, container_pid: int) -> HeldPipes | None:
    """Open the pipes of an exec whose first process is, or was, ``exec_pid``; None when no process holds them or this host
    cannot tell.

    The first process leads a session of its own (runc calls setsid), so what it left behind is found by that.
    """
    pipes: dict[int, str] = {}
    seen: set[int] = set()
    for pid in (exec_pid, *_session(exec_pid)):
        for number, stream in ((1, "stdout"), (2, "stderr")):
            descriptor = _open_pipe(f"/proc/{pid}/fd/{number}")
            if descriptor is None:
                continue
            inode = os.fstat(descriptor).st_ino
            if inode in seen:
                os.close(descriptor)
            else:
                seen.add(inode)
                pipes[descriptor] = stream
    return HeldPipes(pipes, _relays(exec_id, container_pid)) if pipes else None


def _relays(exec_id: str, container_pid: int) -> dict[int, str]:
    """Open the exec's FIFOs, which the shim (PID 1's parent) has open under the exec's name."""
    relays: dict[int, str] = {}
    with suppress(OSError, ValueError):
        shim = _stat(container_pid)[0]
        for name in os.listdir(f"/proc/{shim}/fd"):
            path = f"/proc/{shim}/fd/{name}"
            stream = _target(path).removeprefix(exec_id + "-")
            if stream in ("stdout", "stderr") and stream not in relays.values():
                relays[os.open(path, os.O_RDONLY | os.O_NONBLOCK)] = stream
    return relays


def _target(path: str) -> str:
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return ""


def _open_pipe(path: str) -> int | None:
    try:
        if not os.readlink(path).startswith("pipe:"):
            return None
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None


def _session(leader: int) -> list[int]:
    members = []
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            if name.isdigit() and int(name) != leader and _stat(int(name))[1] == leader:
                members.append(int(name))
    return members


def _stat(pid: int) -> tuple[int, int]:
    """Return a process's parent and session. Raises OSError when it is gone."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[1]), int(fields[3])
