"""How many requests a visitor may make: a bucket of a minute's requests each, which fills again as time goes by.

In a classroom alone: in a lab for one nobody takes anything from anybody. Strangers are counted by the address they come from,
since they can be somebody new at every request. What a page asks for by itself, its stream and its sign of life, comes out of a
second bucket of the same size, so that it never keeps its learner from anything; files are not counted. Only the buckets of those
who have asked lately are kept.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.exceptions import TooManyRequests

from lab.clock import Clock
from lab.web.identity import Identities

MINUTE = 60.0
MOST_BUCKETS = 10_000  # then those that are full again are forgotten
UNCOUNTED = frozenset({"lab.static", "lab.healthz", "lab.readyz", "lab.metrics"})


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Pace:
    """All visitors' buckets. Thread-safe."""

    def __init__(self, clock: Clock, requests_per_minute: int) -> None:
        self._clock = clock
        self._most = float(requests_per_minute)
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> float:
        """Take one request out of somebody's bucket; return after how many seconds there is one again, 0 when there was."""
        with self._lock:
            now = self._clock.monotonic()
            if len(self._buckets) >= MOST_BUCKETS and key not in self._buckets:
                self._buckets = {known: b for known, b in self._buckets.items() if self._left(b, now) < self._most}
            bucket = self._buckets.setdefault(key, _Bucket(self._most, now))
            bucket.left, bucket.at = self._left(bucket, now), now
            if bucket.left < 1:
                return (1 - bucket.left) * MINUTE / self._most
            bucket.left -= 1
            return 0.0

    def _left(self, bucket: _Bucket, now: float) -> float:
        return min(self._most, bucket.left + (now - bucket.at) * self._most / MINUTE)


def add_pace(blueprint: Blueprint, identities: Identities, pace: Pace) -> None:
    """Refuse the requests of the app that come too fast, after the guard's checks."""

    @blueprint.before_app_request
    def keep_pace() -> None:
        if request.endpoint in UNCOUNTED:
            return
        visitor = identities.visitor()
        key = f"address {identities.address()}" if visitor.role == "stranger" else visitor.key
        wait = pace.take(f"{key}'s pages" if _is_of_itself() else key)
        if wait:
            raise TooManyRequests(retry_after=math.ceil(wait))


def _is_of_itself() -> bool:
    """Whether a page asks, and nobody who uses it."""
    return request.endpoint == "lab.here" or (request.url_rule is not None and request.url_rule.rule.endswith("stream"))
