"""The learners' clusters and their timelines: opened when first asked for, given back when nobody needs them.

A timeline may be read without its cluster, whose node works only once there is something to run.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.cluster.cluster import Cluster
from lab.cluster.run_parts import RunParts
from lab.errors import EngineError
from lab.timeline.timeline import Timeline

FAREWELL_SECONDS = 2.0  # for the last entries to become durable

_PASSING = re.compile(r"(.+)-[0-9a-f]{8}")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeListener:
    """Who is told what a node cannot deal with itself; see `lab.cluster.node.Node`."""

    cleared: Callable[[str, str], None]
    started: Callable[[str], None]
    left_behind: Callable[[str], None]
    engine_lost: Callable[[str], None]
    failed: Callable[[str, str], None]


def passing_cluster(learner: str) -> str:
    """Return the name of a new cluster that a learner has for one run, beside their own."""
    return f"{learner}-{secrets.token_hex(4)}"


def learner_of(cluster: str) -> str:
    """Return whose cluster it is: their own, or one for a single run."""
    match = _PASSING.fullmatch(cluster)
    return match[1] if match else cluster


class Clusters:
    """All clusters of the lab. Thread-safe; it never calls its listener while it holds its lock."""

    def __init__(self, parts: RunParts, listener: NodeListener) -> None:
        self._parts = parts
        self._listener = listener
        self._changed = parts.clock.condition()
        self._timelines: dict[str, Timeline] = {}
        self._clusters: dict[str, Cluster] = {}
        self._being_opened: set[str] = set()
        self._closing = False

    def timeline(self, cluster_id: str) -> Timeline:
        """Return the log of a cluster, opening it when needed. Raises StoreError."""
        opened = self._timelines.get(cluster_id)
        if opened is not None:
            return opened
        with self._opening(cluster_id):
            return self._timeline(cluster_id)

    def opened_timeline(self, cluster_id: str) -> Timeline | None:
        """Return the log of a cluster that somebody uses."""
        return self._timelines.get(cluster_id)

    def cluster(self, cluster_id: str) -> Cluster:
        """Return a cluster, starting its node when needed. Raises StoreError."""
        started = self._clusters.get(cluster_id)
        if started is not None:
            return started
        with self._opening(cluster_id):
            if cluster_id not in self._clusters:
                timeline = self._timeline(cluster_id)
                self._clusters[cluster_id] = Cluster(
                    timeline,
                    self._parts.clock,
                    self._parts.runtime,
                    self._parts.files,
                    view=timeline.view(),
                    options=self._parts.options,
                    cleared=self._listener.cleared,
                    started=self._listener.started,
                    engine_lost=self._listener.engine_lost,
                    failed=self._listener.failed,
                    left_behind=self._listener.left_behind,
                )
            return self._clusters[cluster_id]

    def pods_on_node(self, cluster_id: str) -> int:
        """Return how many pods are on a cluster's node; none when it has not been started."""
        with self._changed:
            cluster = self._clusters.get(cluster_id)
        return cluster.node.pods_running() if cluster else 0

    def discard(self, cluster_id: str) -> None:
        """Give back what a cluster without live runs holds on the engine, on disk and in memory. Blocks until it is cleared."""
        with self._changed:
            cluster = self._clusters.pop(cluster_id, None)
            timeline = self._timelines.get(cluster_id)
        if cluster is not None:
            cluster.close()
        try:
            self._parts.runtime.remove_cluster(cluster_id)
        except EngineError as error:
            _LOGGER.warning("cannot remove cluster %s: %s", cluster_id, error)
        self._parts.files.remove_cluster(cluster_id)
        if timeline is not None:
            _wait_until_durable(timeline)
            with self._changed:
                self._timelines.pop(cluster_id, None)
            timeline.dismiss()

    @contextmanager
    def _opening(self, cluster_id: str) -> Iterator[None]:
        """Be the only one who opens something of a cluster, while what others have opened is in use."""
        with self._changed:
            self._changed.wait_for(lambda: cluster_id not in self._being_opened)
            self._being_opened.add(cluster_id)
        try:
            yield
        finally:
            with self._changed:
                self._being_opened.discard(cluster_id)
                self._changed.notify_all()

    def _timeline(self, cluster_id: str) -> Timeline:
        if cluster_id not in self._timelines:
            history = self._parts.index.history(cluster_id)
            self._timelines[cluster_id] = Timeline(cluster_id, self._parts.clock, self._parts.journal, history=history)
            if self._closing:
                self._timelines[cluster_id].dismiss()
        return self._timelines[cluster_id]

    def close(self) -> None:
        """Dismiss whoever follows a timeline once it is durable, and end every node. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._being_opened, FAREWELL_SECONDS)
            timelines = list(self._timelines.values())
            clusters = list(self._clusters.values())
        for timeline in timelines:
            _wait_until_durable(timeline)  # followers should see how it ended
            timeline.dismiss()
        for cluster in clusters:
            cluster.close()


def _wait_until_durable(timeline: Timeline) -> None:
    with timeline.changed:
        timeline.changed.wait_for(lambda: timeline.durable >= timeline.appended, FAREWELL_SECONDS)
