"""What a page may see of a virtual node's directories, whatever a container has put there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.runtime.node_files import NodeFiles
from lab.runtime.node_listing import MOST_ENTRIES

CLUSTER = "c1"


@pytest.fixture
def files(tmp_path: Path) -> NodeFiles:
    node_files = NodeFiles(tmp_path / "nodes", plain=True)
    node_files.prepare(CLUSTER)
    return node_files


@pytest.fixture
def node(tmp_path: Path, files: NodeFiles) -> Path:
    return tmp_path / "nodes" / CLUSTER / "node"


def names(files: NodeFiles, path: str) -> list[str] | None:
    found = files.listing(CLUSTER, path)
    return None if found is None else [entry.name for entry in found]


def test_a_new_node_has_the_directories_of_a_node(files: NodeFiles) -> None:
    assert names(files, "/") == ["etc", "home", "mnt", "opt", "tmp", "var"]
    assert names(files, "/tmp") == []


def test_directories_come_first_and_each_entry_says_what_it_is(files: NodeFiles, node: Path) -> None:
    (node / "tmp/a").write_bytes(b"hello")
    (node / "tmp/z").mkdir()
    os.symlink("/etc/passwd", node / "tmp/link")
    os.mkfifo(node / "tmp/pipe")
    found = files.listing(CLUSTER, "/tmp") or ()
    assert [(e.name, e.kind, e.target) for e in found] == [
        ("z", "directory", ""),
        ("a", "file", ""),
        ("link", "link", "/etc/passwd"),
        ("pipe", "other", ""),
    ]
    assert found[1].size_bytes == 5


@pytest.mark.parametrize("path", ["/nowhere", "/tmp/file", "/tmp/pipe", "/" + "x" * 5000, "/tmp\0"])
def test_what_is_no_directory_has_no_listing(files: NodeFiles, node: Path, path: str) -> None:
    (node / "tmp/file").write_bytes(b"")
    os.mkfifo(node / "tmp/pipe")
    assert files.listing(CLUSTER, path) in (None, files.listing(CLUSTER, "/tmp") if "\0" in path else None)


@pytest.mark.parametrize("path", ["/tmp/out", "/tmp/out/..", "/tmp/../../..", "/tmp/up"])
def test_no_link_and_no_path_leads_out_of_the_node(files: NodeFiles, node: Path, path: str) -> None:
    os.symlink("/", node / "tmp/out")
    os.symlink("../../../../..", node / "tmp/up")
    assert names(files, path) == names(files, "/")


def test_a_directory_full_of_names_is_cut(files: NodeFiles, node: Path) -> None:
    for number in range(MOST_ENTRIES + 20):
        (node / f"tmp/{number}").touch()
    assert len(files.listing(CLUSTER, "/tmp") or ()) == MOST_ENTRIES


def test_a_name_that_is_no_text_is_listed(files: NodeFiles, node: Path) -> None:
    (Path(os.fsdecode(os.fsencode(node / "tmp") + b"/\xff\xfe"))).touch()
    assert [os.fsencode(name) for name in names(files, "/tmp") or ()] == [b"\xff\xfe"]


@pytest.mark.parametrize("seconds", [99_999_999_999_999, -99_999_999_999, 253_402_300_800])
def test_a_file_with_an_impossible_time_hides_nothing(files: NodeFiles, node: Path, seconds: int) -> None:
    for name in ("a", "b"):
        (node / "tmp" / name).touch()
    os.utime(node / "tmp/a", (seconds, seconds))
    assert names(files, "/tmp") == ["a", "b"]
