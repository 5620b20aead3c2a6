"""What `Runs` works with: the parts of the lab below it, its limits, and the durable past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from lab.clock import Clock
from lab.cluster.cluster import ClusterOptions
from lab.limits import Limits
from lab.runtime.node_files import NodeFiles
from lab.runtime.runtime import Runtime
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.timeline.timeline import History, Journal


class RunIndex(Protocol):
    """The durable past (`lab.store.store.Store`)."""

    def history(self, cluster: str) -> History:
        """Return what a timeline needs to go on."""
        ...

    def entries(self, cluster: str, first: int, last: int) -> tuple[Entry, ...]:
        """Return the entries with ``first <= seq <= last``."""
        ...

    def run(self, run_id: str) -> Run | None:
        """Return a run."""
        ...

    def recent_runs(self, cluster: str, count: int) -> tuple[Run, ...]:
        """Return a cluster's newest runs, the newest first."""
        ...

    def latest_run(self, cluster: str, example: str) -> Run | None:
        """Return the newest run of an example."""
        ...

    def live_runs(self) -> tuple[Run, ...]:
        """Return the runs without an end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParts:
    """What `Runs` works with."""

    clock: Clock
    journal: Journal
    index: RunIndex
    runtime: Runtime
    files: NodeFiles
    options: ClusterOptions = field(default_factory=ClusterOptions)
    limits: Limits = field(default_factory=Limits)
    free_disk: Callable[[], int | None] = lambda: None  # bytes, where learners write; None: that cannot be told
    engine_lost: Callable[[], None] = lambda: None  # called when runs were ended because the engine had stopped answering
    left_behind: Callable[[], None] = lambda: None  # called when the engine may still hold a container of a pod that has gone
