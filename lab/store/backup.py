"""A lab's backup: one tar with all that a class goes on with, on this machine or another.

It holds a manifest with checksums, the store, and the key that signs cookies. The store is copied by SQLite's own online backup,
so a lab may be at work meanwhile. An archive is only ever read member by member into files that this module names: what it calls
its members decides nothing. Not in it: lessons (they come with the lab), node files (they end with their runs), and who the lab
is on its engine, so that a lab restored beside the one that it was copied from never takes away that one's containers.
Source: sqlite.org/backup.html.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import alembic.script

import lab
from lab.data_directory import DataDirectory
from lab.errors import StoreError
from lab.store.database import BUSY_TIMEOUT_SECONDS, MIGRATIONS, database_file

FORMAT = 1
MANIFEST, STORE, SECRET_KEY = "manifest.json", "lab.sqlite", "secret-key"  # the members; a manifest is the first
_LARGEST_TEXT_BYTES = 64 * 1024  # of the manifest and of the key
_CHUNK_BYTES = 1024 * 1024
_OURS_ALONE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What an archive says of itself. ``schema`` is the last migration of its store; ``files`` has a SHA-256 by member."""

    format: int
    lab: str
    made_at: str
    instance_id: str
    schema: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """``replaced`` is the directory to which what was there has been moved; None when nothing was."""

    backup: Backup
    replaced: Path | None


def write_backup(file: Path, directory: DataDirectory, database_url: str, now: datetime) -> Backup:
    """Write the archive, for its owner alone: whole or not at all. The lab may be running. Raises StoreError, also when the file
    is there already."""
    store = database_file(database_url)
    if not store.is_file():
        raise StoreError(f"cannot back up the store {store}: it is not there; set LAB_DATA to the directory of a lab")
    if file.exists():
        raise StoreError(f"cannot write {file}: it is there already; name a file that is not")
    with _told(f"write {file}"), tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".lab-backup-") as place:
        copy = Path(place) / STORE
        _copy_database(store, copy)
        members = {STORE: copy}
        key = directory.path / SECRET_KEY
        if key.is_file():
            members[SECRET_KEY] = key
        backup = Backup(
            format=FORMAT,
            lab=lab.__version__,
            made_at=now.isoformat(timespec="seconds"),
            instance_id=directory.instance_id,
            schema=_schema(copy),
            files={name: _sha256(path) for name, path in members.items()},
        )
        manifest = Path(place) / MANIFEST
        manifest.write_text(json.dumps(asdict(backup), indent=2) + "\n", encoding="utf-8")
        archive = Path(place) / "archive"
        with _created(archive) as output, tarfile.open(fileobj=output, mode="w") as tar:
            for name, path in {MANIFEST: manifest, **members}.items():
                tar.add(path, name, filter=_anonymous)
        archive.rename(file)
        _keep(file.absolute().parent)
    return backup


def restore(file: Path, directory: DataDirectory, database_url: str, now: datetime) -> Restored:
    """Put an archive's store and key in place. What is replaced is kept beside them. Nothing is changed when the archive cannot
    be used. Raises StoreError, and SettingsError while a lab uses the directory."""
    with directory.lock(), _told(f"restore {file}"), tempfile.TemporaryDirectory(dir=directory.path, prefix=".restore-") as place:
        backup, members = _unpack(file, Path(place))
        _require_usable(members[STORE])
        store = database_file(database_url)
        replaced = directory.path / f"replaced-{now:%Y%m%dT%H%M%S}"
        targets = {STORE: store, SECRET_KEY: directory.path / SECRET_KEY}
        old = [targets[name] for name in members] + [store.with_name(f"{store.name}{suffix}") for suffix in ("-wal", "-shm")]
        for path in filter(Path.exists, old):
            replaced.mkdir(mode=0o700, exist_ok=True)
            shutil.move(path, replaced / path.name)  # LAB_DATABASE_URL may be on another file system
        for name in sorted(members, reverse=True):  # the store last: with it the lab is whole
            shutil.move(members[name], targets[name])
            _keep(targets[name].parent)
    return Restored(backup=backup, replaced=replaced if replaced.is_dir() else None)


def _unpack(file: Path, place: Path) -> tuple[Backup, dict[str, Path]]:
    """Return what the archive says of itself and its members as files in ``place``, all of them as they were written."""
    members: dict[str, Path] = {}
    with tarfile.open(file, "r:") as tar:
        while (member := tar.next()) is not None:
            known = MANIFEST if not members else (STORE, SECRET_KEY)
            if member.name not in known or member.name in members or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                raise StoreError(f"cannot restore {file}: {member.name!r} is no part of a lab's backup; nothing was changed")
            if member.name != STORE and member.size > _LARGEST_TEXT_BYTES:
                raise StoreError(f"cannot restore {file}: its {member.name} is too large; nothing was changed")
            path = place / member.name
            source = tar.extractfile(member)
            assert source is not None  # noqa: S101 - it is a regular file
            with _created(path) as output:
                while chunk := source.read(_CHUNK_BYTES):
                    output.write(chunk)
            members[member.name] = path
    if MANIFEST not in members or STORE not in members:
        raise StoreError(f"cannot restore {file}: it is no whole backup of a lab; nothing was changed")
    backup = _read_manifest(file, members.pop(MANIFEST))
    named = {*members, *backup.files}
    damaged = [name for name in named if name not in members or _sha256(members[name]) != backup.files.get(name)]
    if damaged:
        raise StoreError(f"cannot restore {file}: its {', '.join(sorted(damaged))} is damaged; nothing was changed")
    return backup, members


def _read_manifest(file: Path, manifest: Path) -> Backup:
    try:
        backup = Backup(**json.loads(manifest.read_text(encoding="utf-8")))
        files = dict(backup.files)
    except (ValueError, TypeError) as error:
        raise StoreError(f"cannot restore {file}: its manifest cannot be read ({error}); nothing was changed") from error
    if backup.format != FORMAT or not all(isinstance(value, str) for value in files.values()):
        raise StoreError(f"cannot restore {file}: another version of the lab has made it ({backup.lab}); use that one")
    return backup


def _require_usable(store: Path) -> None:
    schema = _schema(store)
    known = {script.revision for script in alembic.script.ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if schema not in known:
        raise StoreError(
            f"cannot restore a store of schema {schema}: a newer lab has written it, this one knows those up to {max(known)}; "
            "install that version; nothing was changed"
        )


def _copy_database(store: Path, copy: Path) -> None:
    """Copy a database that others may be writing to, as it is at one moment, and see that the copy is whole."""
    with _database(store, read_only=True) as source, _database(copy) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE").close()  # one file, without a log beside it
        (answer,) = target.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise StoreError(f"cannot back up the store {store}: it is damaged ({answer}); keep a copy of its directory")
    copy.chmod(_OURS_ALONE)


def _schema(store: Path) -> str:
    with _database(store, read_only=True) as database:
        (schema,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or ("none",)
    return str(schema)


@contextlib.contextmanager
def _database(file: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    address = f"{file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        yield connection


@contextlib.contextmanager
def _told(doing: str) -> Iterator[None]:
    """Turn what may happen to files, archives and databases into a StoreError."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise StoreError(f"cannot {doing}: {error.strerror or error}{where}") from error
    except (tarfile.TarError, EOFError) as error:
        raise StoreError(f"cannot {doing}: it is no backup of a lab, or a part of one ({error})") from error
    except sqlite3.Error as error:
        raise StoreError(f"cannot {doing}: the store cannot be read: {error}") from error


@contextlib.contextmanager
def _created(path: Path) -> Iterator[IO[bytes]]:
    """Create a file for its owner alone; it is on the disk at the end of the block."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS_ALONE), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _keep(directory: Path) -> None:
    """Have the names in a directory survive a power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose files they are on this machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = _OURS_ALONE
    return member


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
