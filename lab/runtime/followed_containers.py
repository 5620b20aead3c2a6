"""The containers of the lab that are followed now, by id: whom the engine's events are for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lab.errors import ContainerGone
from lab.runtime.engine_events import ContainerEvent
from lab.runtime.followed_container import FollowedContainer


class FollowedContainers:
    """All that are followed. Thread-safe; nothing is called while its lock is held."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[str, FollowedContainer] = {}

    def add(self, container_id: str, followed: FollowedContainer) -> None:
        """Keep one."""
        with self._lock:
            self._followed[container_id] = followed

    def get(self, container_id: str) -> FollowedContainer | None:
        """Return one; None when it is not followed any more."""
        with self._lock:
            return self._followed.get(container_id)

    def require(self, container_id: str) -> FollowedContainer:
        """Return one that is to be started. Raises ContainerGone."""
        followed = self.get(container_id)
        if followed is None:
            raise ContainerGone(f"cannot start container {container_id[:12]}: it has been removed, create another")
        return followed

    def pid(self, container_id: str) -> int:
        """Return PID 1 as the host numbers it; 0 when it does not run."""
        followed = self.get(container_id)
        return followed.pid if followed is not None else 0

    def forget(self, container_id: str) -> None:
        """Keep one no longer. Idempotent."""
        with self._lock:
            self._followed.pop(container_id, None)

    def handle(self, event: ContainerEvent) -> None:
        """Hand an event to the container it is about."""
        followed = self.get(event.container_id)
        if followed is not None:
            followed.handle(event)

    def for_all(self, act: Callable[[FollowedContainer], None]) -> None:
        """Call ``act`` with each that is followed now."""
        with self._lock:
            everyone = tuple(self._followed.values())
        for followed in everyone:
            act(followed)

    def give_up(self) -> None:
        """Stop following all of them without a word."""
        self.for_all(FollowedContainer.give_up)
        with self._lock:
            self._followed.clear()
