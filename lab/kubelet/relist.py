"""When the kubelet notices what its containers did by themselves: at the next relist, once a second.

The engine tells of an exit at once, and the truth view shows it; the kubelet's published status lags as the real one's does,
since what a learner sees of `Error`, `Completed` and `CrashLoopBackOff` comes from that lag. Source:
pkg/kubelet/pleg/generic.go, pkg/kubelet/pod_workers.go (an update that arrives during a pass makes another one), v1.36;
recorded traces D1, D19, E11.
"""

from __future__ import annotations

import math

from lab.kubelet.node_services import PodOnNode

RELIST_PERIOD_SECONDS = 1.0  # kubelet.go: plegRelistPeriod


class Relist:
    """The relist as one pod's worker sees it."""

    def __init__(self, on: PodOnNode) -> None:
        self._on = on
        self._origin = on.node.timeline.elapsed_seconds()

    @property
    def pending(self) -> bool:
        """Whether a container started or ended since the changes were last taken."""
        return bool(self._on.changes)

    def changed_during_pass(self, *, failed: bool) -> bool:
        """Whether the next pass is due because of what happened during the last one; waits until it is. A pass that succeeded
        asks for a relist at once; after one that failed the next relist is awaited, and what only that relist notices makes
        one more pass."""
        changes = self._take()
        if not changes or not failed:
            return bool(changes)
        now = self._now()
        noticed = [at for at in changes if self._tick(at) <= now]
        self._sleep_until(self._tick(now))
        if noticed:
            self._on.changes[:0] = [at for at in changes if at not in noticed]
        return True

    def seconds_until_tick(self, seconds: float) -> float:
        """Return ``seconds`` lengthened to the kubelet's next tick, which is what takes up a retry (kubelet.go: syncCh)."""
        now = self._now()
        return self._tick(now + seconds) - now

    def wait_until_noticed(self) -> None:
        """Wait for the relist that notices the pending changes, or for the pod's deletion."""
        self._sleep_until(self._tick(self._on.changes[0]))
        self._take()

    def _take(self) -> list[float]:
        with self._on.changed:
            changes, self._on.changes = self._on.changes, []
            return changes

    def _sleep_until(self, elapsed: float) -> None:
        self._on.wait_until(lambda: self._on.deleted, max(0.0, elapsed - self._now()))

    def _tick(self, elapsed: float) -> float:
        """Return the first relist after ``elapsed``."""
        return self._origin + (math.floor((elapsed - self._origin) / RELIST_PERIOD_SECONDS) + 1) * RELIST_PERIOD_SECONDS

    def _now(self) -> float:
        return self._on.node.timeline.elapsed_seconds()
