"""Repeats: one manifest run several times, each time on a cluster of its own, one after the other.

All learners' repeats share a few places (`RepeatParts.at_once`) and take turns at them run by run, so that nobody waits for the
end of a long one, and their runs do not crowd the engine that they measure. A run is deleted a moment after its pods have
settled, and its cluster is given back when it has ended; the run stays readable.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from lab.clock import Clock
from lab.cluster import run_refused
from lab.cluster.clusters import passing_cluster
from lab.cluster.run_watch import RunWatch
from lab.cluster.runs import Runs
from lab.errors import LabError
from lab.timeline.facts import RunAborted
from lab.timeline.repeat import Repeat, RepeatEnd
from lab.timeline.run import Run

MOST_RUNS = 30  # of one repeat
SETTLING_SECONDS = 60.0  # for pods to become ready, or to show that they will not
LOOKING_SECONDS = 1.0  # between that and the delete
ENDING_SECONDS = 300.0  # beyond the grace period; whoever needs longer is no subject for thirty runs

_LOGGER = logging.getLogger(__name__)


class RepeatIndex(Protocol):
    """Where repeats are kept (`lab.store.store.Store`)."""

    def keep_repeat(self, repeat: Repeat) -> None:
        """Store a repeat as it is now."""
        ...

    def repeat(self, repeat_id: str) -> Repeat | None:
        """Return a repeat."""
        ...

    def latest_repeat(self, cluster: str, example: str) -> Repeat | None:
        """Return the newest repeat of an example that a learner began."""
        ...

    def unfinished_repeats(self) -> tuple[Repeat, ...]:
        """Return the repeats that nothing has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatParts:
    """What `Repeats` works with. ``at_once`` bounds the runs of all repeats that are live at a time; ``is_held(cluster)`` says
    that a learner starts nothing now, such as while their class is paused: call `Repeats.look_again` when that changes."""

    clock: Clock
    runs: Runs
    index: RepeatIndex
    at_once: int = 2
    is_held: Callable[[str], bool] = lambda cluster: False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOrder:
    """What a learner asks for: `Repeat`'s fields of these names."""

    cluster: str
    example: str
    manifest: str
    count: int
    verb: Literal["apply", "create"] = "apply"
    grace_period_seconds: int | None = None
    force: bool = False


class _Stopped(Exception):
    """The repeat ends before its last run."""

    def __init__(self, how: RepeatEnd, why: str) -> None:
        super().__init__(why)
        self.how = how
        self.why = why


class Repeats:
    """All repeats of the lab. Thread-safe; one lab process owns them."""

    def __init__(self, parts: RepeatParts) -> None:
        """Close what a lab that stopped left unfinished. Raises StoreError."""
        self._parts = parts
        self._changed = parts.clock.condition()
        self._going: dict[str, Repeat] = {}
        self._queue: deque[str] = deque()
        self._busy = 0
        self._closing = False
        for left in parts.index.unfinished_repeats():
            parts.index.keep_repeat(replace(left, ended="stopped", why="The lab was stopped meanwhile."))

    def start(self, order: RepeatOrder) -> Repeat:
        """Begin a repeat and return at once. Raises RunRefused when the learner has one that goes on, or the count is out of
        bounds."""
        if not 1 <= order.count <= MOST_RUNS:
            raise run_refused.bad_count(order.count, MOST_RUNS)
        with self._changed:
            if self._closing:
                raise run_refused.stopping()
            if any(repeat.cluster == order.cluster for repeat in self._going.values()):
                raise run_refused.repeat_goes_on()
            repeat = Repeat(
                id=secrets.token_hex(6),
                opened_at=self._parts.clock.now(),
                cluster=order.cluster,
                example=order.example,
                manifest=order.manifest,
                verb=order.verb,
                count=order.count,
                grace_period_seconds=order.grace_period_seconds,
                force=order.force,
            )
            self._parts.index.keep_repeat(repeat)
            self._going[repeat.id] = repeat
            self._queue.append(repeat.id)
        self._parts.clock.spawn(f"repeat {repeat.id}", self._go, repeat.id)
        return repeat

    def get(self, repeat_id: str) -> Repeat | None:
        """Return a repeat as it stands."""
        with self._changed:
            going = self._going.get(repeat_id)
        return going or self._parts.index.repeat(repeat_id)

    def latest(self, cluster: str, example: str) -> Repeat | None:
        """Return the newest repeat of an example that a learner began."""
        with self._changed:
            going = [r for r in self._going.values() if (r.cluster, r.example) == (cluster, example)]
        return going[0] if going else self._parts.index.latest_repeat(cluster, example)

    def before(self, repeat_id: str) -> int:
        """Return how many repeats have their turn before this one's next run; 0 for one whose run goes on."""
        with self._changed:
            return self._queue.index(repeat_id) if repeat_id in self._queue else 0

    def look_again(self) -> None:
        """Somebody is held, or not any more."""
        with self._changed:
            self._changed.notify_all()

    def cancel(self, repeat_id: str) -> None:
        """End a repeat and its run that goes on. Nothing happens to one that has ended."""
        self._end(repeat_id, "cancelled", "Cancelled.")

    def cancel_all(self, cluster: str) -> None:
        """End a learner's repeat, if one goes on."""
        with self._changed:
            going = [repeat.id for repeat in self._going.values() if repeat.cluster == cluster]
        for repeat_id in going:
            self.cancel(repeat_id)

    def close(self) -> None:
        """End every repeat, because the lab stops. Idempotent."""
        with self._changed:
            self._closing = True
            going = list(self._going)
        for repeat_id in going:
            self._end(repeat_id, "stopped", "The lab was stopped.")

    # --- one repeat, on its own thread ----------------------------------------------------------------------------

    def _go(self, repeat_id: str) -> None:
        try:
            while (repeat := self._unfinished(repeat_id)) is not None and len(repeat.runs) < repeat.count:
                with self._turn(repeat_id) as has_turn:
                    if has_turn:
                        self._run_once(repeat)
            self._end(repeat_id, "done", "")
        except _Stopped as stopped:
            self._end(repeat_id, stopped.how, stopped.why)
        except LabError as error:
            self._end(repeat_id, "stopped", str(error))
        except Exception as error:
            _LOGGER.exception("cannot go on with repeat %s", repeat_id)
            self._end(repeat_id, "stopped", f"The lab failed: {type(error).__name__}: {error}. Its log says more.")

    @contextmanager
    def _turn(self, repeat_id: str) -> Iterator[bool]:
        """Wait for a place; yield whether there is one, or the repeat has been ended meanwhile. Then queue up again, last."""
        with self._changed:
            self._changed.wait_for(lambda: repeat_id not in self._going or self._is_next(repeat_id))
            has_turn = repeat_id in self._going
            if repeat_id in self._queue:
                self._queue.remove(repeat_id)
            self._busy += has_turn
            self._changed.notify_all()
        try:
            yield has_turn
        finally:
            with self._changed:
                self._busy -= has_turn
                if repeat_id in self._going:
                    self._queue.append(repeat_id)
                self._changed.notify_all()

    def _is_next(self, repeat_id: str) -> bool:
        """Whether it is this one's turn; those that are held keep their places and let others go on."""
        free = (waiting for waiting in self._queue if not self._parts.is_held(self._going[waiting].cluster))
        return self._busy < self._parts.at_once and next(free, None) == repeat_id

    def _run_once(self, repeat: Repeat) -> None:
        """Run the manifest once on a new cluster, and give that back. Raises _Stopped, LabError."""
        runs = self._parts.runs
        cluster = passing_cluster(repeat.cluster)
        try:
            runs.prepare(cluster)
            run = runs.open(cluster, repeat.example, repeat.manifest, verb=repeat.verb)
            if not self._note(repeat.id, run):
                runs.abort(run.id, why="Cancelled with its repeat.", by="learner")
            watch = RunWatch(runs.timeline(cluster), run)
            watch.wait_for_turn()
            self._see_through(repeat, watch)
        finally:
            runs.discard(cluster)
        if isinstance(watch.ended, RunAborted):
            raise _Stopped("stopped", watch.ended.why)
        if not watch.pods:
            raise _Stopped("refused", "The API server accepted no Pod of the manifest.")

    def _see_through(self, repeat: Repeat, watch: RunWatch) -> None:
        """Delete the run's pods once they have settled, and wait for its end."""
        runs = self._parts.runs
        watch.wait_until_settled(SETTLING_SECONDS)
        watch.wait_for_end(LOOKING_SECONDS)
        runs.delete(watch.run.id, grace_period_seconds=repeat.grace_period_seconds, force=repeat.force)
        if not watch.wait_for_end(ENDING_SECONDS + (repeat.grace_period_seconds or 0)):
            runs.abort(watch.run.id, why="It did not end in time for a repeat.", by="limit")
            watch.wait_for_end(ENDING_SECONDS)

    # --- its state ------------------------------------------------------------------------------------------------

    def _unfinished(self, repeat_id: str) -> Repeat | None:
        with self._changed:
            return self._going.get(repeat_id)

    def _note(self, repeat_id: str, run: Run) -> bool:
        """Add a run; return whether the repeat still goes on."""
        with self._changed:
            repeat = self._going.get(repeat_id)
            if repeat is None:
                return False
            self._going[repeat_id] = repeat = replace(repeat, runs=(*repeat.runs, run.id))
            self._parts.index.keep_repeat(repeat)
            return True

    def _end(self, repeat_id: str, how: RepeatEnd, why: str) -> None:
        with self._changed:
            repeat = self._going.pop(repeat_id, None)
            if repeat_id in self._queue:
                self._queue.remove(repeat_id)
            self._changed.notify_all()
            if repeat is None:
                return
            self._parts.index.keep_repeat(replace(repeat, ended=how, why=why))
        if repeat.runs and how in ("cancelled", "stopped"):
            self._parts.runs.abort(repeat.runs[-1], why="Cancelled with its repeat.", by="learner")
