"""Where the learners of a class are now: in memory only, and forgotten with time.

A learner is *here* while one of their pages is in sight: such a page holds a stream open, and lets go of it while it is hidden. A
page that is being changed for the next one has none for a moment, so whoever asked for anything just now is here too. A learner
*moves* when they ask for a page, press something, read on, or step through a run; how long ago that was, while they are here, is
how long they may be stuck.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.clock import Clock

LINGER_SECONDS = 10.0  # from one page's stream to the next one's, a slow network included
FORGOTTEN_SECONDS = 12 * 3600.0  # after the day's class


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody is: a lesson ("" on other pages), the part of its text and the example in sight, the run on its stage, and
    the step that is shown there; None is the newest one."""

    lesson: str = ""
    part: str = ""
    example: str = ""
    run: str = ""
    seq: int | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What is known of one learner. ``away_seconds`` is 0 while they are here, ``still_seconds`` counts since they last moved,
    and ``acts`` counts what they pressed."""

    place: Place
    is_here: bool
    away_seconds: float
    still_seconds: float
    acts: int


@dataclass(slots=True)
class _Seen:
    seen_at: float
    moved_at: float
    place: Place = NOWHERE
    streams: int = 0
    acts: int = 0


class Presence:
    """All learners that were seen. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = clock.condition()
        self._seen: dict[str, _Seen] = {}

    def moved(self, learner_id: str, *, acted: bool = False) -> None:
        """A learner asked for something; ``acted``: they pressed something."""
        with self._lock:
            seen = self._now(learner_id)
            seen.moved_at = seen.seen_at
            seen.acts += acted

    def at(self, learner_id: str, place: Place) -> None:
        """A learner's page says where they are."""
        with self._lock:
            seen = self._now(learner_id)
            if place != seen.place:
                seen.moved_at = seen.seen_at
                seen.place = place

    @contextmanager
    def watching(self, learner_id: str) -> Iterator[None]:
        """A learner has a page in sight for as long as this is open."""
        with self._lock:
            known = self._seen.get(learner_id)
            was_here = known is not None and self._is_here(known)
            seen = self._now(learner_id)
            seen.streams += 1
            if not was_here:
                seen.moved_at = seen.seen_at
        try:
            yield
        finally:
            with self._lock:
                seen.streams -= 1  # of the same object: `forget` may have let go of it meanwhile
                seen.seen_at = self._clock.monotonic()

    def of(self, learner_id: str) -> Sighting | None:
        """Return what is known of a learner; None when they were not seen since the lab started, or long ago."""
        with self._lock:
            seen = self._seen.get(learner_id)
            if seen is None or self._is_forgotten(seen):
                return None
            now, here = self._clock.monotonic(), self._is_here(seen)
            return Sighting(
                place=seen.place,
                is_here=here,
                away_seconds=0.0 if here else now - seen.seen_at,
                still_seconds=now - seen.moved_at,
                acts=seen.acts,
            )

    def forget(self, learner_id: str) -> None:
        """Forget a learner."""
        with self._lock:
            self._seen.pop(learner_id, None)

    # --- the lock is held

    def _now(self, learner_id: str) -> _Seen:
        """Return a learner's record, seen now; whoever is new makes room for themselves."""
        now = self._clock.monotonic()
        seen = self._seen.get(learner_id)
        if seen is None:
            for old in [key for key, other in self._seen.items() if self._is_forgotten(other)]:
                del self._seen[old]
            seen = self._seen[learner_id] = _Seen(seen_at=now, moved_at=now)
        seen.seen_at = now
        return seen

    def _is_here(self, seen: _Seen) -> bool:
        return seen.streams > 0 or self._clock.monotonic() - seen.seen_at < LINGER_SECONDS

    def _is_forgotten(self, seen: _Seen) -> bool:
        return not seen.streams and self._clock.monotonic() - seen.seen_at > FORGOTTEN_SECONDS
