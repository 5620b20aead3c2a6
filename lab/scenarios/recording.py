"""A scenario played on a cluster from beginning to end, and its trace.

Recording stops after the last action: what the cluster does while it is cleared away has no place in the trace. A scenario that
cannot go on, because of a deadline or the lab's own failure, still has the trace of what happened until then.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.errors import LabError
from lab.scenarios.play import OnAction, Player
from lab.scenarios.scenario import Scenario
from lab.scenarios.trace import Gathered, trace_of
from lab.timeline.facts import JSON, Entry, RunAborted, RunOpened, WorkerFailed

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """``trace`` in the recorded form; ``failure`` says why the lab could not play to the end, None when it did."""

    trace: JSON
    failure: LabError | None = None


class Recorder:
    """Plays one scenario on one cluster. ``interrupt`` may be called from any thread."""

    def __init__(
        self, scenario: Scenario, cluster: Cluster, clock: Clock, *, run_id: str, on_action: OnAction | None = None
    ) -> None:
        """Prepare to record under ``run_id``; ``on_action`` is told each action as it begins."""
        self._scenario = scenario
        self._cluster = cluster
        self._clock = clock
        self._run_id = run_id
        self._player = Player(scenario, cluster, clock, run_id=run_id, on_action=on_action)
        self._failure: LabError | None = None
        self._ended = False
        self._cursor = cluster.timeline.appended

    def record(self, timeout_seconds: float | None = None) -> Recording:
        """Play all actions; return when they are done, when ``timeout_seconds`` have passed, or when the lab has failed."""
        timeline, changed = self._cluster.timeline, self._cluster.timeline.changed
        first = next((text for text in self._scenario.manifests.values()), "")
        timeline.append(RunOpened(run_id=self._run_id, example=self._scenario.id, manifest=first))
        self._clock.spawn(f"scenario {self._scenario.id}", self._play)
        with changed:
            over = changed.wait_for(self._is_over, timeout_seconds)
            end = timeline.appended
        gathered = self._player.gathered()
        failure = self._failure
        if not over:
            failure = LabError(f"cannot finish scenario {self._scenario.id} within {timeout_seconds:g} s; give it more --timeout")
            gathered = Gathered(files=gathered.files, describe=gathered.describe, notes=(*gathered.notes, str(failure)))
        entries = timeline.read(timeline.horizon, upto=end, durable=False)
        trace = trace_of(entries, namespace=self._scenario.namespace, identity=self._scenario.id, gathered=gathered)
        return Recording(trace=trace, failure=failure)

    def interrupt(self, why: str) -> None:
        """End the recording now: the lab cannot go on."""
        self._fail(LabError(why))

    def _is_over(self) -> bool:
        """Look at the new entries too: when the lab itself has failed, a scenario may wait for what never comes."""
        entries = self._cluster.timeline.read(self._cursor, durable=False)
        self._cursor += len(entries)
        self._failure = self._failure or _failure_among(entries)
        return self._ended or self._failure is not None

    def _play(self) -> None:
        try:
            self._player.play()
        except LabError as error:
            self._fail(error)
            return
        except Exception as error:
            _LOGGER.exception("cannot play scenario %s", self._scenario.id)
            self._fail(LabError(f"cannot play scenario {self._scenario.id}: {type(error).__name__}: {error}"))
            return
        with self._cluster.timeline.changed:
            self._ended = True
            self._cluster.timeline.changed.notify_all()

    def _fail(self, failure: LabError) -> None:
        with self._cluster.timeline.changed:
            self._failure = self._failure or failure
            self._cluster.timeline.changed.notify_all()


def _failure_among(entries: tuple[Entry, ...]) -> LabError | None:
    for entry in entries:
        if isinstance(entry.fact, WorkerFailed):
            return LabError(f"cannot look after a pod any more: {entry.fact.message}")
        if isinstance(entry.fact, RunAborted):
            return LabError(f"cannot go on with the run: {entry.fact.why}")
    return None
