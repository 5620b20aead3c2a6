"""What has become of instructors' actions, said on the board: the last word for each class."""

from __future__ import annotations

from dataclasses import dataclass

from lab.clock import Clock
from lab.insight.phrase import Phrase

SHOWN_SECONDS = 120.0  # then it is old news


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``number`` tells two with the same words apart."""

    words: Phrase
    failed: bool
    number: int
    at: float


class Notices:
    """The last notice of each class. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = clock.condition()
        self._last: dict[str, Notice] = {}
        self._said = 0

    def say(self, class_id: str, words: Phrase, *, failed: bool = False) -> None:
        """Say something on a class's board, in place of what was said before."""
        with self._lock:
            self._said += 1
            self._last[class_id] = Notice(words=words, failed=failed, number=self._said, at=self._clock.monotonic())

    def of(self, class_id: str) -> Notice | None:
        """Return what was said last, if that was not long ago."""
        with self._lock:
            last = self._last.get(class_id)
            return last if last is not None and self._clock.monotonic() - last.at < SHOWN_SECONDS else None
