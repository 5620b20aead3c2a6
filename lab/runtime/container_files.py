"""Files of a container, running or dead: what changed, and what is in them.

Read from the upper directory of the container's overlay where this host has it (about a millisecond a file), through safe
paths that cannot leave it; else by the engine's archive call (about a hundred), which resolves paths inside the container.
Types and sizes are looked at before any content, only regular files are read, and never more than asked for. Files of
volumes are `lab.runtime.node_files`' part.
Source: Docker Engine API v1.41 ``GET /containers/{id}/archive`` and ``/changes``; Linux
Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal, cast

from lab.runtime.engine_client import ENGINE_TIMEOUT_SECONDS, JSON, EngineClient, engine_error, error_message
from lab.runtime.runtime import ChangedFile
from lab.runtime.safe_paths import opened_in, read_regular

CHANGES_BYTES = 4 << 20  # of the engine's list, some 60,000 files: a container that makes a million would fill the lab's memory
MAXIMUM_CHANGES = 256  # more than a learner can look at; a container that writes thousands of files is told by its count
_MAXIMUM_SYMLINKS = 8  # Linux allows 40; the engine has resolved all but the last component each time
_IS_DIRECTORY = 1 << 31  # io/fs: ModeDir
_IS_SYMLINK = 1 << 27  # io/fs: ModeSymlink
_IS_SPECIAL = (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19)  # device, pipe, socket, character device, irregular
_METACOPY = "trusted.overlay.metacopy"  # overlayfs.rst: "Metadata only copy up"
_KINDS: dict[int, Literal["added", "modified", "deleted"]] = {0: "modified", 1: "added", 2: "deleted"}
# What every start leaves behind and nobody asked for: the engine's mount points, kernel file systems, process numbers, caches.
_NOISE = re.compile(
    r"/(proc|sys|dev)(/.*)?|/\.dockerenv|/etc/(hosts|hostname|resolv\.conf|mtab)|(/var)?/run/.*\.(pid|lock)|/var/cache/.*"
    r"|/var/lib/nginx/(body|fastcgi|proxy|scgi|uwsgi)(/.*)?|/root/\.(ash|bash)_history"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What is at a path; ``content`` is None unless it is a regular file. ``link_target`` is where a symlink leads, as the
    engine says."""

    is_directory: bool
    size_bytes: int
    content: bytes | None
    link_target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where a container's own files are on this host (``upper`` None: not to be had), and where volumes cover them."""

    upper: str | None
    mounts: frozenset[str]

    def covers(self, path: str) -> bool:
        """Whether ``path`` is a volume's or below one."""
        return not self.mounts.isdisjoint((path.rstrip("/"), *_parents(path)))


class ContainerFiles:
    """Reads containers' files. Thread-safe."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine

    def changed(self, container_id: str, *, limit_bytes: int) -> tuple[ChangedFile, ...]:
        """Return what differs from the image, sorted by path; see `lab.runtime.runtime.Runtime.changed_files`."""
        layout = self._layout(container_id)
        kinds = {str(item["Path"]): _KINDS[int(item["Kind"])] for item in self._differences(container_id)}
        parents = {parent for path in kinds for parent in _parents(path)}
        changes: list[ChangedFile] = []
        for path in sorted(kinds.keys() - parents):
            if len(changes) == MAXIMUM_CHANGES:
                break
            if layout.covers(path) or _NOISE.fullmatch(path):
                continue
            if kinds[path] == "deleted":
                changes.append(ChangedFile(path=path, change="deleted", size_bytes=0, content=None))
                continue
            file = self._file(container_id, path, layout, limit_bytes)
            if file is not None and not (file.is_directory and kinds[path] == "modified"):
                changes.append(ChangedFile(path=path, change=kinds[path], size_bytes=file.size_bytes, content=file.content))
        return tuple(changes)

    def read(self, container_id: str, path: str, *, limit_bytes: int) -> bytes | None:
        """Return the start of a regular file, symlinks followed inside the container; None when there is none at ``path``."""
        layout = self._layout(container_id)
        for _ in range(_MAXIMUM_SYMLINKS):
            file = self._file(container_id, path, layout, limit_bytes)
            if file is None or not file.link_target:
                return file.content if file is not None else None
            path = file.link_target
        return None

    def _differences(self, container_id: str) -> list[JSON]:
        """Return the engine's list of changes, or as much of it as the lab reads."""
        api, action = self._engine.api, f"compare container {container_id[:12]} with its image"
        with self._engine.words(action):
            response = api.get(
                f"{api.base_url}/v{api.api_version}/containers/{container_id}/changes",
                headers={"Accept-Encoding": "identity"},
                stream=True,
                timeout=ENGINE_TIMEOUT_SECONDS,
            )
            with response:
                text = bytes(response.raw.read(CHANGES_BYTES))
        if response.status_code != 200:
            raise engine_error(action, response.status_code, error_message(text))
        return listed_changes(text)

    def _layout(self, container_id: str) -> _Layout:
        with self._engine.words(f"look at container {container_id[:12]}"):
            found = self._engine.api.inspect_container(container_id)
        driver = found.get("GraphDriver") or {}
        upper = (driver.get("Data") or {}).get("UpperDir") if driver.get("Name") == "overlay2" else None
        return _Layout(
            upper=upper if upper and os.access(upper, os.R_OK | os.X_OK) else None,
            mounts=frozenset(str(mount["Destination"]).rstrip("/") for mount in found["Mounts"]),
        )

    def _file(self, container_id: str, path: str, layout: _Layout, limit_bytes: int) -> _File | None:
        if layout.upper is not None and not layout.covers(path):
            file = _file_in_overlay(layout.upper, path, limit_bytes)
            if file is not None:
                return file
        return self._file_in_archive(container_id, path, limit_bytes)

    def _file_in_archive(self, container_id: str, path: str, limit_bytes: int) -> _File | None:
        api = self._engine.api
        action = f"read {path} in container {container_id[:12]}"
        with self._engine.words(action):
            response = api.get(
                f"{api.base_url}/v{api.api_version}/containers/{container_id}/archive",
                params={"path": path},
                headers={"Accept-Encoding": "identity"},  # the tar as it is, not compressed for a socket of this machine
                stream=True,
                timeout=ENGINE_TIMEOUT_SECONDS,
            )
            with response:
                if response.status_code == 200:
                    stat_header = json.loads(base64.b64decode(response.headers["X-Docker-Container-Path-Stat"]))
                    return _archived_file(stat_header, cast("IO[bytes]", response.raw), limit_bytes)
                message = error_message(response.content)
        if "too many links" in message or (response.status_code == 404 and "no such container" not in message.lower()):
            return None
        raise engine_error(action, response.status_code, message)


def listed_changes(text: bytes) -> list[JSON]:
    """Return the changes in the engine's answer, of which the end may be missing."""
    if len(text) >= CHANGES_BYTES:
        text = text[: text.rfind(b'},{"') + 1] + b"]"  # stands nowhere inside a name, where a quote is escaped
    found: list[JSON] = json.loads(text) or []
    return found


def _file_in_overlay(upper: str, path: str, limit_bytes: int) -> _File | None:
    """Return the file that the container itself wrote at ``path``; None when it is not in the upper directory, or is a symlink or
    deleted there, which only the whole file system can resolve."""
    try:
        with opened_in(upper, path, os.O_PATH | os.O_NOFOLLOW) as descriptor:
            found = os.fstat(descriptor)
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
                return None
            if _METACOPY in os.listxattr(f"/proc/self/fd/{descriptor}"):
                return None  # its content is still in the image's layer
            content = read_regular(descriptor, limit_bytes)
    except OSError:
        return None
    return _File(
        is_directory=stat.S_ISDIR(found.st_mode), size_bytes=found.st_size if content is not None else 0, content=content
    )


def _archived_file(header: JSON, body: IO[bytes], limit_bytes: int) -> _File:
    mode, size = int(header["mode"]), int(header["size"])
    if mode & (_IS_DIRECTORY | _IS_SYMLINK | _IS_SPECIAL):
        target = str(header["linkTarget"]) if mode & _IS_SYMLINK else ""
        return _File(is_directory=bool(mode & _IS_DIRECTORY), size_bytes=0, content=None, link_target=target)
    with tarfile.open(fileobj=body, mode="r|") as archive:
        member = archive.next()
        file = archive.extractfile(member) if member is not None else None
        content = file.read(limit_bytes) if file is not None else b""
    return _File(is_directory=False, size_bytes=size, content=content)


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
