"""Follows one run from outside, as a learner would: are its pods there, have they settled, has it ended."""

from __future__ import annotations

from collections.abc import Callable

from lab.timeline.facts import JSON, ObjectWritten, RunAborted, RunAdmitted, RunClosed, RunQueued
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline

LOOK_SECONDS = 60.0

_ON_THE_WAY = frozenset({"ContainerCreating", "PodInitializing"})


class RunWatch:
    """The pods of a run and its end, as far as they have been followed. Not thread-safe."""

    def __init__(self, timeline: Timeline, run: Run) -> None:
        self.run = run
        self.pods: dict[str, JSON] = {}
        self.ended: RunClosed | RunAborted | None = None
        self._timeline = timeline
        self._waits = False
        self._cursor = run.first_seq - 1

    def wait_for_turn(self) -> None:
        """Wait until the run's manifest is submitted, or it has ended."""
        self._read()
        while self._waits and self.ended is None and not self._timeline.dismissed:
            self._wait(lambda: not self._waits, LOOK_SECONDS)

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait until every pod is ready, over, or shows that it will not become ready soon; or the run has ended."""
        return self._wait(lambda: bool(self.pods) and all(is_settled(pod) for pod in self.pods.values()), timeout_seconds)

    def wait_for_end(self, timeout_seconds: float) -> bool:
        """Wait until the run has ended; return whether it has."""
        self._wait(lambda: False, timeout_seconds)
        return self.ended is not None

    def _wait(self, is_enough: Callable[[], bool], timeout_seconds: float) -> bool:
        deadline = self._timeline.elapsed_seconds() + timeout_seconds
        while True:
            if self.ended is not None or is_enough():
                return True
            left = deadline - self._timeline.elapsed_seconds()
            if left <= 0 or self._timeline.dismissed:
                return False
            self._timeline.wait(self._cursor, timeout=left, durable=False)
            self._read()

    def _read(self) -> None:
        for entry in self._timeline.read(self._cursor, durable=False):
            self._cursor = entry.seq
            self._follow(entry.fact)

    def _follow(self, fact: object) -> None:
        if isinstance(fact, RunClosed | RunAborted) and fact.run_id == self.run.id:
            self.ended = fact
        elif isinstance(fact, RunQueued | RunAdmitted) and fact.run_id == self.run.id:
            self._waits = isinstance(fact, RunQueued)
        elif isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.verb != "remove":
            self.pods[fact.uid] = fact.object


def is_settled(pod: JSON) -> bool:
    """Whether a pod is ready, over, or waits for something that is not just on the way."""
    status = pod.get("status", {})
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    if any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ())):
        return True
    states = [s.get("state", {}) for key in ("initContainerStatuses", "containerStatuses") for s in status.get(key, ())]
    reasons = [state["waiting"].get("reason") for state in states if "waiting" in state]
    return any(reason not in _ON_THE_WAY for reason in reasons)
