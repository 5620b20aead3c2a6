"""The witness's own book-keeping, with a trace that tells what the test wants; the kernel's words are in `test_signals`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.clock import SystemClock
from lab.runtime.runtime import ObservedSignal
from lab.runtime.tracefs import Generated
from lab.runtime.tracepoint_witness import TracepointWitness


class Trace:
    """Stands for the kernel's: what ``read`` yields is decided by the test, once."""

    heard_again_at_seconds = None

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK)
        self.tell: Callable[[], Generated] | None = None

    def read(self) -> Iterator[Generated]:
        tell, self.tell = self.tell, None
        if tell is not None:
            yield tell()

    def thread_name(self, thread: int) -> str:
        return "unknown"

    def close(self) -> None:
        os.close(self.descriptor)


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture
def witness(trace: Any) -> Iterator[TracepointWitness]:
    witness = TracepointWitness(SystemClock(), trace)
    yield witness
    witness.close()


def test_a_signal_of_a_process_that_has_gone_by_the_time_it_is_read_is_told_to_who_follows_it(
    trace: Trace, witness: TracepointWitness
) -> None:
    child = subprocess.Popen(["sleep", "60"])

    def tell() -> Generated:  # on the witness's thread, in the turn that takes up `follow`
        child.kill()
        child.wait()
        return Generated(
            at_seconds=time.clock_gettime(time.CLOCK_BOOTTIME),
            sender_name="runc",
            sender_thread=os.getpid(),
            signal=15,
            code=0,
            target_name="sleep",
            target_thread=child.pid,
            outcome=0,
        )

    seen: list[ObservedSignal] = []
    trace.tell = tell
    witness.follow(child.pid, seen.append)
    witness.forget(child.pid)
    assert [(signal.signal, signal.sender) for signal in seen] == [("SIGTERM", "runc")]
