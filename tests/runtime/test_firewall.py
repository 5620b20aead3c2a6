"""What containers can reach, tried by connecting."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from lab.runtime import firewall
from lab.runtime.firewall import BRIDGE_PREFIX

LABEL = "pod-hook-lab.test=firewall"
SERVE = "echo served > /index.html; httpd -f -p 80"


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    was_there = subprocess.run(["iptables", "-S", "POD-HOOK-LAB"], capture_output=True, check=False).returncode == 0
    assert firewall.ensure().installed
    yield
    if not was_there:
        firewall.remove()


class Network:
    """An internal network with one busybox on it, which serves HTTP and can be asked to connect."""

    def __init__(self, bridge: str, subnet: str) -> None:
        self.gateway = subnet.replace("0/28", "1")
        option = f"com.docker.network.bridge.name={bridge}"
        self.id = run("docker", "network", "create", "--internal", "--subnet", subnet, "--opt", option, "--label", LABEL, bridge)
        self.containers: list[str] = []
        self.ip = self.start()

    def start(self) -> str:
        """Start another container; return its address."""
        arguments = ("--detach", "--network", self.id, "--label", LABEL, "busybox", "sh", "-c", SERVE)
        self.containers.append(run("docker", "run", *arguments))
        address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return run("docker", "inspect", "--format", address, self.containers[-1])

    def reaches(self, address: str, port: int) -> bool:
        """Whether the first container can connect, within a second; nc then runs ``true`` and is done."""
        connect = ["docker", "exec", self.containers[0], "nc", "-w", "1", address, str(port), "-e", "true"]
        return subprocess.run(connect, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def sweep() -> None:
    for kind, remove in (("ps --all", "rm --force"), ("network ls", "network rm")):
        ids = run("docker", *kind.split(), "--quiet", "--filter", f"label={LABEL}").split()
        if ids:
            run("docker", *remove.split(), *ids)


@pytest.fixture(scope="module")
def network(installed: None) -> Iterator[Callable[[str, str], Network]]:
    sweep()  # what a killed run left behind
    yield Network
    sweep()


@pytest.fixture(scope="module")
def guarded(network: Callable[[str, str], Network]) -> Network:
    return network(f"{BRIDGE_PREFIX}-test-a", "10.213.7.0/28")


@pytest.fixture(scope="module")
def other_cluster(network: Callable[[str, str], Network]) -> Network:
    return network(f"{BRIDGE_PREFIX}-test-b", "10.213.8.0/28")


@pytest.fixture(scope="module")
def unguarded(network: Callable[[str, str], Network]) -> Network:
    """Not one of the lab's: shows what Docker alone lets through, and so that these tests can fail."""
    return network("not-the-lab", "10.213.9.0/28")


@pytest.fixture
def port() -> Iterator[int]:
    """A service of the host on all its addresses."""
    with contextlib.closing(socket.create_server(("0.0.0.0", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.mark.engine
class TestConnections:
    """Each needs root and a Docker Engine."""

    def test_a_container_does_not_reach_the_host_by_its_gateway(self, guarded: Network, unguarded: Network, port: int) -> None:
        assert unguarded.reaches(unguarded.gateway, port)
        assert not guarded.reaches(guarded.gateway, port)

    def test_a_container_does_not_reach_the_host_by_its_other_addresses(
        self, guarded: Network, unguarded: Network, port: int
    ) -> None:
        for address in (unguarded.gateway, run("hostname", "-I").split()[0]):
            assert not guarded.reaches(address, port)

    def test_a_container_does_not_reach_another_clusters(self, guarded: Network, other_cluster: Network) -> None:
        assert not guarded.reaches(other_cluster.ip, 80)
        assert not other_cluster.reaches(guarded.ip, 80)

    def test_a_container_does_not_reach_a_network_that_is_not_the_labs(self, guarded: Network, unguarded: Network) -> None:
        assert not guarded.reaches(unguarded.ip, 80)
        assert not unguarded.reaches(guarded.ip, 80)

    def test_a_container_reaches_its_own_cluster(self, guarded: Network) -> None:
        assert guarded.reaches(guarded.start(), 80)

    def test_the_host_reaches_a_container(self, guarded: Network) -> None:
        with urllib.request.urlopen(f"http://{guarded.ip}/", timeout=10) as answer:
            assert answer.read() == b"served\n"


@pytest.mark.engine
class TestRules:
    """Each needs root."""

    def test_ipv6_is_closed_as_well(self, installed: None) -> None:
        assert "-j DROP" in run("ip6tables", "-S", "POD-HOOK-LAB")
        assert f"-A INPUT -i {BRIDGE_PREFIX}+ -j POD-HOOK-LAB" in run("ip6tables", "-S", "INPUT")

    def test_ensuring_again_changes_nothing(self, installed: None) -> None:
        before = run("iptables", "-S", "INPUT"), run("iptables", "-S", "POD-HOOK-LAB")
        assert firewall.ensure().installed
        assert (run("iptables", "-S", "INPUT"), run("iptables", "-S", "POD-HOOK-LAB")) == before

    def test_a_rule_that_came_before_the_chain_comes_after_it_again(self, installed: None) -> None:
        rule = ("INPUT", "-i", "not-there", "-j", "ACCEPT")
        run("iptables", "-I", *rule)
        try:
            firewall.ensure()
            rules = run("iptables", "-S", "INPUT").splitlines()
        finally:
            run("iptables", "-D", *rule)
        assert rules[1:3] == [f"-A INPUT -i {BRIDGE_PREFIX}+ -j POD-HOOK-LAB", "-A INPUT -i not-there -j ACCEPT"]
        assert len([line for line in rules if "POD-HOOK-LAB" in line]) == 1

    def test_what_another_program_took_away_is_put_back(self, installed: None) -> None:
        run("iptables", "-D", "INPUT", "-i", f"{BRIDGE_PREFIX}+", "-j", "POD-HOOK-LAB")
        assert firewall.ensure().installed
        assert f"-A INPUT -i {BRIDGE_PREFIX}+ -j POD-HOOK-LAB" in run("iptables", "-S", "INPUT")


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    state = firewall.ensure()
    assert not state.installed
    assert state.why == "cannot keep containers from the host: only root may change the firewall"
    assert "root" in state.remedy


def test_without_iptables_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    state = firewall.ensure()
    assert not state.installed
    assert state.remedy == "install it: apt-get install iptables"
