"""Turns at the engine: how many sandboxes and containers are being started at a time, and which go first.

An engine asked for thirty starts at once makes none of them sooner: they wait in its kernel locks instead of here, and the
first pod runs when nearly all do. What belongs to a pod that has its sandbox goes before new sandboxes, so that pods come up
one after the other; what nobody waits for goes last.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from lab.clock import Clock

STARTS_AT_ONCE = 4  # bare Docker on two cores starts thirty-two pods soonest with four at a time


class Rank(IntEnum):
    """Who goes first."""

    CONTAINER = 0
    SANDBOX = 1
    WARM_SANDBOX = 2


class Turns:
    """The turns of one engine. Thread-safe."""

    def __init__(self, clock: Clock, at_once: int = STARTS_AT_ONCE) -> None:
        self._clock = clock
        self._free = at_once
        self._changed = clock.condition()
        self._waiting: list[tuple[Rank, int]] = []
        self._count = 0
        self._busy = 0
        self._quiet_since = float("-inf")

    @contextmanager
    def turn(self, rank: Rank) -> Iterator[None]:
        """Hold a turn; wait for it behind those of a lower rank and those of the same rank that came before."""
        with self._changed:
            self._count += 1
            ticket = (rank, self._count)
            heapq.heappush(self._waiting, ticket)
            self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] == ticket)
            heapq.heappop(self._waiting)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Mark work that somebody waits for: until it is over the engine is not quiet."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._quiet_since = self._clock.monotonic()

    def quiet_seconds(self) -> float:
        """Return for how long nobody has waited for the engine; 0 while somebody does."""
        with self._changed:
            return 0.0 if self._busy else self._clock.monotonic() - self._quiet_since
