"""Runs that were, and those that are, to be read: from memory while they live, and from the store."""

from __future__ import annotations

from lab.clock import Clock
from lab.cluster.clusters import Clusters
from lab.cluster.live_runs import LiveRuns
from lab.cluster.registry import Registry
from lab.cluster.run_parts import RunIndex
from lab.errors import HistoryExpired
from lab.timeline.facts import Entry, RunAborted
from lab.timeline.folds import concerns, pods_created_by
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline


class RunRecords:
    """All runs of the lab."""

    def __init__(self, clock: Clock, index: RunIndex, clusters: Clusters, live: LiveRuns) -> None:
        self._clock = clock
        self._index = index
        self._clusters = clusters
        self._live = live

    def get(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        live = self._live.known(run_id)
        return live.run if live else self._index.run(run_id)

    def latest(self, cluster_id: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        live = [live.run for live in self._live.of(cluster_id) if live.run.example == example]
        return live[-1] if live else self._index.latest_run(cluster_id, example)

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the durable entries after ``after`` that concern a run, in order; nothing for an unknown run."""
        run = self.get(run_id)
        if run is None:
            return ()
        if self._clusters.opened_timeline(run.cluster) is None and run.last_seq is not None:  # nobody uses its cluster any more
            span = self._index.entries(run.cluster, run.first_seq, run.last_seq)
        else:
            span = self._span(run, self._clusters.timeline(run.cluster), durable=True)
        pods = pods_created_by(span, run_id)
        return tuple(e for e in span if e.seq > after and concerns(e, run_id, pods))

    def recover(self) -> tuple[Run, ...]:
        """Close what a lab that stopped left live, and return those runs."""
        left = self._index.live_runs()
        for run in left:
            timeline = self._clusters.timeline(run.cluster)
            registry = Registry(timeline, self._clock, view=timeline.view())
            registry.drop(pods_created_by(self._span(run, timeline, durable=False), run.id))
            why = "The lab was stopped while this run was live; its containers were removed when the lab started again."
            timeline.append(RunAborted(run_id=run.id, why=why, by="restart"))
        return left

    def _span(self, run: Run, timeline: Timeline, *, durable: bool) -> tuple[Entry, ...]:
        """Return a run's entries, with those of other runs that were live meanwhile."""
        last = run.last_seq or (timeline.durable if durable else timeline.appended)
        try:
            return timeline.read(run.first_seq - 1, upto=last, durable=durable)
        except HistoryExpired:
            return self._index.entries(run.cluster, run.first_seq, last)
