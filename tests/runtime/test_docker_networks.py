"""Subnets for clusters: pure choice, and the real engine's networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.errors import EngineError, SettingsError
from lab.runtime.engine_client import EngineClient
from lab.runtime.networks import ClusterNetworks, bridge_name, free_subnet, host_routes

CIDR = IPv4Network("10.244.0.0/24")


def test_the_first_subnet_that_overlaps_nothing_is_taken() -> None:
    assert free_subnet(CIDR, []) == IPv4Network("10.244.0.0/26")
    assert free_subnet(CIDR, [IPv4Network("10.244.0.8/30"), IPv4Network("10.244.0.64/26")]) == IPv4Network("10.244.0.128/26")


def test_a_wider_network_or_route_takes_all_of_it() -> None:
    assert free_subnet(CIDR, [IPv4Network("10.0.0.0/8")]) is None


def test_routes_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert host_routes(table) == [IPv4Network("172.17.0.0/16")]


def test_a_bridge_has_a_short_name_of_its_own_with_the_labs_prefix() -> None:
    names = {bridge_name("lab", f"cluster-{number}") for number in range(1000)}
    assert len(names) == 1000
    assert {len(name) for name in names} == {15}
    assert all(name.startswith("phl") for name in names)


@pytest.mark.parametrize("cidr", ["nonsense", "10.244.0.0/28", "10.244.0.1/16"])
def test_a_pod_cidr_that_cannot_be_used_is_refused_at_once(cidr: str) -> None:
    with pytest.raises(SettingsError, match="cannot use LAB_POD_CIDR"):
        ClusterNetworks(EngineClient(), "lab", cidr)


@pytest.mark.engine
def test_a_clusters_network_is_internal_small_labelled_and_used_again(docker_lab: Any) -> None:
    docker_lab.runtime.prepare_cluster("network")
    docker_lab.runtime.prepare_cluster("network")
    api = docker.APIClient(version="auto")
    (network,) = api.networks(filters={"label": [f"pod-hook-lab.instance={docker_lab.instance}", "pod-hook-lab.cluster=network"]})
    api.close()
    docker_lab.runtime.remove_cluster("network")
    assert network["Internal"] is True
    assert IPv4Network(network["IPAM"]["Config"][0]["Subnet"]).prefixlen == 26
    assert network["Options"]["com.docker.network.bridge.name"] == bridge_name(docker_lab.instance, "network")


@pytest.mark.engine
def test_clusters_beyond_the_pod_cidr_are_told_so_and_room_is_used_again(docker_lab: Any) -> None:
    engine = EngineClient()
    networks = ClusterNetworks(engine, docker_lab.instance, "10.247.255.128/25")
    try:
        networks.require("a")
        networks.require("b")
        with pytest.raises(EngineError, match=r"no free /26 in 10\.247\.255\.128/25; widen LAB_POD_CIDR"):
            networks.require("c")
        networks.remove("a")
        networks.require("c")
    finally:
        for cluster in ("a", "b", "c"):
            networks.remove(cluster)
        engine.close()
