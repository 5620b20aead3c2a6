"""What `container_request` lets a container do, and that a running one really cannot do more."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.limits import Limits
from lab.runtime.hardening import CAPABILITIES, container_request, sandbox_request
from lab.runtime.runtime import ContainerConfig, Mount, SandboxConfig

CONFIG = ContainerConfig(
    cluster="c",
    namespace="default",
    pod_name="web",
    pod_uid="uid-1",
    name="app",
    attempt=2,
    image="nginx",
    entrypoint=None,
    command=None,
    env=(("A", "1"), ("B", "x=y")),
    working_dir="/srv",
    mounts=(Mount(volume="data", source="/lab/volume", target="/data:odd", read_only=True),),
    run_id="r",
)


def request(config: ContainerConfig = CONFIG, limits: Limits | None = None, image_user: str = "") -> dict[str, Any]:
    return container_request(config, sandbox_id="abc", instance="lab", limits=limits or Limits(), image_user=image_user)


def test_a_container_has_six_capabilities_and_no_other_right() -> None:
    host = request()["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] == ["CHOWN", "DAC_OVERRIDE", "SETUID", "SETGID", "NET_BIND_SERVICE", "KILL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Privileged"] is False
    assert host["Devices"] == []
    assert host["PidMode"] == host["UTSMode"] == ""
    assert host["RestartPolicy"] == {"Name": "no"}


def test_the_engines_own_protections_are_left_as_they_are() -> None:
    compiled = request()
    assert not {"MaskedPaths", "ReadonlyPaths", "UsernsMode", "Runtime", "Binds", "VolumesFrom"} & set(compiled["HostConfig"])
    assert "StopSignal" not in compiled


def test_a_container_shares_network_and_ipc_with_its_sandbox_only() -> None:
    host = request()["HostConfig"]
    assert host["NetworkMode"] == host["IpcMode"] == "container:abc"


def test_limits_bound_memory_swap_processes_and_cpu() -> None:
    host = request(limits=Limits(container_memory_bytes=64 << 20, container_pids=20, container_cpus=0.5))["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["NanoCpus"]) == (64 << 20, 64 << 20, 20, 500_000_000)


def test_no_container_writes_a_file_larger_than_the_limit_nor_a_core_dump() -> None:
    limits = {
        limit["Name"]: limit["Hard"] for limit in request(limits=Limits(container_file_bytes=4096))["HostConfig"]["Ulimits"]
    }
    assert limits == {"fsize": 4096, "core": 0}


def test_the_engine_keeps_no_copy_of_the_output() -> None:
    assert request()["HostConfig"]["LogConfig"]["Type"] == "none"


def test_a_manifest_can_lower_a_limit_and_not_raise_it() -> None:
    lower = request(replace(CONFIG, memory_limit_bytes=32 << 20, cpu_limit_cores=0.25))["HostConfig"]
    higher = request(replace(CONFIG, memory_limit_bytes=64 << 30, cpu_limit_cores=64))["HostConfig"]
    assert (lower["Memory"], lower["NanoCpus"]) == (32 << 20, 250_000_000)
    assert (higher["Memory"], higher["NanoCpus"]) == (128 << 20, 1_000_000_000)


def test_a_mount_is_a_bind_that_does_not_propagate_whatever_its_path_contains() -> None:
    assert request()["HostConfig"]["Mounts"] == [
        {
            "Type": "bind",
            "Source": "/lab/volume",
            "Target": "/data:odd",
            "ReadOnly": True,
            "BindOptions": {"Propagation": "rprivate"},
        }
    ]


def test_args_alone_replace_the_images_cmd() -> None:
    compiled = request(replace(CONFIG, command=("a", "b")))
    assert compiled["Cmd"] == ["a", "b"]
    assert "Entrypoint" not in compiled


def test_command_replaces_the_images_entrypoint_and_drops_its_cmd() -> None:
    assert request(replace(CONFIG, entrypoint=("sh", "-c")))["Cmd"] == ["sh", "-c"]
    both = request(replace(CONFIG, entrypoint=("sh", "-c"), command=("echo",)))
    assert (both["Entrypoint"], both["Cmd"]) == ([], ["sh", "-c", "echo"])


def test_the_image_decides_when_neither_is_given() -> None:
    assert not {"Cmd", "Entrypoint"} & set(request())


@pytest.mark.parametrize(
    ("user", "group", "image_user", "expected"),
    [(None, None, "", ""), (7, None, "", "7"), (7, 8, "", "7:8"), (None, 8, "", "0:8"), (None, 8, "web:web", "web:8")],
)
def test_user_and_group_are_the_manifests_and_else_the_images(
    user: int | None, group: int | None, image_user: str, expected: str
) -> None:
    assert request(replace(CONFIG, run_as_user=user, run_as_group=group), image_user=image_user)["User"] == expected


def test_labels_say_whose_container_it_is() -> None:
    assert request()["Labels"] == {
        "pod-hook-lab.instance": "lab",
        "pod-hook-lab.cluster": "c",
        "pod-hook-lab.run": "r",
        "pod-hook-lab.pod-uid": "uid-1",
        "pod-hook-lab.container": "app",
        "pod-hook-lab.attempt": "2",
    }


def test_a_sandbox_has_no_capability_no_dns_and_a_read_only_file_system() -> None:
    config = SandboxConfig(cluster="c", namespace="default", pod_name="web", pod_uid="u", hostname="web")
    compiled = sandbox_request(config, network="net", instance="lab", image="pause")
    assert compiled["HostConfig"]["CapDrop"] == ["ALL"]
    assert "CapAdd" not in compiled["HostConfig"]
    assert compiled["HostConfig"]["ReadonlyRootfs"] is True
    assert compiled["HostConfig"]["Dns"] == ["127.0.0.1"]
    assert compiled["Labels"]["pod-hook-lab.container"] == "POD"


# --- on the real engine

CAPABILITY_BITS = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "NET_BIND_SERVICE": 10,
}  # linux/capability.h


def run_to_end(docker_lab: Any, script: str, **changes: object) -> tuple[int, str]:
    """Run a shell script as PID 1; return its exit code and its output."""
    container_id, recorder = docker_lab.run("sh", "-c", script, **changes)
    exit_code = recorder.exit().exit_code
    docker_lab.runtime.remove_container(container_id)
    return exit_code, "\n".join(recorder.texts())


@pytest.mark.engine
def test_the_kernel_confirms_capabilities_seccomp_and_no_new_privileges(docker_lab: Any) -> None:
    _, status = run_to_end(docker_lab, "cat /proc/1/status")
    expected = sum(1 << CAPABILITY_BITS[name] for name in CAPABILITIES)
    fields = dict(re.findall(r"(\w+):\t(\S+)", status))
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == int(fields["CapBnd"], 16) == expected
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@pytest.mark.engine
@pytest.mark.parametrize(
    "forbidden",
    [
        "mount -t tmpfs none /mnt",
        "mknod /tmp/disk b 254 0",
        "unshare -m true",
        "chroot / true",
        "hostname other",
        "echo 1 > /proc/sys/kernel/sysrq",
        "cat /proc/kcore",
        "ip link set lo down",
        "ping -c 1 -W 1 127.0.0.1",
        "mkdir /sys/fs/cgroup/mine /sys/fs/cgroup/memory/mine",
    ],
)
def test_a_container_cannot(docker_lab: Any, forbidden: str) -> None:
    exit_code, output = run_to_end(docker_lab, f"if ( {forbidden} ) >/dev/null 2>&1; then echo DONE; else echo refused; fi")
    assert (exit_code, output) == (0, "refused")


@pytest.mark.engine
def test_a_fork_bomb_is_stopped_by_the_limit_of_processes(docker_lab: Any) -> None:
    script = "i=0; while [ $i -lt 400 ]; do sleep 60 & i=$((i+1)); done 2>&1"
    exit_code, output = run_to_end(docker_lab, script)
    assert exit_code != 0
    assert "can't fork" in output


@pytest.mark.engine
def test_a_container_that_takes_too_much_memory_is_killed_and_said_to_be(docker_lab: Any) -> None:
    # PID 1 outlives its child for a moment: the engine's account of an exit does not wait for that of the memory.
    script = "sleep 0.2; tail -c 400m /dev/zero; code=$?; sleep 0.5; exit $code"
    container_id, recorder = docker_lab.run("sh", "-c", script, memory_limit_bytes=16 << 20)
    end = recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert end.oom_killed
    assert end.exit_code == 137


@pytest.mark.engine
def test_no_file_grows_beyond_the_limit_and_what_a_container_writes_is_measured(docker_lab: Any) -> None:
    script = "dd if=/dev/zero of=/large bs=1M count=80 2>/dev/null; echo $?; stat -c %s /large; sleep 600"
    container_id, recorder = docker_lab.run("sh", "-c", script)
    recorder.wait(lambda heard: len(heard.lines) == 2)
    written = [found.size_bytes for found in docker_lab.runtime.written() if found.run_id == "run-1"]
    docker_lab.runtime.remove_container(container_id)
    assert recorder.texts() == [str(128 + signal.SIGXFSZ), str(64 << 20)]
    assert max(written) == 64 << 20


@pytest.mark.engine
def test_a_read_only_root_file_system_takes_no_file(docker_lab: Any) -> None:
    exit_code, output = run_to_end(docker_lab, "echo x > /file 2>&1; true", read_only_root_filesystem=True)
    assert (exit_code, "Read-only file system" in output) == (0, True)


@pytest.mark.engine
def test_a_read_only_mount_can_be_read_and_not_written(docker_lab: Any, tmp_path: Path) -> None:
    (tmp_path / "message").write_text("from the node")
    mount = Mount(volume="v", source=str(tmp_path), target="/mnt/volume", read_only=True)
    _, output = run_to_end(
        docker_lab, "cat /mnt/volume/message; echo x 2>/dev/null > /mnt/volume/x || echo refused", mounts=(mount,)
    )
    assert output == "from the noderefused"


@pytest.mark.engine
def test_user_and_group_are_those_asked_for(docker_lab: Any) -> None:
    assert run_to_end(docker_lab, "id -u; id -g", run_as_user=1234, run_as_group=5678) == (0, "1234\n5678")
