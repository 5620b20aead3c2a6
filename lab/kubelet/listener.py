"""What a container does by itself, appended as facts: its log lines, the signals it received, its end.

Calls come from the runtime's threads. Whatever arrives before the start has been noted waits for it, so that the record tells
things in the order in which they can be understood.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from lab.kubelet.node_services import PodOnNode
from lab.pods.model import Container
from lab.runtime.runtime import Exit, LogLine, ObservedSignal
from lab.timeline.facts import ContainerExited, HookSkipped, LogChunk, LogTruncated, SignalReceived, SignalsTruncated
from lab.timeline.signal_names import FAULTS, SIGKILL

SIGNAL_EXIT_BASE = 128
FATAL_SIGNALS = FAULTS | {SIGKILL}  # all that can kill a container's PID 1: the kernel drops the others where no handler is set
ENGINE = "runc"  # under this name the engine's signals come; a learner's process may take it too, so they have a limit as well
SIGNAL_LIMIT = 500  # of one instance: ten times what any lesson sends
ENGINE_SIGNAL_LIMIT = 50
LOG_TAIL_LINES = 80  # kubecontainer.MaxContainerTerminationMessageLogLines


class AttemptListener:
    """The listener of one instance (`lab.runtime.runtime.ContainerListener`). ``container_id`` is set once it has been
    created."""

    def __init__(self, on: PodOnNode, container: Container, number: int) -> None:
        self.container_id = ""
        self.number = number
        self._on = on
        self._container = container
        self._lines = 0
        self._bytes = 0
        self._signals = 0
        self._engine_signals = 0
        self._held: list[Callable[[], object]] | None = []
        self._lock = threading.RLock()

    def release(self) -> None:
        """Append what was held back, and from now on everything at once."""
        with self._lock:
            held, self._held = self._held or [], None
            for append in held:
                self._guarded(append)

    def exited(self, exit: Exit) -> None:
        """Append the end of PID 1; a preStop hook that was defined but does not run now is skipped for good."""
        self._when_started(lambda: self._append_exit(exit))

    def logged(self, lines: tuple[LogLine, ...], *, unfinished: bool = False) -> None:
        """Append log lines up to the node's limit for one instance."""
        self._when_started(lambda: self._append_log(lines, unfinished))

    def signalled(self, signal: ObservedSignal) -> None:
        """Append a signal the kernel saw, up to the limits for one instance: a loop around ``kill`` has no end."""
        fact = SignalReceived(
            signal=signal.signal,
            number=signal.number,
            sender=signal.sender,
            sender_pid=signal.sender_pid,
            target=signal.target,
            target_pid=signal.target_pid,
            result=signal.result,
            witness=signal.witness,
            attempt=self.number,
        )
        self._when_started(lambda: self._append_signal(fact))

    def engine_lost(self, message: str) -> None:
        """Tell the node that the engine has gone."""
        self._on.node.engine_lost(message)

    def _when_started(self, append: Callable[[], object]) -> None:
        with self._lock:
            if self._held is None:
                self._guarded(append)
            else:
                self._held.append(append)

    def _guarded(self, append: Callable[[], object]) -> None:
        """Keep what the lab got wrong from the runtime's thread, which has other containers to listen to."""
        try:
            append()
        except Exception as error:
            self._on.fail(error)

    def _append_exit(self, exit: Exit) -> None:
        number = exit.exit_code - SIGNAL_EXIT_BASE
        fact = ContainerExited(
            container_id=self.container_id,
            attempt=self.number,
            exit_code=exit.exit_code,
            signal=number if number in FATAL_SIGNALS else None,  # 143, say, is what a handler chose to exit with
            oom_killed=exit.oom_killed,
            started_at=exit.started_at,
            finished_at=exit.finished_at,
        )
        self._on.note(fact, self._container)
        lifecycle = self._container.lifecycle
        if lifecycle and lifecycle.pre_stop is not None and self.container_id not in self._on.stopping:
            self._on.note(HookSkipped(hook="preStop", attempt=self.number, why="container-exited"), self._container)
        self._on.look(self._container, self._on.of(self._container).attempts[self.number])

    def _append_signal(self, fact: SignalReceived) -> None:
        if fact.sender == ENGINE and self._engine_signals < ENGINE_SIGNAL_LIMIT:
            self._engine_signals += 1
            self._on.note(fact, self._container)
        elif self._signals < SIGNAL_LIMIT:
            self._signals += 1
            self._on.note(fact, self._container)
            if self._signals == SIGNAL_LIMIT:
                self._on.note(SignalsTruncated(attempt=self.number, limit=SIGNAL_LIMIT), self._container)

    def _append_log(self, lines: tuple[LogLine, ...], unfinished: bool) -> None:
        tail = self._on.log_tails.setdefault(self.container_id, deque(maxlen=LOG_TAIL_LINES))
        tail.extend(f"{text}\n" for _, _, text in lines)
        if unfinished:
            tail[-1] = tail[-1].removesuffix("\n")
        limit = self._on.node.limits.log_bytes_per_container
        if self._bytes > limit:
            return
        kept: list[LogLine] = []
        for line in lines:
            self._bytes += len(line[2].encode()) + 1
            if self._bytes > limit:
                break
            kept.append(line)
        if kept:
            self._on.note(LogChunk(attempt=self.number, offset=self._lines, lines=tuple(kept)), self._container)
            self._lines += len(kept)
        if self._bytes > limit:
            self._on.note(LogTruncated(attempt=self.number, limit_bytes=limit), self._container)
