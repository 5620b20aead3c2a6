"""One append-only, typed log per learner's cluster: the record and the only synchronisation.

Two cursors: *appended* wakes the node's workers at once; *durable* is all that pages, streams and API answers show. The
store behind it is a `Journal`; this module knows nothing of databases. Readers pull with a cursor of their own, so a
slow one delays nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lab.clock import Clock, Condition
from lab.errors import HistoryExpired
from lab.timeline.facts import Entry, Fact


class Journal(Protocol):
    """Where entries become durable. One writer may serve many timelines and commit them in groups."""

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        """Register a timeline: ``on_durable(seq)`` is called, from any thread, when all entries up to seq are durable."""
        ...

    def submit(self, cluster: str, entry: Entry) -> None:
        """Queue one entry. Returns at once; entries of one cluster arrive, and become durable, in order."""
        ...


class MemoryJournal:
    """Durable means in memory: for tests and for a headless run that keeps nothing."""

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[int], None]] = {}

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        self._callbacks[cluster] = on_durable

    def submit(self, cluster: str, entry: Entry) -> None:
        self._callbacks[cluster](entry.seq)


class Timeline:
    """The log of one cluster. Thread-safe."""

    def __init__(self, cluster: str, clock: Clock, journal: Journal, *, history: Sequence[Entry] = ()) -> None:
        """Open the log; ``history`` holds what the store already has, in order, from some seq on (older ones have expired)."""
        self.cluster = cluster
        self.changed: Condition = clock.condition()
        self._clock = clock
        self._journal = journal
        self._entries: list[Entry] = list(history)
        self._first_seq = history[0].seq if history else 1
        self._durable = history[-1].seq if history else 0
        self._origin = clock.monotonic() - (history[-1].elapsed_seconds if history else 0.0)
        journal.open(cluster, self._mark_durable)

    @property
    def appended(self) -> int:
        """The seq of the last entry, durable or not; 0 when there is none."""
        return self._first_seq + len(self._entries) - 1

    @property
    def durable(self) -> int:
        """The seq up to which entries survive a crash of the lab; all that may be shown."""
        return self._durable

    @property
    def horizon(self) -> int:
        """The seq before the oldest entry still held; a reader may ask for what follows it."""
        return self._first_seq - 1

    def elapsed_seconds(self) -> float:
        """Return seconds since the timeline began, as the next entry would carry them."""
        return self._clock.monotonic() - self._origin

    def append(self, fact: Fact, *, pod_uid: str | None = None, container: str | None = None) -> Entry:
        """Append a fact and return its entry. Wakes every reader. Hold `changed` to make a check and an append one step."""
        with self.changed:
            entry = Entry(
                seq=self.appended + 1,
                at=self._clock.now(),
                elapsed_seconds=self.elapsed_seconds(),
                pod_uid=pod_uid,
                container=container,
                fact=fact,
            )
            self._entries.append(entry)
            self._journal.submit(self.cluster, entry)
            self.changed.notify_all()
            return entry

    def read(self, after: int, *, upto: int | None = None, durable: bool = True) -> tuple[Entry, ...]:
        """Return the entries with ``after < seq <= upto`` (default: up to the chosen cursor). Raises HistoryExpired."""
        with self.changed:
            if after < self.horizon:
                raise HistoryExpired(
                    f"cannot read entries after {after} of cluster {self.cluster}: older than {self.horizon + 1} are gone; "
                    "start again from a snapshot"
                )
            end = self._durable if durable else self.appended
            end = end if upto is None else min(end, upto)
            start = after - self._first_seq + 1
            return tuple(self._entries[start : max(start, end - self._first_seq + 1)])

    def wait(self, after: int, *, timeout: float | None = None, durable: bool = True) -> tuple[Entry, ...]:
        """Block until there are entries after ``after`` and return them; an empty tuple after ``timeout`` seconds."""
        with self.changed:
            self.changed.wait_for(lambda: (self._durable if durable else self.appended) > after, timeout)
            return self.read(after, durable=durable)

    def _mark_durable(self, seq: int) -> None:
        with self.changed:
            if seq > self._durable:
                self._durable = seq
                self.changed.notify_all()
