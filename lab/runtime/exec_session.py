"""Runs a command in a container and waits as CRI's ExecSync does: for the process and for its output.

The command is run as it is, without a shell, stdin or TTY. On timeout it is abandoned: the process goes on, unless it is to be
killed.
Output beyond 1 MiB per stream is read and dropped. What Docker reports inside the stream (a command that cannot be run) is
told from a program's own output by the exec's PID, which then was never set.
Source: pkg/kubelet/kuberuntime/kuberuntime_container.go ``RunInContainer``; cri-api ``ExecSync``.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

from lab.clock import Clock
from lab.errors import ContainerGone, EngineError
from lab.runtime import exec_pipes
from lab.runtime.engine_client import EngineClient, Frames, RawStream
from lab.runtime.exec_pipes import HeldPipes
from lab.runtime.runtime import ExecResult

MAXIMUM_OUTPUT_BYTES = 1 << 20  # cri-api ExecSyncResponse: "limited to 16MB"; here a whole class may print at a time
KILLED_EXIT_CODE = 137  # 128 + SIGKILL: what is left of an exec whose PID namespace has ended
_FIRST_LOOK_SECONDS = 0.15  # most hooks have ended before; each look is a call to the engine
_LOOK_SECONDS = 0.5  # well below the two seconds after which Docker lets go of the pipes
_STATE_POLL_SECONDS = 0.002


class ExecSession:
    """One exec, from its creation to its end. Use once."""

    def __init__(self, engine: EngineClient, clock: Clock, container_id: str, container_pid: int) -> None:
        self._engine = engine
        self._clock = clock
        self._container = container_id[:12]
        self._container_id = container_id
        self._container_pid = container_pid
        self._exec_id = ""
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._held: HeldPipes | None = None

    def run(self, command: tuple[str, ...], timeout_seconds: float | None, *, kill_on_timeout: bool = False) -> ExecResult:
        """Run ``command`` to its end or until ``timeout_seconds`` have passed. Raises ContainerGone and EngineError."""
        deadline = None if timeout_seconds is None else self._clock.monotonic() + timeout_seconds
        with self._engine.words(f"prepare a command in container {self._container}"):
            self._exec_id = self._engine.api.exec_create(self._container_id, list(command))["Id"]
        stream = self._engine.hijack(
            f"run {command[0]!r} in container {self._container}", f"/exec/{self._exec_id}/start", {"Detach": False, "Tty": False}
        )
        try:
            with stream:
                ended = self._read_stream(stream, deadline) and self._read_held(deadline)
        finally:
            if self._held is not None:
                self._held.close()
        state = self._final_state(deadline) if ended else None
        if state is None:
            if kill_on_timeout:
                self._kill()
            return self._result(exit_code=None, abandoned=True)
        if not state["Pid"]:
            raise self._could_not_start(command[0], state)
        return self._result(exit_code=int(state["ExitCode"]))

    def _kill(self) -> None:
        """End the command's first process, as containerd does; where this host allows it."""
        state = self._inspect()
        if state is None or not state["Running"] or not state["Pid"]:
            return
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(int(state["Pid"]))
            try:
                state = self._inspect()  # again: now its number cannot be another process's
                if state is not None and state["Running"]:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)

    def _read_stream(self, stream: RawStream, deadline: float | None) -> bool:
        """Collect what Docker relays; return whether the stream ended before the deadline."""
        frames = Frames()
        look_at = self._clock.monotonic() + _FIRST_LOOK_SECONDS
        while True:
            now = self._clock.monotonic()
            if deadline is not None and now >= deadline:
                return False
            if now >= look_at:
                self._look_after_pipes()
                look_at = self._clock.monotonic() + _LOOK_SECONDS
                continue
            until = look_at if deadline is None else min(look_at, deadline)
            data = stream.read(until - now)
            if data is None:
                continue
            if not data:
                return True
            for name, piece in frames.feed(data):
                self._keep(name, piece)

    def _look_after_pipes(self) -> None:
        """When the first process has ended and the stream has not, somebody else holds the pipes: hold them too."""
        if self._held is None and self._container_pid:
            state = self._inspect()
            if state is not None and state["Pid"] and not state["Running"]:
                self._held = exec_pipes.hold(self._exec_id, int(state["Pid"]), self._container_pid)

    def _read_held(self, deadline: float | None) -> bool:
        """Read on where Docker stopped; return whether the pipes were closed before the deadline."""
        if self._held is None:
            return True
        while True:
            found, ended = self._held.read(self._clock, deadline)
            for name, piece in found:
                self._keep(name, piece)
            if ended:
                return True
            if not found:
                return False

    def _final_state(self, deadline: float | None) -> dict[str, Any] | None:
        """Return the engine's account once the process has ended: it may have closed its output long before. None on timeout."""
        pause = _STATE_POLL_SECONDS
        gone = {"Pid": -1, "ExitCode": KILLED_EXIT_CODE}
        while True:
            state = self._inspect()
            if state is None:
                return gone
            if not state["Running"] and state["ExitCode"] is not None:
                return state
            if deadline is not None and self._clock.monotonic() >= deadline:
                return None
            self._clock.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def _inspect(self) -> dict[str, Any] | None:
        """Return the engine's account of the exec, None when it has forgotten it with its container."""
        try:
            with self._engine.words(f"look at a command in container {self._container}"):
                state: dict[str, Any] = self._engine.api.exec_inspect(self._exec_id)
                return state
        except ContainerGone:
            return None

    def _could_not_start(self, command: str, state: dict[str, Any]) -> EngineError:
        message = bytes(self._output["stdout"] + self._output["stderr"]).decode(errors="replace").strip()
        sentence = f"cannot run {command!r} in container {self._container}: {message}"
        stopped = "stopped state" in message or "is not running" in message or "container not running" in message
        kind = ContainerGone if stopped else EngineError
        return kind(sentence, runtime_message=message, code=int(state["ExitCode"]))

    def _keep(self, stream: str, piece: bytes) -> None:
        kept = self._output[stream]
        kept += piece[: MAXIMUM_OUTPUT_BYTES - len(kept)]

    def _result(self, *, exit_code: int | None, abandoned: bool = False) -> ExecResult:
        return ExecResult(
            exit_code=exit_code,
            stdout=bytes(self._output["stdout"]),
            stderr=bytes(self._output["stderr"]),
            abandoned=abandoned,
        )
