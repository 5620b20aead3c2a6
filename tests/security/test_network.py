"""Where hooks, probes and containers may connect: to their own pod and cluster, and nowhere else, whatever they are told."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lab.timeline.facts import HookFailed, ProbeChanged

Ground = Any  # the fixture's type lives in conftest, which tests cannot import

pytestmark = pytest.mark.engine

LEARNER, OTHER = "attacker", "victim"
SERVER = """\
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: app, image: busybox, command: [sh, -c, "echo secret > /index.html; exec httpd -f -p 80"]}
"""
POD = """\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  containers:
  - name: {name}
    image: busybox
    command: [sleep, "3600"]
    {more}
"""


class Bait:
    """A service of the host on all its addresses, of both families. ``hits`` are those who connected."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = int(self._listener.getsockname()[1])
        self.hits: list[str] = []
        self._ear = threading.Thread(target=self._listen, daemon=True)  # noqa: TID251 - of this test, not of the lab
        self._ear.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, address = self._listener.accept()
                self.hits.append(str(address[0]))
                connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._ear.join()


@pytest.fixture(scope="module")
def bait() -> Iterator[Bait]:
    bait = Bait()
    with socket.create_connection(("127.0.0.1", bait.port)):
        pass  # it can be hit
    while not bait.hits:
        pass
    bait.hits.clear()
    yield bait
    bait.close()


@pytest.fixture(scope="module")
def victim(ground: Ground) -> str:
    """The address of a server in another learner's cluster."""
    return str(ground.pod_ip(ground.running(OTHER, SERVER)))


@pytest.fixture(scope="module")
def neighbour(ground: Ground) -> str:
    """The address of a server in the attacker's own cluster."""
    return str(ground.pod_ip(ground.running(LEARNER, SERVER)))


@pytest.fixture(scope="module")
def shell(ground: Ground) -> Any:
    """Runs scripts in a container of the attacker."""
    run = ground.running(LEARNER, SERVER.replace("name: server", "name: shell"))
    return lambda script: ground.sh(run, "shell", script)


def gateway(address: str) -> str:
    """Return the address of the bridge that a pod is on: the first of its /26."""
    start, _, last = address.rpartition(".")
    return f"{start}.{int(last) // 64 * 64 + 1}"


def command(*words: str) -> str:
    """Return what a command of the host prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def host_address() -> str:
    """Return the host's first address."""
    return command("hostname", "-I").split()[0]


def test_a_hook_or_probe_for_another_host_is_not_sent_and_says_why(
    ground: Ground, bait: Bait, victim: str, neighbour: str
) -> None:
    targets = {
        "lab": ("127.0.0.1", bait.port),
        "name": ("localhost", bait.port),
        "ipv6": ("::1", bait.port),
        "bridge": (gateway(neighbour), bait.port),
        "outside": (host_address(), bait.port),
        "docker": (gateway(neighbour), 2375),
        "metadata": ("169.254.169.254", 80),
        "victim": (victim, 80),
        "neighbour": (neighbour, 80),
        "user": (f"{neighbour}@127.0.0.1", bait.port),
        "decimal": ("2130706433", bait.port),
    }
    hooks = "".join(
        POD.format(name=name, more=f'lifecycle: {{postStart: {{httpGet: {{host: "{host}", port: {port}, path: "/"}}}}}}')
        for name, (host, port) in targets.items()
    )
    probes = POD.format(
        name="probed",
        more=f"""\
readinessProbe: {{httpGet: {{host: 127.0.0.1, port: {bait.port}}}, periodSeconds: 1}}
    livenessProbe: {{tcpSocket: {{host: 127.0.0.1, port: {bait.port}}}, periodSeconds: 1, failureThreshold: 100}}""",
    )
    run = ground.run(LEARNER, probes + hooks)
    for name in targets:
        ground.eventually(lambda name=name: ground.facts(run, HookFailed, name))
        (failed, *_) = ground.facts(run, HookFailed, name)
        assert "the lab sends httpGet only to the pod's own address" in failed.message, name
    ground.eventually(lambda: {fact.probe for fact in ground.facts(run, ProbeChanged, "probed")} >= {"readiness", "liveness"})
    for fact in ground.facts(run, ProbeChanged, "probed"):
        assert fact.result == "failure"
        assert "only to the pod's own address" in fact.output
    assert bait.hits == []
    ground.laboratory.runs.abort(run.id, why="The test is over.", by="stop")


@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "//127.0.0.1:{port}/", "{port}"])
def test_a_redirect_leads_to_no_other_host(ground: Ground, bait: Bait, location: str) -> None:
    told = f"HTTP/1.0 302 Found\\r\\nContent-Length: 0\\r\\nLocation: {location.format(port=bait.port)}\\r\\n\\r\\n"
    pod = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: redirect}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "while :; do printf '{told}' | nc -l -p 8080; echo served; done"]
    livenessProbe: {{httpGet: {{port: 8080}}, periodSeconds: 1, failureThreshold: 100}}
"""
    learner = f"{LEARNER}-redirected"
    run = ground.running(learner, pod.replace("\\r", "\\\\r").replace("\\n\\n", "\\n\\n"))
    ground.eventually(lambda: any("ProbeWarning" in event or "Unhealthy" in event for event in ground.events(run)))
    assert bait.hits == []
    ground.end(learner)


CONNECT = "nc -w 1 {address} {port} -e true 2>/dev/null && echo connected || echo refused"  # nc runs true once it is through


class TestContainers:
    """A container that tries to get out."""

    def test_it_reaches_its_own_cluster(self, shell: Any, neighbour: str) -> None:
        assert shell(CONNECT.format(address=neighbour, port=80)) == "connected"

    def test_it_does_not_reach_another_learners_pod(self, shell: Any, victim: str) -> None:
        assert shell(CONNECT.format(address=victim, port=80)) == "refused"

    @pytest.mark.parametrize("whose", ["its own bridge", "the other bridge", "the host"])
    def test_it_does_not_reach_the_host(self, shell: Any, bait: Bait, neighbour: str, victim: str, whose: str) -> None:
        address = {"its own bridge": gateway(neighbour), "the other bridge": gateway(victim), "the host": host_address()}[whose]
        assert shell(CONNECT.format(address=address, port=bait.port)) == "refused"
        assert bait.hits == []

    def test_it_does_not_reach_the_host_by_ipv6(self, shell: Any, bait: Bait, neighbour: str) -> None:
        (bridge,) = [
            line.split()[1] for line in command("ip", "-o", "-4", "addr").splitlines() if f" {gateway(neighbour)}/" in line
        ]
        own = re.findall(r"inet6 (fe80:[^/]+)/", command("ip", "-6", "addr", "show", "dev", bridge))
        for address in (*(f"{address}%eth0" for address in own), "ff02::1%eth0", "::1"):
            assert shell(CONNECT.format(address=address, port=bait.port)) == "refused"
        assert bait.hits == []

    @pytest.mark.parametrize("address", ["169.254.169.254", "198.51.100.1"])
    def test_it_does_not_reach_the_world(self, shell: Any, address: str) -> None:
        assert shell(CONNECT.format(address=address, port=80)) == "refused"

    def test_no_datagram_gets_to_the_host(self, shell: Any, neighbour: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("0.0.0.0", 0))
            for address in (gateway(neighbour), host_address(), "255.255.255.255"):
                shell(f"echo out | nc -u -w 1 {address} {listener.getsockname()[1]}")
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.recv(64)

    def test_it_has_no_dns(self, shell: Any) -> None:
        said = shell("for name in example.org host.docker.internal; do nslookup $name & done; wait")
        assert re.findall(r"no servers could be reached|SERVFAIL|REFUSED", said), said  # NXDOMAIN would be an answer from outside
        assert "Name:" not in said

    @pytest.mark.parametrize(
        "attempt",
        [
            "ip addr add {victim} dev eth0",
            "ip addr add {gateway} dev eth0",
            "ip route add {victim} dev eth0",
            "ip neigh add {victim} lladdr 02:42:00:00:00:01 dev eth0",
            "arping -c 1 -w 1 -U -s {gateway} -I eth0 {gateway}",
            "ifconfig eth0 promisc",
        ],
    )
    def test_it_cannot_pretend_to_be_another(self, shell: Any, victim: str, neighbour: str, attempt: str) -> None:
        tried = attempt.format(victim=victim, gateway=gateway(neighbour))
        assert shell(f"({tried}) >/dev/null 2>&1 && echo DONE || echo refused") == "refused"
