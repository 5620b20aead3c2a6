"""The runs that live, and the lock that all who act on runs share.

Reading takes no lock: every page and stream comes by here, and whoever opens a run holds it.
"""

from __future__ import annotations

from lab.clock import Clock
from lab.cluster.live_run import LiveRun


class LiveRuns:
    """The live runs by id, oldest first. Hold ``changed`` to change what they are."""

    def __init__(self, clock: Clock) -> None:
        self.changed = clock.condition()
        self._runs: dict[str, LiveRun] = {}

    def known(self, run_id: str) -> LiveRun | None:
        """Return a live run, also one that is being ended."""
        return self._runs.get(run_id)

    def find(self, run_id: str) -> LiveRun | None:
        """Return a live run that is not being ended."""
        live = self._runs.get(run_id)
        return None if live is None or live.ending else live

    def every(self) -> list[LiveRun]:
        """Return all of them, also those that are being ended."""
        return list(self._runs.values())  # in one step

    def of(self, cluster_id: str) -> list[LiveRun]:
        """Return a cluster's."""
        return [live for live in self.every() if live.run.cluster == cluster_id]

    def add(self, live: LiveRun) -> None:
        """A run is opened."""
        with self.changed:
            self._runs[live.run.id] = live

    def remove(self, live: LiveRun) -> None:
        """A run has its end; whoever waits for that is told."""
        with self.changed:
            self._runs.pop(live.run.id, None)
            self.changed.notify_all()
