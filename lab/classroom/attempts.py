"""How often somebody may guess: failures fade with time, and who has too many waits."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from lab.clock import Clock

KEPT_KEYS = 10_000  # addresses and names that are remembered; the oldest are forgotten first


@dataclass(slots=True)
class _Failures:
    count: float
    at: float


class Attempts:
    """Counts failures by key. A key has ``allowed`` of them at once, and gets one back every ``seconds`` / ``allowed``.
    Thread-safe."""

    def __init__(self, clock: Clock, *, allowed: int, seconds: float) -> None:
        self._clock = clock
        self._allowed = allowed
        self._fade_seconds = seconds / allowed
        self._lock = clock.condition()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_seconds(self, key: str) -> int:
        """Return after how many seconds the key may try again; 0 when it may now."""
        with self._lock:
            over = self._now(key) + 1 - self._allowed
            return max(0, math.ceil(over * self._fade_seconds))

    def failed(self, key: str) -> None:
        """Count a failure."""
        with self._lock:
            self._count(key, 1)

    def begin(self, *keys: str) -> int:
        """Count a try of every key as a failure before it is known to be one, so that who tries many times at once gets no more
        of them, and return 0; when one of them may not try, count nothing and return after how many seconds it may."""
        with self._lock:
            wait = max(self.wait_seconds(key) for key in keys)
            if not wait:
                for key in keys:
                    self._count(key, 1)
            return wait

    def succeeded(self, *keys: str) -> None:
        """Take back what `begin` counted."""
        with self._lock:
            for key in keys:
                self._count(key, -1)

    def _count(self, key: str, change: int) -> None:
        self._failures[key] = _Failures(max(0.0, self._now(key) + change), self._clock.monotonic())
        self._failures.move_to_end(key)
        while len(self._failures) > KEPT_KEYS:
            self._failures.popitem(last=False)

    def _now(self, key: str) -> float:
        known = self._failures.get(key)
        if known is None:
            return 0.0
        return max(0.0, known.count - (self._clock.monotonic() - known.at) / self._fade_seconds)
