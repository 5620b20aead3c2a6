"""Gives back what clusters hold that nobody uses any more, so that a lab of many days holds no more than its learners need.

Networks come out of LAB_POD_CIDR and a virtual node's files out of the machine's memory; a learner who comes back later gets new
ones, with an empty node. Their runs stay readable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from lab.clock import Clock
from lab.errors import LabError

LOOK_SECONDS = 60.0

_LOGGER = logging.getLogger(__name__)


class IdleClusters:
    """Looks now and then, on a thread of its own: ``give_back()`` gives them back and returns which."""

    def __init__(self, clock: Clock, give_back: Callable[[], tuple[str, ...]]) -> None:
        self._give_back = give_back
        self._changed = clock.condition()
        self._closed = False
        self._thread = clock.spawn("idle clusters", self._run)

    def close(self) -> None:
        """Stop looking; what is being given back is finished. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closed_after(LOOK_SECONDS):
            try:
                given_back = self._give_back()
            except (LabError, OSError):
                _LOGGER.exception("cannot give back what idle clusters hold; trying again")
                continue
            if given_back:
                _LOGGER.info("gave back %d clusters that nobody used", len(given_back))

    def _is_closed_after(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, seconds)
