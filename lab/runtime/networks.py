"""Each cluster's own network: an internal bridge with a small subnet out of the lab's pod CIDR.

Docker's default pools end at about thirty networks, so subnets are chosen here, clear of every network of the engine and
every route of the host. Internal means no way out; that the bridge's own address does not lead to the host is
`lab.runtime.firewall`'s part, which knows the lab's bridges by the prefix of their names. Networks are reused between pods
and found again by label.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from docker.types import IPAMConfig, IPAMPool

from lab.errors import EngineError, SettingsError
from lab.runtime.engine_client import EngineClient, NotFound
from lab.runtime.firewall import BRIDGE_PREFIX
from lab.runtime.labels import network_labels, selector

SUBNET_PREFIX_LENGTH = 26  # 61 pods: gateway, network and broadcast address taken off 64
INTERFACE_NAME_LENGTH = 15  # linux/if.h: IFNAMSIZ less its NUL
_ATTEMPTS = 16  # another process may take the subnet between the look and the creation


class ClusterNetworks:
    """The networks of one lab. Thread-safe."""

    def __init__(self, engine: EngineClient, instance: str, pod_cidr: str) -> None:
        try:
            self._pod_cidr = IPv4Network(pod_cidr)
        except ValueError as error:
            raise SettingsError(
                f"cannot use LAB_POD_CIDR={pod_cidr}: {error}; give an IPv4 network such as 10.244.0.0/16"
            ) from error
        if self._pod_cidr.prefixlen > SUBNET_PREFIX_LENGTH:
            raise SettingsError(f"cannot use LAB_POD_CIDR={pod_cidr}: it must hold at least one /{SUBNET_PREFIX_LENGTH}")
        self._engine = engine
        self._instance = instance
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def require(self, cluster: str) -> str:
        """Return the id of the cluster's network, made now when it is not there."""
        with self._lock:
            known = self._known.get(cluster)
            if known is None:
                known = self._known[cluster] = self._find(cluster) or self._create(cluster)
            return known

    def forget(self, cluster: str) -> None:
        """The network turned out to be gone: the next `require` looks again."""
        with self._lock:
            self._known.pop(cluster, None)

    def remove(self, cluster: str) -> None:
        """Remove the cluster's network. Its containers must be gone; not found is success."""
        with self._lock:
            self._known.pop(cluster, None)
            for network in self._list(selector(instance=self._instance, cluster=cluster)):
                self._remove(network)

    def remove_all(self, instance: str | None) -> int:
        """Remove the networks of a lab, or of every lab when None; return how many."""
        with self._lock:
            self._known.clear()
            networks = self._list(selector(instance=instance))
            for network in networks:
                self._remove(network)
            return len(networks)

    def _find(self, cluster: str) -> str | None:
        networks = self._list(selector(instance=self._instance, cluster=cluster))
        return str(networks[0]["Id"]) if networks else None

    def _create(self, cluster: str) -> str:
        taken = [*self._subnets_of_engine(), *host_routes()]
        for _ in range(_ATTEMPTS):
            subnet = free_subnet(self._pod_cidr, taken)
            if subnet is None:
                break
            try:
                return self._create_with(cluster, subnet)
            except EngineError as error:
                if "overlaps" not in error.runtime_message:
                    raise
                taken.append(subnet)
        raise EngineError(
            f"cannot create a network for cluster {cluster}: no free /{SUBNET_PREFIX_LENGTH} in {self._pod_cidr}; "
            f"widen LAB_POD_CIDR or remove old clusters with `lab sweep`"
        )

    def _create_with(self, cluster: str, subnet: IPv4Network) -> str:
        with self._engine.words(f"create the network of cluster {cluster}"):
            created = self._engine.api.create_network(
                f"pod-hook-lab-{self._instance}-{cluster}",
                driver="bridge",
                internal=True,
                check_duplicate=True,
                labels=network_labels(self._instance, cluster),
                ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))]),
                options={"com.docker.network.bridge.name": bridge_name(self._instance, cluster)},
            )
            return str(created["Id"])

    def _remove(self, network: dict[str, Any]) -> None:
        with suppress(NotFound), self._engine.words(f"remove network {network['Name']}"):
            self._engine.api.remove_network(network["Id"])

    def _list(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        with self._engine.words("list the engine's networks"):
            networks: list[dict[str, Any]] = self._engine.api.networks(filters=filters)
            return networks

    def _subnets_of_engine(self) -> Iterator[IPv4Network]:
        for network in self._list({}):
            for pool in (network.get("IPAM") or {}).get("Config") or ():
                with suppress(ValueError):
                    yield IPv4Network(pool.get("Subnet", ""))


def bridge_name(instance: str, cluster: str) -> str:
    """Return the interface name of a cluster's bridge: short, the same each time, recognised by the firewall."""
    digest = hashlib.sha256(f"{instance}/{cluster}".encode()).hexdigest()
    return (BRIDGE_PREFIX + digest)[:INTERFACE_NAME_LENGTH]


def free_subnet(pod_cidr: IPv4Network, taken: list[IPv4Network]) -> IPv4Network | None:
    """Return the first subnet of ``pod_cidr`` that overlaps nothing in ``taken``, or None."""
    near = [network for network in taken if network.overlaps(pod_cidr)]
    for subnet in pod_cidr.subnets(new_prefix=SUBNET_PREFIX_LENGTH):
        if not any(subnet.overlaps(network) for network in near):
            return subnet
    return None


def host_routes(table: Path = Path("/proc/net/route")) -> list[IPv4Network]:
    """Return the networks that the host has routes to, the default route left out. Source: Linux net/ipv4/fib_trie.c."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    routes = []
    for line in lines:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        if int(mask, 16):
            routes.append(IPv4Network((_address(destination), str(_address(mask)))))
    return routes


def _address(little_endian: str) -> IPv4Address:
    return IPv4Address(int.from_bytes(bytes.fromhex(little_endian), "little"))
