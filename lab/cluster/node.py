"""The cluster's one node: it follows the log and acts.

A pod that was created and bound to this node gets a worker of its own; everything else the node learns from the same log.
Source: pkg/kubelet/kubelet.go syncLoop (v1.36).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.clock import Clock
from lab.cluster.registry import Registry
from lab.cluster.scheduler import schedule
from lab.errors import ApiError, EngineError, EngineUnavailable, StoreError
from lab.kubelet.commands import run_command
from lab.kubelet.node_services import NodeServices, PodOnNode
from lab.kubelet.pod_worker import PodWorker
from lab.limits import Limits
from lab.pods.model import Container
from lab.runtime.node_files import NodeFiles
from lab.runtime.runtime import ExecResult, Runtime
from lab.timeline.facts import (
    ContainerFailed,
    ContainerStarted,
    Entry,
    HoldPoint,
    HoldPointsChosen,
    KubeletHeld,
    ObjectWritten,
    RunAborted,
    RunClosed,
    VolumeFailed,
    WorkerFailed,
)
from lab.timeline.pod_record import Attempt
from lab.timeline.timeline import Timeline

FILE_LIMIT_BYTES = 1 << 20
MAX_COMMANDS = 4  # of a learner in one run at a time

_STARTED = ContainerStarted | ContainerFailed | VolumeFailed | KubeletHeld  # its start is over, or does not go on by itself

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeParts:
    """What a node is made of."""

    cluster: str
    timeline: Timeline
    clock: Clock
    runtime: Runtime
    files: NodeFiles
    registry: Registry
    limits: Limits = field(default_factory=Limits)
    witness_problem: str | None = None


class Node:
    """A running node. ``cleared(pod_uid, run_id)`` is called when nothing of a pod is left on it, ``engine_lost(message)``
    when the engine has stopped answering, ``started(pod_uid)`` when a pod runs or has got as far as it will by itself,
    ``failed(run_id, message)`` when the lab itself cannot go on with a run's pod, ``left_behind(pod_uid)`` when the engine
    may still hold a container of a pod that is cleared next; all from the node's threads."""

    def __init__(
        self,
        parts: NodeParts,
        *,
        cleared: Callable[[str, str], None],
        engine_lost: Callable[[str], None],
        failed: Callable[[str, str], None],
        left_behind: Callable[[str], None],
        started: Callable[[str], None] = lambda pod_uid: None,
    ) -> None:
        self._parts = parts
        self._started = started
        self._starting: set[str] = set()  # uids of pods that are not known to run
        self._left_behind = left_behind
        self._cleared = cleared
        self._engine_lost = engine_lost
        self._failed = failed
        self._workers: dict[str, PodWorker] = {}
        self._hold_points: dict[str, frozenset[HoldPoint]] = {}  # by run
        self._commands: dict[str, int] = {}  # by run: those that have not ended
        self._closing = False
        self._services = NodeServices(
            cluster=parts.cluster,
            timeline=parts.timeline,
            clock=parts.clock,
            runtime=parts.runtime,
            files=parts.files,
            api=parts.registry,
            engine_lost=engine_lost,
            failed=failed,
            limits=parts.limits,
            witness_problem=parts.witness_problem,
        )
        parts.files.prepare(parts.cluster)
        self._cursor = parts.timeline.appended
        self._thread = parts.clock.spawn(f"node {parts.cluster}", self._follow)

    def pods_running(self) -> int:
        """Return how many pods the node still looks after, those included that are already gone from the API."""
        with self._parts.timeline.changed:
            return len(self._workers)

    def pod_uids(self) -> frozenset[str]:
        """Return the uids of the pods of which something is still on the node."""
        with self._parts.timeline.changed:
            return frozenset(self._workers)

    def held(self, run_id: str) -> tuple[tuple[int, str, HoldPoint], ...]:
        """Return the seq, container and point of every hold of a run that is in force."""
        with self._parts.timeline.changed:
            return tuple(hold for worker in self._of_run(run_id) for hold in worker.on.holds.now())

    def proceed(self, run_id: str, held_seq: int | None = None, *, to_the_end: bool = False) -> bool:
        """End the hold of entry ``held_seq``, or all holds of a run, and ``to_the_end`` hold its pods no more; return whether
        there was one."""
        with self._parts.timeline.changed:
            ended = []
            for worker in self._of_run(run_id):
                if to_the_end:
                    worker.on.holds.points = frozenset()
                ended.append(worker.on.holds.release(held_seq))
            self._parts.timeline.changed.notify_all()
            return any(ended)

    def run_command(self, run_id: str, pod: str, container: str, command: tuple[str, ...]) -> bool:
        """Run a command in a container of a run and return at once; its end is a `CommandExecuted`. False when the container
        does not run, or when `MAX_COMMANDS` of the run's have not ended."""
        with self._parts.timeline.changed:
            on = next((w.on for w in self._of_run(run_id) if w.on.pod.name == pod), None)
            found = next((c for c in on.pod.all_containers if c.name == container), None) if on else None
            attempt = on.of(found).latest if on and found else None
            if on is None or found is None or attempt is None or not attempt.running:
                return False
            if self._commands.get(run_id, 0) >= MAX_COMMANDS:
                return False
            self._commands[run_id] = self._commands.get(run_id, 0) + 1
            on.hooks.append(on.spawn(f"command in {container} of", self._run_command, on, found, attempt, command))
        return True

    def exec(self, namespace: str, pod: str, container: str, command: tuple[str, ...]) -> ExecResult:
        """Run a command in a running container, as `kubectl exec` does. Raises ApiError 404 or 400, EngineError."""
        on, attempt = self._instance(namespace, pod, container)
        if not attempt.running:
            raise ApiError(400, "BadRequest", f"container {container} in pod {on.pod.name} is not running")
        return self._parts.runtime.exec(attempt.container_id, command)

    def read_file(self, namespace: str, pod: str, container: str, path: str) -> bytes | None:
        """Return a regular file of a running container; None when there is none. Raises ApiError 404 or 400, EngineError."""
        on, attempt = self._instance(namespace, pod, container)
        if not attempt.running:
            raise ApiError(400, "BadRequest", f"container {container} in pod {on.pod.name} is not running")
        return self._parts.runtime.read_file(attempt.container_id, path, limit_bytes=FILE_LIMIT_BYTES)

    def host_directory(self, path: str) -> None:
        """Make an empty directory on the virtual node."""
        self._parts.files.make_directory(self._parts.cluster, path)

    def read_host_file(self, path: str) -> bytes | None:
        """Return a regular file of the virtual node; None when there is none."""
        return self._parts.files.read(self._parts.cluster, path, limit_bytes=FILE_LIMIT_BYTES)

    def abort(self, pod_uids: frozenset[str] | None = None) -> None:
        """End pods at once, outside of what Kubernetes would do: workers leave, containers are removed. None means all. Does
        not block until they are cleared."""
        with self._parts.timeline.changed:
            workers = [w for uid, w in self._workers.items() if pod_uids is None or uid in pod_uids]
        for worker in workers:
            worker.on.abort()
            for record in worker.on.refresh().containers.values():
                if record.running and record.latest:
                    self._parts.clock.spawn(f"abort {worker.on.pod.name}", self._remove, record.latest.container_id)

    def wait_until_cleared(self, timeout_seconds: float | None = None) -> bool:
        """Wait until nothing is left on the node; return whether nothing is."""
        with self._parts.timeline.changed:
            return self._parts.timeline.changed.wait_for(lambda: not self._workers, timeout_seconds)

    def close(self, timeout_seconds: float = 30.0) -> None:
        """End all pods and the node's thread."""
        with self._parts.timeline.changed:
            self._closing = True
            self._parts.timeline.changed.notify_all()
        self._thread.join(timeout_seconds)
        self.abort()
        self.wait_until_cleared(timeout_seconds)

    def _follow(self) -> None:
        timeline = self._parts.timeline
        while True:
            with timeline.changed:
                timeline.changed.wait_for(lambda: self._closing or timeline.appended > self._cursor)
                if self._closing:
                    return
                entries = timeline.read(self._cursor, durable=False)
            for entry in entries:
                self._cursor = entry.seq
                fact = entry.fact
                if isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.verb == "create":
                    self._admit_or_fail(entry, fact)
                elif isinstance(fact, HoldPointsChosen | RunClosed | RunAborted):
                    self._choose_hold_points(fact)
                elif isinstance(fact, _STARTED) and entry.pod_uid in self._starting:
                    self._starting.discard(entry.pod_uid)
                    self._started(entry.pod_uid)

    def _choose_hold_points(self, fact: HoldPointsChosen | RunClosed | RunAborted) -> None:
        """Stop, from now on, where the learner wants it in a run: in its pods too that are here already."""
        points = frozenset(fact.points) if isinstance(fact, HoldPointsChosen) else frozenset()
        with self._parts.timeline.changed:
            self._hold_points.pop(fact.run_id, None)
            if points:
                self._hold_points[fact.run_id] = points
            for worker in self._of_run(fact.run_id):
                worker.on.holds.points = points

    def _run_command(self, on: PodOnNode, container: Container, attempt: Attempt, command: tuple[str, ...]) -> None:
        try:
            run_command(on, container, attempt, command)
        finally:
            with self._parts.timeline.changed:
                self._commands[on.run_id] -= 1
                if not self._commands[on.run_id]:
                    del self._commands[on.run_id]

    def _of_run(self, run_id: str) -> list[PodWorker]:
        return [worker for worker in self._workers.values() if worker.on.run_id == run_id]

    def _admit_or_fail(self, entry: Entry, fact: ObjectWritten) -> None:
        """Admit a pod; what the lab gets wrong ends its run, and not the node, which has other pods to follow."""
        try:
            self._admit(entry, fact)
        except Exception as error:
            _LOGGER.exception("cannot admit pod %s/%s", fact.namespace, fact.name)
            message = f"{type(error).__name__}: {error}"
            with contextlib.suppress(StoreError):
                self._parts.timeline.append(WorkerFailed(message=message), pod_uid=fact.uid)
            self._failed(fact.run_id or "", message)

    def _admit(self, entry: Entry, fact: ObjectWritten) -> None:
        """Give a new pod a worker, once the scheduler has bound it to this node."""
        registry = self._parts.registry
        if not schedule(registry, self._parts.clock, fact.object):
            self._started(fact.uid)
            return
        bound = registry.view().get("Pod", fact.namespace, fact.name)
        if bound is None or bound["metadata"]["uid"] != fact.uid:
            return  # removed before the node has seen it
        run_id = fact.run_id or ""
        points = self._hold_points.get(run_id, frozenset())
        on = PodOnNode(self._services, bound, run_id=run_id, after=entry.seq, hold_points=points)
        worker = PodWorker(on, self._worker_ended)
        with self._parts.timeline.changed:
            self._workers[fact.uid] = worker
        self._starting.add(fact.uid)
        self._parts.clock.spawn(f"pod {fact.namespace}/{fact.name}", worker.run)

    def _worker_ended(self, worker: PodWorker) -> None:
        self._parts.registry.forget(worker.on.uid)
        with self._parts.timeline.changed:
            self._workers.pop(worker.on.uid, None)
            self._parts.timeline.changed.notify_all()
        self._starting.discard(worker.on.uid)
        if worker.on.left_behind:
            self._left_behind(worker.on.uid)
        self._cleared(worker.on.uid, worker.on.run_id)

    def _instance(self, namespace: str, pod: str, container: str) -> tuple[PodOnNode, Attempt]:
        uid = self._parts.registry.pod(namespace, pod)["metadata"]["uid"]
        worker = self._workers.get(uid)
        attempt = worker.on.refresh().of(container).latest if worker else None
        if worker is None or attempt is None:
            raise ApiError(404, "NotFound", f'container "{container}" of pod "{pod}" has not been created')
        return worker.on, attempt

    def _remove(self, container_id: str) -> None:
        try:
            self._parts.runtime.remove_container(container_id)
        except EngineUnavailable as error:
            self._engine_lost(str(error))
        except EngineError as error:  # the pod's worker tries once more when it has left
            _LOGGER.warning("%s", error)
