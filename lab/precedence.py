"""Which threads go first: those whose work is short and waited for by a person or by everybody.

Python runs one thread at a time. Those that want to go on wait in the kernel, which wakes them in the order in which they came,
but a thread of a real-time policy before all others. So a page, some milliseconds of work in five or six turns, waits in each for
the one that runs, and no longer for the hundred streams and thirty Runs that were there before. Nobody starves: who goes first
hands over after five milliseconds to the next, and comes back. Where the kernel refuses (it wants CAP_SYS_NICE, and under
systemd no RestrictRealtime), all are alike. Source: sched(7), futex(2), CPython's ``Python/ceval_gil.h``.
"""

from __future__ import annotations

import contextlib
import os


def go_first() -> None:
    """Have the calling thread go first from now on. Threads and processes that it starts are ordinary ones."""
    lowest = os.sched_param(1)  # of those that go first: nobody is to be kept from the processor, only from a place in a queue
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, lowest)
