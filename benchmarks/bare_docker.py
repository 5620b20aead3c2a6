"""How long the bare Docker API takes for the lesson's first example: the yardstick for the lab's own times.

The same containers as the lab makes (the same request bodies, the network already there), by the fewest calls that do it, with
nothing followed, witnessed or recorded. Run as a script it prints medians beside those of `DockerRuntime` in the same minute.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import uuid
from dataclasses import dataclass

from lab.clock import Clock, SystemClock
from lab.runtime.docker_runtime import PAUSE_IMAGE, DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from lab.runtime.hardening import Limits, container_request, sandbox_request
from lab.runtime.networks import ClusterNetworks
from lab.runtime.runtime import ContainerConfig, Exit, LogLine, ObservedSignal, Sandbox, SandboxConfig

INSTANCE = "benchmark"
POD_CIDR = "10.245.0.0/24"
HOOK = ("/bin/sh", "-c", "echo Hello from the postStart handler > /usr/share/message")
STOP_SIGNAL = "SIGQUIT"  # the image's STOPSIGNAL
Times = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The seed's first pod, as the runtime sees it."""

    sandbox: SandboxConfig
    uid: str

    @staticmethod
    def new() -> Example:
        """Return a pod of its own uid."""
        uid = str(uuid.uuid4())
        names = {"cluster": "benchmark", "namespace": "default", "pod_name": "hook-demo1", "pod_uid": uid}
        return Example(sandbox=SandboxConfig(**names, hostname="hook-demo1"), uid=uid)

    def container(self) -> ContainerConfig:
        """Return its nginx container."""
        return ContainerConfig(
            cluster=self.sandbox.cluster,
            namespace=self.sandbox.namespace,
            pod_name=self.sandbox.pod_name,
            pod_uid=self.uid,
            name="hook-demo1",
            attempt=0,
            image="nginx",
            entrypoint=None,
            command=None,
            env=(),
            working_dir="",
            mounts=(),
        )


class _Stopwatch:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock.monotonic()
        self.times: Times = {}

    def lap(self, name: str) -> None:
        now = self._clock.monotonic()
        self.times[name] = now - self._begun
        self._begun = now


def bare_docker(engine: EngineClient, clock: Clock) -> Times:
    """Run and remove example 1 by plain calls; return seconds per step, and ``run`` and ``delete`` in all."""
    api = engine.api
    network = ClusterNetworks(engine, INSTANCE, POD_CIDR).require("benchmark")
    example, watch = Example.new(), _Stopwatch(clock)
    request = sandbox_request(example.sandbox, network=network, instance=INSTANCE, image=PAUSE_IMAGE)
    sandbox_id = api.create_container_from_config(request)["Id"]
    api.start(sandbox_id)
    watch.lap("sandbox")
    request = container_request(example.container(), sandbox_id=sandbox_id, instance=INSTANCE, limits=Limits())
    container_id = api.create_container_from_config(request)["Id"]
    watch.lap("create")
    api.start(container_id)
    watch.lap("start")
    exec_id = api.exec_create(container_id, list(HOOK))["Id"]
    api.exec_start(exec_id)
    if api.exec_inspect(exec_id)["ExitCode"] != 0:
        sys.exit("cannot measure: the hook failed")
    watch.lap("exec")
    api.kill(container_id, STOP_SIGNAL)
    api.wait(container_id)
    watch.lap("stop")
    api.remove_container(container_id)
    watch.lap("remove")
    api.remove_container(sandbox_id, force=True)
    watch.lap("remove sandbox")
    return _summed(watch.times)


def docker_runtime(runtime: DockerRuntime, clock: Clock) -> Times:
    """The same by `DockerRuntime`, with everything followed."""
    runtime.prepare_cluster("benchmark")
    example, watch, ended = Example.new(), _Stopwatch(clock), _Ended()
    sandbox: Sandbox = runtime.run_pod_sandbox(example.sandbox)
    watch.lap("sandbox")
    container_id = runtime.create_container(sandbox, example.container(), ended)
    watch.lap("create")
    runtime.start_container(container_id)
    watch.lap("start")
    if runtime.exec(container_id, HOOK).exit_code != 0:
        sys.exit("cannot measure: the hook failed")
    watch.lap("exec")
    runtime.signal_container(container_id, STOP_SIGNAL)
    ended.event.wait()
    watch.lap("stop")
    runtime.remove_container(container_id)
    watch.lap("remove")
    runtime.remove_pod_sandbox(sandbox.id)
    watch.lap("remove sandbox")
    return _summed(watch.times)


def _summed(times: Times) -> Times:
    run = ("sandbox", "create", "start", "exec")
    return {
        **times,
        "run": sum(times[name] for name in run),
        "delete": sum(seconds for name, seconds in times.items() if name not in run),
    }


class _Ended:
    """A listener that waits for the exit."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def exited(self, exit: Exit) -> None:
        self.event.set()

    def logged(self, lines: tuple[LogLine, ...]) -> None:
        pass

    def signalled(self, signal: ObservedSignal) -> None:
        pass

    def engine_lost(self, message: str) -> None:
        sys.exit(f"cannot measure: {message}")


def main() -> None:
    """Print medians of both, turn and turn about so that other load meets both alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    clock = SystemClock()
    engine = EngineClient()
    runtime = DockerRuntime(engine, RuntimeSettings(instance=INSTANCE, pod_cidr=POD_CIDR), clock)
    try:
        bare, ours = [], []
        for _ in range(rounds):
            bare.append(bare_docker(engine, clock))
            ours.append(docker_runtime(runtime, clock))
        print(f"{'median of ' + str(rounds):16} {'bare ms':>8} {'lab ms':>8} {'ratio':>6}")
        for name in bare[0]:
            plain = statistics.median(times[name] for times in bare) * 1000
            lab = statistics.median(times[name] for times in ours) * 1000
            print(f"{name:16} {plain:8.1f} {lab:8.1f} {lab / plain:6.2f}")
    finally:
        runtime.sweep(INSTANCE)
        runtime.close()


if __name__ == "__main__":
    main()
