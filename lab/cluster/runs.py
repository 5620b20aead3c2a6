"""Runs: one press of Run each, as spans of their clusters' timelines.

Opens clusters on demand, submits manifests when it is their turn (`submissions`), and acts on live runs; how they end is the
affair of `run_ends`, what has become of them that of `run_records`. Everything it knows of a run is on the timeline.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

from lab.cluster import run_refused
from lab.cluster.admission import Usage
from lab.cluster.attention import Attention
from lab.cluster.cluster import Cluster
from lab.cluster.clusters import Clusters, NodeListener, learner_of
from lab.cluster.demand import demands_in
from lab.cluster.live_run import LiveRun
from lab.cluster.live_runs import LiveRuns
from lab.cluster.node import Node
from lab.cluster.run_ends import RunEnds
from lab.cluster.run_parts import RunParts
from lab.cluster.run_records import RunRecords
from lab.cluster.run_refused import RunRefused
from lab.cluster.submissions import NAMESPACE
from lab.errors import StoreError
from lab.pods.review import review
from lab.timeline.facts import Entry, HoldPoint, HoldPointsChosen, RunOpened
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline

__all__ = ["RunParts", "RunRefused", "Runs"]

FRESH_TIMEOUT_SECONDS = 20.0  # for what a fresh run replaces to be cleared

_LOGGER = logging.getLogger(__name__)


class Runs:
    """All runs of the lab. Thread-safe; one lab process owns them."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts
        self._live = LiveRuns(parts.clock)
        self._changed = self._live.changed
        self._attention = Attention(parts.clock)
        self._ends = ends = RunEnds(parts, self._live, self._attention)
        self._submissions = ends.submissions
        self._clusters = Clusters(
            parts,
            NodeListener(
                cleared=ends.pod_cleared,
                started=ends.pod_started,
                left_behind=ends.left_behind,
                engine_lost=ends.engine_lost,
                failed=ends.failed,
            ),
        )
        self._records = RunRecords(parts.clock, parts.index, self._clusters, self._live)
        self._clearing: set[str] = set()  # clusters that are being cleared, for a fresh run or because nobody uses them

    def open(
        self,
        cluster_id: str,
        example: str,
        manifest: str,
        *,
        verb: Literal["apply", "create"] = "apply",
        fresh: bool = False,
        hold_points: tuple[HoldPoint, ...] = (),
    ) -> Run:
        """Submit a manifest as `kubectl apply` (or create) does, and return the run at once; what happens is on the timeline.
        On a live run of the example the manifest is applied there. ``fresh`` first ends that run, and any other whose pods
        have the same names, on a clean node. The kubelet is held at ``hold_points``. While the machine is full the run waits for
        its turn. Raises RunRefused."""
        self._require_disk()
        pods = demands_in(manifest, self._parts.limits)
        opened: LiveRun | None = None
        try:
            with self._cleared_for(cluster_id, example, manifest, fresh=fresh) as cluster:
                self._require_room(cluster)
                live = next((v for v in self._live.of(cluster_id) if v.run.example == example and not v.ending), None)
                if live is not None:
                    self._submissions.require_no_wait(live)
                demand = self._submissions.needed(cluster, pods)
                if live is None:
                    live = opened = self._opened(cluster, example, manifest)
                self._use(live)
                self._choose_hold_points(cluster, live, hold_points)
                submission = self._submissions.add(live, verb, manifest, demand)
        finally:
            if opened is not None:
                self._ends.watch(opened)  # without the lock: a thread takes a while to start
        if submission is not None:
            self._submissions.submit(submission)
        return live.run

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        """Delete the run's pods (or one of them) as `kubectl delete pod` does, and return at once. What waits for its turn is not
        submitted any more. Nothing happens to an ended run."""
        with self._changed:
            live = self._live.find(run_id)
            if live is None:
                return
            self._use(live)
            waited = self._submissions.leave(live)
        if waited:
            self._ends.close_if_done(live)
            self._ends.go_on()
        cluster = live.cluster
        args: tuple[str, ...] = () if grace_period_seconds is None else (f"--grace-period={grace_period_seconds}",)
        args += ("--force",) if force else ()
        names = [
            o["metadata"]["name"] for o in cluster.registry.view().list("Pod", NAMESPACE) if o["metadata"]["uid"] in live.pods
        ]
        for name in names if pod is None else [name for name in names if name == pod]:
            with self._changed:
                live.commands += 1
            self._parts.clock.spawn(f"delete {name}", self._delete_pod, live, name, args)

    def proceed(self, run_id: str, *, held_seq: int | None = None, to_the_end: bool = False) -> bool:
        """Let the kubelet go on from the hold of entry ``held_seq``, or from all; ``to_the_end`` without further stops. Returns
        whether it was held there."""
        with self._changed:
            live = self._live.find(run_id)
            if live is None:
                return False
            self._use(live)
            if to_the_end:
                self._choose_hold_points(live.cluster, live, ())
        return live.cluster.node.proceed(run_id, None if to_the_end else held_seq, to_the_end=to_the_end)

    def node(self, run_id: str) -> Node | None:
        """Return the node of a live run."""
        live = self._live.find(run_id)
        return live.cluster.node if live else None

    def run_command(self, run_id: str, pod: str, container: str, command: tuple[str, ...]) -> bool:
        """Run a command in a container of a live run and return at once; what it printed is on the timeline. False when the
        container does not run, or too many of the run's commands have not ended."""
        live = self._live.find(run_id)
        if live is None:
            return False
        self._use(live)
        return live.cluster.node.run_command(run_id, pod, container, command)

    def clean_node(self, cluster_id: str) -> None:
        """Empty the cluster's node of all files. Raises RunRefused while a pod is on it or may come to it."""
        with self._changed:
            live = len(self.live(cluster_id))
            pods = self._clusters.pods_on_node(cluster_id)
            if live or pods:
                raise run_refused.node_in_use(live, pods)
            self._attention.use(cluster_id)
            self._parts.files.reset(cluster_id)

    def prepare(self, cluster_id: str) -> None:
        """Create what a cluster's first run would wait for: its node and its network. Raises EngineError, StoreError."""
        with self._changed:
            self._changed.wait_for(lambda: cluster_id not in self._clearing)
            self._attention.use(cluster_id)
        self._clusters.cluster(cluster_id)
        self._parts.runtime.prepare_cluster(cluster_id)

    def following(self, cluster_id: str, examples: Collection[str]) -> AbstractContextManager[None]:
        """Say, while it is entered, that a page shows the runs of these examples in a cluster: they are not idle. Without any the
        page follows the cluster's timeline alone."""
        return self._attention.following(cluster_id, examples)

    def usage(self) -> Usage:
        """Return what pods hold of the machine now, learner by learner, and how many runs wait for their turn."""
        with self._changed:
            return self._submissions.usage()

    def strays_removed(self) -> None:
        """Take note that the engine holds no container any more of pods that were left behind."""
        self._ends.strays_removed()

    def give_back_unused(self) -> tuple[str, ...]:
        """Discard the clusters that nobody has used or looked at for as long as the limits say, and return them. Blocks until
        they are cleared."""
        with self._changed:
            busy = {live.run.cluster for live in self._live.every()} | self._clearing
            unused = [c for c in self._attention.unused(self._parts.limits.idle_cluster_seconds) if c not in busy]
            self._clearing.update(unused)
        try:
            for cluster_id in unused:
                self._give_back(cluster_id)
        finally:
            with self._changed:
                self._clearing.difference_update(unused)
                self._changed.notify_all()
        return tuple(unused)

    def discard(self, cluster_id: str) -> None:
        """Give back what a cluster holds on the engine, on disk and in memory. Its runs are ended and stay readable. Blocks until
        it is cleared."""
        for run in self.live(cluster_id):
            self.abort(run.id, why="Its cluster was removed.", by="stop")
        self._give_back(cluster_id)

    def get(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        return self._records.get(run_id)

    def latest(self, cluster_id: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        return self._records.latest(cluster_id, example)

    def recent(self, cluster_id: str, count: int) -> tuple[Run, ...]:
        """Return a cluster's newest runs, live or ended, the newest first."""
        return self._parts.index.recent_runs(cluster_id, count)

    def live(self, cluster_id: str) -> tuple[Run, ...]:
        """Return a cluster's live runs, oldest first."""
        return tuple(live.run for live in self._live.of(cluster_id))

    def is_live(self, run_id: str) -> bool:
        """Whether a run of this lab is open, and not being ended."""
        return self._live.find(run_id) is not None

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the durable entries after ``after`` that concern a run, in order; nothing for an unknown run."""
        return self._records.entries(run_id, after)

    def timeline(self, cluster_id: str) -> Timeline:
        """Return the log of a cluster, opening it when needed."""
        self._attention.use(cluster_id)
        return self._clusters.timeline(cluster_id)

    def recover(self) -> tuple[Run, ...]:
        """Close what a lab that stopped left live: its runs end with RunAborted, their pods leave the API. Call it once,
        before anything else, after the engine was swept. Returns those runs."""
        recovered = self._records.recover()
        for run in recovered:
            self._attention.use(run.cluster)  # its timeline is open now, and is to be given back
        return recovered

    def abort(self, run_id: str, *, why: str, by: str) -> None:
        """End a live run now, outside of what Kubernetes would do. Does not wait until the node is cleared, nor for a store that
        takes nothing: the end is written when it works again."""
        self._ends.abort(run_id, why=why, by=by)

    def close(self) -> None:
        """End every live run, whoever follows a timeline, and every node, because the lab stops. Idempotent."""
        self._ends.close()
        self._clusters.close()

    def _give_back(self, cluster_id: str) -> None:
        self._clusters.discard(cluster_id)
        self._attention.forget(cluster_id)
        with self._changed:
            self._submissions.release_all(cluster_id)
            self._ends.go_on()

    def _require_room(self, cluster: Cluster) -> None:
        """Refuse more pods while too many that the API no longer holds, and no quota counts, are still being stopped."""
        limit = self._parts.options.max_pods
        stored = {o["metadata"]["uid"] for o in cluster.registry.view().list("Pod")}
        leaving = cluster.node.pod_uids() - stored
        if limit is not None and leaving and len(leaving) + len(stored) >= limit:
            raise run_refused.still_leaving(len(leaving))

    def _require_disk(self) -> None:
        """Refuse everything while so little disk is free that it could stop the lab."""
        free, least = self._parts.free_disk(), self._parts.limits.free_disk_bytes
        if free is not None and free < least:
            raise run_refused.disk_is_full(free, least)

    def _opened(self, cluster: Cluster, example: str, manifest: str) -> LiveRun:
        if self._ends.is_closing:
            raise run_refused.stopping()
        if len(self.live(cluster.id)) >= self._parts.limits.max_live_runs:
            raise run_refused.too_many_runs(self._parts.limits.max_live_runs)
        run_id = secrets.token_hex(6)
        entry = cluster.timeline.append(RunOpened(run_id=run_id, example=example, manifest=manifest))
        run = Run(
            id=run_id,
            cluster=cluster.id,
            example=example,
            manifest=manifest,
            first_seq=entry.seq,
            opened_at=entry.at,
        )
        cluster.timeline.pin(entry.seq)
        live = LiveRun(run, cluster, used=self._parts.clock.monotonic(), is_passing=learner_of(cluster.id) != cluster.id)
        self._live.add(live)
        return live

    def _choose_hold_points(self, cluster: Cluster, live: LiveRun, points: tuple[HoldPoint, ...]) -> None:
        """Say on the timeline where the run is to be held, when that is not so already."""
        if points != live.hold_points:
            live.hold_points = points
            cluster.timeline.append(HoldPointsChosen(run_id=live.run.id, points=points))

    def _use(self, live: LiveRun) -> None:
        """Note that its learner acts on a run."""
        live.used = self._parts.clock.monotonic()
        self._attention.use(live.run.cluster)

    @contextmanager
    def _cleared_for(self, cluster_id: str, example: str, manifest: str, *, fresh: bool) -> Iterator[Cluster]:
        """Hold the runs' condition, with the cluster cleared first when ``fresh``: one at a time, and nobody opens a run there
        meanwhile."""
        self._attention.use(cluster_id)  # so that it is not given back from now on
        if cluster_id not in self._clearing:
            self._clusters.cluster(cluster_id)  # without the lock: a node takes a while to start, and everybody needs the lock
        with self._changed:
            self._changed.wait_for(lambda: cluster_id not in self._clearing)
            cluster = self._clusters.cluster(cluster_id)
            if not fresh:
                yield cluster
                return
            self._clearing.add(cluster_id)
        try:
            self._end_colliding(cluster, example, manifest)
            with self._changed:
                yield cluster
        finally:
            with self._changed:
                self._clearing.discard(cluster_id)
                self._changed.notify_all()

    def _end_colliding(self, cluster: Cluster, example: str, manifest: str) -> None:
        names = {d.name for d in review(manifest).documents}
        objects = cluster.registry.view().list("Pod", NAMESPACE)
        taken = {o["metadata"]["uid"] for o in objects if o["metadata"]["name"] in names}
        with self._changed:
            ending = [v.run.id for v in self._live.of(cluster.id) if v.run.example == example or v.pods & taken]
        for run_id in ending:
            self.abort(run_id, why="Deleted, to run again on a clean node.", by="learner")
        if not self.live(cluster.id):
            cluster.node.wait_until_cleared(FRESH_TIMEOUT_SECONDS)
            cluster.registry.clear_beside()
            self._parts.files.reset(cluster.id)

    def _delete_pod(self, live: LiveRun, name: str, args: tuple[str, ...]) -> None:
        try:
            live.cluster.kubectl.delete(name, namespace=NAMESPACE, args=args, run_id=live.run.id)
        except StoreError as error:
            _LOGGER.warning("cannot delete pod %s of run %s: %s", name, live.run.id, error)
        finally:
            self._ends.answered(live)
