"""Sandboxes that were kept warm, on the real engine: a pod gets what it would have got, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest

from lab.clock import SystemClock
from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from lab.runtime.runtime import SandboxConfig

pytestmark = pytest.mark.engine

PATIENCE_SECONDS = 60


@pytest.fixture
def api() -> Iterator[docker.APIClient]:
    api = docker.APIClient(version="auto")
    yield api
    api.close()


@pytest.fixture
def warm_lab(docker_lab: Any, test_pod_cidr: str) -> Iterator[Any]:
    """A lab that keeps sandboxes warm."""
    lab = type(docker_lab)(test_pod_cidr)
    lab.runtime.close()
    settings = RuntimeSettings(instance=lab.instance, pod_cidr=test_pod_cidr, warm_sandboxes=4)
    lab.runtime = DockerRuntime(EngineClient(), settings, SystemClock())
    yield lab
    lab.close()


def containers(api: docker.APIClient, lab: Any) -> list[dict[str, Any]]:
    return api.containers(all=True, filters={"label": [f"pod-hook-lab.instance={lab.instance}"]})


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)  # noqa: TID251 - a real engine has its own time


def keep_one_warm(api: docker.APIClient, lab: Any) -> str:
    """Return the id of a sandbox that waits for the pod "web"."""
    lab.runtime.keep_warm("one", ("web",))
    eventually(lambda: [c for c in containers(api, lab) if c["State"] == "running"])
    return str(containers(api, lab)[0]["Id"])


def what_it_is(api: docker.APIClient, sandbox_id: str) -> dict[str, Any]:
    """Return everything of a sandbox that is not its own number, time, address or label."""
    found = api.inspect_container(sandbox_id)
    host, config = found["HostConfig"], {**found["Config"], "Labels": None}
    return {"HostConfig": host, "Config": config, "Mounts": found["Mounts"]}


def test_a_pod_adopts_the_sandbox_that_was_kept_for_its_hostname(warm_lab: Any, api: docker.APIClient) -> None:
    kept = keep_one_warm(api, warm_lab)
    config = warm_lab.sandbox_config()
    sandbox = warm_lab.runtime.run_pod_sandbox(config)
    assert sandbox.id == kept
    assert api.inspect_container(kept)["Name"] == f"/k8s_POD_web_default_{config.pod_uid}_0"


def test_inside_a_pod_nothing_tells_a_warm_sandbox_from_a_cold_one(warm_lab: Any, docker_lab: Any, api: docker.APIClient) -> None:
    keep_one_warm(api, warm_lab)
    look = (
        "sh",
        "-c",
        "hostname; echo $HOSTNAME; cat /etc/hostname /etc/resolv.conf; sed 's/^[0-9.]*\\.//' /etc/hosts; ls /sys/class/net",
    )
    seen = []
    for lab in (warm_lab, docker_lab):
        container_id, recorder = lab.run(*look)
        recorder.exit()
        seen.append([line for line in recorder.texts() if not line.split("\t")[0].isdigit() or "web" in line])
        lab.runtime.remove_container(container_id)
    warm, cold = seen
    assert [line.split("\t")[-1] for line in warm] == [line.split("\t")[-1] for line in cold]
    alike = [what_it_is(api, lab.sandbox.id) for lab in (warm_lab, docker_lab)]
    for one in alike:
        one["HostConfig"]["NetworkMode"] = "its cluster's"
    assert alike[0] == alike[1]


def test_a_pod_with_another_hostname_gets_a_sandbox_of_its_own(warm_lab: Any, api: docker.APIClient) -> None:
    kept = keep_one_warm(api, warm_lab)
    sandbox = warm_lab.runtime.run_pod_sandbox(replace(warm_lab.sandbox_config(), hostname="other"))
    assert sandbox.id != kept
    assert api.inspect_container(sandbox.id)["Config"]["Hostname"] == "other"


@pytest.mark.parametrize("harm", ["kill", "remove", "disconnect", "remove its network"])
def test_a_pod_does_not_suffer_when_its_warm_sandbox_has_gone(warm_lab: Any, api: docker.APIClient, harm: str) -> None:
    kept = keep_one_warm(api, warm_lab)
    (network,) = api.inspect_container(kept)["NetworkSettings"]["Networks"].values()
    if harm == "kill":
        api.kill(kept)
        api.wait(kept)
    elif harm == "remove":
        api.remove_container(kept, force=True)
    else:
        api.disconnect_container_from_network(kept, network["NetworkID"], force=True)
        if harm == "remove its network":
            api.remove_network(network["NetworkID"])
    sandbox = warm_lab.runtime.run_pod_sandbox(warm_lab.sandbox_config())
    assert sandbox.id != kept
    found = api.inspect_container(sandbox.id)
    assert found["State"]["Running"]
    assert [one["IPAddress"] for one in found["NetworkSettings"]["Networks"].values()] == [sandbox.ip]
    assert [c["Id"] for c in containers(api, warm_lab)] == [sandbox.id]


def test_strays_are_told_from_warm_and_adopted_sandboxes(warm_lab: Any, api: docker.APIClient) -> None:
    kept = keep_one_warm(api, warm_lab)
    assert warm_lab.runtime.remove_strays(lambda run_id: False) == 0
    adopted = warm_lab.runtime.run_pod_sandbox(warm_lab.sandbox_config())
    assert adopted.id == kept
    assert warm_lab.runtime.remove_strays(lambda run_id: run_id == "run-1") == 0
    assert warm_lab.runtime.remove_strays(lambda run_id: False) == 1
    assert containers(api, warm_lab) == []


def test_what_a_killed_lab_kept_warm_is_a_stray_of_the_next_one(warm_lab: Any, test_pod_cidr: str, api: docker.APIClient) -> None:
    keep_one_warm(api, warm_lab)
    adopted = warm_lab.runtime.run_pod_sandbox(warm_lab.sandbox_config())
    warm_lab.runtime.keep_warm("two", ("web",))
    eventually(lambda: len(containers(api, warm_lab)) == 2)
    settings = RuntimeSettings(instance=warm_lab.instance, pod_cidr=test_pod_cidr)
    next_lab = DockerRuntime(EngineClient(), settings, SystemClock())
    assert next_lab.remove_strays(lambda run_id: False) == 2
    next_lab.close()
    assert adopted.id not in [c["Id"] for c in containers(api, warm_lab)]


def test_a_pod_that_has_gone_leaves_a_sandbox_for_the_next_of_its_name(warm_lab: Any, api: docker.APIClient) -> None:
    keep_one_warm(api, warm_lab)
    first = warm_lab.runtime.run_pod_sandbox(warm_lab.sandbox_config())
    warm_lab.runtime.remove_pod_sandbox(first.id)
    eventually(lambda: [c for c in containers(api, warm_lab) if c["State"] == "running"])
    (kept,) = containers(api, warm_lab)
    assert warm_lab.runtime.run_pod_sandbox(warm_lab.sandbox_config()).id == kept["Id"]


def test_a_removed_cluster_and_a_sweep_take_warm_sandboxes_along(warm_lab: Any, api: docker.APIClient) -> None:
    keep_one_warm(api, warm_lab)
    warm_lab.runtime.remove_cluster("one")
    assert containers(api, warm_lab) == []
    keep_one_warm(api, warm_lab)
    warm_lab.runtime.sweep(warm_lab.instance)
    assert containers(api, warm_lab) == []


def test_many_pods_at_once_all_get_their_sandboxes(warm_lab: Any, api: docker.APIClient) -> None:
    clock, sandboxes = SystemClock(), list[str]()
    configs: list[SandboxConfig] = [warm_lab.sandbox_config() for _ in range(9)]
    threads = [
        clock.spawn("pod", lambda config=config: sandboxes.append(warm_lab.runtime.run_pod_sandbox(config).id))
        for config in configs
    ]
    for thread in threads:
        thread.join()
    assert sorted(sandboxes) == sorted(c["Id"] for c in containers(api, warm_lab))
