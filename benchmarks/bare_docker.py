"""How long the bare Docker API takes for the same pods: the yardstick for the lab's own times.

The same request bodies as the lab's, on a bridge network that is there already, by the fewest calls that do it, four pods at a
time (the engine is no faster with more), with nothing followed, witnessed or recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from benchmarks.workload import CLUSTER, HOOK, ONE, Program, Shape
from lab.clock import Clock, SystemClock
from lab.limits import Limits
from lab.runtime.docker_runtime import PAUSE_IMAGE, DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from lab.runtime.hardening import container_request, sandbox_request
from lab.runtime.network_members import NetworkMembers
from lab.runtime.networks import ClusterNetworks

INSTANCE = "benchmark"
POD_CIDR = "10.245.0.0/24"
AT_ONCE = 4
DEAF_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BareTimes:
    """Seconds for all pods: ``run`` until the last hook has ended, ``stop`` from the first stop signal until the last process has
    been waited for, ``remove`` until nothing is left."""

    run: float
    stop: float
    remove: float


@dataclass(slots=True)
class _Made:
    sandbox: str
    containers: list[tuple[str, Program]] = field(default_factory=list)


class BareDocker:
    """An engine, used without the lab."""

    def __init__(self, engine: EngineClient, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.members = NetworkMembers(clock)

    def time(self, shape: Shape, count: int) -> BareTimes:
        """Run and remove so many pods."""
        with ThreadPoolExecutor(AT_ONCE) as four:
            begun = self.clock.monotonic()
            pods = list(four.map(lambda number: self._start(shape, number), range(count)))
            running = self.clock.monotonic()
            list(four.map(self._stop, pods))
            stopped = self.clock.monotonic()
            list(four.map(self._remove, pods))
            gone = self.clock.monotonic()
        return BareTimes(run=running - begun, stop=stopped - running, remove=gone - stopped)

    def _network(self) -> str:
        return ClusterNetworks(self.engine, INSTANCE, POD_CIDR).require(CLUSTER)

    def _start(self, shape: Shape, number: int) -> _Made:
        api, config = self.engine.api, shape.sandbox(number)
        request = sandbox_request(config, network=self._network(), instance=INSTANCE, image=PAUSE_IMAGE)
        made = _Made(api.create_container_from_config(request)["Id"])  # type: ignore[no-untyped-call]  # so in the SDK's stubs
        api.start(made.sandbox)
        for container, program in zip(shape.containers(config), shape.programs, strict=True):
            request = container_request(container, sandbox_id=made.sandbox, instance=INSTANCE, limits=Limits())
            container_id = api.create_container_from_config(request)["Id"]  # type: ignore[no-untyped-call]  # so in the SDK's stubs
            made.containers.append((container_id, program))
            api.start(container_id)
            exec_id = api.exec_create(container_id, list(HOOK))["Id"]
            api.exec_start(exec_id)
            if api.exec_inspect(exec_id)["ExitCode"] != 0:
                raise SystemExit("cannot measure: the hook failed")
        return made

    def _stop(self, made: _Made) -> None:
        for container_id, program in made.containers:
            self.engine.api.kill(container_id, program.stop_signal)
        for container_id, _ in made.containers:
            try:
                self.engine.api.wait(container_id, timeout=DEAF_SECONDS)
            except requests.exceptions.RequestException:  # its signal came before its handler: PID 1 ignores it then
                self.engine.api.kill(container_id, "SIGKILL")
                self.engine.api.wait(container_id)

    def _remove(self, made: _Made) -> None:
        for container_id, _ in made.containers:
            self.engine.api.remove_container(container_id)
        with self.members.leave(CLUSTER):
            self.engine.api.remove_container(made.sandbox, force=True)


@contextmanager
def bare_engine() -> Iterator[BareDocker]:
    """Yield the engine with its network made, and leave nothing on it."""
    clock, engine = SystemClock(), EngineClient()
    runtime = DockerRuntime(engine, RuntimeSettings(instance=INSTANCE, pod_cidr=POD_CIDR), clock)
    runtime.sweep(INSTANCE)
    try:
        bare = BareDocker(engine, clock)
        bare.time(ONE, 1)
        yield bare
    finally:
        runtime.sweep(INSTANCE)
        runtime.close()
