"""Processes as /proc tells: which PID namespace they live in, their number there, their signal masks.

Everything here is one look at one instant: a process may end between two reads, and then the answer is None. Reading another
user's processes needs root. Source: Linux ``Documentation/filesystems/proc.rst``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lab.runtime.runtime import ProcessState

_OTHERS_LIMIT = 256  # processes listed beside PID 1; a container's pids limit is lower
_COMMAND_LIMIT_BYTES = 4096  # of a command line


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process (not a thread) seen from the host. ``namespace_pid`` is its number in the innermost PID namespace, ``parent`` its
    parent's on the host."""

    pid: int
    parent: int
    namespace: str
    namespace_pid: int
    name: str
    pending: int
    blocked: int
    ignored: int
    caught: int


def process(pid: int) -> Process | None:
    """Return the process that the host's ``pid`` (of a process or of one of its threads) belongs to, or None when it is gone."""
    try:
        fields = _status(pid)
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
        return Process(
            pid=int(fields["Tgid"]),
            parent=int(fields["PPid"]),
            namespace=namespace,
            namespace_pid=int(fields["NStgid"].split()[-1]),
            name=fields["Name"],
            pending=int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16),
            blocked=int(fields["SigBlk"], 16),
            ignored=int(fields["SigIgn"], 16),
            caught=int(fields["SigCgt"], 16),
        )
    except (OSError, KeyError, IndexError, ValueError):
        return None


def process_id(thread: int) -> int:
    """Return the process a thread belongs to; the thread's own number when it is gone."""
    found = process(thread)
    return thread if found is None else found.pid


def has_thread(pid: int, thread: int) -> bool:
    """Whether a thread is one of a process's now."""
    return os.path.exists(f"/proc/{pid}/task/{thread}")


def processes_beside(pid: int) -> Iterator[Process]:
    """Yield the other processes of the PID namespace, those that were started from outside (exec) included."""
    first = process(pid)
    if first is None:
        return
    for other in _candidates(pid):
        if other == pid or _namespace(other) != first.namespace:
            continue
        found = process(other)
        if found is not None and found.namespace == first.namespace:
            yield found


def process_state(host_pid: int) -> ProcessState | None:
    """Return what PID 1 of a container runs, its signal masks and the container's other processes; None when it has ended
    or is not ours to read. Takes well below a millisecond."""
    first = process(host_pid)
    if first is None:
        return None
    beside = list(islice(processes_beside(host_pid), _OTHERS_LIMIT))
    numbers = {known.pid: known.namespace_pid for known in (first, *beside)}
    commands = {known.pid: command_line(known.pid) or f"[{known.name}]" for known in (first, *beside)}
    tree = ((one.namespace_pid, numbers.get(one.parent, 0), commands[one.pid]) for one in (first, *beside))
    return ProcessState(
        command=commands[first.pid],
        sig_blocked=f"{first.blocked:016x}",
        sig_ignored=f"{first.ignored:016x}",
        sig_caught=f"{first.caught:016x}",
        others=tuple(sorted((other.namespace_pid, commands[other.pid]) for other in beside)),
        tree=tuple(sorted(tree)),
    )


def command_line(pid: int) -> str:
    """Return the command line with spaces between the arguments, or "" when there is none (a zombie) or the process is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(_COMMAND_LIMIT_BYTES)
    except OSError:
        return ""
    return words.rstrip(b"\0 ").replace(b"\0", b" ").decode(errors="replace")


def start_time_seconds(pid: int) -> float | None:
    """Return when the process was started, in seconds since boot (resolution 10 ms), or None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def _status(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_bytes().decode(errors="replace")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _candidates(pid: int) -> list[int]:
    """Return the processes of the container's cgroup (v2, else v1's pids), or every process where it cannot be read."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return []
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if path == "/" or controllers not in ("", "pids"):
            continue
        for mounted in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if not controllers else ("/sys/fs/cgroup/pids",):
            try:
                return [int(word) for word in Path(f"{mounted}{path}/cgroup.procs").read_text().split()]
            except OSError:
                continue
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
