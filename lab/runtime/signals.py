"""Signals received in containers, told by the kernel.

`open_observer` takes the best witness this host allows: the kernel's tracepoints (`tracepoint_witness`), which see every
signal with its sender and fate at no cost to the process; else a tracer (`ptrace_witness`), which sees what a process takes but
not who killed it; else none, and says why and what would help. One observer serves the whole lab, for hundreds of containers.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.clock import Clock
from lab.runtime.processes import process_state
from lab.runtime.ptrace_witness import PtraceWitness
from lab.runtime.runtime import ObservedSignal
from lab.runtime.tracefs import SignalTrace
from lab.runtime.tracepoint_witness import TracepointWitness

__all__ = ["ObserverUnavailable", "SignalObserver", "open_observer", "process_state"]

_LOGGER = logging.getLogger(__name__)


class SignalObserver(Protocol):
    """Follows containers by their PID 1, as the host numbers it. Thread-safe."""

    def follow(self, host_pid: int, on_signal: Callable[[ObservedSignal], None]) -> None:
        """Report signals to PID 1 and the processes beside it. Returns at once; ``on_signal`` is called from the observer's
        thread and must return quickly."""
        ...

    def forget(self, host_pid: int) -> None:
        """Stop following, once all signals that came before the call have been reported (within about a second). Call it when
        PID 1 has ended and before telling of its exit. Not to be called from ``on_signal``."""
        ...

    def close(self) -> None:
        """Stop, leaving nothing behind. Idempotent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverUnavailable:
    """No witness is to be had on this host: the reason and what would help, each a sentence."""

    why: str
    remedy: str


def open_observer(clock: Clock) -> SignalObserver | ObserverUnavailable:
    """Return the best observer that works on this host."""
    if os.geteuid() != 0:
        return ObserverUnavailable(
            why="cannot witness signals in containers: only root may read the kernel's signal events or trace others' processes",
            remedy="start the lab as root on the machine that runs the Docker Engine",
        )
    try:
        return TracepointWitness(clock, SignalTrace(clock))
    except OSError as error:
        _LOGGER.warning("cannot use the kernel's signal tracepoints (%s); tracing with ptrace instead", error)
        reason = str(error)
    try:
        return PtraceWitness(clock)
    except OSError as error:
        return ObserverUnavailable(
            why=f"cannot witness signals in containers: neither tracepoints ({reason}) nor ptrace ({error}) can be used",
            remedy="run on a kernel with tracefs (CONFIG_FTRACE) and mount it: mount -t tracefs nodev /sys/kernel/tracing",
        )
