"""Runs: one press of Run each, as spans of their clusters' timelines.

Opens clusters on demand, closes a run when its pods are gone from the API and from the node, ends runs that the lab cannot go
on with, and finds old ones in the store. Everything it knows of a run is on the timeline.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lab.cluster.cluster import Cluster
from lab.cluster.clusters import Clusters, NodeListener
from lab.cluster.live_run import LiveRun
from lab.cluster.node import Node
from lab.cluster.registry import Registry
from lab.cluster.run_parts import RunParts
from lab.errors import HistoryExpired, LabError, StoreError
from lab.pods.review import review
from lab.timeline.facts import Entry, HoldPoint, HoldPointsChosen, RunAborted, RunClosed, RunOpened
from lab.timeline.folds import concerns, pods_created_by
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline

__all__ = ["RunParts", "RunRefused", "Runs"]

NAMESPACE = "default"
FILENAME = "pod.yaml"
FRESH_TIMEOUT_SECONDS = 20.0  # for what a fresh run replaces to be cleared
END_RETRY_SECONDS = 1.0  # while the store cannot take the end of a run

_LOGGER = logging.getLogger(__name__)


class RunRefused(LabError):
    """A run cannot be opened now; the message says why and what to do."""


class Runs:
    """All runs of the lab. Thread-safe; one lab process owns them."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts
        self._changed = parts.clock.condition()
        self._clusters = Clusters(
            parts, NodeListener(cleared=self._pod_cleared, engine_lost=self._engine_lost, failed=self._failed)
        )
        self._live: dict[str, LiveRun] = {}
        self._freshening: set[str] = set()  # clusters that are being cleared for a fresh run
        self._closing = False

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
        have the same names, on a clean node. The kubelet is held at ``hold_points``. Raises RunRefused."""
        cluster = self._clusters.cluster(cluster_id)
        with self._cleared_for(cluster, example, manifest, fresh=fresh):
            self._require_room(cluster)
            live = next((v for v in self._live_in(cluster_id) if v.run.example == example), None)
            if live is None:
                live = self._opened(cluster, example, manifest)
            live.commands += 1
            self._choose_hold_points(cluster, live, hold_points)
        submit = cluster.kubectl.apply if verb == "apply" else cluster.kubectl.create
        before = cluster.timeline.appended
        try:
            submit(manifest, filename=FILENAME, namespace=NAMESPACE, run_id=live.run.id)
        finally:
            with self._changed:
                live.pods |= pods_created_by(cluster.timeline.read(before, durable=False), live.run.id)
            self._answered(live)
        return live.run

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        """Delete the run's pods (or one of them) as `kubectl delete pod` does, and return at once. Nothing happens to an
        ended run."""
        live = self._find(run_id)
        if live is None:
            return
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
            live = self._find(run_id)
            if live is None:
                return False
            if to_the_end:
                self._choose_hold_points(live.cluster, live, ())
        return live.cluster.node.proceed(run_id, None if to_the_end else held_seq, to_the_end=to_the_end)

    def node(self, run_id: str) -> Node | None:
        """Return the node of a live run."""
        live = self._find(run_id)
        return live.cluster.node if live else None

    def run_command(self, run_id: str, pod: str, container: str, command: tuple[str, ...]) -> bool:
        """Run a command in a container of a live run and return at once; what it printed is on the timeline. False when the
        container does not run, or too many of the run's commands have not ended."""
        node = self.node(run_id)
        return node is not None and node.run_command(run_id, pod, container, command)

    def clean_node(self, cluster_id: str) -> None:
        """Empty the cluster's node of all files. Raises RunRefused while a pod is on it or may come to it."""
        with self._changed:
            live = len(self.live(cluster_id))
            pods = self._clusters.pods_on_node(cluster_id)
            if live or pods:
                raise RunRefused(
                    f"cannot clean the node while pods are on it (live runs: {live}, pods: {pods}); delete them first"
                )
            self._parts.files.reset(cluster_id)

    def prepare(self, cluster_id: str) -> None:
        """Create what a cluster's first run would wait for. Raises EngineError."""
        self._parts.runtime.prepare_cluster(cluster_id)

    def discard(self, cluster_id: str) -> None:
        """Give back what a cluster holds on the engine, on disk and in memory. Its runs are ended and stay readable. Blocks until
        it is cleared."""
        for run in self.live(cluster_id):
            self.abort(run.id, why="Its cluster was removed.", by="stop")
        self._clusters.discard(cluster_id)

    def get(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        with self._changed:
            live = self._live.get(run_id)
        return live.run if live else self._parts.index.run(run_id)

    def latest(self, cluster_id: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        live = [run for run in self.live(cluster_id) if run.example == example]
        return live[-1] if live else self._parts.index.latest_run(cluster_id, example)

    def recent(self, cluster_id: str, count: int) -> tuple[Run, ...]:
        """Return a cluster's newest runs, live or ended, the newest first."""
        return self._parts.index.recent_runs(cluster_id, count)

    def live(self, cluster_id: str) -> tuple[Run, ...]:
        """Return a cluster's live runs, oldest first."""
        with self._changed:
            return tuple(v.run for v in self._live.values() if v.run.cluster == cluster_id)

    def is_live(self, run_id: str) -> bool:
        """Whether a run of this lab is open, and not being ended."""
        return self._find(run_id) is not None

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the durable entries after ``after`` that concern a run, in order; nothing for an unknown run."""
        run = self.get(run_id)
        if run is None:
            return ()
        if (
            self._clusters.opened_timeline(run.cluster) is None and run.last_seq is not None
        ):  # of a cluster that nobody uses any more
            span = self._parts.index.entries(run.cluster, run.first_seq, run.last_seq)
        else:
            span = self._span(run, self.timeline(run.cluster), durable=True)
        pods = pods_created_by(span, run_id)
        return tuple(e for e in span if e.seq > after and concerns(e, run_id, pods))

    def timeline(self, cluster_id: str) -> Timeline:
        """Return the log of a cluster, opening it when needed."""
        return self._clusters.timeline(cluster_id)

    def recover(self) -> tuple[Run, ...]:
        """Close what a lab that stopped left live: its runs end with RunAborted, their pods leave the API. Call it once,
        before anything else, after the engine was swept. Returns those runs."""
        left = self._parts.index.live_runs()
        for run in left:
            timeline = self.timeline(run.cluster)
            registry = Registry(timeline, self._parts.clock, view=timeline.view())
            registry.drop(pods_created_by(self._span(run, timeline, durable=False), run.id))
            why = "The lab was stopped while this run was live; its containers were removed when the lab started again."
            timeline.append(RunAborted(run_id=run.id, why=why, by="restart"))
        return left

    def abort(self, run_id: str, *, why: str, by: str) -> None:
        """End a live run now, outside of what Kubernetes would do. Does not wait until the node is cleared, nor for a store that
        takes nothing: the end is written when it works again."""
        with self._changed:
            live = self._find(run_id)
            if live is None:
                return
            live.ending = True
        self._end(live, RunAborted(run_id=run_id, why=why, by=by))

    def close(self) -> None:
        """End every live run, whoever follows a timeline, and every node, because the lab stops. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            live = list(self._live)
        for run_id in live:
            self.abort(run_id, why="The lab was stopped.", by="stop")
        self._clusters.close()

    def _require_room(self, cluster: Cluster) -> None:
        """Refuse more pods while too many that the API no longer holds, and no quota counts, are still being stopped."""
        limit = self._parts.options.max_pods
        stored = {o["metadata"]["uid"] for o in cluster.registry.view().list("Pod")}
        leaving = cluster.node.pod_uids() - stored
        if limit is not None and leaving and len(leaving) + len(stored) >= limit:
            raise RunRefused(
                f"cannot run more pods: {len(leaving)} that were deleted are still being stopped on the node; "
                "wait for them, or run again on a clean node"
            )

    def _opened(self, cluster: Cluster, example: str, manifest: str) -> LiveRun:
        if self._closing:
            raise RunRefused("cannot open a run: the lab is stopping; start it again first")
        if len(self.live(cluster.id)) >= self._parts.max_live_runs:
            raise RunRefused(
                f"cannot open another run: {self._parts.max_live_runs} are live in this cluster; delete one of their pods first"
            )
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
        self._live[run_id] = live = LiveRun(run, cluster)
        self._parts.clock.spawn(f"limit {run_id}", self._end_in_time, run_id)
        return live

    def _choose_hold_points(self, cluster: Cluster, live: LiveRun, points: tuple[HoldPoint, ...]) -> None:
        """Say on the timeline where the run is to be held, when that is not so already."""
        if points != live.hold_points:
            live.hold_points = points
            cluster.timeline.append(HoldPointsChosen(run_id=live.run.id, points=points))

    def _end_in_time(self, run_id: str) -> None:
        """End a run that has been live for too long."""
        with self._changed:
            ended = self._changed.wait_for(lambda: run_id not in self._live, self._parts.max_run_seconds)
        node = None if ended else self.node(run_id)
        if node is not None:
            held = " Its kubelet was held then; a hold does not stop that clock." if node.held(run_id) else ""
            why = f"It was live for {self._parts.max_run_seconds / 60:.0f} minutes, the lab's limit.{held}"
            self.abort(run_id, why=why, by="limit")

    def _find(self, run_id: str) -> LiveRun | None:
        """Return a live run that is not being ended."""
        with self._changed:
            live = self._live.get(run_id)
            return None if live is None or live.ending else live

    def _live_in(self, cluster_id: str) -> list[LiveRun]:
        return [live for live in self._live.values() if live.run.cluster == cluster_id and not live.ending]

    @contextmanager
    def _cleared_for(self, cluster: Cluster, example: str, manifest: str, *, fresh: bool) -> Iterator[None]:
        """Hold the runs' condition, with the cluster cleared first when ``fresh``: one at a time, and nobody opens a run there
        meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: cluster.id not in self._freshening)
            if not fresh:
                yield
                return
            self._freshening.add(cluster.id)
        try:
            self._end_colliding(cluster, example, manifest)
            with self._changed:
                yield
        finally:
            with self._changed:
                self._freshening.discard(cluster.id)
                self._changed.notify_all()

    def _end_colliding(self, cluster: Cluster, example: str, manifest: str) -> None:
        names = {d.name for d in review(manifest).documents}
        objects = cluster.registry.view().list("Pod", NAMESPACE)
        taken = {o["metadata"]["uid"] for o in objects if o["metadata"]["name"] in names}
        with self._changed:
            ending = [v.run.id for v in self._live_in(cluster.id) if v.run.example == example or v.pods & taken]
        for run_id in ending:
            self.abort(run_id, why="Deleted, to run again on a clean node.", by="learner")
        if not self.live(cluster.id):
            cluster.node.wait_until_cleared(FRESH_TIMEOUT_SECONDS)
            cluster.registry.clear_beside()
            self._parts.files.reset(cluster.id)

    def _delete_pod(self, live: LiveRun, name: str, args: tuple[str, ...]) -> None:
        try:
            live.cluster.kubectl.delete(name, namespace=NAMESPACE, args=args, run_id=live.run.id)
        except StoreError:
            _LOGGER.exception("cannot delete pod %s of run %s", name, live.run.id)
        finally:
            self._answered(live)

    def _answered(self, live: LiveRun) -> None:
        """A command of the run has answered: close the run when that was all, or drop what it created if it was ended
        meanwhile."""
        with self._changed:
            live.commands -= 1
        if self.is_live(live.run.id):
            self._close_if_done(live)
            return
        try:
            live.drop_pods()
        except StoreError:
            _LOGGER.exception("cannot drop the pods of run %s", live.run.id)

    def _pod_cleared(self, pod_uid: str, run_id: str) -> None:
        live = self._find(run_id)
        if live is not None:
            self._close_if_done(live)

    def _close_if_done(self, live: LiveRun) -> None:
        """Close a run whose commands have answered and whose pods are gone from API and node."""
        left = {o["metadata"]["uid"] for o in live.cluster.registry.view().list("Pod")} | live.cluster.node.pod_uids()
        with self._changed:
            if live.commands or live.pods & left or live.ending:
                return
            live.ending = True
        why = "Its pods are gone." if live.pods else "It created no pod."
        self._end(live, RunClosed(run_id=live.run.id, why=why))

    def _end(self, live: LiveRun, how: RunClosed | RunAborted) -> None:
        """Bring a run that is marked as ending to its end; on a thread of its own when the store cannot take it now."""
        if live.end(how):
            self._forget(live)
        else:
            self._parts.clock.spawn(f"end {live.run.id}", self._end_later, live, how)

    def _end_later(self, live: LiveRun, how: RunClosed | RunAborted) -> None:
        ended = False
        while not ended:
            with self._changed:
                if self._changed.wait_for(lambda: self._closing, END_RETRY_SECONDS):
                    return  # the next lab closes it
            ended = live.end(how)
        self._forget(live)

    def _forget(self, live: LiveRun) -> None:
        with self._changed:
            self._live.pop(live.run.id, None)
            self._changed.notify_all()

    def _engine_lost(self, message: str) -> None:
        with self._changed:
            live = list(self._live)
        for run_id in live:
            self.abort(run_id, why=f"The container engine stopped answering: {message}", by="engine")
        self._parts.engine_lost()

    def _failed(self, run_id: str, message: str) -> None:
        self.abort(run_id, why=f"The lab failed while it looked after the run: {message}. Its log says more.", by="failure")

    def _span(self, run: Run, timeline: Timeline, *, durable: bool) -> tuple[Entry, ...]:
        """Return a run's entries, with those of other runs that were live meanwhile."""
        last = run.last_seq or (timeline.durable if durable else timeline.appended)
        try:
            return timeline.read(run.first_seq - 1, upto=last, durable=durable)
        except HistoryExpired:
            return self._parts.index.entries(run.cluster, run.first_seq, last)
