"""Deleting a class: its learners are out at once, and all that they left is deleted behind them, class and names last.

Whatever stops it in between, the class is still listed, ended, and deleting it again goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from lab.classroom.register import Register
from lab.clock import Clock
from lab.errors import ClassroomError, LabError
from lab.insight.phrase import phrase

_LOGGER = logging.getLogger(__name__)


class Deletions:
    """The classes that are being deleted. ``forget(cluster)`` deletes what is there of one learner, and may take seconds.
    Thread-safe."""

    def __init__(self, register: Register, forget: Callable[[str], None], clock: Clock) -> None:
        self._register = register
        self._forget = forget
        self._clock = clock
        self._lock = clock.condition()
        self._going: set[str] = set()
        self._problems: dict[str, str] = {}

    def start(self, class_id: str) -> None:
        """Delete a class that has ended; returns at once. Raises ClassroomError, StoreError."""
        found = self._register.find_class(class_id)
        if found is None or found.is_open:
            raise ClassroomError(phrase("End the class first; then delete it.", "请先结束课程，再删除。"))
        with self._lock:
            if class_id in self._going:
                return
            self._going.add(class_id)
            self._problems.pop(class_id, None)
        try:
            for learner in self._register.roster(class_id):
                self._register.remove(learner.id)
        except LabError:
            self._done(class_id)
            raise
        self._clock.spawn(f"delete class {class_id}", self._delete, class_id)

    def is_going(self, class_id: str) -> bool:
        """Whether a class is being deleted."""
        with self._lock:
            return class_id in self._going

    def problem(self, class_id: str) -> str:
        """Say why a class could not be deleted the last time; empty when nothing was in the way."""
        with self._lock:
            return self._problems.get(class_id, "")

    def _delete(self, class_id: str) -> None:
        why = ""
        try:
            for learner in self._register.everybody(class_id):
                self._forget(learner.cluster)
            self._register.delete_class(class_id)
        except (LabError, OSError) as error:
            why = str(error)
            _LOGGER.warning("cannot delete class %s: %s", class_id, error)
        finally:
            self._done(class_id, why)

    def _done(self, class_id: str, why: str = "") -> None:
        with self._lock:
            self._going.discard(class_id)
            if why:
                self._problems[class_id] = why
