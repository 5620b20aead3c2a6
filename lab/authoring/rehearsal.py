"""Plays examples on the engine at hand, each on a cluster of its own that is gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import lab
from lab.authoring.sightings import Sightings
from lab.clock import Clock
from lab.cluster.cluster import Cluster, ClusterOptions
from lab.config import Settings
from lab.laboratory import KUBERNETES, NodeSide, open_passing_node_side
from lab.lessons import Example
from lab.scenarios.recording import Recorder
from lab.scenarios.scenario import Scenario
from lab.scenarios.steps import action_from_json
from lab.timeline.bundle import Versions
from lab.timeline.facts import Entry, HookFailed, HookFinished, HookStarted, RunClosed
from lab.timeline.timeline import MemoryJournal, Timeline

NAMESPACE = "default"
PATIENCE_SECONDS = 180.0  # a deadline for what must come, not a measure of how fast
LOOK_SECONDS = 1.0
KEEP_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A played example. ``files`` are those the scenario read, ``host:PATH`` for the node's; ``troubles`` say what kept it from
    being played to the end: waits that timed out, actions that cannot be done, the lab's own failure."""

    entries: tuple[Entry, ...]
    files: dict[str, object]
    troubles: tuple[str, ...]

    @property
    def sightings(self) -> Sightings:
        """What the run has shown."""
        return Sightings.of(self.entries)


class Rehearsal:
    """An engine with virtual nodes in a temporary directory. Usable from several threads. Make one with `open_rehearsal`."""

    def __init__(self, side: NodeSide, clock: Clock) -> None:
        self._side = side
        self._clock = clock

    def versions(self) -> Versions:
        """Return what runs are played with."""
        engine = self._side.runtime.engine_info().version
        return Versions(lab=lab.__version__, engine=engine, kubernetes=KUBERNETES)

    def play(self, example: Example) -> Rehearsed:
        """Do what the example's lesson says, and wait until its pods have left the node too, where their files are looked at a
        last time: a learner's run is closed no sooner."""
        scenario = _scenario(example)
        timeline = Timeline(f"rehearsal-{secrets.token_hex(4)}", self._clock, MemoryJournal(), keep=KEEP_ENTRIES)
        self._side.runtime.prepare_cluster(timeline.cluster)
        options = ClusterOptions(witness_problem=self._side.witness_problem)
        cluster = Cluster(timeline, self._clock, self._side.runtime, self._side.files, options=options)
        run_id = secrets.token_hex(6)
        try:
            recording = Recorder(scenario, cluster, self._clock, run_id=run_id).record(PATIENCE_SECONDS)
            failure = self._await_last_look(cluster) if recording.failure is None else (str(recording.failure),)
            if not failure:
                timeline.append(RunClosed(run_id=run_id, why="the scenario is over"))
            entries = timeline.read(0, durable=False)
        finally:
            cluster.close()
            self._side.runtime.remove_cluster(cluster.id)
            self._side.files.remove_cluster(cluster.id)
        return Rehearsed(entries=entries, files=recording.trace["files"], troubles=(*recording.trace["notes"], *failure))

    def _await_last_look(self, cluster: Cluster) -> tuple[str, ...]:
        """Wait until the pods have left the node; return what kept them from it. One whose postStart hook never returns is not
        waited for: it stays, as in Kubernetes."""
        deadline = self._clock.monotonic() + PATIENCE_SECONDS
        while not cluster.node.wait_until_cleared(LOOK_SECONDS):
            if _is_in_post_start(cluster.timeline.read(0, durable=False)):
                break
            if self._clock.monotonic() > deadline:
                return (f"a pod has not left the node within {PATIENCE_SECONDS:g} s",)
        return ()


def _is_in_post_start(entries: Iterable[Entry]) -> bool:
    began = 0
    for entry in entries:
        match entry.fact:
            case HookStarted(hook="postStart"):
                began += 1
            case HookFinished(hook="postStart") | HookFailed(hook="postStart"):
                began -= 1
    return began > 0


@contextmanager
def open_rehearsal(settings: Settings, clock: Clock) -> Iterator[Rehearsal]:
    """Open the engine for rehearsals; whatever they made is gone at the end. Raises EngineUnavailable, SettingsError."""
    with ExitStack() as cleanup:
        side, instance = open_passing_node_side(settings, clock, cleanup)
        cleanup.callback(side.runtime.sweep, instance)
        yield Rehearsal(side, clock)


def _scenario(example: Example) -> Scenario:
    actions = tuple(action_from_json(dict(action), "pod.yaml") for action in example.actions())
    manifests = {"pod.yaml": example.manifest}
    return Scenario(id=example.id, title=example.id, namespace=NAMESPACE, actions=actions, manifests=manifests)
