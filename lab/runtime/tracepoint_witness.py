"""The kernel as witness: who sent which signal to which process of a container, and what became of it.

A container's PID is known only once it runs, and a filter set then would miss what came in its first milliseconds. So every
signal on the machine is read (there are few), kept for some seconds if it hit an unknown container, and reported when that
container is followed. What becomes of each is judged in `signal_fates`. All state belongs to the reader's thread; others leave
it requests. Source: Linux ``kernel/signal.c``.
"""

from __future__ import annotations

import logging
import os
import select
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import Clock
from lab.runtime.processes import Process, process, process_id, processes_beside, start_time_seconds
from lab.runtime.runtime import ObservedSignal
from lab.runtime.signal_fates import Result, Sent, SignalFates
from lab.runtime.tracefs import Delivered, Generated, SignalTrace
from lab.timeline.signal_names import SIGKILL, signal_name

_LOGGER = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.1  # after a failed read
_FORGET_SECONDS = 1.0  # that `forget` waits at most for the reader
_HISTORY_SECONDS = 5.0  # between a container's start and `follow`
_HISTORY_LIMIT = 1024
_KNOWN_LIMIT = 4096  # processes remembered, for those that are gone before they can be looked up
_USER_CODES = frozenset({0, -1, -6})  # SI_USER, SI_QUEUE, SI_TKILL: a process sent it; all others come from the kernel


@dataclass(slots=True, kw_only=True)
class _Followed:
    pid: int
    first: Process | None  # None when it was gone at once
    namespace: str
    started_at_seconds: float
    on_signal: Callable[[ObservedSignal], None]


class TracepointWitness:
    """A `SignalObserver` over a `SignalTrace`, with one thread."""

    def __init__(self, clock: Clock, trace: SignalTrace) -> None:
        self._clock = clock
        self._trace = trace
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._changed = clock.condition()
        self._requests: deque[Callable[[], None]] = deque()
        self._done = 0
        self._asked = 0
        self._closing = False
        self._followed: dict[str, _Followed] = {}  # by PID namespace
        self._known: OrderedDict[int, Process] = OrderedDict()
        self._fates = SignalFates(clock, self._report)
        self._history: deque[tuple[Sent, ObservedSignal]] = deque(maxlen=_HISTORY_LIMIT)
        self._own_namespace = os.readlink("/proc/self/ns/pid")
        self._reader = clock.spawn("signal-witness", self._run)

    def follow(self, host_pid: int, on_signal: Callable[[ObservedSignal], None]) -> None:
        """Report the signals to PID 1 ``host_pid`` and to every process beside it, those of its first moments included.
        Returns at once; ``on_signal`` is called from the witness's thread and must return quickly."""
        first = process(host_pid)
        followed = _Followed(
            pid=host_pid,
            first=first,
            namespace=first.namespace if first else _of_the_gone(host_pid),
            started_at_seconds=start_time_seconds(host_pid) or 0.0,
            on_signal=on_signal,
        )
        self._ask(lambda: self._follow(followed))

    def forget(self, host_pid: int) -> None:
        """Stop following, once all signals that came before the call have been reported, after one second at the latest: called
        when the container has ended, it puts its last signals before its exit. Not to be called from ``on_signal``."""
        self._await(self._ask(lambda: self._forget(host_pid)))

    def close(self) -> None:
        """Stop, and remove the tracefs instance."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        os.eventfd_write(self._wake, 1)
        self._reader.join()
        self._trace.close()
        os.close(self._wake)

    def _ask(self, request: Callable[[], None]) -> int:
        with self._changed:
            if self._closing:
                return 0
            self._requests.append(request)
            self._asked += 1
            os.eventfd_write(self._wake, 1)
            return self._asked

    def _await(self, ticket: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._done >= ticket or self._closing, _FORGET_SECONDS)

    # --- the reader's thread: everything below ---

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._trace.descriptor, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while not self._closing:
            poller.poll(self._patience_milliseconds())
            with self._changed:
                requests = tuple(self._requests)
                self._requests.clear()
                if requests:
                    os.eventfd_read(self._wake)
            try:
                self._turn(requests)
            except Exception:  # a witness that died silently would look like a quiet container
                _LOGGER.exception("cannot read the kernel's signal events; some signals will not be shown")
                self._clock.sleep(_PAUSE_SECONDS)
            with self._changed:
                self._done += len(requests)
                self._changed.notify_all()

    def _turn(self, requests: tuple[Callable[[], None], ...]) -> None:
        for event in self._trace.read():  # before the requests: whoever asks sees all that came before
            match event:
                case Generated():
                    self._take_generated(event)
                case Delivered():
                    self._fates.delivered(event)
        self._fates.look()
        for request in requests:
            request()

    def _patience_milliseconds(self) -> float | None:
        times = (self._fates.look_at_seconds, self._trace.heard_again_at_seconds)
        next_seconds = min((at for at in times if at is not None), default=None)
        return None if next_seconds is None else max(0.0, next_seconds - self._clock.monotonic()) * 1000 + 1

    def _follow(self, followed: _Followed) -> None:
        self._followed[followed.namespace] = followed
        if followed.first is not None:
            self._remember(followed.first)
        for beside in processes_beside(followed.pid):
            self._remember(beside)
        oldest = self._clock.monotonic() - _HISTORY_SECONDS
        for sent, observed in tuple(self._history):
            if _is_for(followed, sent) and sent.sent_at_seconds >= oldest:
                self._hand_over(followed, observed)

    def _forget(self, host_pid: int) -> None:
        for followed in tuple(self._followed.values()):
            if followed.pid == host_pid:
                self._fates.settle(followed.namespace)
                self._fates.settle(_of_the_gone(host_pid))
                del self._followed[followed.namespace]

    def _take_generated(self, event: Generated) -> None:
        if event.target_name.startswith("runc:["):  # the runtime's own start-up, before the container's command
            return
        target = self._target(event)
        if target.namespace == self._own_namespace:
            return
        by_process = event.code in _USER_CODES
        sent = Sent(
            event=event,
            target=target,
            sender=(event.sender_name or self._trace.thread_name(event.sender_thread)) if by_process else "kernel",
            sender_pid=process_id(event.sender_thread) if by_process else 0,
            sent_at_seconds=self._clock.monotonic(),
        )
        self._fates.sent(sent)
        if target.namespace_pid == 1 and event.signal != SIGKILL and target.namespace in self._followed:
            for beside in processes_beside(target.pid):  # it may now end, and they with it
                self._remember(beside)

    def _report(self, sent: Sent, result: Result) -> None:
        observed = ObservedSignal(
            signal=signal_name(sent.event.signal),
            number=sent.event.signal,
            sender=sent.sender,
            sender_pid=sent.sender_pid,
            target=sent.event.target_name,
            target_pid=sent.target.namespace_pid,
            result=result,
            witness="tracepoint",
        )
        followed = self._followed.get(sent.target.namespace)
        if followed is None:  # a PID 1 that had gone when its signal was read, and was followed since
            followed = next((followed for followed in self._followed.values() if _is_for(followed, sent)), None)
        if followed is not None:
            self._hand_over(followed, observed)
        else:
            self._history.append((sent, observed))

    def _hand_over(self, followed: _Followed, observed: ObservedSignal) -> None:
        try:
            followed.on_signal(observed)
        except Exception:  # one listener's failure may not cost the others their signals
            _LOGGER.exception("cannot hand over %s to the listener of process %d", observed.signal, followed.pid)

    def _target(self, event: Generated) -> Process:
        """Return whom the signal is for. One that is gone by now is known from before, or belongs where its sender does:
        from inside a PID namespace nobody outside can be signalled."""
        found = process(event.target_thread)
        if found is not None:
            return found if found.namespace == self._own_namespace else self._remember(found)
        known = self._known.get(event.target_thread)
        if known is not None and known.name == event.target_name:
            return known
        sender = process(event.sender_thread) or self._known.get(event.sender_thread)
        inside = sender is not None and sender.namespace != self._own_namespace
        namespace = sender.namespace if sender is not None and inside else _of_the_gone(event.target_thread)
        return Process(
            pid=event.target_thread,
            parent=0,
            namespace=namespace,
            namespace_pid=0,
            name=event.target_name,
            pending=0,
            blocked=0,
            ignored=0,
            caught=0,
        )

    def _remember(self, found: Process) -> Process:
        self._known[found.pid] = found
        self._known.move_to_end(found.pid)
        if len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)
        return found


def _of_the_gone(pid: int) -> str:
    """Return what stands for the PID namespace of a process that has gone before it could be looked up."""
    return f"gone:{pid}"


def _is_for(followed: _Followed, sent: Sent) -> bool:
    same = followed.namespace == sent.target.namespace or followed.pid == sent.target.pid
    return same and sent.event.at_seconds >= followed.started_at_seconds  # not of an earlier process of that number
