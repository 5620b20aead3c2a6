"""Wakes the open pages of a class.

Each open page has one stream, a thread that waits on the timeline of a cluster. What happens to a class is on no timeline, and
must reach them all the same, at once and without asking again and again: a stream says for whose class it waits, and a ring makes
its wait return. What there is to tell it then finds out itself, so nothing is queued and a slow page delays nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lab.clock import Clock

EVERY_CLASS = ""  # whom instructors listen for


class Waiting(Protocol):
    """Where streams wait (`lab.timeline.timeline.Timeline`)."""

    def nudge(self) -> None:
        """Have whoever waits look again."""
        ...


class Bell:
    """One for all classes. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._lock = clock.condition()
        self._rings: Counter[str] = Counter()
        self._waiting: dict[str, Counter[Waiting]] = {}

    def ring(self, class_id: str) -> None:
        """Wake every stream that listens for this class, and those that listen for all."""
        for heard in (class_id, EVERY_CLASS):
            with self._lock:
                self._rings[heard] += 1
                places = tuple(self._waiting.get(heard, ()))
            for place in places:  # not under the lock: a stream asks for `rings` while it holds its timeline's
                place.nudge()

    def rings(self, class_id: str) -> int:
        """Return how often it rang for a class. Takes no lock: it is asked while a timeline's is held."""
        return self._rings[class_id]

    @contextmanager
    def listening(self, class_id: str, place: Waiting) -> Iterator[None]:
        """Have ``place`` nudged at every ring meanwhile."""
        with self._lock:
            waiting = self._waiting.setdefault(class_id, Counter())
            waiting[place] += 1
        try:
            yield
        finally:
            with self._lock:
                waiting[place] -= 1
                if not waiting[place]:
                    del waiting[place]
