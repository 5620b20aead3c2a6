"""A run while it goes on, and how it is brought to its end.

An end is a fact. While the store takes none, the run is *ending*: its pods are off the node already, nobody can act on it any
more, and its end is written as soon as the store works again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from lab.cluster.cluster import Cluster
from lab.errors import StoreError
from lab.logs import note
from lab.timeline.facts import HoldPoint, RunAborted, RunClosed
from lab.timeline.run import Run

_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class LiveRun:
    """``pods`` are the uids of those it created, ``commands`` counts the kubectl commands that have not answered yet. In the
    clock's seconds, ``began`` is when its first manifest was submitted, None while that waits for its turn; ``used`` when its
    learner last acted on it; until ``starting_until`` its pods count as being started. ``is_passing`` says that it is on a
    cluster of its own, a repeat's."""

    run: Run
    cluster: Cluster
    used: float
    is_passing: bool = False
    began: float | None = None
    starting_until: float = float("inf")
    pods: set[str] = field(default_factory=set)
    commands: int = 0
    hold_points: tuple[HoldPoint, ...] = ()
    ending: bool = False

    def __post_init__(self) -> None:
        """Note that it was opened."""
        note(_LOGGER, "run opened", run=self.run.id, cluster=self.run.cluster, example=self.run.example)

    def drop_pods(self) -> None:
        """End its pods at once, on the node and on the API. Raises StoreError; they are off the node then, too."""
        pods = frozenset(self.pods)
        self.cluster.node.abort(pods)
        self.cluster.registry.drop(pods)

    def end(self, how: RunClosed | RunAborted) -> bool:
        """Write its end, an aborted run's pods dropped first; False when the store cannot take it: call again."""
        timeline = self.cluster.timeline
        try:
            if isinstance(how, RunAborted):
                self.drop_pods()
            entry = timeline.append(how)
        except StoreError as error:
            _LOGGER.warning("cannot write the end of run %s: %s", self.run.id, error)
            return False
        timeline.release(self.run.first_seq)
        by = how.by if isinstance(how, RunAborted) else None
        note(_LOGGER, "run ended", run=self.run.id, cluster=self.run.cluster, example=self.run.example, by=by, why=how.why)
        self.run = replace(self.run, last_seq=entry.seq, ended=how)
        return True
