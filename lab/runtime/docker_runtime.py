"""The kubelet's verbs over a real Docker Engine.

`DockerRuntime` puts the parts together: hardened requests (`hardening`), cluster networks (`networks`), sandboxes (`sandboxes`),
one watch of the engine's events (`engine_events`), one follower per container (`followed_container`), execs (`exec_session`)
and files (`container_files`). It keeps no state that the engine has: only whom to tell. Everything it makes carries the lab's
labels, and removing is idempotent.
Source: cri-api/pkg/apis/services.go (v1.36); the CRI-over-Docker mapping of pkg/kubelet/dockershim (v1.23) for sandboxes
and names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Clock
from lab.errors import ContainerGone, EngineError, ImageNotFound
from lab.runtime.container_files import ContainerFiles
from lab.runtime.engine_client import EngineClient
from lab.runtime.engine_events import EngineEvents
from lab.runtime.exec_session import ExecSession
from lab.runtime.followed_container import FollowedContainer
from lab.runtime.followed_containers import FollowedContainers
from lab.runtime.hardening import JSON, container_request
from lab.runtime.labels import CLUSTER, CONTAINER, RUN, SANDBOX_CONTAINER, selector
from lab.runtime.networks import ClusterNetworks
from lab.runtime.processes import process_state
from lab.runtime.runtime import (
    ChangedFile,
    ContainerConfig,
    ContainerListener,
    ExecResult,
    Image,
    ProcessState,
    Sandbox,
    SandboxConfig,
    Started,
    Written,
)
from lab.runtime.sandboxes import Sandboxes
from lab.runtime.settings import PAUSE_IMAGE, RuntimeSettings
from lab.runtime.signals import SignalObserver
from lab.runtime.turns import Rank, Turns

__all__ = ["PAUSE_IMAGE", "DockerRuntime", "EngineInfo", "RuntimeSettings", "Swept"]

# What Docker and its containerd put before the OCI runtime's own words; other engines put other things there.
_FRAMES = re.compile(r"^(failed to create [\w ]*task[\w ]*: )+(?=OCI runtime )")
_REMOVALS_AT_ONCE = 8  # the engine removes about this many in parallel before it only queues


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What the engine is, for people."""

    version: str
    api_version: str
    storage_driver: str
    cgroup_version: str
    operating_system: str
    kernel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How much a sweep removed."""

    containers: int
    networks: int


class DockerRuntime:
    """Implements `lab.runtime.runtime.Runtime`. Can be made while no engine answers; calls then raise EngineUnavailable.

    ``signals`` witnesses signals in containers; None where this host allows no witness.
    """

    def __init__(
        self, engine: EngineClient, settings: RuntimeSettings, clock: Clock, signals: SignalObserver | None = None
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._signals = signals
        self._networks = ClusterNetworks(engine, settings.instance, settings.pod_cidr)
        self._turns = Turns(clock)
        self._sandboxes = Sandboxes(engine, self._networks, clock, self._turns, settings)
        self._files = ContainerFiles(engine)
        self._followed = FollowedContainers()
        self._events = EngineEvents(
            engine,
            settings.instance,
            clock,
            on_event=self._followed.handle,
            on_reconnect=lambda: self._followed.for_all(FollowedContainer.look_again),
            on_lost=self._lose,
        )

    # --- clusters

    def prepare_cluster(self, cluster: str) -> None:
        """Create the cluster's network and begin to watch the engine. Idempotent."""
        self._events.require()
        self._networks.require(cluster)

    def remove_cluster(self, cluster: str) -> None:
        """Remove every container and network of the cluster."""
        self._sandboxes.warm.forget(cluster)
        self._remove_containers(selector(instance=self._settings.instance, cluster=cluster))
        self._networks.remove(cluster)

    def sweep(self, instance: str | None) -> Swept:
        """Remove all containers and networks that lab ``instance`` made, or any lab when None; return how many there were."""
        self._sandboxes.warm.forget()
        containers = self._remove_containers(selector(instance=instance))
        return Swept(containers=containers, networks=self._networks.remove_all(instance))

    def remove_strays(self, is_live: Callable[[str], bool]) -> int:
        """Remove this lab's containers whose run ``is_live`` denies; return how many there were."""
        with self._engine.words("list the lab's containers"):
            found = self._engine.api.containers(all=True, filters=selector(instance=self._settings.instance))
        # Only now: a run is live before its first container is made.
        strays = [each for each in found if self._sandboxes.is_stray(str(each["Id"]), str(each["Labels"].get(RUN, "")), is_live)]
        self._remove_all(strays)
        return len(strays)

    def written(self) -> tuple[Written, ...]:
        """Ask the engine what each of this lab's containers has written. It looks at all their files."""
        with self._engine.words("measure what containers have written"):
            filters = selector(instance=self._settings.instance)
            found = self._engine.api.containers(all=True, size=True, filters=filters)
        written = ((c["Labels"].get(CLUSTER, ""), c["Labels"].get(RUN, ""), int(c.get("SizeRw") or 0)) for c in found)
        return tuple(Written(cluster=cluster, run_id=run, size_bytes=amount) for cluster, run, amount in written if run)

    def data_directory(self) -> Path | None:
        """Ask the engine where it keeps containers' files; None when that is not on this machine's file system."""
        with self._engine.words("ask the engine for its data directory"):
            place = Path(str(self._engine.api.info()["DockerRootDir"]))
        return place if place.is_dir() else None

    def engine_info(self) -> EngineInfo:
        """Ask the engine what it is."""
        with self._engine.words("ask the engine for its version"):
            info, version = self._engine.api.info(), self._engine.api.version()
        return EngineInfo(
            version=str(version["Version"]),
            api_version=str(version["ApiVersion"]),
            storage_driver=str(info["Driver"]),
            cgroup_version=str(info.get("CgroupVersion", "1")),
            operating_system=str(info["OperatingSystem"]),
            kernel=str(info["KernelVersion"]),
        )

    def close(self) -> None:
        """Stop watching and following. Containers are not touched: `sweep` removes them."""
        self._sandboxes.warm.close()
        self._events.close()
        self._followed.give_up()
        self._engine.close()

    # --- images and sandboxes

    def find_image(self, image: str) -> Image | None:
        """Return the image as the engine's local store has it, or None: also where this lab does not offer it, whatever it is
        asked for by. Never pulls."""
        try:
            with self._engine.words(f"look up image {image}"):
                found = self._engine.api.inspect_image(image)  # type: ignore[no-untyped-call]  # so in the SDK's stubs
        except ImageNotFound:
            return None
        if not self._offers(found):
            return None
        config = found.get("Config") or {}
        return Image(
            id=str(found["Id"]),
            size_bytes=int(found["Size"]),
            stop_signal=str(config.get("StopSignal") or ""),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            user=str(config.get("User") or ""),
        )

    def _offers(self, image: JSON) -> bool:
        offered = self._settings.images
        return offered is None or not offered.isdisjoint((*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())))

    def keep_warm(self, cluster: str, hostnames: tuple[str, ...]) -> None:
        """Expect pods with these hostnames, in this order, and have sandboxes ready for them where the lab keeps any. Returns at
        once."""
        self._sandboxes.warm.expect(cluster, hostnames)

    def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        """Start the pod's pause container on its cluster's network, or adopt one that was kept warm."""
        self.prepare_cluster(config.cluster)
        return self._sandboxes.run(config)

    def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Stop and remove the pause container. Not found is success."""
        self._sandboxes.remove(sandbox_id)

    # --- containers

    def create_container(self, sandbox: Sandbox, config: ContainerConfig, listener: ContainerListener) -> str:
        """Create a hardened container in the sandbox's namespaces, attached to its output. Raises ImageNotFound."""
        self._events.require()
        request = container_request(
            config,
            sandbox_id=sandbox.id,
            instance=self._settings.instance,
            limits=self._settings.limits,
            image_user=self._image_user(config),
        )
        name = f"k8s_{config.name}_{config.pod_name}_{config.namespace}_{config.pod_uid}_{config.attempt}"
        container_id = self._create(request, name)
        followed = FollowedContainer(self._engine, self._clock, container_id, listener)
        self._followed.add(container_id, followed)
        try:
            followed.begin(tty=config.tty, on_end=self._followed.forget)
        except EngineError:
            self._followed.forget(container_id)
            self._remove(container_id)
            raise
        return container_id

    def start_container(self, container_id: str) -> Started:
        """Start PID 1. Raises EngineError with the engine's words, and the exit code it noted, when the command cannot be run."""
        followed = self._followed.require(container_id)
        try:
            with self._engine.words(f"start container {container_id[:12]}"):
                with self._turns.needed(), self._turns.turn(Rank.CONTAINER):
                    self._engine.api.start(container_id)
                state = self._engine.api.inspect_container(container_id)["State"]
        except EngineError as error:
            followed.give_up()
            error.code = self._noted_exit_code(container_id)
            error.runtime_message = _FRAMES.sub("", error.runtime_message)
            raise
        started = Started(pid=int(state["Pid"]), started_at=str(state["StartedAt"]))
        followed.started(started, self._signals)
        return started

    def signal_container(self, container_id: str, signal: str) -> None:
        """Send a signal to PID 1. Returns once sent; raises ContainerGone when it has ended."""
        with self._engine.words(f"send {signal} to container {container_id[:12]}"):
            self._engine.api.kill(container_id, signal)

    def exec(
        self, container_id: str, command: tuple[str, ...], *, timeout_seconds: float | None = None, kill_on_timeout: bool = False
    ) -> ExecResult:
        """Run a command in the container and wait for its process and its output; see `exec_session`."""
        session = ExecSession(self._engine, self._clock, container_id, self._followed.pid(container_id))
        return session.run(command, timeout_seconds, kill_on_timeout=kill_on_timeout)

    def process_state(self, container_id: str) -> ProcessState | None:
        """Return PID 1's signal masks and the process list, or None when it has ended or cannot be read on this host."""
        pid = self._followed.pid(container_id)
        return process_state(pid) if pid else None

    def changed_files(self, container_id: str, *, limit_bytes: int = 4096) -> tuple[ChangedFile, ...]:
        """Return differences to the image without noise; regular files with up to ``limit_bytes`` of content."""
        return self._files.changed(container_id, limit_bytes=limit_bytes)

    def read_file(self, container_id: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a regular file's content, up to ``limit_bytes``, from a container running or dead; None when it is not there."""
        return self._files.read(container_id, path, limit_bytes=limit_bytes)

    def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it still runs. Not found is success."""
        self._remove(container_id)

    # --- private

    def _create(self, request: JSON, name: str) -> str:
        with self._engine.words(f"create container {name}"):
            created = self._engine.api.create_container_from_config(request, name)  # type: ignore[no-untyped-call]  # as above
            return str(created["Id"])

    def _image_user(self, config: ContainerConfig) -> str:
        if config.run_as_group is None or config.run_as_user is not None:
            return ""
        image = self.find_image(config.image)
        return image.user if image is not None else ""

    def _noted_exit_code(self, container_id: str) -> int | None:
        try:
            with self._engine.words(f"look at container {container_id[:12]}"):
                return int(self._engine.api.inspect_container(container_id)["State"]["ExitCode"])
        except EngineError:
            return None

    def _remove(self, container_id: str) -> None:
        with suppress(ContainerGone), self._engine.words(f"remove container {container_id[:12]}"):
            self._engine.api.remove_container(container_id, force=True, v=True)
        self._sandboxes.forget(container_id)
        followed = self._followed.get(container_id)
        if followed is not None:
            followed.removed()

    def _remove_containers(self, filters: dict[str, list[str]]) -> int:
        with self._engine.words("list the lab's containers"):
            found: list[JSON] = self._engine.api.containers(all=True, filters=filters)
        self._remove_all(found)
        return len(found)

    def _remove_all(self, listed: Sequence[JSON]) -> None:
        failures: list[EngineError] = []

        def remove(share: Sequence[JSON]) -> None:
            for container in share:
                labels = container["Labels"]
                is_sandbox = labels.get(CONTAINER) == SANDBOX_CONTAINER
                try:
                    with self._sandboxes.members.leave(labels.get(CLUSTER, "")) if is_sandbox else nullcontext():
                        self._remove(str(container["Id"]))
                except EngineError as error:
                    failures.append(error)

        shares = (listed[start::_REMOVALS_AT_ONCE] for start in range(_REMOVALS_AT_ONCE))
        threads = [self._clock.spawn("remove-containers", remove, share) for share in shares if share]
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _lose(self, message: str) -> None:
        self._sandboxes.lose_warm()
        self._followed.for_all(lambda followed: followed.lose(message))
