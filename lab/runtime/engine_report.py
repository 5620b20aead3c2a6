"""What an engine says of itself, and whether it works on this very machine. Reads only.

The lab mounts its own directories into containers and connects to pods by address, so an engine elsewhere (another machine, or a
virtual one as with Docker Desktop) is of no use. The engine's kernel, its data directory and its bridge's address are evidence.
Source: docs of the Docker Engine API v1.41, "Get system information".
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.errors import EngineUnavailable
from lab.runtime.engine import EngineAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """``elsewhere`` is why the engine's containers are out of this machine's reach, "" when they are in reach."""

    version: str
    api_version: str
    storage_driver: str
    cgroup_version: int
    missing_limits: tuple[str, ...]
    data_directory: Path
    elsewhere: str


def read_engine_report(client: docker.DockerClient, address: EngineAddress) -> EngineReport:
    """Ask the engine. Raises EngineUnavailable when it stops answering."""
    try:
        info, version = client.info(), client.version()
        gateways = _bridge_gateways(client)
    except (DockerException, RequestException) as error:
        raise EngineUnavailable(f"cannot ask the Docker Engine at {address.url}: {error}; see its log") from error
    limits = {"memory": "MemoryLimit", "pids": "PidsLimit", "cpu": "CpuCfsQuota"}
    return EngineReport(
        version=version["Version"],
        api_version=version["ApiVersion"],
        storage_driver=info["Driver"],
        cgroup_version=int(info.get("CgroupVersion") or 1),
        missing_limits=tuple(name for name, key in limits.items() if not info.get(key)),
        data_directory=Path(info["DockerRootDir"]),
        elsewhere=_elsewhere(address, info["KernelVersion"], Path(info["DockerRootDir"]), gateways),
    )


def _elsewhere(address: EngineAddress, kernel: str, data_directory: Path, gateways: list[str]) -> str:
    if not address.is_local_socket:
        return f"{address.url} is a network address: its containers cannot mount this machine's directories"
    if kernel != os.uname().release:
        return f"it runs on another kernel ({kernel}): a virtual machine, whose directories and pod addresses are out of reach"
    if not data_directory.exists():
        return f"its data directory {data_directory} is not on this file system: it cannot mount this machine's directories"
    if gateways and not any(_is_own_address(gateway) for gateway in gateways):
        return f"its bridge's address {gateways[0]} is not this machine's: pod addresses are out of reach (a rootless engine?)"
    return ""


def _bridge_gateways(client: docker.DockerClient) -> list[str]:
    networks = client.networks.list(names=["bridge"], filters={"driver": "bridge"})
    pools = [pool for network in networks for pool in (network.attrs["IPAM"].get("Config") or [])]
    return [pool["Gateway"] for pool in pools if "Gateway" in pool]


def _is_own_address(address: str) -> bool:
    """Return whether a socket can be bound to the address; one that is not this machine's is refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
