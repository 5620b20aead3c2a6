"""What a volume holds, and what changed in it since: files, links and their text, never through a link.

Containers write to the directory while it is read. The walk holds descriptors, follows nothing and is bounded, so the worst a
container can do is to hide files of its own from its own learner.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lab.runtime.safe_paths import read_regular

_ENTRIES_LIMIT = 2000  # files of a volume that are looked at
_DEPTH_LIMIT = 64  # directories within one another; each holds a descriptor open
_TEXT_LIMIT_BYTES = 4096

_Mark = tuple[int, int, int, int]  # inode, size, modified, changed: differs when the file was written or replaced


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a volume at one moment, by their path in it ("" when the volume itself is a file)."""

    marks: Mapping[str, _Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChange:
    """A file that appeared, changed or vanished. ``text`` is its beginning (4 KiB), None when it is binary, not a regular file or
    gone."""

    path: str
    change: Literal["added", "modified", "deleted"]
    size_bytes: int
    text: str | None


def snapshot(directory: Path) -> Snapshot:
    """Return the files below ``directory`` (or the file that it is). Directories themselves are not listed."""
    return Snapshot({path: mark for path, mark, _ in _files(directory)})


def changes(directory: Path, since: Snapshot) -> tuple[VolumeChange, ...]:
    """Return the differences to an earlier snapshot, by path."""
    found = []
    now = set()
    for path, mark, descriptor in _files(directory):
        now.add(path)
        before = since.marks.get(path)
        if before != mark:
            change: Literal["added", "modified"] = "added" if before is None else "modified"
            found.append(VolumeChange(path=path, change=change, size_bytes=mark[1], text=_text(descriptor)))
    if len(now) < _ENTRIES_LIMIT:  # else it may only not have been reached
        gone = since.marks.keys() - now
        found += [VolumeChange(path=path, change="deleted", size_bytes=0, text=None) for path in gone]
    return tuple(sorted(found, key=lambda change: change.path))


def _files(directory: Path) -> Iterator[tuple[str, _Mark, int]]:
    """Yield path, mark and an O_PATH descriptor, open until the next is asked for."""
    try:
        top = os.open(directory, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for path, descriptor in itertools.islice(_walk(top, ""), _ENTRIES_LIMIT):
            status = os.fstat(descriptor)
            shown = os.fsencode(path).decode(errors="replace")
            yield shown, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns), descriptor
    finally:
        os.close(top)


def _walk(descriptor: int, path: str) -> Iterator[tuple[str, int]]:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        yield path, descriptor
        return
    if path.count("/") >= _DEPTH_LIMIT:
        return
    for name in _names(descriptor):
        with contextlib.suppress(OSError):  # gone since it was listed
            inner = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            try:
                yield from _walk(inner, f"{path}/{name}" if path else name)
            finally:
                os.close(inner)


def _names(descriptor: int) -> list[str]:
    try:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    except OSError:  # removed meanwhile, or not ours to read
        return []
    try:
        with os.scandir(readable) as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(_ENTRIES_LIMIT), strict=False))
    finally:
        os.close(readable)


def _text(descriptor: int) -> str | None:
    try:
        content = read_regular(descriptor, _TEXT_LIMIT_BYTES)
    except OSError:
        return None
    if content is None or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # A character cut in half by the limit does not make the file binary.
        cut = len(content) == _TEXT_LIMIT_BYTES and error.start >= len(content) - 3
        return content[: error.start].decode() if cut else None
