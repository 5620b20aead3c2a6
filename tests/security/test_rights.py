"""What a manifest asks for and no container gets: rights over the machine, its namespaces, its devices, its kernel."""

from __future__ import annotations

import io
import os
import re
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from lab.config import read_settings
from lab.laboratory import open_node_side
from lab.pods.review import review
from lab.pods.surprises import GRANTED_CAPABILITIES
from lab.timeline.facts import ContainerFailed, VolumeFailed

Ground = Any  # the fixture's type lives in conftest, which tests cannot import

LEARNER = "rights"
ASKING = """\
apiVersion: v1
kind: Pod
metadata: {name: host}
spec:
  hostNetwork: true
  hostPID: true
  hostIPC: true
  securityContext: {runAsUser: 0}
  containers:
  - name: app
    image: busybox
    command: [sleep, "3600"]
    ports: [{containerPort: 8099, hostPort: 8099, hostIP: 127.0.0.1}]
    securityContext:
      privileged: true
      allowPrivilegeEscalation: true
      capabilities: {add: [ALL, SYS_ADMIN, CAP_NET_RAW]}
      seccompProfile: {type: Unconfined}
      appArmorProfile: {type: Unconfined}
      seLinuxOptions: {type: spc_t}
    volumeMounts:
    - {name: root, mountPath: /host, mountPropagation: Bidirectional}
    - {name: socket, mountPath: /docker.sock}
    - {name: devices, mountPath: /host-dev}
  volumes:
  - {name: root, hostPath: {path: /}}
  - {name: socket, hostPath: {path: /var/run/docker.sock}}
  - {name: devices, hostPath: {path: /dev}}
---
apiVersion: v1
kind: Pod
metadata: {name: kernel}
spec:
  shareProcessNamespace: true
  hostUsers: false
  securityContext:
    sysctls: [{name: net.ipv4.ip_local_port_range, value: "1024 1025"}, {name: kernel.shm_rmid_forced, value: "1"}]
  containers:
  - name: app
    image: busybox
    command: [sleep, "3600"]
    securityContext: {procMount: Unmasked}
  - name: beside
    image: busybox
    command: [sleep, "3601"]
"""
NOTES = {
    "spec.hostNetwork": "never share the host's network",
    "spec.hostPID": "never share the host's processes",
    "spec.hostIPC": "never share the host's IPC",
    "spec.shareProcessNamespace": "has its own PID 1",
    "spec.hostUsers": "no user namespaces",
    "spec.securityContext.sysctls": "hardened alike",
    "spec.containers[0].ports[0].hostPort": "opens no ports on its node",
    "spec.containers[0].securityContext.privileged": "no privileged containers",
    "spec.containers[0].securityContext.allowPrivilegeEscalation": "no-new-privileges",
    "spec.containers[0].securityContext.capabilities.add": "it gives no container ALL, SYS_ADMIN, CAP_NET_RAW",
    "spec.containers[0].securityContext.seccompProfile.type": "RuntimeDefault",
    "spec.containers[0].securityContext.appArmorProfile": "hardened alike",
    "spec.containers[0].securityContext.seLinuxOptions": "hardened alike",
    "spec.containers[0].securityContext.procMount": "hardened alike",
    "spec.containers[0].volumeMounts[0].mountPropagation": "do not propagate",
}
REFUSED = {
    "volumeDevices: [{name: disk, devicePath: /dev/xvda}]": "no block devices",
    "resources: {claims: [{name: gpu}]}": "no devices to claim",
    "securityContext: {windowsOptions: {hostProcess: true}}": "runs Linux",
}


def test_every_right_that_a_manifest_asks_for_in_vain_is_noted_at_its_line() -> None:
    found = {note.path: note for document in review(ASKING).documents for note in document.warnings}
    assert {path: words for path, words in NOTES.items() if path not in found or words not in found[path].message} == {}
    lines = ASKING.splitlines()
    assert "hostNetwork" in lines[found["spec.hostNetwork"].line - 1]


@pytest.mark.parametrize("field", REFUSED)
def test_devices_are_refused_with_what_to_do(field: str) -> None:
    pod = (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: c\n    image: busybox\n    {field}\n"
    )
    (document,) = review(pod).documents
    assert document.refusal is not None
    words = " ".join((document.refusal.message, *(note.message for note in (*document.refusal.notes, *document.also_found))))
    assert REFUSED[field] in words


@pytest.fixture(scope="module")
def asking(ground: Ground) -> Iterator[Any]:
    run = ground.running(LEARNER, ASKING, containers=3)
    yield lambda script, pod="host": ground.sh(run, pod, script)
    ground.end(LEARNER)


@pytest.mark.engine
class TestPods:
    """Two pods that ask for everything."""

    def test_a_privileged_container_has_the_rights_of_any_other(self, asking: Any) -> None:
        bits = {"CHOWN": 0, "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10}  # linux/capability.h
        status = dict(re.findall(r"(\w+):\t(\S+)", asking("cat /proc/1/status")))
        allowed = sum(1 << bits[name] for name in GRANTED_CAPABILITIES)
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {allowed}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")

    @pytest.mark.parametrize("namespace", ["net", "ipc", "pid", "uts", "mnt", "cgroup"])
    def test_no_namespace_is_the_hosts(self, asking: Any, namespace: str) -> None:
        own = asking(f"readlink /proc/self/ns/{namespace}")
        assert own.startswith(f"{namespace}:[") or (namespace == "cgroup" and not own)
        assert own != os.readlink(f"/proc/self/ns/{namespace}") or namespace == "cgroup"

    def test_no_process_of_the_host_is_to_be_seen(self, asking: Any) -> None:
        assert asking("tr '\\0' ' ' < /proc/1/cmdline") == "sleep 3600"

    def test_containers_of_a_pod_do_not_see_each_others_processes(self, asking: Any) -> None:
        assert "3601" not in asking("cat /proc/[0-9]*/cmdline", pod="kernel")

    def test_no_device_of_the_host_is_there(self, asking: Any) -> None:
        found = set(asking("ls /dev /host-dev").split())
        assert not found & {"mem", "kmsg", "sda", "vda", "nvme0n1", "loop0", "kvm", "fuse", "net", "mapper", "dm-0"}
        assert "null" in found

    @pytest.mark.parametrize(
        "attempt",
        [
            "mknod /tmp/disk b 8 0",
            "mknod /host/tmp/disk b 8 0",
            "mount -t proc proc /mnt",
            "mount -o remount,rw /proc/sys",
            "umount /proc/kcore",
            "echo 1 > /proc/sys/kernel/sysrq",
            "echo b > /proc/sysrq-trigger",
            "echo '|/bin/sh' > /proc/sys/kernel/core_pattern",
            "insmod /bin/busybox",
            "nsenter -t 1 -m true",
            "unshare -U true",
            "unshare -n true",
            "chroot /host true",
            "dmesg",
            "date -s 2020-01-01 && [ $(date +%Y) = 2020 ]",
            "swapoff -a && swapon /dev/null",
            "cat /proc/kcore",
            "cat /sys/firmware/acpi/tables/DSDT",
            "echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes",
            "echo $$ > /sys/fs/cgroup/pids/cgroup.procs",
            "ip link add spoof type dummy",
            "ip addr add 10.244.255.1/24 dev eth0",
            "ip route add default via 127.0.0.1",
            "ip link set eth0 address 02:42:00:00:00:01",
            "arping -c 1 -I eth0 127.0.0.1",
            "ping -c 1 -W 1 127.0.0.1",
            "tc qdisc add dev eth0 root pfifo",
            "brctl addbr b",
        ],
    )
    def test_a_privileged_container_cannot(self, asking: Any, attempt: str) -> None:
        assert asking(f"if ( {attempt} ) >/dev/null 2>&1; then echo DONE; else echo refused; fi") == "refused"

    def test_the_kernels_settings_are_not_the_manifests(self, asking: Any) -> None:
        assert asking("cat /proc/sys/net/ipv4/ip_local_port_range", pod="kernel").split() != ["1024", "1025"]
        assert asking("cat /proc/kcore 2>&1 | head -c 1", pod="kernel") in ("", "c")  # nothing, or cat's complaint

    def test_the_root_of_the_node_is_a_virtual_one(self, asking: Any) -> None:
        assert "lab" not in asking("ls /host/root /host/work /host/etc/shadow /host/proc/1")
        assert set(asking("ls /host").split()) <= {"dev", "etc", "home", "mnt", "opt", "root", "run", "srv", "tmp", "usr", "var"}

    def test_the_engines_socket_is_an_ordinary_path_of_the_node(self, asking: Any) -> None:
        assert asking("ls -ld /docker.sock").startswith("d")
        assert asking("ls -A /docker.sock /host/var/run/docker.sock | grep -v :") == ""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("path", "type", "words"),
    [
        ("/var/run/docker.sock", "Socket", "/var/run/docker.sock is not a socket file"),
        ("/dev/sda", "BlockDevice", "/dev/sda is not a block device"),
        ("/dev/kmsg", "CharDevice", "/dev/kmsg is not a character device"),
        ("/etc/shadow", "File", "/etc/shadow is not a file"),
    ],
)
def test_what_is_only_on_the_host_cannot_be_mounted(ground: Ground, path: str, type: str, words: str) -> None:
    pod = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: thief}}
spec:
  containers: [{{name: app, image: busybox, volumeMounts: [{{name: v, mountPath: /v}}]}}]
  volumes: [{{name: v, hostPath: {{path: {path}, type: {type}}}}}]
"""
    run = ground.run("thief", pod)
    ground.eventually(lambda: ground.facts(run, VolumeFailed))
    assert words in ground.facts(run, VolumeFailed)[0].message
    ground.end("thief")


@pytest.mark.engine
def test_an_image_that_is_not_the_labs_is_not_fetched_and_says_what_is_there(ground: Ground) -> None:
    pod = """\
apiVersion: v1
kind: Pod
metadata: {name: miner}
spec: {containers: [{name: app, image: "example.org/miner:latest"}]}
"""
    run = ground.run("miner", pod)
    ground.eventually(lambda: ground.facts(run, ContainerFailed))
    (failed, *_) = ground.facts(run, ContainerFailed)
    assert (failed.stage, failed.reason) == ("image", "ErrImagePull")
    assert "lab images list" in failed.message
    ground.end("miner")


@pytest.fixture
def foreign_image(docker_client: Any) -> Iterator[Any]:
    """An image of the host's owner: an empty file system."""
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    name = f"not-for-learners-{uuid.uuid4().hex[:8]}"
    docker_client.api.import_image_from_data(empty.getvalue(), repository=name, tag="1")
    image = docker_client.images.get(f"{name}:1")
    yield image
    docker_client.images.remove(image.id, force=True)


@pytest.mark.engine
def test_learners_of_a_classroom_run_only_images_that_are_offered_whatever_the_engine_has(
    foreign_image: Any, tmp_path: Path
) -> None:
    (tag,) = foreign_image.tags
    names = (tag, foreign_image.id, foreign_image.id.removeprefix("sha256:"), foreign_image.short_id.removeprefix("sha256:"))
    for environment, offered in (
        ({"LAB_CLASSROOM": "yes"}, False),
        ({"LAB_CLASSROOM": "yes", "LAB_IMAGES": tag}, True),
        ({}, True),
    ):
        settings = read_settings({"LAB_DATA": str(tmp_path / f"{len(environment)}"), **environment})
        with ExitStack() as cleanup:
            runtime = open_node_side(settings, "test-images", SystemClock(), cleanup).runtime
            assert [runtime.find_image(name) is not None for name in names] == [offered] * len(names)
            assert runtime.find_image("busybox") is not None
            assert runtime.find_image("docker.io/library/nginx") is not None
