"""Liveness, readiness and startup probes: one thread per probe of a running instance, its results appended as facts.

A probe does not run while postStart does, liveness and readiness not before startup has succeeded; on deletion liveness and
startup stop while readiness goes on. gRPC health checks are not run by the lab (refused at review). Source:
pkg/kubelet/prober/worker.go, prober.go, pkg/probe/{exec,http,tcp} (v1.36).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from lab.clock import Thread
from lab.errors import EngineError
from lab.kubelet import http_get
from lab.kubelet.node_services import PodOnNode, seconds_since
from lab.pods.model import Container, ExecAction, HTTPGetAction, Probe, ProbeKind, TCPSocketAction
from lab.timeline.facts import ProbeChanged
from lab.timeline.pod_record import Attempt

OUTPUT_LIMIT_BYTES = 10 * 1024  # pkg/probe/exec: maxReadLength
USER_AGENT = "kube-probe/1.36"

_EVENT_NAMES = {"liveness": "Liveness", "readiness": "Readiness", "startup": "Startup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    success: bool
    output: str


class Prober:
    """The probes of one pod."""

    def __init__(self, on: PodOnNode) -> None:
        self._on = on
        self._threads: list[Thread] = []
        self._stopped = False
        self._deleting = False

    def watch(self, container: Container) -> None:
        """Start the probes of the container's newest instance, which has just been started."""
        attempt = self._on.of(container).latest
        if attempt is None:
            return
        kinds: tuple[tuple[ProbeKind, Probe | None], ...] = (
            ("startup", container.startup_probe),
            ("readiness", container.readiness_probe),
            ("liveness", container.liveness_probe),
        )
        for kind, probe in kinds:
            if probe is not None:
                name = f"{kind} probe of {container.name} in"
                self._threads.append(self._on.spawn(name, self._probe_until_over, container, attempt, kind, probe))

    def verdicts(self) -> tuple[tuple[str, bool | None, bool | None, bool | None], ...]:
        """Return what the probes say of each container; a change is a reason for a sync."""
        return tuple((c.name, c.live, c.ready, c.startup) for c in self._on.record.containers.values())

    def stop_restarting(self) -> None:
        """The pod is being stopped: liveness and startup probes end, readiness goes on."""
        with self._on.changed:
            self._deleting = True
            self._on.changed.notify_all()

    def stop(self) -> None:
        """End all probes."""
        with self._on.changed:
            self._stopped = True
            self._on.changed.notify_all()

    def _probe_until_over(self, container: Container, attempt: Attempt, kind: ProbeKind, probe: Probe) -> None:
        on = self._on

        def over() -> bool:
            return self._stopped or not self._runs(container, attempt) or (self._deleting and kind != "readiness")

        def may_begin() -> bool:
            return over() or kind == "startup" or container.startup_probe is None or on.record.of(container.name).startup is True

        on.wait_until(may_begin)
        assert attempt.started is not None  # noqa: S101  # it has been
        ran = seconds_since(attempt.started.started_at, on.clock.now())
        if on.wait_until(over, max(0.0, probe.initial_delay_seconds - ran)):
            return
        successes = failures = 0
        verdict: bool | None = None
        while True:
            result = self._once(container, attempt, probe)
            if on.wait_until(over, 0):
                return
            successes, failures = (successes + 1, 0) if result.success else (0, failures + 1)
            if not result.success:
                on.event("Warning", "Unhealthy", f"{_EVENT_NAMES[kind]} probe failed: {result.output}", container)
            reached = successes >= probe.success_threshold if result.success else failures >= probe.failure_threshold
            if not result.success or (reached and verdict is not True):
                self._note(container, attempt, kind, probe, result, failures)
            if reached:
                verdict = result.success
            if reached and (kind == "startup" or (kind == "liveness" and not result.success)):
                return  # the worker is on hold until a new instance
            if on.wait_until(over, probe.period_seconds):
                return

    def _runs(self, container: Container, attempt: Attempt) -> bool:
        latest = self._on.record.of(container.name).latest
        return latest is not None and latest.number == attempt.number and latest.exited is None

    def _note(
        self, container: Container, attempt: Attempt, kind: ProbeKind, probe: Probe, result: _Result, failures: int
    ) -> None:
        fact = ProbeChanged(
            probe=kind,
            result="success" if result.success else "failure",
            output=result.output,
            failures=failures,
            failure_threshold=probe.failure_threshold,
            attempt=attempt.number,
        )
        self._on.note(fact, container)

    def _once(self, container: Container, attempt: Attempt, probe: Probe) -> _Result:
        match probe.handler:
            case ExecAction(command=command):
                return self._exec(attempt, command, probe.timeout_seconds)
            case HTTPGetAction() as action:
                return self._http(container, action, probe.timeout_seconds)
            case TCPSocketAction(port=port):
                return self._tcp(container, port, probe.timeout_seconds)
            case _:
                return _Result(success=False, output="the lab does not run gRPC probes")

    def _exec(self, attempt: Attempt, command: tuple[str, ...], timeout_seconds: int) -> _Result:
        try:
            result = self._on.node.runtime.exec(attempt.container_id, command, timeout_seconds=timeout_seconds)
        except EngineError as error:
            return _Result(success=False, output=error.runtime_message)
        if result.abandoned:
            joined = " ".join(command)
            return _Result(success=False, output=f'command timed out: "{joined}" timed out after {timeout_seconds}s')
        output = (result.stdout + result.stderr)[:OUTPUT_LIMIT_BYTES].decode(errors="replace")
        return _Result(success=result.exit_code == 0, output=output)

    def _http(self, container: Container, action: HTTPGetAction, timeout_seconds: int) -> _Result:
        ip = self._on.record.sandbox_ip
        try:
            url = http_get.url_of(action, ip, http_get.resolve_port(action.port, container))
            answer = http_get.get(url, action, ip, timeout_seconds=timeout_seconds, user_agent=USER_AGENT)
        except http_get.TransportError as error:
            return _Result(success=False, output=str(error))
        healthy = 200 <= answer.status < 400
        return _Result(success=healthy, output="" if healthy else f"HTTP probe failed with statuscode: {answer.status}")

    def _tcp(self, container: Container, port: int | str, timeout_seconds: int) -> _Result:
        ip, number = self._on.record.sandbox_ip, 0
        try:
            number = http_get.resolve_port(port, container)
            with socket.create_connection((ip, number), timeout=timeout_seconds):
                return _Result(success=True, output="")
        except TimeoutError:
            return _Result(success=False, output=f"dial tcp {ip}:{number}: i/o timeout")
        except OSError as error:
            return _Result(success=False, output=f"dial tcp {ip}:{number}: connect: {(error.strerror or str(error)).lower()}")
        except http_get.TransportError as error:
            return _Result(success=False, output=str(error))
