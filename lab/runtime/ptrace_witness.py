"""The second-best witness: a tracer process per lab that seizes containers' processes (see `ptrace_tracer`).

For hosts whose kernel has no tracefs. It follows PID 1 and its descendants, not what is started from outside (exec hooks); it
knows a sender only if that lives in the container; of SIGKILL it sees the effect. What it reports says ``witness="ptrace"``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.clock import Clock
from lab.runtime import ptrace_tracer
from lab.runtime.processes import Process, process, processes_beside
from lab.runtime.runtime import ObservedSignal
from lab.timeline.signal_names import NOISE, signal_name

_LOGGER = logging.getLogger(__name__)

_FORGET_SECONDS = 1.0  # that `forget` waits at most for the tracer
_END_SECONDS = 5.0  # that the tracer may take to end


class PtraceWitness:
    """A `SignalObserver` over a tracer process. Raises OSError when that cannot be started."""

    def __init__(self, clock: Clock) -> None:
        self._changed = clock.condition()
        self._followed: dict[int, Callable[[ObservedSignal], None]] = {}
        self._known: dict[int, dict[int, Process]] = {}  # PID 1 → thread → its process, for those that are gone when told of
        self._tracer = subprocess.Popen(
            [sys.executable, "-I", str(Path(ptrace_tracer.__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        if not self._line():
            self._tracer.wait()
            raise OSError("the tracer process ended at once")
        self._reader = clock.spawn("ptrace-witness", self._run)

    def follow(self, host_pid: int, on_signal: Callable[[ObservedSignal], None]) -> None:
        """Report the signals that PID 1 and its descendants take from now on."""
        first = process(host_pid)
        if first is None:
            return
        with self._changed:
            self._followed[host_pid] = on_signal
            self._known[host_pid] = {host_pid: first} | {beside.pid: beside for beside in processes_beside(host_pid)}
            self._tell(f"follow {host_pid}")

    def forget(self, host_pid: int) -> None:
        """Stop following; returns when all signals taken before the call have been reported, after one second at the latest."""
        with self._changed:
            if host_pid in self._followed:
                self._tell(f"forget {host_pid}")
                self._changed.wait_for(lambda: host_pid not in self._followed, _FORGET_SECONDS)
                self._followed.pop(host_pid, None)
                self._known.pop(host_pid, None)

    def close(self) -> None:
        """End the tracer; what it traced goes on."""
        if self._tracer.stdin is None or self._tracer.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):
            self._tracer.stdin.close()
        self._tracer.wait(_END_SECONDS)
        self._reader.join()
        if self._tracer.stdout is not None:
            self._tracer.stdout.close()

    def _tell(self, command: str) -> None:
        if self._tracer.stdin is None or self._tracer.stdin.closed:
            return
        try:
            self._tracer.stdin.write(command.encode() + b"\n")
            self._tracer.stdin.flush()
        except BrokenPipeError:
            _LOGGER.error("cannot witness signals any more: the tracer process has ended; restart the lab")

    def _line(self) -> dict[str, Any]:
        line = self._tracer.stdout.readline() if self._tracer.stdout is not None else b""
        return dict(json.loads(line)) if line else {}

    def _run(self) -> None:
        while message := self._line():
            if "forgotten" in message:
                with self._changed:
                    self._followed.pop(message["forgotten"], None)
                    self._changed.notify_all()
            elif "lost" in message:
                _LOGGER.warning("cannot trace process %d: %s", message["lost"], message["why"])
            elif message["signal"] not in NOISE:
                self._report(message)

    def _report(self, message: dict[str, Any]) -> None:
        with self._changed:
            on_signal = self._followed.get(message["owner"])
            known = self._known.get(message["owner"], {})
        target = process(message["thread"]) or known.get(message["thread"])
        if on_signal is None:
            return
        if target is not None:
            known[message["thread"]] = target
        observed = ObservedSignal(
            signal=signal_name(message["signal"]),
            number=message["signal"],
            sender=self._sender(message, known),
            sender_pid=0,
            target=target.name if target else "",
            target_pid=target.namespace_pid if target else 0,
            result=message["result"],
            witness="ptrace",
        )
        try:
            on_signal(observed)
        except Exception:  # one listener's failure may not cost the others their signals
            _LOGGER.exception("cannot hand over %s to the listener of process %d", observed.signal, message["owner"])

    def _sender(self, message: dict[str, Any], known: dict[int, Process]) -> str:
        if message["code"] > 0:
            return "kernel"
        if message["sender"] == 0:  # from outside the container's PID namespace, or not told
            return ""
        for inside in (*processes_beside(message["owner"]), *known.values()):
            if inside.namespace_pid == message["sender"]:
                return inside.name
        return ""
