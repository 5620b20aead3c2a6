"""Files of a container, running or dead, as the engine's archive call gives them.

The engine resolves paths inside the container's file system, so a planted symlink leads nowhere else. Types and sizes are
read from the archive's header before any content, only regular files are read, and never more than asked for. Files of
volumes are `lab.runtime.node_files`' part.
Source: Docker Engine API v1.41 ``GET /containers/{id}/archive`` and ``/changes``; Go's io/fs for the mode bits.
"""

from __future__ import annotations

import base64
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from lab.errors import ContainerGone, EngineError
from lab.runtime.engine_client import ENGINE_TIMEOUT_SECONDS, EngineClient, words
from lab.runtime.runtime import ChangedFile

MAXIMUM_CHANGES = 256  # more than a learner can look at; a container that writes thousands of files is told by its count
_MAXIMUM_SYMLINKS = 8  # Linux allows 40; the engine has resolved all but the last component each time
_IS_DIRECTORY = 1 << 31  # io/fs: ModeDir
_IS_SYMLINK = 1 << 27  # io/fs: ModeSymlink
_IS_SPECIAL = (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19)  # device, pipe, socket, character device, irregular
_CHANGES: dict[int, Literal["added", "modified", "deleted"]] = {0: "modified", 1: "added", 2: "deleted"}
# What every start leaves behind and nobody asked for: the engine's mount points, kernel file systems, process numbers, caches.
_NOISE = re.compile(
    r"/(proc|sys|dev)(/.*)?|/\.dockerenv|/etc/(hosts|hostname|resolv\.conf|mtab)|(/var)?/run/.*\.(pid|lock)|/var/cache/.*"
    r"|/var/lib/nginx/(body|fastcgi|proxy|scgi|uwsgi)(/.*)?|/root/\.(ash|bash)_history"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What the engine says about a path, and the archive that holds it, not read yet."""

    mode: int
    size_bytes: int
    link_target: str
    body: IO[bytes]

    @property
    def is_regular(self) -> bool:
        return not self.mode & (_IS_DIRECTORY | _IS_SYMLINK | _IS_SPECIAL)

    def read(self, limit_bytes: int) -> bytes:
        """Return the start of a regular file."""
        with tarfile.open(fileobj=self.body, mode="r|") as archive:
            member = archive.next()
            file = archive.extractfile(member) if member is not None else None
            return file.read(limit_bytes) if file is not None else b""


class ContainerFiles:
    """Reads containers' files. Thread-safe."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    def changed(self, container_id: str, *, limit_bytes: int) -> tuple[ChangedFile, ...]:
        """Return what differs from the image, sorted by path; see `lab.runtime.runtime.Runtime.changed_files`."""
        with words(f"compare container {container_id[:12]} with its image"):
            differences = self._engine.api.diff(container_id) or []
            mounts = self._engine.api.inspect_container(container_id)["Mounts"]
        ignored = {str(mount["Destination"]).rstrip("/") for mount in mounts}
        listed = {str(item["Path"]): int(item["Kind"]) for item in differences}
        parents = {parent for path in listed for parent in _parents(path)}
        changes = []
        for path in sorted(listed):
            if path in ignored or path in parents or _NOISE.fullmatch(path):
                continue
            change = self._change(container_id, path, listed[path], limit_bytes)
            if change is not None:
                changes.append(change)
            if len(changes) == MAXIMUM_CHANGES:
                break
        return tuple(changes)

    def read(self, container_id: str, path: str, *, limit_bytes: int) -> bytes | None:
        """Return the start of a regular file, symlinks followed inside the container; None when there is none at ``path``."""
        for _ in range(_MAXIMUM_SYMLINKS):
            with self._open(container_id, path) as entry:
                if entry is None:
                    return None
                if entry.is_regular:
                    return entry.read(limit_bytes)
                if not entry.link_target:
                    return None
                path = entry.link_target
        return None

    def _change(self, container_id: str, path: str, kind: int, limit_bytes: int) -> ChangedFile | None:
        change = _CHANGES[kind]
        if change == "deleted":
            return ChangedFile(path=path, change=change, size_bytes=0, content=None)
        with self._open(container_id, path) as entry:
            if entry is None:
                return None  # gone again since the comparison
            if entry.mode & _IS_DIRECTORY and change == "modified":
                return None
            content = entry.read(limit_bytes) if entry.is_regular else None
            return ChangedFile(path=path, change=change, size_bytes=entry.size_bytes if entry.is_regular else 0, content=content)

    @contextmanager
    def _open(self, container_id: str, path: str) -> Iterator[_Entry | None]:
        api = self._engine.api
        with words(f"read {path} in container {container_id[:12]}"):
            response = api.get(
                f"{api.base_url}/v{api.api_version}/containers/{container_id}/archive",
                params={"path": path},
                headers={"Accept-Encoding": "identity"},  # the tar as it is, not compressed for a socket of this machine
                stream=True,
                timeout=ENGINE_TIMEOUT_SECONDS,
            )
            with response:
                if response.status_code != 200:
                    message = _message(response.content)
                    absent = response.status_code == 404 and "no such container" not in message.lower()
                    if absent or "too many links" in message:
                        yield None
                        return
                    kind = ContainerGone if response.status_code == 404 else EngineError
                    raise kind(f"cannot read {path} in container {container_id[:12]}: {message}", runtime_message=message)
                stat = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
                yield _Entry(
                    mode=int(stat["mode"]),
                    size_bytes=int(stat["size"]),
                    link_target=str(stat["linkTarget"]),
                    body=cast("IO[bytes]", response.raw),
                )


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _message(body: bytes) -> str:
    try:
        answer: dict[str, Any] = json.loads(body)
        return str(answer["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
