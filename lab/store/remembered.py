"""Answers of the store that are kept until somebody changes what they are about.

Every page asks what its learner has run, predicted and done, and mostly nothing has changed. A question to the database lets
other threads go first several times, so while a class starts its pods a page would wait far longer than its own work takes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

MOST_SUBJECTS = 512  # clusters, or runs: more than a class has learners; the others are read again

T = TypeVar("T")


class Remembered(Generic[T]):
    """Answers to one question by subject, such as a cluster. Thread-safe; the lock is not held while the store is read."""

    def __init__(self, most: int = MOST_SUBJECTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, list[T]] = OrderedDict()  # none while one is being read

    def get(self, subject: str, read: Callable[[], T]) -> T:
        """Return the answer, read now if it is not known. What was forgotten while it was read is not kept."""
        with self._lock:
            known = self._answers.setdefault(subject, [])
            self._answers.move_to_end(subject)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
            if known:
                return known[0]
        answer = read()
        with self._lock:
            if self._answers.get(subject) is known:
                known[:] = [answer]
        return answer

    def forget(self, subject: str) -> None:
        """Have a subject read again. Call it when the change is durable, and before anybody is told of it."""
        with self._lock:
            self._answers.pop(subject, None)

    def forget_all(self) -> None:
        """Have everything read again."""
        with self._lock:
            self._answers.clear()
