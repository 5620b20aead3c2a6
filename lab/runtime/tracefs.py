"""The kernel's signal tracepoints, read from a tracefs instance of the lab's own.

An instance is a ring buffer with its own events and filters, so nobody else's tracing on this machine is touched. Its name
carries the lab's PID and start time: what a killed lab left behind is recognised and removed by the next. Where tracefs is not
mounted it is mounted detached, on a descriptor, and so vanishes with the process. This module turns text into events and may
not judge them. Source: Linux ``Documentation/trace/ftrace.rst``, ``include/trace/events/signal.h``.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lab.clock import Clock
from lab.runtime import syscalls
from lab.runtime.processes import start_time_seconds
from lab.timeline.signal_names import NOISE, SIGKILL

_LOGGER = logging.getLogger(__name__)

_MOUNTED = Path("/sys/kernel/tracing")
_PREFIX = "pod-hook-lab"
_BUFFER_KIB_PER_CPU = 256  # about four thousand signals between two reads, which are milliseconds apart
_READ_BYTES = 1 << 16
_FLOOD_EVENTS_PER_SECOND = 400  # sent and delivered to one thread, each counted
_RUNTIME = "runc"  # the name under which the engine sends stop signals; a learner's process may take it too
_RUNTIME_SIGNALS_PER_SECOND = 20  # more to one thread are no longer believed to be the engine's
_MUTE_SECONDS = 5.0
_MUTED_LIMIT = 64  # the kernel bounds a filter's text to a page
_counter = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A signal was sent. ``outcome``: 0 queued · 1 ignored · 2 already pending · 3 queue full · 4 queued without its info."""

    at_seconds: float  # since boot
    sender_name: str  # "" when the kernel did not note it
    sender_thread: int
    signal: int
    code: int
    target_name: str
    target_thread: int
    outcome: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A thread took a signal. ``handler``: 0 default action · 1 ignored · else the handler's address."""

    at_seconds: float
    thread: int
    signal: int
    handler: int


SignalEvent = Generated | Delivered

# A process chooses its own name, so a name may hold blanks, digits, even line ends; 15 bytes are too few to forge a line.
_LINE = re.compile(
    r"^ *(?P<task>[\s\S]{1,16}?)-(?P<tid>\d+) +\[\d+\] \S+ +(?P<at>\d+\.\d+): "
    r"(?:signal_generate: sig=(?P<sent>\d+) errno=-?\d+ code=(?P<code>-?\d+) comm=(?P<comm>[\s\S]{0,16}?) "
    r"pid=(?P<pid>\d+) grp=\d+ res=(?P<outcome>\d+)"
    r"|signal_deliver: sig=(?P<taken>\d+) errno=-?\d+ code=-?\d+ sa_handler=(?P<handler>[0-9a-f]+) sa_flags=[0-9a-f]+)$",
    re.MULTILINE,
)


def parse(text: str) -> Iterator[SignalEvent]:
    """Yield the events in the text of a ``trace_pipe``, in its order; what is not an event is passed over."""
    for match in _LINE.finditer(text):
        at_seconds, thread = float(match["at"]), int(match["tid"])
        if match["sent"] is None:
            yield Delivered(at_seconds=at_seconds, thread=thread, signal=int(match["taken"]), handler=int(match["handler"], 16))
            continue
        task = match["task"]
        yield Generated(
            at_seconds=at_seconds,
            sender_name="" if task == "<...>" else task,
            sender_thread=thread,
            signal=int(match["sent"]),
            code=int(match["code"]),
            target_name=match["comm"],
            target_thread=int(match["pid"]),
            outcome=int(match["outcome"]),
        )


class SignalTrace:
    """An instance that records every signal on this machine but the noise. Raises OSError when it cannot be set up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flood = _Flood()
        self._mount: int | None = None
        self._rest = b""
        root = self._tracefs()
        try:
            _remove_stale(root / "instances")
            name = f"{_PREFIX}-{os.getpid()}-{_started(os.getpid())}-{next(_counter)}"
            self._directory = root / "instances" / name
            self._directory.mkdir()
        except OSError:
            self._unmount()
            raise
        try:
            self._configure()
            self.descriptor = os.open(self._directory / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._remove()
            raise

    def read(self) -> Iterator[SignalEvent]:
        """Yield what the buffer holds now, floods cut off; never blocks. ``descriptor`` polls readable when there is more."""
        if self._flood.lift(self._clock.monotonic()):
            self._mute()
        while True:
            try:
                chunk = os.read(self.descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                return
            text, newline, self._rest = (self._rest + chunk).rpartition(b"\n")
            for event in parse((text + newline).decode(errors="replace")):
                thread = event.target_thread if isinstance(event, Generated) else event.thread
                by_runtime = isinstance(event, Generated) and event.sender_name == _RUNTIME
                admitted, began = self._flood.admit(thread, self._clock.monotonic(), by_runtime=by_runtime)
                admitted = admitted or event.signal == SIGKILL
                if began:
                    self._mute()
                    _LOGGER.warning("process %d receives more signals than can be shown; some are left out", thread)
                if admitted:
                    yield event

    def thread_name(self, thread: int) -> str:
        """Return the name of a thread that sent a signal, which may have ended since; "unknown" when the kernel kept none. An
        event's own name is missing when the kernel's table of names was busy at that moment; once the thread has left the
        processor, it is there."""
        with contextlib.suppress(OSError), open(f"/proc/{thread}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
        prefix = f"{thread} "
        with contextlib.suppress(OSError), (self._directory.parents[1] / "saved_cmdlines").open(errors="replace") as names:
            return next((line[len(prefix) :].rstrip("\n") for line in names if line.startswith(prefix)), "unknown")
        return "unknown"

    @property
    def heard_again_at_seconds(self) -> float | None:
        """When, on the clock, `read` should be called even if nothing is readable; None while nobody is muted."""
        return min(self._flood.muted.values(), default=None)

    def close(self) -> None:
        """Remove the instance."""
        os.close(self.descriptor)
        self._remove()

    def _mute(self) -> None:
        """Let the kernel itself leave out what the muted threads receive, but for SIGKILL and what the engine sends them.
        Replaces the filters set before."""
        for event, name in (("signal_generate", "pid"), ("signal_deliver", "common_pid")):
            terms = [f"sig!={number}" for number in NOISE]
            if self._flood.muted:
                spared = f'COMM=="{_RUNTIME}" || ' if event == "signal_generate" else ""
                terms.append(f"(sig=={SIGKILL} || {spared}({_none_of(name, self._flood.muted)}))")
            if self._flood.deceived:
                terms.append(f"(sig=={SIGKILL} || ({_none_of(name, self._flood.deceived)}))")
            self._write(f"events/signal/{event}/filter", " && ".join(terms))

    def _tracefs(self) -> Path:
        if (_MOUNTED / "instances").is_dir():
            return _MOUNTED
        self._mount = syscalls.detached_filesystem("tracefs")
        return Path(f"/proc/self/fd/{self._mount}")

    def _configure(self) -> None:
        self._write("trace_clock", "boot")
        self._write("buffer_size_kb", str(_BUFFER_KIB_PER_CPU))
        self._write("buffer_percent", "0")  # wake a reader at the first event, not when half of the buffer is full
        self._mute()
        self._write("events/signal/signal_generate/enable", "1")
        self._write("events/signal/signal_deliver/enable", "1")

    def _write(self, name: str, value: str) -> None:
        (self._directory / name).write_text(value)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):  # the next lab removes it as stale
            self._directory.rmdir()
        self._unmount()

    def _unmount(self) -> None:
        if self._mount is not None:
            os.close(self._mount)
            self._mount = None


@dataclass(slots=True)
class _Flood:
    """Who receives too many signals: a learner's loop around ``kill`` sends half a million a second and would keep the lab
    busy."""

    since_seconds: float = 0.0
    counts: Counter[int] = field(default_factory=Counter)
    runtime_counts: Counter[int] = field(default_factory=Counter)
    muted: dict[int, float] = field(default_factory=dict)  # thread → when it is heard again
    deceived: set[int] = field(default_factory=set)  # of these, those whom somebody floods in the engine's name

    def admit(self, thread: int, now_seconds: float, *, by_runtime: bool = False) -> tuple[bool, bool]:
        """Return whether the event is to be shown, and whether the thread has just become muted, or deceived."""
        if now_seconds - self.since_seconds > 1.0:
            self.since_seconds = now_seconds
            self.counts.clear()
            self.runtime_counts.clear()
        if by_runtime:
            self.runtime_counts[thread] += 1
            if self.runtime_counts[thread] <= _RUNTIME_SIGNALS_PER_SECOND:
                return True, False
        self.counts[thread] += 1
        if self.counts[thread] <= _FLOOD_EVENTS_PER_SECOND:
            return True, False
        began = thread not in self.muted and len(self.muted) < _MUTED_LIMIT
        if began:
            self.muted[thread] = now_seconds + _MUTE_SECONDS
        if by_runtime and thread in self.muted and thread not in self.deceived:
            self.deceived.add(thread)
            began = True
        return False, began

    def lift(self, now_seconds: float) -> bool:
        """Take out whose time is over; return whether there was one."""
        over = [thread for thread, until in self.muted.items() if until <= now_seconds]
        for thread in over:
            del self.muted[thread]
            self.deceived.discard(thread)
        return bool(over)


def _none_of(field: str, threads: Iterable[int]) -> str:
    return " && ".join(f"{field}!={thread}" for thread in sorted(threads))


def _remove_stale(instances: Path) -> None:
    for directory in instances.glob(f"{_PREFIX}-*-*-*"):
        pid, started = directory.name.removeprefix(f"{_PREFIX}-").split("-")[:2]
        if not pid.isdigit() or _started(int(pid)) != started:
            with contextlib.suppress(OSError):  # still open somewhere: not stale after all
                directory.rmdir()


def _started(pid: int) -> str:
    seconds = start_time_seconds(pid)
    return "gone" if seconds is None else str(round(seconds * 100))
