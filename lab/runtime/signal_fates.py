"""What becomes of a signal between being sent and being taken.

The kernel says when a signal was dropped and when a handler or the default action took it. Between them lies what it does not
say: a signal that is blocked, or one that was taken by sigwait or signalfd, as inits do that have no handler (tini). Those are
found by looking into the process's pending mask. "Ignored" is said only where the kernel dropped the signal.
Source: Linux ``kernel/signal.c`` (prepare_signal, complete_signal, get_signal).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab.clock import Clock
from lab.runtime.processes import Process, has_thread, process
from lab.runtime.tracefs import Delivered, Generated
from lab.timeline.signal_names import FAULTS, SIGCONT, SIGKILL, SIGSTOP, in_mask

_LOOK_SECONDS = 0.02  # a signal that no handler took by then is looked up in the process's pending mask
_PENDING_SECONDS = 0.25  # longer than a throttled process waits for its next slice (CFS period: 0.1 s)
_PENDING_LOOK_SECONDS = 1.0  # between looks at a signal that was told to be pending
_WAITING_LIMIT = 64  # signals of one process that wait for their delivery

Result = Literal["delivered", "default", "ignored", "pending"]


@dataclass(slots=True, kw_only=True)
class Sent:
    """A signal on its way to a process. ``sender_pid`` is 0 when the kernel sent it."""

    event: Generated
    target: Process
    sender: str
    sender_pid: int
    sent_at_seconds: float
    look_at_seconds: float = 0.0  # when to look at the process's mask again
    left_mask: bool = False
    told_pending: bool = False


class SignalFates:
    """Follows signals to their end and calls ``report`` with it: once, or twice when a pending one is taken after all. Not
    thread-safe."""

    def __init__(self, clock: Clock, report: Callable[[Sent, Result], None]) -> None:
        self._clock = clock
        self._report = report
        self._waiting: dict[int, list[Sent]] = {}  # by process

    @property
    def look_at_seconds(self) -> float | None:
        """When, on the clock, `look` has something to do; None when nothing waits."""
        return min((sent.look_at_seconds for waiting in self._waiting.values() for sent in waiting), default=None)

    def sent(self, sent: Sent) -> None:
        """Take a signal that was sent: judge it at once, or wait for its delivery."""
        match sent.event.outcome:
            case 1 if sent.event.signal == SIGCONT:  # it continues a stopped process even where no handler is called
                self._judge(sent, "default")
            case 1 | 3:  # TRACE_SIGNAL_IGNORED, _OVERFLOW_FAIL
                self._judge(sent, "ignored")
            case 2:  # TRACE_SIGNAL_ALREADY_PENDING
                self._judge(sent, "pending")
            case _:
                sent.look_at_seconds = sent.sent_at_seconds + _LOOK_SECONDS
                waiting = self._waiting.setdefault(sent.target.pid, [])
                waiting.append(sent)
                del waiting[:-_WAITING_LIMIT]

    def settle(self, namespace: str) -> None:
        """Judge now what still waits in a PID namespace."""
        for pid, waiting in tuple(self._waiting.items()):
            if waiting[0].target.namespace == namespace:
                del self._waiting[pid]
                for sent in waiting:
                    self._judge_undelivered(sent)

    def delivered(self, event: Delivered) -> None:
        """Take the kernel's word that a thread took a signal."""
        pid = self._waiting_process_of(event.thread)
        if pid is None:
            return
        waiting = self._waiting[pid]
        taken = next((sent for sent in waiting if sent.event.signal == event.signal), None)
        # The kernel ends all threads by SIGKILL, whatever signal was fatal: the oldest that nothing held up was it.
        fatal = next(filter(_nothing_holds, waiting), None) if taken is None and event.signal == SIGKILL else None
        judged = taken or fatal
        if judged is None:
            return
        waiting.remove(judged)
        if event.signal == SIGKILL:  # the end: what else waits will never be taken
            for sent in waiting:
                self._judge(sent, "pending")
            waiting.clear()
        self._judge(judged, _result(judged, event.handler) if taken else "default")
        if not waiting:
            del self._waiting[pid]

    def _waiting_process_of(self, thread: int) -> int | None:
        """Return the process whose thread it is, if signals to it wait. Each program with many threads that ends on this machine
        has SIGKILL taken by all of them, so whose they are is asked of the few that wait."""
        if thread in self._waiting:
            return thread
        return next((pid for pid in self._waiting if has_thread(pid, thread)), None)

    def look(self) -> None:
        """Look after the signals that no handler took in time."""
        now = self._clock.monotonic()
        for pid, waiting in tuple(self._waiting.items()):
            for sent in [sent for sent in waiting if sent.look_at_seconds <= now]:
                if _still_queued(sent):
                    self._look_later(sent, now)
                elif not sent.left_mask:  # taken this instant; its delivery would be in the buffer by the next look
                    sent.left_mask = True
                    sent.look_at_seconds = now + _LOOK_SECONDS
                else:
                    waiting.remove(sent)
                    self._judge_undelivered(sent)
            if not waiting:
                del self._waiting[pid]

    def _look_later(self, sent: Sent, now: float) -> None:
        if now - sent.sent_at_seconds < _PENDING_SECONDS:
            sent.look_at_seconds = sent.sent_at_seconds + _PENDING_SECONDS
        else:
            self._judge(sent, "pending")  # it may still be taken, and that will be told too
            sent.look_at_seconds = now + _PENDING_LOOK_SECONDS

    def _judge_undelivered(self, sent: Sent) -> None:
        """Judge a signal without a delivery: queued still, or taken by sigwait or signalfd."""
        self._judge(sent, "pending" if _still_queued(sent) else "delivered")

    def _judge(self, sent: Sent, result: Result) -> None:
        if result != "pending" or not sent.told_pending:
            sent.told_pending = result == "pending"
            self._report(sent, result)


def _result(sent: Sent, handler: int) -> Result:
    if handler > 1:
        return "delivered"
    forced = sent.event.signal in (SIGKILL, SIGSTOP) or (sent.event.signal in FAULTS and sent.event.code > 0)
    spared = sent.target.namespace_pid == 1 and not forced  # PID 1 is not ended by a default action
    return "ignored" if handler == 1 or spared else "default"


def _nothing_holds(sent: Sent) -> bool:
    held = sent.target.blocked | sent.target.caught | sent.target.ignored
    return not in_mask(held, sent.event.signal)


def _still_queued(sent: Sent) -> bool:
    current = process(sent.target.pid)
    same = current is not None and current.namespace == sent.target.namespace
    return current is not None and same and in_mask(current.pending, sent.event.signal)
