"""One append-only, typed log per learner's cluster: the record and the only synchronisation.

Two cursors: *appended* wakes the node's workers at once; *durable* is all that pages, streams and API answers show. The
store behind it is a `Journal`; this module knows nothing of databases. Readers pull with a cursor of their own, so a
slow one delays nobody. Only the newest entries stay in memory: what is older than the *horizon* is folded into `base`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from lab.clock import Clock, Condition
from lab.errors import HistoryExpired
from lab.timeline.facts import Entry, Fact
from lab.timeline.folds import ClusterView, fold

KEEP_ENTRIES = 20_000  # about 20 MB; a class of thirty learners' longest afternoon is a tenth of it each


class Journal(Protocol):
    """Where entries become durable. One writer may serve many timelines and commit them in groups."""

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        """Register a timeline: ``on_durable(seq)`` is called, from any thread, when all entries up to seq are durable."""
        ...

    def submit(self, cluster: str, entry: Entry) -> None:
        """Queue one entry. Returns at once; entries of one cluster arrive, and become durable, in order. Raises StoreError
        when it cannot take the entry, which then never happened."""
        ...


class MemoryJournal:
    """Durable means in memory: for tests and for a headless run that keeps nothing."""

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[int], None]] = {}

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        """Remember whom to tell."""
        self._callbacks[cluster] = on_durable

    def submit(self, cluster: str, entry: Entry) -> None:
        """Call the entry durable at once."""
        self._callbacks[cluster](entry.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A timeline's durable past: the cluster view at the horizon, ``base.seq``, and every entry after it."""

    base: ClusterView = field(default_factory=ClusterView)
    entries: tuple[Entry, ...] = ()


class Timeline:
    """The log of one cluster. Thread-safe."""

    def __init__(
        self, cluster: str, clock: Clock, journal: Journal, *, history: History | None = None, keep: int = KEEP_ENTRIES
    ) -> None:
        """Open the log where ``history`` ends. ``keep`` durable entries stay in memory, and more while they are pinned."""
        history = history or History()
        self.cluster = cluster
        self.changed: Condition = clock.condition()
        self._shown: Condition = clock.condition()  # whoever waits for what is durable: a whole class, in nobody's way
        self._clock = clock
        self._journal = journal
        self._keep = keep
        self._base = history.base
        self._entries = list(history.entries)
        self._pins: Counter[int] = Counter()
        self._durable = self.appended
        self._dismissed = False
        self._origin = clock.monotonic() - (self._entries[-1].elapsed_seconds if self._entries else 0.0)
        journal.open(cluster, self._mark_durable)

    @property
    def appended(self) -> int:
        """The seq of the last entry, durable or not; 0 when there is none."""
        return self._base.seq + len(self._entries)

    @property
    def durable(self) -> int:
        """The seq up to which entries survive a crash of the lab; all that may be shown."""
        return self._durable

    @property
    def horizon(self) -> int:
        """The seq before the oldest entry still held; a reader may ask for what follows it."""
        return self._base.seq

    @property
    def dismissed(self) -> bool:
        """Whether the lab is stopping: whoever follows should leave."""
        return self._dismissed

    @property
    def base(self) -> ClusterView:
        """The cluster view at the horizon; folding what follows over it gives any later view."""
        return self._base

    def view(self) -> ClusterView:
        """Return the cluster view after the last entry appended. Costs a fold over everything held; keep the result."""
        with self.changed:
            return fold(self._entries, self._base)

    def elapsed_seconds(self) -> float:
        """Return seconds since the timeline began, as the next entry would carry them."""
        return self._clock.monotonic() - self._origin

    def append(self, fact: Fact, *, pod_uid: str | None = None, container: str | None = None) -> Entry:
        """Append a fact and return its entry. Wakes every reader. Hold `changed` to make a check and an append one step.
        Raises StoreError when the journal cannot take it; nothing was appended then."""
        with self.changed:
            entry = Entry(
                seq=self.appended + 1,
                at=self._clock.now(),
                elapsed_seconds=self.elapsed_seconds(),
                pod_uid=pod_uid,
                container=container,
                fact=fact,
            )
            self._journal.submit(self.cluster, entry)
            self._entries.append(entry)
            self.changed.notify_all()
            return entry

    def read(self, after: int, *, upto: int | None = None, durable: bool = True) -> tuple[Entry, ...]:
        """Return the entries with ``after < seq <= upto`` (default: up to the chosen cursor). Raises HistoryExpired."""
        with self.changed:
            self._require_held(after)
            end = self._durable if durable else self.appended
            end = end if upto is None else min(end, upto)
            start = after - self.horizon
            return tuple(self._entries[start : max(start, end - self.horizon)])

    def wait(
        self,
        after: int,
        *,
        timeout: float | None = None,
        durable: bool = True,
        called: Callable[[], bool] = lambda: False,
    ) -> tuple[Entry, ...]:
        """Block until there are entries after ``after`` and return them; an empty tuple after ``timeout`` seconds, when followers
        are dismissed, and when ``called()``, which is asked after every `nudge`, with a lock held. Raises HistoryExpired."""
        condition = self._shown if durable else self.changed
        with condition:
            condition.wait_for(
                lambda: self._dismissed or (self._durable if durable else self.appended) > after or called(), timeout
            )
        return self.read(after, durable=durable)

    def nudge(self) -> None:
        """Have every `wait` ask again whether it is called."""
        for condition in (self.changed, self._shown):
            with condition:
                condition.notify_all()

    def dismiss(self) -> None:
        """Make every `wait`, present and later, return at once. Appending goes on."""
        self._dismissed = True
        self.nudge()

    def pin(self, seq: int) -> None:
        """Keep every entry from ``seq`` on in memory until `release` was called as often. Raises HistoryExpired."""
        with self.changed:
            self._require_held(seq - 1)
            self._pins[seq] += 1

    def release(self, seq: int) -> None:
        """Take back one `pin`."""
        with self.changed:
            if self._pins[seq] <= 0:
                raise ValueError(f"cannot release entry {seq} of cluster {self.cluster}: it is not pinned; pin it first")
            self._pins[seq] -= 1
            self._pins += Counter()  # forgets those that are zero
            self._forget()

    def _require_held(self, after: int) -> None:
        if after < self.horizon:
            raise HistoryExpired(
                f"cannot read entries after {after} of cluster {self.cluster}: memory holds those after {self.horizon}; "
                "read older ones from the store, or start again from the view at the horizon"
            )

    def _mark_durable(self, seq: int) -> None:
        with self.changed:
            if seq > self._durable:
                self._durable = seq
                self._forget()
                self.changed.notify_all()
        with self._shown:
            self._shown.notify_all()

    def _forget(self) -> None:
        """Fold the oldest durable entries into the base when there are too many: a tenth more than needed, so that it is rare."""
        surplus = self._durable - self.horizon - self._keep
        if surplus > 0:
            unpinned = min(self._pins, default=self._durable + 1) - 1 - self.horizon
            count = min(surplus + self._keep // 10, unpinned, len(self._entries))
            self._base = fold(self._entries[:count], self._base)
            del self._entries[:count]
