"""Liveness, readiness and startup probes: one worker per probe of a pod, its results appended as facts.

A worker begins with the pod's first sync and ticks once per period from then on, through every instance of its container; it
looks at the published status, so nothing is probed while postStart runs, and liveness and readiness not before startup has
succeeded. A status that shows a started container not ready makes its readiness probe run at once, and its period begin anew. On
deletion liveness and startup stop while readiness goes on. Source: pkg/kubelet/prober/worker.go, prober_manager.go, prober.go,
pkg/probe/{exec,http,tcp,grpc} (v1.36).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.errors import EngineError
from lab.kubelet import grpc_health, http_get
from lab.kubelet.node_services import PodOnNode, seconds_since
from lab.pods.model import Container, ExecAction, GRPCAction, HTTPGetAction, Probe, ProbeKind, TCPSocketAction
from lab.timeline.facts import JSON, ProbeChanged
from lab.timeline.pod_record import Attempt

OUTPUT_LIMIT_BYTES = 10 * 1024  # pkg/probe/exec: maxReadLength
TRIES = 3  # prober.go: maxProbeRetries, of a probe that could not be made
USER_AGENT = "kube-probe/1.36"

_EVENT_NAMES = {"liveness": "Liveness", "readiness": "Readiness", "startup": "Startup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """``error``: the probe could not be made, which says nothing of the container. ``warning`` goes with a success."""

    outcome: Literal["success", "failure", "error"]
    output: str = ""
    warning: str = ""


@dataclass(slots=True, kw_only=True)
class _Worker:
    container: Container
    kind: ProbeKind
    probe: Probe
    triggered: bool = False
    container_id: str = ""
    on_hold: bool = False  # it has failed the instance and waits for another
    verdict: bool | None = None
    last: str = ""
    run: int = 0  # how many times in a row ``last`` came


class Prober:
    """The probes of one pod. ``found(container_id, {"ready": …} or {"started": …})`` is called, with the pod's condition held,
    when a probe's verdict is to be published at once, whatever the pod's worker is busy with."""

    def __init__(self, on: PodOnNode, found: Callable[[str, Mapping[str, bool]], None]) -> None:
        self._on = on
        self._found = found
        self._workers: list[_Worker] = []
        self._statuses: dict[str, JSON] = {}
        self._stopped = False
        self._deleting = False

    def begin(self) -> None:
        """Start the workers of all the pod's probes."""
        for container in self._on.pod.all_containers:
            kinds: tuple[tuple[ProbeKind, Probe | None], ...] = (
                ("startup", container.startup_probe),
                ("readiness", container.readiness_probe),
                ("liveness", container.liveness_probe),
            )
            self._workers += [_Worker(container=container, kind=kind, probe=probe) for kind, probe in kinds if probe is not None]
        for worker in self._workers:
            self._on.spawn(f"{worker.kind} probe of {worker.container.name} in", self._work, worker)

    def published(self, status: JSON, *, by_sync: bool) -> None:
        """Take note of the status that has just been published, by a sync of the pod or because of a probe's verdict."""
        with self._on.changed:
            everything = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
            self._statuses = {c["name"]: c for c in everything}
            for worker in self._workers:
                c = self._statuses.get(worker.container.name, {})
                if by_sync and worker.kind == "readiness" and c.get("started") and not c["ready"]:
                    worker.triggered = True
            self._on.changed.notify_all()

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

    def _work(self, worker: _Worker) -> None:
        clock, period = self._on.clock, worker.probe.period_seconds
        tick = clock.monotonic() + period
        while True:
            self._on.wait_until(lambda: worker.triggered or self._over(worker), tick - clock.monotonic())
            if self._over(worker):
                return
            tick = clock.monotonic() + period if worker.triggered else tick + period
            worker.triggered = False
            self._probe(worker)
            while tick + period <= clock.monotonic():  # of the ticks that a slow probe missed, one is kept
                tick += period

    def _over(self, worker: _Worker) -> bool:
        return self._stopped or (self._deleting and worker.kind != "readiness")

    def _probe(self, worker: _Worker) -> None:
        """Probe the container once, if its published status lets the probe run (worker.go: doProbe)."""
        attempt = self._due(worker)
        if attempt is None:
            return
        result = self._tried(worker, attempt)
        with self._on.changed:
            if not self._over(worker) and self._runs(worker.container, attempt):
                self._take(worker, attempt, result)

    def _take(self, worker: _Worker, attempt: Attempt, result: _Result) -> None:
        """Record what a probe has found, and publish it when it changes the verdict."""
        name, success = _EVENT_NAMES[worker.kind], result.outcome == "success"
        if result.outcome == "error":
            message = f"{name} probe errored and resulted in unknown state: {result.output}"
            self._on.event("Warning", "Unhealthy", message, worker.container)
            return
        worker.run = worker.run + 1 if worker.last == result.outcome else 1
        worker.last = result.outcome
        if result.warning:
            self._on.event("Warning", "ProbeWarning", f"{name} probe warning: {result.warning}", worker.container)
        if not success:
            self._on.event("Warning", "Unhealthy", f"{name} probe failed: {result.output}", worker.container)
        reached = worker.run >= (worker.probe.success_threshold if success else worker.probe.failure_threshold)
        if not success or (reached and worker.verdict is not True):
            self._note(worker, attempt, result)
        if not reached:
            return
        worker.verdict = success
        if worker.kind == "readiness":
            self._found(attempt.container_id, {"ready": success})
        elif not success:
            worker.on_hold, worker.run = True, 0
        elif worker.kind == "startup":
            self._found(attempt.container_id, {"started": True})

    def _due(self, worker: _Worker) -> Attempt | None:
        """Return the instance to probe; None when the published status shows none that may be probed now."""
        status = self._statuses.get(worker.container.name, {})
        container_id = str(status.get("containerID", "")).rpartition("/")[2]
        if container_id != worker.container_id:
            worker.container_id, worker.on_hold, worker.verdict = container_id, False, None
        running = status.get("state", {}).get("running")
        if running is None or worker.on_hold or status["started"] == (worker.kind == "startup"):
            return None
        if int(seconds_since(running["startedAt"], self._on.clock.now())) < worker.probe.initial_delay_seconds:
            return None
        return next((a for a in self._on.of(worker.container).attempts if a.container_id == container_id), None)

    def _runs(self, container: Container, attempt: Attempt) -> bool:
        latest = self._on.of(container).latest
        return latest is not None and latest.number == attempt.number and latest.exited is None

    def _note(self, worker: _Worker, attempt: Attempt, result: _Result) -> None:
        success = result.outcome == "success"
        fact = ProbeChanged(
            probe=worker.kind,
            result="success" if success else "failure",
            output=result.output,
            failures=0 if success else worker.run,
            failure_threshold=worker.probe.failure_threshold,
            attempt=attempt.number,
        )
        self._on.note(fact, worker.container)

    def _tried(self, worker: _Worker, attempt: Attempt) -> _Result:
        for _ in range(TRIES):
            result = self._once(worker.container, attempt, worker.probe)
            if result.outcome != "error":
                break
        return result

    def _once(self, container: Container, attempt: Attempt, probe: Probe) -> _Result:
        match probe.handler:
            case ExecAction(command=command):
                return self._exec(attempt, command, probe.timeout_seconds)
            case HTTPGetAction() as action:
                return self._http(container, action, probe.timeout_seconds)
            case TCPSocketAction() as action:
                return self._tcp(container, action, probe.timeout_seconds)
            case GRPCAction(port=port, service=service):
                healthy, output = grpc_health.check(
                    self._on.clock, self._on.record.sandbox_ip, port, service, timeout_seconds=probe.timeout_seconds
                )
                return _Result(outcome="success" if healthy else "failure", output=output)

    def _exec(self, attempt: Attempt, command: tuple[str, ...], timeout_seconds: int) -> _Result:
        try:
            result = self._on.node.runtime.exec(
                attempt.container_id, command, timeout_seconds=timeout_seconds, kill_on_timeout=True
            )
        except EngineError as error:
            return _Result(outcome="error", output=error.runtime_message)
        if result.abandoned:
            joined = " ".join(command)
            return _Result(outcome="failure", output=f'command timed out: "{joined}" timed out after {timeout_seconds}s')
        output = (result.stdout + result.stderr)[:OUTPUT_LIMIT_BYTES].decode(errors="replace")
        return _Result(outcome="success" if result.exit_code == 0 else "failure", output=output)

    def _http(self, container: Container, action: HTTPGetAction, timeout_seconds: int) -> _Result:
        ip = self._on.record.sandbox_ip
        try:
            url = http_get.url_of(action, ip, http_get.resolve_port(action.port, container))
        except http_get.TransportError as error:
            return _Result(outcome="error", output=str(error))
        try:
            answer = http_get.get(url, action, ip, timeout_seconds=timeout_seconds, user_agent=USER_AGENT)
        except http_get.TransportError as error:
            return _Result(outcome="failure", output=str(error))
        if 300 <= answer.status < 400:  # to another host: not followed
            body = answer.body.decode(errors="replace")
            return _Result(outcome="success", warning=f"Probe terminated redirects, Response body: {body}")
        if 200 <= answer.status < 300:
            return _Result(outcome="success")
        return _Result(outcome="failure", output=f"HTTP probe failed with statuscode: {answer.status}")

    def _tcp(self, container: Container, action: TCPSocketAction, timeout_seconds: int) -> _Result:
        ip = self._on.record.sandbox_ip
        try:
            number = http_get.resolve_port(action.port, container)
        except http_get.TransportError as error:
            return _Result(outcome="error", output=str(error))
        if action.host not in ("", ip):  # Differs from the kubelet: here the node is the machine the lab runs on
            refused = f"the lab connects only to the pod's own address ({ip}), not to {action.host}"
            return _Result(outcome="failure", output=f"dial tcp {action.host}:{number}: {refused}")
        try:
            with socket.create_connection((ip, number), timeout=timeout_seconds):
                return _Result(outcome="success")
        except TimeoutError:
            return _Result(outcome="failure", output=f"dial tcp {ip}:{number}: i/o timeout")
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            return _Result(outcome="failure", output=f"dial tcp {ip}:{number}: connect: {words}")
