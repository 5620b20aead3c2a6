"""Files that the kubelet writes into a volume: all at once, behind one link.

``name`` links to ``..data/name``, ``..data`` to a directory named after the moment. No container runs with the volume yet, so
nothing here can be raced. Source: pkg/volume/util/atomic_writer.go (v1.36).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_DATA = "..data"
_DIRECTORY_MODE = 0o755
_GROUP_READS = 0o440  # pkg/volume/volume_linux.go: roMask


def write(directory: Path, files: Mapping[str, tuple[bytes, int]], group: int | None) -> None:
    """Write content and mode by relative path into an empty ``directory``. Raises OSError."""
    behind = directory / f"..{secrets.token_hex(8)}"
    behind.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
    for path, (content, mode) in files.items():
        place = behind / path
        place.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(mode if group is None else mode | _GROUP_READS)
        if group is not None:
            with contextlib.suppress(PermissionError):  # without root the group cannot be given
                os.chown(place, -1, group)
    link = directory / _DATA
    link.unlink(missing_ok=True)
    link.symlink_to(behind.name)
    for name in {PurePosixPath(path).parts[0] for path in files}:
        shown = directory / name
        shown.unlink(missing_ok=True)
        shown.symlink_to(f"{_DATA}/{name}")
