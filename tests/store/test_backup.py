"""Backups: what comes back, and what is refused without a trace."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.data_directory import DataDirectory
from lab.errors import SettingsError, StoreError
from lab.store.backup import MANIFEST, SECRET_KEY, STORE, restore, write_backup
from lab.store.store import Store
from lab.timeline.facts import RunClosed, RunOpened
from lab.timeline.timeline import Timeline

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
RUN = RunOpened(run_id="run1", example="post-start/hello", manifest="kind: Pod\n")
Members = dict[str, bytes]


def url_of(directory: DataDirectory) -> str:
    return f"sqlite:///{directory.path}/lab.sqlite"


def append(store: Store, clock: VirtualClock, fact: RunOpened | RunClosed) -> None:
    timeline = Timeline("c", clock, store.journal, history=store.history("c"))
    timeline.append(fact)
    with timeline.changed:
        timeline.changed.wait_for(lambda: timeline.durable == timeline.appended, 5)
    timeline.dismiss()


def facts(directory: DataDirectory, clock: VirtualClock) -> list[str]:
    with Store.open(url_of(directory), clock) as store:
        return [type(entry.fact).__name__ for entry in store.entries("c", 1)]


@pytest.fixture
def directory(tmp_path: Path, clock: VirtualClock) -> DataDirectory:
    """The directory of a lab in which something was run."""
    directory = DataDirectory(tmp_path / "data")
    assert directory.instance_id
    assert directory.secret_key
    with Store.open(url_of(directory), clock) as store:
        append(store, clock, RUN)
    return directory


@pytest.fixture
def archive(tmp_path: Path, directory: DataDirectory) -> Path:
    write_backup(tmp_path / "class.tar", directory, url_of(directory), NOW)
    return tmp_path / "class.tar"


def members_of(archive: Path) -> Members:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def tar_of(path: Path, members: Members, *odd: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd:
            tar.addfile(member)
    return path


def content(path: Path) -> dict[str, bytes]:
    """Every file below a directory, but for the lock, which says who used it last."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file() and file.name != "lock"}


def test_a_store_that_is_being_written_comes_back_elsewhere_with_the_key_of_its_cookies(
    tmp_path: Path, directory: DataDirectory, clock: VirtualClock
) -> None:
    with Store.open(url_of(directory), clock) as running:
        append(running, clock, RunClosed(run_id="run1", why="Its pods are gone."))
        assert (directory.path / "lab.sqlite-wal").stat().st_size  # not all of it is in the main file
        backup = write_backup(tmp_path / "class.tar", directory, url_of(directory), NOW)
        append(running, clock, RunOpened(run_id="run2", example="post-start/hello", manifest="later"))
    elsewhere = DataDirectory(tmp_path / "elsewhere" / "data")
    done = restore(tmp_path / "class.tar", elsewhere, url_of(elsewhere), NOW)
    assert done.replaced is None
    assert done.backup == backup
    assert backup.made_at == "2026-11-26T08:30:00+00:00"
    assert elsewhere.secret_key == directory.secret_key
    assert facts(elsewhere, clock) == ["RunOpened", "RunClosed"]


def test_a_restored_lab_is_another_one_to_the_engine(tmp_path: Path, directory: DataDirectory, archive: Path) -> None:
    beside = DataDirectory(tmp_path / "beside")
    restore(archive, beside, url_of(beside), NOW)
    assert beside.instance_id != directory.instance_id


def test_what_an_archive_replaces_is_kept(directory: DataDirectory, archive: Path, clock: VirtualClock) -> None:
    (directory.path / SECRET_KEY).write_text("another key, of after the backup")
    with Store.open(url_of(directory), clock) as store:
        append(store, clock, RunClosed(run_id="run1", why="Its pods are gone."))
    instance, done = directory.instance_id, restore(archive, directory, url_of(directory), NOW)
    assert done.replaced == directory.path / "replaced-20261126T083000"
    assert directory.instance_id == instance
    assert facts(directory, clock) == ["RunOpened"]
    kept = DataDirectory(done.replaced)
    assert kept.secret_key == "another key, of after the backup"
    assert facts(kept, clock) == ["RunOpened", "RunClosed"]


def test_a_damaged_store_can_be_replaced(directory: DataDirectory, archive: Path, clock: VirtualClock) -> None:
    (directory.path / "lab.sqlite").write_bytes(b"not what it was")
    restore(archive, directory, url_of(directory), NOW)
    assert facts(directory, clock) == ["RunOpened"]


def test_an_archive_is_for_its_owner_alone_and_says_nothing_of_the_machine(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [MANIFEST, STORE, SECRET_KEY]
    assert {(member.mode, member.uid, member.uname) for member in members} == {(0o600, 0, "")}
    assert [path for path in archive.parent.iterdir() if path.name.startswith(".")] == []


def test_an_archive_is_never_overwritten(directory: DataDirectory, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(StoreError, match="it is there already; name a file that is not"):
        write_backup(archive, directory, url_of(directory), NOW)
    assert archive.read_bytes() == before


def test_where_no_lab_has_been_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    nobody = DataDirectory(tmp_path / "nobody")
    with pytest.raises(StoreError, match="it is not there; set LAB_DATA to the directory of a lab"):
        write_backup(tmp_path / "file.tar", nobody, url_of(nobody), NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_not_backed_up_as_if_it_were_whole(tmp_path: Path, directory: DataDirectory) -> None:
    with (directory.path / "lab.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(StoreError, match="cannot "):
        write_backup(tmp_path / "file.tar", directory, url_of(directory), NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_nothing_is_restored_while_a_lab_uses_the_directory(directory: DataDirectory, archive: Path) -> None:
    with directory.lock():
        before = content(directory.path)
        with pytest.raises(SettingsError, match="uses it; stop that one"):
            restore(archive, directory, url_of(directory), NOW)
        assert content(directory.path) == before


def link(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


def newer(store: bytes, place: Path) -> bytes:
    (place / "newer").write_bytes(store)
    database = sqlite3.connect(place / "newer", isolation_level=None)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    return (place / "newer").read_bytes()


def with_sums(members: Members) -> Members:
    """Return the members with a manifest whose checksums are theirs."""
    from hashlib import sha256

    manifest = json.loads(members[MANIFEST])
    manifest["files"] = {name: sha256(value).hexdigest() for name, value in members.items() if name != MANIFEST}
    return {**members, MANIFEST: json.dumps(manifest).encode()}


BREAKAGES: dict[str, tuple[Callable[[Members, Path], Path], str]] = {
    "a text": (lambda m, p: _written(p / "bad", b"hello\n" * 500), "it is no backup of a lab"),
    "an empty file": (lambda m, p: _written(p / "bad", b""), "it is no backup of a lab"),
    "half of it": (lambda m, p: _written(p / "bad", (p / "class.tar").read_bytes()[:30_000]), "cannot restore"),
    "a flipped bit": (lambda m, p: tar_of(p / "bad", {**m, STORE: m[STORE][:-1] + b"\xff"}), "its lab.sqlite is damaged"),
    "a changed key": (lambda m, p: tar_of(p / "bad", {**m, SECRET_KEY: b"mine"}), "its secret-key is damaged"),
    "no store": (lambda m, p: tar_of(p / "bad", {MANIFEST: m[MANIFEST]}), "it is no whole backup"),
    "a missing key": (lambda m, p: tar_of(p / "bad", {MANIFEST: m[MANIFEST], STORE: m[STORE]}), "its secret-key is damaged"),
    "a path upwards": (lambda m, p: tar_of(p / "bad", {**m, "../escaped": b"x"}), r"'\.\./escaped' is no part"),
    "an absolute path": (lambda m, p: tar_of(p / "bad", {**m, "/tmp/escaped": b"x"}), "'/tmp/escaped' is no part"),
    "a link first": (lambda m, p: tar_of(p / "bad", {}, link(MANIFEST)), "'manifest.json' is no part"),
    "a link to the store": (lambda m, p: tar_of(p / "bad", {MANIFEST: m[MANIFEST]}, link(STORE)), "'lab.sqlite' is no part"),
    "twice the same": (lambda m, p: _twice(p / "bad", m), "'lab.sqlite' is no part"),
    "a huge manifest": (lambda m, p: tar_of(p / "bad", {**m, MANIFEST: b" " * 100_000}), "its manifest.json is too large"),
    "a manifest of others": (lambda m, p: tar_of(p / "bad", {**m, MANIFEST: b'{"format": 1}'}), "its manifest cannot be read"),
    "a newer schema": (
        lambda m, p: tar_of(p / "bad", with_sums({**m, STORE: newer(m[STORE], p)})),
        "cannot restore a store of schema 9999: a newer lab has written it",
    ),
    "a store that is none": (lambda m, p: tar_of(p / "bad", with_sums({**m, STORE: b"text" * 2000})), "the store cannot be read"),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _twice(path: Path, members: Members) -> Path:
    tar_of(path, members)
    with tarfile.open(path, "a") as tar:
        member = tarfile.TarInfo(STORE)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    return path


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_an_archive_that_is_not_what_was_written_changes_nothing(
    breakage: str, tmp_path: Path, directory: DataDirectory, archive: Path
) -> None:
    make, complaint = BREAKAGES[breakage]
    bad = make(members_of(archive), tmp_path)
    around, before = sorted(tmp_path.iterdir()), content(directory.path)
    with pytest.raises(StoreError, match=complaint):
        restore(bad, directory, url_of(directory), NOW)
    assert content(directory.path) == before
    assert sorted(tmp_path.iterdir()) == around
