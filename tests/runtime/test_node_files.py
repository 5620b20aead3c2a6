"""The virtual node's files, attacked by what containers can do to them."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.clock import SystemClock
from lab.errors import VolumeError
from lab.runtime.node_files import NodeFiles

CLUSTER = "c1"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[NodeFiles]:
    node_files = NodeFiles(tmp_path / "nodes", size_limit_bytes=1 << 20)
    node_files.prepare(CLUSTER)
    yield node_files
    node_files.sweep()


@pytest.fixture
def node(tmp_path: Path, files: NodeFiles) -> Path:
    """The node's root as the host sees it: what a container with a hostPath of / could write to."""
    return tmp_path / "nodes" / CLUSTER / "node"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def mounts_below(directory: Path) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {directory}" in line]


def test_tmp_is_there_and_open_to_all(node: Path) -> None:
    assert mode_of(node / "tmp") == 0o1777


def test_a_path_without_type_is_made_as_the_container_runtime_does(files: NodeFiles, node: Path) -> None:
    path = files.host_path(CLUSTER, "/tmp/a/b", "")
    (path / "message").write_text("Hello\n")
    assert (node / "tmp/a/b/message").read_text() == "Hello\n"
    assert mode_of(node / "tmp/a") == 0o755


def test_the_same_directory_has_the_same_path_for_a_pod(files: NodeFiles) -> None:
    assert files.host_path(CLUSTER, "/tmp", pod_uid="u1") == files.host_path(CLUSTER, "/tmp/", "Directory", pod_uid="u1")


def test_or_create_makes_what_is_missing_with_the_kubelets_modes(files: NodeFiles, node: Path) -> None:
    files.host_path(CLUSTER, "/data/logs", "DirectoryOrCreate")
    files.host_path(CLUSTER, "/data/log.txt", "FileOrCreate")
    assert mode_of(node / "data/logs") == 0o755
    assert mode_of(node / "data/log.txt") == 0o644


def test_file_or_create_does_not_make_the_directory_above(files: NodeFiles) -> None:
    with pytest.raises(VolumeError, match=r"^open /nowhere/file: no such file or directory$"):
        files.host_path(CLUSTER, "/nowhere/file", "FileOrCreate")


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("Directory", "a directory"),
        ("File", "a file"),
        ("Socket", "a socket file"),
        ("CharDevice", "a character device"),
        ("BlockDevice", "a block device"),
    ],
)
def test_a_type_that_is_not_there_fails_in_the_kubelets_words(files: NodeFiles, type: str, kind: str) -> None:
    with pytest.raises(VolumeError, match=rf"^hostPath type check failed: /tmp/absent is not {kind}$"):
        files.host_path(CLUSTER, "/tmp/absent", type)


def test_a_type_that_is_another_fails(files: NodeFiles) -> None:
    files.host_path(CLUSTER, "/tmp/file", "FileOrCreate")
    with pytest.raises(VolumeError, match=r"^hostPath type check failed: /tmp/file is not a directory$"):
        files.host_path(CLUSTER, "/tmp/file", "DirectoryOrCreate")
    with pytest.raises(VolumeError, match=r"^hostPath type check failed: /tmp is not a file$"):
        files.host_path(CLUSTER, "/tmp", "File")


def test_a_file_in_the_way_fails_as_mkdir_does(files: NodeFiles) -> None:
    files.host_path(CLUSTER, "/tmp/file", "FileOrCreate")
    with pytest.raises(VolumeError, match=r"^mkdir /tmp/file: not a directory$"):
        files.host_path(CLUSTER, "/tmp/file/below", "DirectoryOrCreate")


def test_a_socket_is_a_socket(files: NodeFiles, node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(node / "tmp")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind("s")
    assert stat.S_ISSOCK(files.host_path(CLUSTER, "/tmp/s", "Socket").stat().st_mode)


def test_links_mean_what_they_mean_on_the_node(files: NodeFiles, node: Path) -> None:
    (node / "etc/message").write_text("the node's\n")
    (node / "tmp/absolute").symlink_to("/etc/message")
    (node / "tmp/up").symlink_to("../" * 30 + "etc")
    assert files.read(CLUSTER, "/tmp/absolute", limit_bytes=100) == b"the node's\n"
    assert files.read(CLUSTER, "/tmp/up/message", limit_bytes=100) == b"the node's\n"
    assert (files.host_path(CLUSTER, "/tmp/up", "Directory") / "message").read_text() == "the node's\n"


def test_a_link_to_the_hosts_files_leads_nowhere(files: NodeFiles, node: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's")
    (node / "tmp/leak").symlink_to(tmp_path)
    (node / "tmp/magic").symlink_to("/proc/self/root")
    assert files.read(CLUSTER, "/tmp/leak/secret", limit_bytes=100) is None
    assert files.read(CLUSTER, f"/tmp/magic{tmp_path}/secret", limit_bytes=100) is None
    with pytest.raises(VolumeError):
        files.make_directory(CLUSTER, "/tmp/leak/made")
    assert not (tmp_path / "made").exists()


def test_reading_touches_neither_fifos_nor_devices_nor_directories(files: NodeFiles, node: Path) -> None:
    os.mkfifo(node / "tmp/fifo")
    assert files.read(CLUSTER, "/tmp/fifo", limit_bytes=100) is None
    assert files.read(CLUSTER, "/tmp", limit_bytes=100) is None
    assert files.read(CLUSTER, "/tmp/absent", limit_bytes=100) is None


def test_reading_stops_at_its_limit(files: NodeFiles, node: Path) -> None:
    (node / "tmp/long").write_bytes(b"x" * 5000)
    assert files.read(CLUSTER, "/tmp/long", limit_bytes=4096) == b"x" * 4096


def test_nothing_escapes_while_components_are_swapped(files: NodeFiles, node: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("the host's")
    (node / "tmp/x").mkdir()
    (node / "tmp/x/secret").write_text("the node's")
    (node / "tmp/inside").mkdir()
    (node / "tmp/link").symlink_to("inside")
    upwards = "../" * 20 + str(outside).lstrip("/")
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for target in (str(outside), "inside", upwards):
                (node / "tmp/new").symlink_to(target)
                os.rename(node / "tmp/x", node / "tmp/kept")
                os.rename(node / "tmp/new", node / "tmp/x")
                os.rename(node / "tmp/x", node / "tmp/link")
                os.rename(node / "tmp/kept", node / "tmp/x")

    swapper = SystemClock().spawn("swap", swap)
    seen = set()
    try:
        for turn in range(1000):
            seen.add(files.read(CLUSTER, "/tmp/x/secret", limit_bytes=100))
            with contextlib.suppress(VolumeError):
                files.make_directory(CLUSTER, f"/tmp/link/made-{turn % 10}")
            if turn % 50 == 0:
                with contextlib.suppress(VolumeError):
                    path = files.host_path(CLUSTER, "/tmp/x", "Directory", pod_uid=f"u{turn}")
                    held = (path / "secret").read_text() if (path / "secret").exists() else ""
                    assert held in ("the node's", "")
    finally:
        over.set()
        swapper.join()
    assert b"the node's" in seen
    assert seen <= {b"the node's", None}
    assert any((node / "tmp/inside").iterdir())
    assert [entry.name for entry in outside.iterdir()] == ["secret"]


def test_an_empty_dir_is_open_to_all_and_lives_as_long_as_its_pod(files: NodeFiles) -> None:
    directory = files.empty_dir(CLUSTER, "u1", "cache")
    assert mode_of(directory) == 0o777
    (directory / "file").write_text("kept")
    assert (files.empty_dir(CLUSTER, "u1", "cache") / "file").read_text() == "kept"
    files.remove_pod(CLUSTER, "u1")
    assert not directory.exists()


def test_removing_a_pod_leaves_the_nodes_files(files: NodeFiles, node: Path) -> None:
    path = files.host_path(CLUSTER, "/tmp/message", "FileOrCreate", pod_uid="u1")
    path.write_text("Hello from the preStop Handler\n")
    files.remove_pod(CLUSTER, "u1")
    files.remove_pod(CLUSTER, "u1")
    assert files.read(CLUSTER, "/tmp/message", limit_bytes=100) == b"Hello from the preStop Handler\n"


def test_a_sub_path_is_made_and_stays_in_its_volume(files: NodeFiles, tmp_path: Path) -> None:
    volume = files.empty_dir(CLUSTER, "u1", "cache")
    (files.sub_path(CLUSTER, "u1", volume, "a/b") / "file").write_text("inside")
    assert (volume / "a/b/file").read_text() == "inside"
    (volume / "leak").symlink_to(tmp_path)
    leak = files.sub_path(CLUSTER, "u1", volume, "a")
    assert leak.is_dir()
    with pytest.raises(VolumeError, match=r'^failed to create subPath directory for "leak": '):
        files.sub_path(CLUSTER, "u1", volume, "leak")


def test_a_reset_node_is_clean(files: NodeFiles, node: Path) -> None:
    (node / "tmp/message").write_text("old")
    files.empty_dir(CLUSTER, "u1", "cache")
    files.host_path(CLUSTER, "/tmp", pod_uid="u1")
    files.reset(CLUSTER)
    assert list((node / "tmp").iterdir()) == []
    assert mode_of(node / "tmp") == 0o1777


def test_clusters_have_nothing_in_common(files: NodeFiles) -> None:
    files.prepare("c2")
    files.host_path(CLUSTER, "/tmp/message", "FileOrCreate")
    assert files.read("c2", "/tmp/message", limit_bytes=100) is None


def test_names_that_are_paths_are_refused(files: NodeFiles) -> None:
    with pytest.raises(ValueError, match=r"^cannot use '\.\./c1'"):
        files.prepare("../c1")


def test_changes_tell_what_appeared_changed_and_vanished(files: NodeFiles) -> None:
    volume = files.empty_dir(CLUSTER, "u1", "cache")
    (volume / "same").write_text("same")
    (volume / "edited").write_text("before")
    (volume / "removed").write_text("gone")
    before = files.snapshot(volume)
    (volume / "edited").write_text("after")
    (volume / "removed").unlink()
    (volume / "below").mkdir()
    (volume / "below/new").write_text("Grüße\n")
    (volume / "binary").write_bytes(b"\x7fELF\0")
    (volume / "link").symlink_to("/etc/passwd")
    (volume / "long").write_text("x" * 4095 + "ü")
    told = [(change.path, change.change, change.text) for change in files.changes(volume, before)]
    assert told == [
        ("below/new", "added", "Grüße\n"),
        ("binary", "added", None),
        ("edited", "modified", "after"),
        ("link", "added", None),
        ("long", "added", "x" * 4095),
        ("removed", "deleted", None),
    ]
    assert files.changes(volume, files.snapshot(volume)) == ()


def test_a_volume_that_is_a_file_has_changes_too(files: NodeFiles) -> None:
    volume = files.host_path(CLUSTER, "/tmp/message", "FileOrCreate", pod_uid="u1")
    before = files.snapshot(volume)
    volume.write_text("Hello")
    (change,) = files.changes(volume, before)
    assert (change.path, change.change, change.text) == ("", "modified", "Hello")


def test_a_volume_with_too_many_files_is_read_in_part(files: NodeFiles) -> None:
    volume = files.empty_dir(CLUSTER, "u1", "cache")
    before = files.snapshot(volume)
    for number in range(2100):
        (volume / f"{number:04}").touch()
    assert len(files.changes(volume, before)) == 2000


def test_without_root_there_are_no_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not NodeFiles(tmp_path / "plain").are_protected


def test_plain_directories_work_the_same_and_leave_no_mount(tmp_path: Path) -> None:
    plain = NodeFiles(tmp_path / "plain", plain=True)
    plain.prepare(CLUSTER)
    assert not plain.are_protected
    plain.host_path(CLUSTER, "/tmp/message", "FileOrCreate").write_text("Hello")
    (plain.empty_dir(CLUSTER, "u1", "cache", medium="Memory", size_limit_bytes=4096) / "file").touch()
    assert plain.read(CLUSTER, "/tmp/message", limit_bytes=100) == b"Hello"
    assert mounts_below(tmp_path / "plain") == []
    plain.reset(CLUSTER)
    assert plain.read(CLUSTER, "/tmp/message", limit_bytes=100) is None
    assert plain.sweep() == 1
    assert list((tmp_path / "plain").iterdir()) == []


@pytest.mark.engine
class TestMounts:
    """Needs root."""

    def test_the_node_is_a_small_mount_without_devices_or_setuid(self, files: NodeFiles, node: Path) -> None:
        assert files.are_protected
        (line,) = mounts_below(node)
        assert "nosuid,nodev" in line
        with pytest.raises(OSError, match="No space left"):
            (node / "tmp/big").write_bytes(b"x" * (2 << 20))

    def test_an_empty_dir_keeps_its_size_limit(self, files: NodeFiles) -> None:
        for directory in (
            files.empty_dir(CLUSTER, "u1", "memory", medium="Memory", size_limit_bytes=64 << 10),
            files.empty_dir(CLUSTER, "u1", "disk", size_limit_bytes=64 << 10),
            files.empty_dir(CLUSTER, "u1", "unlimited"),
        ):
            with pytest.raises(OSError, match="No space left"):
                (directory / "big").write_bytes(b"x" * (2 << 20))

    def test_nothing_stays_mounted(self, files: NodeFiles, tmp_path: Path) -> None:
        files.host_path(CLUSTER, "/tmp", pod_uid="u1")
        files.host_path(CLUSTER, "/tmp/file", "FileOrCreate", pod_uid="u1")
        files.sub_path(CLUSTER, "u1", files.empty_dir(CLUSTER, "u1", "memory", medium="Memory"), "a")
        assert len(mounts_below(tmp_path)) == 6
        files.remove_pod(CLUSTER, "u1")
        assert len(mounts_below(tmp_path)) == 1
        files.remove_cluster(CLUSTER)
        assert mounts_below(tmp_path) == []
        assert list((tmp_path / "nodes").iterdir()) == []

    def test_a_new_lab_finds_the_node_of_a_killed_one(self, files: NodeFiles, node: Path, tmp_path: Path) -> None:
        (node / "tmp/message").write_text("kept")
        again = NodeFiles(tmp_path / "nodes")
        again.prepare(CLUSTER)
        assert again.read(CLUSTER, "/tmp/message", limit_bytes=100) == b"kept"
        assert len(mounts_below(node)) == 1


def in_container(source: Path, script: str) -> str:
    command = ["docker", "run", "--rm", "--network=none", "--label=pod-hook-lab.test=node-files"]
    command += ["--mount", f"type=bind,source={source},target=/v,bind-propagation=rprivate", "busybox", "sh", "-c", script]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.mark.engine
class TestContainers:
    """What a container does to its hostPath, for real."""

    @pytest.fixture
    def attack(self, files: NodeFiles) -> Callable[[str], str]:
        return lambda script: in_container(files.host_path(CLUSTER, "/tmp", pod_uid="attacker"), script)

    def test_a_planted_link_to_the_root_is_the_nodes_root(self, files: NodeFiles, attack: Callable[[str], str]) -> None:
        attack("ln -s / /v/x")
        seen = in_container(files.host_path(CLUSTER, "/tmp/x", pod_uid="victim"), "ls /v")
        assert seen.split() == ["etc", "home", "mnt", "opt", "tmp", "var"]

    def test_a_directory_swapped_after_the_check_is_still_the_one_checked(
        self, files: NodeFiles, attack: Callable[[str], str]
    ) -> None:
        attack("mkdir /v/x; echo mine > /v/x/message")
        path = files.host_path(CLUSTER, "/tmp/x", "Directory", pod_uid="victim")
        attack("mv /v/x /v/old; ln -s / /v/x")
        assert in_container(path, "ls /v; cat /v/message") == "message\nmine\n"

    def test_a_file_swapped_after_the_check_is_still_the_one_checked(
        self, files: NodeFiles, attack: Callable[[str], str]
    ) -> None:
        attack("echo mine > /v/file")
        path = files.host_path(CLUSTER, "/tmp/file", "File", pod_uid="victim")
        attack("mv /v/file /v/old; ln -s /etc/shadow /v/file")
        assert in_container(path, "cat /v") == "mine\n"

    def test_a_file_removed_after_the_check_is_not_mounted(self, files: NodeFiles, attack: Callable[[str], str]) -> None:
        attack("echo mine > /v/file")
        path = files.host_path(CLUSTER, "/tmp/file", "File", pod_uid="victim")
        attack("rm /v/file; ln -s /etc/shadow /v/file")
        with pytest.raises(subprocess.CalledProcessError):
            in_container(path, "cat /v")

    def test_a_message_written_by_a_container_is_on_the_node(self, files: NodeFiles, attack: Callable[[str], str]) -> None:
        volume = files.host_path(CLUSTER, "/tmp", pod_uid="attacker")
        before = files.snapshot(volume)
        attack("echo Hello from the preStop Handler > /v/message")
        (change,) = files.changes(volume, before)
        assert (change.path, change.change, change.text) == ("message", "added", "Hello from the preStop Handler\n")
