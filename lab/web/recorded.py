"""Runs that were recorded when the lessons were written: shown where the learner has not run an example yet, and never taken for
a run of theirs."""

from __future__ import annotations

import threading
from collections import OrderedDict

from lab.lessons import Catalog, Example
from lab.lessons.recordings import read_recording
from lab.timeline.bundle import Bundle
from lab.timeline.facts import Entry
from lab.timeline.run import Run

PREFIX = "recorded-"  # of the ids of such runs
KEPT_IN_MEMORY = 64  # recordings that were read last


class RecordedRuns:
    """The recordings of a catalog. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ids = {recorded_id(example): example for example in catalog.examples}
        self._lock = threading.Lock()
        self._read: OrderedDict[str, Bundle] = OrderedDict()

    def of(self, example: Example) -> Run | None:
        """Return the recorded run of an example, if there is one of its present manifest."""
        return self.run(recorded_id(example))

    def run(self, run_id: str) -> Run | None:
        """Return such a run."""
        bundle = self.bundle(run_id)
        return bundle.run(run_id) if bundle else None

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return its entries after ``after``."""
        bundle = self.bundle(run_id)
        return tuple(entry for entry in bundle.entries_as(run_id) if entry.seq > after) if bundle else ()

    def bundle(self, run_id: str) -> Bundle | None:
        """Return what is known of such a run; None when it is none."""
        example = self._ids.get(run_id)
        if example is None:
            return None
        with self._lock:
            if run_id in self._read:
                self._read.move_to_end(run_id)
                return self._read[run_id]
        bundle = read_recording(self._catalog.root, example)
        if bundle is not None:
            with self._lock:
                self._read[run_id] = bundle
                while len(self._read) > KEPT_IN_MEMORY:
                    self._read.popitem(last=False)
        return bundle


def recorded_id(example: Example) -> str:
    """Return the id of an example's recorded run."""
    return PREFIX + example.id.replace("/", "--")
