"""Containers whose run has ended and which could not be removed when it did.

There are two kinds. An engine that stops keeps its containers and shows them again when it is back. A lab that is killed may
leave the engine at work: what it was making appears after the next lab has swept. So the lab looks for them for a while, from
when the engine answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from lab.clock import Clock
from lab.errors import EngineError, EngineUnavailable

LOOK_SECONDS = 1.0
LOOKS = 15  # an overloaded engine takes seconds for what was asked of it before

_LOGGER = logging.getLogger(__name__)


class Strays:
    """Looks for strays when told to, on a thread of its own. ``remove(is_live)`` removes the containers of runs that
    ``is_live(run_id)`` denies, and returns how many there were."""

    def __init__(self, clock: Clock, remove: Callable[[Callable[[str], bool]], int], is_live: Callable[[str], bool]) -> None:
        self._remove = remove
        self._is_live = is_live
        self._changed = clock.condition()
        self._looks = 0
        self._closed = False
        self._thread = clock.spawn("strays", self._run)

    def look(self) -> None:
        """Begin to look, or go on for longer. Returns at once."""
        with self._changed:
            self._looks = LOOKS
            self._changed.notify_all()

    def close(self) -> None:
        """Stop looking. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while self._due():
            try:
                removed = self._remove(self._is_live)
            except EngineUnavailable:
                pass  # wait for it, however long
            except EngineError as error:
                _LOGGER.warning("%s; trying again", error)
                self._count()
            else:
                if removed:
                    _LOGGER.info("removed %d containers of runs that have ended", removed)
                self._count()

    def _due(self) -> bool:
        """Wait until a look is due; False when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._looks > 0)
            self._changed.wait_for(lambda: self._closed, LOOK_SECONDS)
            return not self._closed

    def _count(self) -> None:
        with self._changed:
            self._looks -= 1
