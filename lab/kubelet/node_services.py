"""What the kubelet's functions work with: the node's services, and one pod as it stands on the node.

`PodOnNode` is the only place through which the kubelet appends facts and waits: everything it knows of the pod comes back to it
from the timeline, so that the record of a run is exactly what the kubelet acted on.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from lab.clock import Clock, Condition, Thread
from lab.errors import EngineUnavailable, StoreError
from lab.kubelet.holds import Holds
from lab.limits import Limits
from lab.pods.decode import pod_from_object
from lab.pods.model import Container, Pod
from lab.runtime.node_files import NodeFiles
from lab.runtime.runtime import Runtime
from lab.timeline import pod_record
from lab.timeline.events import EventType, Occurrence
from lab.timeline.facts import (
    JSON,
    ContainerExited,
    ContainerFailed,
    ContainerStarted,
    Entry,
    Fact,
    HoldPoint,
    ObjectWritten,
    SandboxStarted,
    WorkerFailed,
)
from lab.timeline.pod_record import Attempt, ContainerRecord, PodRecord
from lab.timeline.timeline import Timeline

_LOGGER = logging.getLogger(__name__)


class ApiServer(Protocol):
    """The API server as the kubelet uses it (`lab.cluster.registry.Registry`)."""

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """Return an object, such as a ConfigMap that a pod refers to; None when there is none."""
        ...

    def publish_status(self, namespace: str, name: str, uid: str, status: JSON) -> JSON | None:
        """Store a status; None when the pod is gone."""
        ...

    def record_event(self, pod: JSON, occurrence: Occurrence) -> None:
        """Record an event about a pod."""
        ...

    def remove(self, namespace: str, name: str, uid: str) -> None:
        """Remove a pod that has been torn down."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeServices:
    """One cluster's node. ``engine_lost`` is told when the engine has stopped answering, ``failed(run_id, message)`` when the
    lab itself could not go on with a pod; ``witness_problem`` says why received signals cannot be witnessed here, if they
    cannot."""

    cluster: str
    timeline: Timeline
    clock: Clock
    runtime: Runtime
    files: NodeFiles
    api: ApiServer
    engine_lost: Callable[[str], None]
    failed: Callable[[str, str], None]
    limits: Limits = field(default_factory=Limits)
    witness_problem: str | None = None


class PodAborted(Exception):
    """The lab ends the pod itself, outside of what Kubernetes would do; every wait of its worker is left by this."""


class PodOnNode:
    """A pod as its worker, hooks and kills see it. Thread-safe."""

    def __init__(
        self, node: NodeServices, value: JSON, *, run_id: str, after: int, hold_points: frozenset[HoldPoint] = frozenset()
    ) -> None:
        """Stand for the pod object ``value`` as entry ``after`` wrote it; what follows is folded."""
        self.node = node
        self.run_id = run_id
        self.object = value
        self.pod: Pod = pod_from_object(value)
        self.uid = self.pod.uid
        self.record = PodRecord()
        self.gone_from_api = False
        self.deleted = "deletionTimestamp" in value["metadata"]
        self.aborted = False
        self.hooks: list[Thread] = []  # hooks and commands that may outlive the stop of their container
        self.holds = Holds(hold_points)
        self.stopping: set[str] = set()  # ids of the containers that a kill has begun to stop
        self.stopped_in_pass: frozenset[str] = frozenset()  # ids of the containers that this pass stops before it starts others
        self.discarded: set[str] = set()  # ids of the containers whose removal has been asked for
        self.left_behind = False  # whether the engine may hold, or yet make, a container of the pod's that nobody here removes
        self.changes: list[float] = []  # when sandbox and containers started and ended, for the relist
        self.log_tails: dict[str, deque[str]] = {}  # last log lines, with their newlines, by container id
        self.termination_messages: dict[str, str] = {}  # by container id
        self.look: Callable[[Container, Attempt], None] = lambda container, attempt: None  # look at the files soon
        self._cursor = after

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        return self.node.clock

    @property
    def changed(self) -> Condition:
        """The timeline's condition: whatever concerns the pod wakes it."""
        return self.node.timeline.changed

    def of(self, container: Container) -> ContainerRecord:
        """Return what is known of a container now."""
        return self.refresh().of(container.name)

    def note(self, fact: Fact, container: Container | None = None) -> Entry:
        """Append a fact about the pod."""
        return self.node.timeline.append(fact, pod_uid=self.uid, container=container.name if container else None)

    def event(self, type: EventType, reason: str, message: str, container: Container | None = None) -> None:
        """Record an event about the pod or one of its containers, as the kubelet."""
        path = self.pod.field_path(container) if container else None
        self.node.api.record_event(self.object, Occurrence(type=type, reason=reason, message=message, field_path=path))

    def refresh(self) -> PodRecord:
        """Fold what was appended since the last call, and return the pod's record."""
        with self.changed:
            for entry in self.node.timeline.read(self._cursor, durable=False):
                self._cursor = entry.seq
                if entry.pod_uid != self.uid:
                    continue
                if isinstance(entry.fact, ObjectWritten):
                    self._follow_api(entry.fact)
                else:
                    self.record = pod_record.apply(self.record, entry)
                    if _changes_what_runs(entry.fact):
                        self.changes.append(entry.elapsed_seconds)
            return self.record

    def wait_until(self, predicate: Callable[[], bool], timeout_seconds: float | None = None) -> bool:
        """Wait until ``predicate()`` holds, looking whenever something is appended; return whether it does. The record is
        fresh when the predicate is asked. Raises PodAborted."""

        def look() -> bool:
            self.refresh()
            return self.aborted or predicate()

        with self.changed:
            self.changed.wait_for(look, timeout_seconds)
            if self.aborted:
                raise PodAborted(self.uid)
            return predicate()

    def spawn(self, name: str, target: Callable[..., None], *args: Any) -> Thread:
        """Start a thread of this pod. Its outermost frame: PodAborted ends it, and what nobody foresaw is not lost with it."""

        def body() -> None:
            try:
                target(*args)
            except PodAborted:
                pass
            except Exception as error:
                self.fail(error)

        return self.clock.spawn(f"{name} {self.pod.name}", body)

    def fail(self, error: Exception) -> None:
        """The lab cannot go on with this pod: say so on the timeline and to the node, and end the pod's threads. An engine that
        does not answer is the node's affair. Never raises."""
        if isinstance(error, EngineUnavailable):
            self.node.engine_lost(str(error))
            return
        _LOGGER.error("cannot go on looking after pod %s", self.pod.full_name, exc_info=error)
        message = f"{type(error).__name__}: {error}"
        self.abort()
        try:
            self.note(WorkerFailed(message=message))
        except StoreError:  # most likely what failed before
            _LOGGER.exception("cannot record that pod %s has failed", self.pod.full_name)
        self.node.failed(self.run_id, message)

    def abort(self) -> None:
        """Make every wait of the pod's threads end with PodAborted."""
        with self.changed:
            self.aborted = True
            self.changed.notify_all()

    def _follow_api(self, write: ObjectWritten) -> None:
        if write.kind != "Pod":
            return
        if write.verb == "remove":
            self.gone_from_api = True
        self.object = write.object
        if write.verb in ("update", "delete", "remove") or (write.verb == "status" and self.pod.spec.readiness_gates):
            self.pod = pod_from_object(write.object)
            self.deleted = self.deleted or "deletionTimestamp" in write.object["metadata"]


def _changes_what_runs(fact: Fact) -> bool:
    """Whether the kubelet's relist would see a difference; an instance that could not be started has ended for it."""
    return isinstance(fact, SandboxStarted | ContainerStarted | ContainerExited) or (
        isinstance(fact, ContainerFailed) and fact.stage == "start"
    )


def seconds_since(moment: str, now: datetime) -> float:
    """Return the seconds from a time of the engine's, in RFC 3339 with as many fractional digits as it needs, to ``now``."""
    return (now - datetime.fromisoformat(moment)).total_seconds()
