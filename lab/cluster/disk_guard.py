"""Keeps a learner from filling the disk that all share.

The engine's overlay has no quota for what a container writes to its own file system, so the lab measures it: when the disk has
become fuller by a part of a learner's limit, and now and then. What a run has written beyond the limit before it is seen is what
the disk takes in a moment; a single file is bounded by the kernel (`lab.runtime.hardening`), volumes by their mounts.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.clock import Clock
from lab.cluster.clusters import learner_of
from lab.cluster.run_refused import size
from lab.errors import EngineError
from lab.runtime.runtime import Written

LOOK_SECONDS = 1.0  # to ask the file system costs nothing
MEASURE_SECONDS = 60.0  # the engine walks through every file
_PARTS = 8  # of a learner's limit that the disk must fill by before it is measured at once

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskGuardParts:
    """``free`` says how many bytes are free, ``written`` what each container has written; ``abort(run_id, why)`` ends a run."""

    clock: Clock
    free: Callable[[], int | None]
    written: Callable[[], tuple[Written, ...]]
    abort: Callable[[str, str], None]
    learner_limit_bytes: int


class DiskGuard:
    """Watches on a thread of its own."""

    def __init__(self, parts: DiskGuardParts) -> None:
        self._parts = parts
        self._changed = parts.clock.condition()
        self._closed = False
        self._thread = parts.clock.spawn("disk guard", self._run)

    def close(self) -> None:
        """Stop watching. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        parts = self._parts
        fullest, measured = parts.free(), parts.clock.monotonic()
        while not self._is_closed_after(LOOK_SECONDS):
            free, now = parts.free(), parts.clock.monotonic()
            filled = 0 if free is None or fullest is None else fullest - free
            if filled >= parts.learner_limit_bytes // _PARTS or now >= measured + MEASURE_SECONDS:
                self._measure()
                fullest, measured = free, now
            elif filled < 0:
                fullest = free

    def _measure(self) -> None:
        try:
            written = self._parts.written()
        except EngineError as error:
            _LOGGER.info("%s; the disk is looked at again later", error)
            return
        for run_id, amount in over_limit(written, self._parts.learner_limit_bytes):
            limit = f"the lab's limit for all containers of a learner is {size(self._parts.learner_limit_bytes)}"
            self._parts.abort(run_id, f"Its containers had written {size(amount)} to their file systems; {limit}.")

    def _is_closed_after(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, seconds)


def over_limit(written: Iterable[Written], limit_bytes: int) -> tuple[tuple[str, int], ...]:
    """Return the runs to end, with what they have written: of each learner the largest, until the rest is within the limit."""
    learners: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for found in written:
        learners[learner_of(found.cluster)][found.run_id] += found.size_bytes
    ending = []
    for runs in learners.values():
        total = sum(runs.values())
        for run_id, amount in sorted(runs.items(), key=lambda item: item[1], reverse=True):
            if total > limit_bytes:
                ending.append((run_id, amount))
                total -= amount
    return tuple(ending)
