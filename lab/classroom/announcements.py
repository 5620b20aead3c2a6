"""What an instructor has done for everybody in a class, said on every page of it: the last word only, in memory only, and only
while it is news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import Clock
from lab.insight.phrase import Phrase

NEWS_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One sentence, and the page that it is about."""

    words: Phrase
    url: str = ""


class Announcements:
    """The one that stands in each class."""

    def __init__(self, clock: Clock, changed: Callable[[str], None] = lambda class_id: None) -> None:
        """``changed(class_id)`` is called after each change, but not when one is no news any more."""
        self._clock = clock
        self._changed = changed
        self._standing: dict[str, tuple[Announcement, float]] = {}

    def make(self, class_id: str, announcement: Announcement) -> None:
        """Announce, in place of what was announced before."""
        self._standing[class_id] = announcement, self._clock.monotonic()
        self._changed(class_id)

    def withdraw(self, class_id: str) -> None:
        """Take back what stands."""
        if self._standing.pop(class_id, None) is not None:
            self._changed(class_id)

    def of(self, class_id: str) -> Announcement | None:
        """Return the one that stands."""
        standing = self._standing.get(class_id)
        if standing is None or self._clock.monotonic() - standing[1] >= NEWS_SECONDS:
            return None
        return standing[0]
