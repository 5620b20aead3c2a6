"""Linux signal numbers and their names, and the signals that are not worth a learner's line.

Source: Linux ``include/uapi/asm-generic/signal.h``; real-time signals are named as systemd and Docker name them (SIGRTMIN+n).
"""

from __future__ import annotations

import signal

SIGKILL, SIGCONT, SIGSTOP = int(signal.SIGKILL), int(signal.SIGCONT), int(signal.SIGSTOP)

# Bookkeeping between processes and inside the C library, many per second, never the subject of a lesson.
NOISE = (
    17,  # SIGCHLD: every child that ends
    23,  # SIGURG: the Go scheduler's preemption
    28,  # SIGWINCH: a terminal was resized
    32,  # glibc: thread cancellation
    33,  # glibc: setuid in all threads
)

# Signals that the kernel forces on the process that made the fault; not even PID 1 of a container can be spared.
FAULTS = frozenset(
    int(fault) for fault in (signal.SIGILL, signal.SIGTRAP, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS)
)


def signal_name(number: int) -> str:
    """Return ``SIGTERM`` for 15, ``SIGRTMIN+3`` for 37."""
    first_real_time = int(signal.SIGRTMIN)
    if number >= first_real_time:
        return "SIGRTMIN" if number == first_real_time else f"SIGRTMIN+{number - first_real_time}"
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def signal_number(name: str) -> int:
    """Return 15 for ``SIGTERM``, ``TERM`` or ``15``, and 37 for ``SIGRTMIN+3``. Raises ValueError for anything else."""
    if name.isdecimal():
        return int(name)
    base, _, offset = name.upper().removeprefix("SIG").partition("+")
    try:
        return int(signal.Signals["SIG" + base]) + int(offset or 0)
    except KeyError:
        raise ValueError(f"cannot tell the number of signal {name}") from None


def in_mask(mask: int, number: int) -> bool:
    """Whether a ``/proc/PID/status`` signal mask holds the signal."""
    return bool(mask >> (number - 1) & 1)
