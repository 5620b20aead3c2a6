"""Runs: one press of Run each, as spans of their clusters' timelines.

Opens clusters on demand, closes a run when its pods are gone from the API and from the node, ends runs that the lab cannot go
on with, and finds old ones in the store. Everything it knows of a run is on the timeline.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Literal

from lab.cluster import run_refused
from lab.cluster.admission import Usage
from lab.cluster.attention import Attention
from lab.cluster.cluster import Cluster
from lab.cluster.clusters import Clusters, NodeListener, learner_of
from lab.cluster.demand import demands_in
from lab.cluster.live_run import LiveRun
from lab.cluster.node import Node
from lab.cluster.registry import Registry
from lab.cluster.run_parts import RunParts
from lab.cluster.run_refused import RunRefused
from lab.cluster.run_times import deadlines, overdue
from lab.cluster.submissions import NAMESPACE, Submissions
from lab.errors import HistoryExpired, StoreError
from lab.pods.review import review
from lab.timeline.facts import Entry, HoldPoint, HoldPointsChosen, RunAborted, RunClosed, RunOpened
from lab.timeline.folds import concerns, pods_created_by
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline

__all__ = ["RunParts", "RunRefused", "Runs"]

FRESH_TIMEOUT_SECONDS = 20.0  # for what a fresh run replaces to be cleared
END_RETRY_SECONDS = 1.0  # while the store cannot take the end of a run

_LOGGER = logging.getLogger(__name__)


class Runs:
    """All runs of the lab. Thread-safe; one lab process owns them."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts
        self._changed = parts.clock.condition()
        self._clusters = Clusters(
            parts,
            NodeListener(
                cleared=self._pod_cleared, started=self._pod_started, engine_lost=self._engine_lost, failed=self._failed
            ),
        )
        self._live: dict[str, LiveRun] = {}
        self._attention = Attention(parts.clock)
        self._submissions = Submissions(parts.clock, parts.limits, self._changed, self._live.values, self._answered)
        self._clearing: set[str] = set()  # clusters that are being cleared, for a fresh run or because nobody uses them
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
        have the same names, on a clean node. The kubelet is held at ``hold_points``. While the machine is full the run waits for
        its turn. Raises RunRefused."""
        self._require_disk()
        pods = demands_in(manifest, self._parts.limits)
        with self._cleared_for(cluster_id, example, manifest, fresh=fresh) as cluster:
            self._require_room(cluster)
            live = next((v for v in self._live_in(cluster_id) if v.run.example == example), None)
            if live is not None:
                self._submissions.require_no_wait(live)
            demand = self._submissions.needed(cluster, pods)
            if live is None:
                live = self._opened(cluster, example, manifest)
            self._use(live)
            self._choose_hold_points(cluster, live, hold_points)
            submission = self._submissions.add(live, verb, manifest, demand)
        if submission is not None:
            self._submissions.submit(submission)
        return live.run

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        """Delete the run's pods (or one of them) as `kubectl delete pod` does, and return at once. What waits for its turn is not
        submitted any more. Nothing happens to an ended run."""
        with self._changed:
            live = self._find(run_id)
            if live is None:
                return
            self._use(live)
            waited = self._submissions.leave(live)
        if waited:
            self._close_if_done(live)
            self._go_on()
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
            self._use(live)
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
        live = self._find(run_id)
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
        """Create what a cluster's first run would wait for. Raises EngineError."""
        with self._changed:
            self._changed.wait_for(lambda: cluster_id not in self._clearing)
            self._attention.use(cluster_id)
        self._parts.runtime.prepare_cluster(cluster_id)

    def following(self, cluster_id: str, examples: Collection[str]) -> AbstractContextManager[None]:
        """Say, while it is entered, that a page shows the runs of these examples in a cluster: they are not idle. Without any the
        page follows the cluster's timeline alone."""
        return self._attention.following(cluster_id, examples)

    def usage(self) -> Usage:
        """Return what pods hold of the machine now, learner by learner, and how many runs wait for their turn."""
        with self._changed:
            return self._submissions.usage()

    def give_back_unused(self) -> tuple[str, ...]:
        """Discard the clusters that nobody has used or looked at for as long as the limits say, and return them. Blocks until
        they are cleared."""
        with self._changed:
            busy = {live.run.cluster for live in self._live.values()} | self._clearing
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
        live = self._live.get(run_id)  # without the lock, which whoever opens a run holds: every page and stream comes by here
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
        every = list(self._live.values())  # a copy in one step; without the lock, as `get`
        return tuple(v.run for v in every if v.run.cluster == cluster_id)

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
        self._attention.use(cluster_id)
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
            self._submissions.leave(live)
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

    def _give_back(self, cluster_id: str) -> None:
        self._clusters.discard(cluster_id)
        self._attention.forget(cluster_id)
        with self._changed:
            self._submissions.release_all(cluster_id)
            self._go_on()

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
        if self._closing:
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
        self._live[run_id] = live
        self._parts.clock.spawn(f"limit {run_id}", self._end_in_time, run_id)
        return live

    def _choose_hold_points(self, cluster: Cluster, live: LiveRun, points: tuple[HoldPoint, ...]) -> None:
        """Say on the timeline where the run is to be held, when that is not so already."""
        if points != live.hold_points:
            live.hold_points = points
            cluster.timeline.append(HoldPointsChosen(run_id=live.run.id, points=points))

    def _end_in_time(self, run_id: str) -> None:
        """End a run that has been live, or left alone, for too long."""
        limits, clock = self._parts.limits, self._parts.clock
        with self._changed:
            while (live := self._find(run_id)) is not None:
                unseen_since = self._attention.unseen_since(live.run.cluster, live.run.example)
                due = deadlines(live, limits, unseen_since, clock.monotonic())
                by = min(due, key=lambda name: due[name])
                left = due[by] - clock.monotonic()
                if left > 0:
                    self._changed.wait_for(partial(self._has_moved, run_id, live.starting_until), left)
                elif by == "start":
                    self._submissions.give_up_starting(live)
                else:
                    break
        if live is not None:
            end = overdue(live, limits, by, held=bool(live.cluster.node.held(run_id)))
            self.abort(run_id, why=end.why, by=end.by)

    def _has_moved(self, run_id: str, starting_until: float) -> bool:
        """Whether a run has ended, or begun to start pods since."""
        live = self._find(run_id)
        return live is None or live.starting_until != starting_until

    def _use(self, live: LiveRun) -> None:
        """Note that its learner acts on a run."""
        live.used = self._parts.clock.monotonic()
        self._attention.use(live.run.cluster)

    def _make_room(self, live: LiveRun) -> None:
        """Let go of what a run's cluster does not hold any more, for whoever waits."""
        with self._changed:
            self._submissions.release(live.cluster)
            self._go_on()

    def _go_on(self) -> None:
        """Let whoever has room now have their turn."""
        with self._changed:
            if not self._closing:
                self._submissions.go_on()

    def _find(self, run_id: str) -> LiveRun | None:
        """Return a live run that is not being ended."""
        with self._changed:
            live = self._live.get(run_id)
            return None if live is None or live.ending else live

    def _live_in(self, cluster_id: str) -> list[LiveRun]:
        return [live for live in self._live.values() if live.run.cluster == cluster_id and not live.ending]

    @contextmanager
    def _cleared_for(self, cluster_id: str, example: str, manifest: str, *, fresh: bool) -> Iterator[Cluster]:
        """Hold the runs' condition, with the cluster cleared first when ``fresh``: one at a time, and nobody opens a run there
        meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: cluster_id not in self._clearing)
            self._attention.use(cluster_id)  # so that it is not given back from now on
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
        else:
            try:
                live.drop_pods()
            except StoreError:
                _LOGGER.exception("cannot drop the pods of run %s", live.run.id)
        self._make_room(live)

    def _pod_cleared(self, pod_uid: str, run_id: str) -> None:
        live = self._find(run_id)
        if live is not None:
            self._close_if_done(live)
        with self._changed:
            self._submissions.let_go(pod_uid)
            self._go_on()

    def _pod_started(self, pod_uid: str) -> None:
        with self._changed:
            self._submissions.started(pod_uid)
            self._go_on()

    def _close_if_done(self, live: LiveRun) -> None:
        """Close a run whose commands have answered and whose pods are gone from API and node."""
        left = {o["metadata"]["uid"] for o in live.cluster.registry.view().list("Pod")} | live.cluster.node.pod_uids()
        with self._changed:
            if live.commands or live.pods & left or live.ending:
                return
            live.ending = True
        why = "Its pods are gone." if live.pods else "It created no pod."
        if live.began is None:
            why = "It was deleted while it waited for its turn."
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
        self._make_room(live)

    def _engine_lost(self, message: str) -> None:
        with self._changed:
            live = list(self._live)
            for waiting in self._live.values():
                self._submissions.leave(waiting)  # or it would have its turn at an engine that does not answer
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
