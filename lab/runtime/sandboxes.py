"""Pods' sandboxes on the engine: started for a pod, or adopted from those that were kept warm.

A warm sandbox is like any other but for its labels: the engine fixes them when it makes a container, so its run and pod uid stay
empty there. Its name becomes the pod's when it is adopted, and whose it is, is known here: `is_stray` tells it to whoever looks
for strays. A lab that is killed forgets that, and the next one removes everything that carries the instance's label.
Source: pkg/kubelet/dockershim/docker_sandbox.go (v1.23) for names and hostname.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

from lab.clock import Clock
from lab.errors import ContainerGone, EngineError, EngineUnavailable
from lab.runtime.engine_client import EngineClient, NotFound
from lab.runtime.hardening import JSON, sandbox_request
from lab.runtime.network_members import NetworkMembers
from lab.runtime.networks import ClusterNetworks
from lab.runtime.runtime import Sandbox, SandboxConfig
from lab.runtime.settings import RuntimeSettings
from lab.runtime.turns import Rank, Turns
from lab.runtime.warm_sandboxes import WarmSandbox, WarmSandboxes


class Sandboxes:
    """The sandboxes of one lab. Thread-safe."""

    def __init__(
        self, engine: EngineClient, networks: ClusterNetworks, clock: Clock, turns: Turns, settings: RuntimeSettings
    ) -> None:
        self._engine = engine
        self._networks = networks
        self._turns = turns
        self._settings = settings
        self._lock = threading.Lock()
        self._pods: dict[str, SandboxConfig] = {}  # whose sandbox each is
        self._born_warm: set[str] = set()  # those without a pod on their labels
        self._clusters: dict[str, str] = {}  # on whose network each is
        self.members = NetworkMembers(clock)
        self.warm = WarmSandboxes(clock, turns, limit=settings.warm_sandboxes, make=self._make_warm, remove=self._remove)

    def run(self, config: SandboxConfig) -> Sandbox:
        """Give a pod its sandbox on its cluster's network."""
        try:
            with self._turns.needed():
                sandbox = self._adopt_warm(config) or self._start(config, _name(config), Rank.SANDBOX)
        except NotFound:  # somebody removed the network behind the lab's back
            self._networks.forget(config.cluster)
            sandbox = self._start(config, _name(config), Rank.SANDBOX)
        with self._lock:
            self._pods[sandbox.id] = config
        return sandbox

    def remove(self, sandbox_id: str) -> None:
        """Stop and remove a pod's sandbox. Not found is success."""
        with self._lock:
            config = self._pods.get(sandbox_id)
        self._remove(sandbox_id)
        if config is not None:
            self.warm.released(config.cluster, config.hostname)

    def is_stray(self, container_id: str, labelled_run: str, is_live: Callable[[str], bool]) -> bool:
        """Whether a container that the engine has listed belongs to no live run and is not kept warm."""
        self.warm.settle()
        with self._lock:
            config, is_kept = self._pods.get(container_id), container_id in self._born_warm
        if config is not None:
            return not is_live(config.run_id)
        return not is_kept and not is_live(labelled_run)

    def forget(self, container_id: str) -> None:
        """A container has been removed."""
        with self._lock:
            self._pods.pop(container_id, None)
            self._born_warm.discard(container_id)
            self._clusters.pop(container_id, None)

    def lose_warm(self) -> None:
        """The engine has stopped, and every sandbox with it: those that were kept warm are nobody's now."""
        self.warm.forget()
        with self._lock:
            self._born_warm.clear()

    def _adopt_warm(self, config: SandboxConfig) -> Sandbox | None:
        """Return a warm sandbox as the pod's own; None when there is none, or none any more."""
        warm = self.warm.take(config.cluster, config.hostname, _asked_for(self._request(config)))
        if warm is None:
            return None
        with self._lock:
            self._pods[warm.id] = config
        try:
            with self._engine.words(f"adopt a sandbox for pod {config.namespace}/{config.pod_name}"):
                self._engine.api.rename(warm.id, _name(config))
                found: JSON = self._engine.api.inspect_container(warm.id)
                if found["State"]["Running"] and _addresses(found) == [warm.ip]:
                    return Sandbox(id=warm.id, ip=warm.ip)
        except EngineUnavailable:
            raise
        except EngineError:
            pass  # somebody removed it, or its network: the pod does not suffer
        with suppress(EngineError):
            self._remove(warm.id)
        return None

    def _make_warm(self, cluster: str, hostname: str) -> WarmSandbox:
        config = SandboxConfig(cluster=cluster, namespace="", pod_name="", pod_uid="", hostname=hostname)
        sandbox = self._start(config, f"k8s_POD_warm_{hostname}_{secrets.token_hex(6)}", Rank.WARM_SANDBOX)
        return WarmSandbox(id=sandbox.id, ip=sandbox.ip, request=_asked_for(self._request(config)))

    def _start(self, config: SandboxConfig, name: str, rank: Rank) -> Sandbox:
        with self._turns.turn(rank):
            request = self._request(config)
            with self._engine.words(f"create container {name}"):
                created = self._engine.api.create_container_from_config(request, name)  # type: ignore[no-untyped-call]  # so in the SDK's stubs
                sandbox_id = str(created["Id"])
            with self._lock:
                self._clusters[sandbox_id] = config.cluster
                if rank is Rank.WARM_SANDBOX:
                    self._born_warm.add(sandbox_id)
            try:
                with self.members.join(config.cluster), self._engine.words(f"start sandbox {name}"):
                    self._engine.api.start(sandbox_id)
                    state: dict[str, Any] = self._engine.api.inspect_container(sandbox_id)
            except EngineError:
                self._remove(sandbox_id)
                raise
        (address,) = _addresses(state)
        return Sandbox(id=sandbox_id, ip=address)

    def _request(self, config: SandboxConfig) -> JSON:
        network = self._networks.require(config.cluster)
        return sandbox_request(config, network=network, instance=self._settings.instance, image=self._settings.pause_image)

    def _remove(self, sandbox_id: str) -> None:
        with self._lock:
            cluster = self._clusters.get(sandbox_id)
        leaving = nullcontext() if cluster is None else self.members.leave(cluster)
        with leaving, suppress(ContainerGone), self._engine.words(f"remove sandbox {sandbox_id[:12]}"):
            self._engine.api.remove_container(sandbox_id, force=True, v=True)
        self.forget(sandbox_id)


def _name(config: SandboxConfig) -> str:
    return f"k8s_POD_{config.pod_name}_{config.namespace}_{config.pod_uid}_0"


def _addresses(state: JSON) -> list[str]:
    return [str(endpoint["IPAddress"]) for endpoint in state["NetworkSettings"]["Networks"].values()]


def _asked_for(request: JSON) -> JSON:
    """Return a request without what only says whose it is."""
    return {name: value for name, value in request.items() if name != "Labels"}
