"""What stands in a directory of a virtual node: names, kinds and sizes, for a page to show.

Containers write there as root: the directory is opened inside the node (`safe_paths`), its entries are looked at by descriptor,
links are named and never followed, and no more than a page can show is read.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from lab.runtime import safe_paths

MOST_ENTRIES = 500
_EPOCH = datetime.fromtimestamp(0, UTC)

EntryKind = Literal["directory", "file", "link", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntry:
    """A name in a directory. ``target`` is where a link points, as it is written there; "" for everything else."""

    name: str
    kind: EntryKind
    size_bytes: int
    modified_at: datetime
    target: str = ""


def listing(root: str, path: str) -> tuple[NodeEntry, ...]:
    """Return the first `MOST_ENTRIES` entries of a directory inside ``root``, directories first, then by name. Raises OSError."""
    with safe_paths.opened_in(root, path, os.O_RDONLY | os.O_DIRECTORY) as directory:
        found = []
        with os.scandir(directory) as entries:
            for entry in itertools.islice(entries, MOST_ENTRIES):
                with contextlib.suppress(OSError):  # removed between the two
                    found.append(_entry(directory, entry.name, entry.stat(follow_symlinks=False)))
    return tuple(sorted(found, key=lambda e: (e.kind != "directory", e.name)))


def _entry(directory: int, name: str, status: os.stat_result) -> NodeEntry:
    kind = _kind(status.st_mode)
    return NodeEntry(
        name=name,
        kind=kind,
        size_bytes=status.st_size,
        modified_at=_time(status.st_mtime),
        target=os.readlink(name, dir_fd=directory) if kind == "link" else "",
    )


def _time(seconds: float) -> datetime:
    """Return a time that a container may have chosen; the first or the last that there is for one beyond."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=UTC)


def _kind(mode: int) -> EntryKind:
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISREG(mode):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "other"
