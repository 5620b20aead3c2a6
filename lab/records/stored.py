"""Rows' source without a lab: what its store holds."""

from __future__ import annotations

from collections.abc import Sequence

from lab.lessons.progress import Mark
from lab.store.store import Store
from lab.timeline.facts import Entry
from lab.timeline.folds import concerns, pods_created_by
from lab.timeline.run import Run

MOST_RUNS = 10_000  # of one learner: a day of one every few seconds


class Stored:
    """Reads a store, also one that a lab is writing to. Every method raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def marks(self, cluster: str) -> Sequence[Mark]:
        """Return a learner's marks of progress."""
        return self._store.progress.of(cluster)

    def runs(self, cluster: str) -> Sequence[Run]:
        """Return a learner's runs, oldest first."""
        return self._store.recent_runs(cluster, MOST_RUNS)[::-1]

    def entries(self, run: Run) -> Sequence[Entry]:
        """Return the entries that concern a run."""
        span = self._store.entries(run.cluster, run.first_seq, run.last_seq)
        pods = pods_created_by(span, run.id)
        return tuple(entry for entry in span if concerns(entry, run.id, pods))
