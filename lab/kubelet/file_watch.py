"""Which files a pod's containers made, changed or removed: looked at after hooks and stops, off the kubelet's path.

The engine's diff is slow, so one thread per pod looks when asked and reports each difference once. Volumes are compared with
what they held before the first container started.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.clock import Thread
from lab.errors import EngineError
from lab.kubelet.node_services import PodAborted, PodOnNode
from lab.kubelet.volumes import PodVolumes
from lab.pods.model import Container, HostPathVolume
from lab.timeline.facts import FileChanged
from lab.timeline.pod_record import Attempt

TEXT_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    container: Container
    attempt: Attempt
    then: Callable[[], None]


class FileWatch:
    """The file watch of one pod. ``look`` returns at once; ``finish`` waits for the looks asked for."""

    def __init__(self, on: PodOnNode, volumes: PodVolumes) -> None:
        """Remember what the volumes hold now."""
        self._on = on
        self._seen: dict[tuple[str, str], tuple[object, ...]] = {}
        self._volumes = volumes
        self._before = {name: on.node.files.snapshot(directory) for name, directory in volumes.directories.items()}
        self._queue: list[_Look] = []
        self._closing = False
        self._thread: Thread = on.spawn("files of", self._run)

    def look(self, container: Container, attempt: Attempt, *, then: Callable[[], None] = lambda: None) -> None:
        """Look at a container's files soon, then call ``then`` on the watch's thread."""
        with self._on.changed:
            self._queue.append(_Look(container=container, attempt=attempt, then=then))
            self._on.changed.notify_all()

    def finish(self) -> None:
        """Wait until everything asked for has been looked at, and end."""
        with self._on.changed:
            self._closing = True
            self._on.changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._on.changed:
                self._on.changed.wait_for(lambda: bool(self._queue) or self._closing)
                if not self._queue:
                    return
                look = self._queue.pop(0)
            try:
                self._look_and_go_on(look)
            except Exception as error:
                self._on.fail(error)

    def _look_and_go_on(self, look: _Look) -> None:
        try:
            with contextlib.suppress(EngineError, PodAborted):  # container or engine have gone: there is nothing left to see
                self._report(look)
        finally:
            look.then()

    def _report(self, look: _Look) -> None:
        for mount in look.container.volume_mounts:
            self._report_volume(look, mount.name, mount.mount_path)
        for change in self._on.node.runtime.changed_files(look.attempt.container_id, limit_bytes=TEXT_LIMIT_BYTES):
            fact = FileChanged(
                path=change.path,
                change=change.change,
                text=_text(change.content),
                size_bytes=change.size_bytes,
                volume=None,
                node_path=None,
                attempt=look.attempt.number,
            )
            self._note_once((look.attempt.container_id, change.path), fact, look.container)

    def _report_volume(self, look: _Look, name: str, mount_path: str) -> None:
        directory = self._volumes.directories.get(name)
        if directory is None:
            return
        node_root = self._node_path(name)
        for change in self._on.node.files.changes(directory, self._before[name]):
            fact = FileChanged(
                path=str(PurePosixPath("/") / mount_path / change.path),
                change=change.change,
                text=change.text,
                size_bytes=change.size_bytes,
                volume=name,
                node_path=str(node_root / change.path) if node_root else None,
                attempt=look.attempt.number,
            )
            self._note_once((name, change.path), fact, look.container)

    def _note_once(self, key: tuple[str, str], fact: FileChanged, container: Container) -> None:
        value = (fact.change, fact.text, fact.size_bytes)
        if self._seen.get(key) != value:
            self._seen[key] = value
            self._on.note(fact, container)

    def _node_path(self, volume: str) -> PurePosixPath | None:
        for candidate in self._on.pod.spec.volumes:
            if candidate.name == volume and isinstance(candidate, HostPathVolume):
                return PurePosixPath(candidate.path)
        return None


def _text(content: bytes | None) -> str | None:
    if content is None or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # A character cut in half by the limit is no reason to call the file binary.
        return content[: error.start].decode() if error.end >= len(content) else None
