"""Who joins and who leaves a network of the engine at a time: joins go together, a leave goes alone.

Docker Engine 20.10 can lock up for good when an endpoint is deleted while another one of the same network joins or leaves: its
watcher (libnetwork, processEndpointDelete) takes the controller's lock and then the network's, the others (getSvcRecords) take
them the other way round. From then on the engine answers nothing about networks. So nobody asks that of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.clock import Clock


@dataclass(slots=True)
class _Network:
    joining: int = 0
    leaving: bool = False
    waiting_to_leave: int = 0
    users: int = 0  # all of these, and those who wait to join


class NetworkMembers:
    """The joins and leaves of all networks, by the cluster that each belongs to. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._changed = clock.condition()
        self._networks: dict[str, _Network] = {}

    @contextmanager
    def join(self, cluster: str) -> Iterator[None]:
        """Start a sandbox: wait until nobody leaves, nor waits to."""
        with self._using(cluster) as network:
            with self._changed:
                self._changed.wait_for(lambda: not (network.leaving or network.waiting_to_leave))
                network.joining += 1
            try:
                yield
            finally:
                with self._changed:
                    network.joining -= 1
                    self._changed.notify_all()

    @contextmanager
    def leave(self, cluster: str) -> Iterator[None]:
        """Remove a sandbox: wait until nobody else joins or leaves."""
        with self._using(cluster) as network:
            with self._changed:
                network.waiting_to_leave += 1
                self._changed.wait_for(lambda: not (network.joining or network.leaving))
                network.waiting_to_leave -= 1
                network.leaving = True
            try:
                yield
            finally:
                with self._changed:
                    network.leaving = False
                    self._changed.notify_all()

    @contextmanager
    def _using(self, cluster: str) -> Iterator[_Network]:
        with self._changed:
            network = self._networks.setdefault(cluster, _Network())
            network.users += 1
        try:
            yield network
        finally:
            with self._changed:
                network.users -= 1
                if not network.users:
                    del self._networks[cluster]
