"""Every example, run on a real engine as its lesson tells the learner to, shows what the lesson says it shows."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from lab.clock import SystemClock
from lab.cluster.cluster import Cluster
from lab.insight.moments import Moment, moments
from lab.lessons import Catalog, Example, Expectation, SuggestedDelete
from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from lab.runtime.node_files import NodeFiles
from lab.scenarios.recording import Recorder, Recording
from lab.scenarios.scenario import Scenario
from lab.scenarios.steps import action_from_json
from lab.timeline.facts import (
    CommandAnswered,
    Entry,
    FileChanged,
    LogChunk,
    ObjectWritten,
)
from lab.timeline.tables import pod_row
from lab.timeline.timeline import MemoryJournal, Timeline

CATALOG = Catalog.load(Path(__file__).parents[2] / "content")
LIFECYCLE = """    lifecycle:
      preStop:
        exec:
          command: ["/usr/sbin/nginx","-s","quit"]
"""
HTTP_HANDLER = """        httpGet:
          path: /
          port: 80
"""
NAMESPACE = "default"
Found = TypeVar("Found")
PATIENCE_SECONDS = 120.0  # a deadline for what must come, not a measure of how fast


@dataclass
class Sightings:
    """Everything a run has shown, in order of appearance, in the words of `Expectation`."""

    story: list[Moment] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    files: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Sightings:
        seen = cls()
        entries = tuple(entries)
        for entry in entries:
            seen._see(entry)
        seen.story = list(moments(entries))
        return seen

    def _see(self, entry: Entry) -> None:
        match entry.fact:
            case ObjectWritten(kind="Pod", object=pod):
                status = pod_row(pod, now=entry.at).status
                self.statuses += [status] if self.statuses[-1:] != [status] else []
            case ObjectWritten(kind="Event", object=event):
                self.events.append(event["reason"])
            case LogChunk(lines=lines):
                self.logs += [text for _, _, text in lines]
            case CommandAnswered(stdout=stdout, stderr=stderr):
                self.answers += [stdout, stderr]
            case FileChanged(path=path, text=text):
                self.files[path] = text
            case _:
                pass

    def amiss(self, expect: Expectation) -> list[str]:
        """Say what was expected and not seen, or seen and not wanted; empty when the run showed what it should."""
        return [
            *out_of_order("story", expect.story, self.story, Moment.is_a),
            *out_of_order("statuses", expect.statuses, self.statuses, str.__eq__),
            *out_of_order("events", expect.events, self.events, str.__eq__),
            *out_of_order("logs", expect.logs, self.logs, str.__contains__),
            *(f"answers: {part!r} not in {self.answers}" for part in expect.answers if not within(part, self.answers)),
            *(f"absent: {part!r} was seen" for part in expect.absent if self._saw(part)),
            *(
                f"files: {path} is {self.files.get(path)!r}"
                for path, text in expect.files.items()
                if self.files.get(path) != text
            ),
        ]

    def _saw(self, part: str) -> bool:
        told = any(moment.is_a(part) for moment in self.story)
        return told or part in (*self.statuses, *self.events) or within(part, (*self.logs, *self.answers))


def within(part: str, texts: Iterable[str]) -> bool:
    return any(part in text for text in texts)


def out_of_order(what: str, wanted: Sequence[str], found: Sequence[Found], same: Callable[[Found, str], bool]) -> list[str]:
    rest = iter(found)
    lost = [item for item in wanted if not any(same(other, item) for other in rest)]
    return (
        [f"{what}: {lost[0]!r} not found in this order among {[getattr(item, 'text', item) for item in found]}"] if lost else []
    )


def shipped(example_id: str) -> Example:
    example = CATALOG.example(example_id)
    assert example is not None
    return example


def edited(example_id: str, old: str, new: str) -> Example:
    example = shipped(example_id)
    assert example.manifest.count(old) == 1
    return replace(example, manifest=example.manifest.replace(old, new), expect=Expectation())


class Laboratory:
    """An engine with virtual nodes; each example gets a cluster of its own."""

    def __init__(self, data: Path, pod_cidr: str) -> None:
        self.instance = f"lessons-{uuid.uuid4().hex[:8]}"
        self.clock = SystemClock()
        self.runtime = DockerRuntime(EngineClient(), RuntimeSettings(instance=self.instance, pod_cidr=pod_cidr), self.clock)
        self.files = NodeFiles(data)

    def play(self, example: Example) -> tuple[Sightings, Recording]:
        """Do what the lesson says; return what was seen, and the recording with the files that were read."""
        timeline = Timeline(example.id.replace("/", "-"), self.clock, MemoryJournal())
        cluster = Cluster(timeline, self.clock, self.runtime, self.files)
        try:
            recording = Recorder(scenario_of(example), cluster, self.clock, run_id="lesson").record(PATIENCE_SECONDS)
            entries = timeline.read(0, durable=False)
        finally:
            cluster.close()
            self.runtime.remove_cluster(cluster.id)
            self.files.remove_cluster(cluster.id)
        return Sightings.of(entries), recording

    def close(self) -> None:
        self.runtime.sweep(self.instance)
        self.runtime.close()


def scenario_of(example: Example) -> Scenario:
    actions = tuple(action_from_json(dict(action), "pod.yaml") for action in example.actions())
    return Scenario(
        id=example.id, title=example.id, namespace=NAMESPACE, actions=actions, manifests={"pod.yaml": example.manifest}
    )


EXERCISES = {
    "a failed hook does not make a pod fail when its program exits with 0": (
        replace(
            edited("post-start-failures/failing-post-start", "spec:\n", "spec:\n  restartPolicy: Never\n"),
            before_delete=({"do": "wait", "for": "phase=Succeeded", "timeout": 60},),
        ),
        Expectation(story=("app postStart failed", "app SIGTERM", "app exited 0"), statuses=("Completed",), absent=("BackOff",)),
    ),
    "a shell with a trap hears SIGTERM": (
        edited("graceful-deletion/deaf-shell", "sleep 3600; echo never", "trap 'exit 0' TERM; sleep 3600 & wait"),
        Expectation(story=("app SIGTERM sent 5", "app exited 0"), absent=("app SIGKILL",)),
    ),
    "a longer grace period moves SIGKILL and not SIGTERM": (
        replace(shipped("graceful-deletion/budget"), delete=SuggestedDelete(mode="grace-period", grace_period_seconds=10)),
        Expectation(story=("app killing", "app preStop finished", "app SIGTERM sent 7", "app SIGKILL", "app exited 137")),
    ),
    "without the hook the signal to nginx has no sender": (
        edited("stopping-nginx/nginx-quit", LIFECYCLE, ""),
        Expectation(
            story=("hook-demo2 SIGQUIT sent 30",),
            logs=("signal 3 (SIGQUIT) received, shutting down",),
            absent=("(SIGQUIT) received from",),
        ),
    ),
    "a hook that goes on after PID 1 has left is killed and counts as failed": (
        edited("stopping-nginx/nginx-quit", '["/usr/sbin/nginx","-s","quit"]', '["/bin/sh", "-c", "nginx -s quit; sleep 5"]'),
        Expectation(story=("hook-demo2 preStop failed", "removed"), events=("FailedPreStopHook",)),
    ),
    "create refuses the second document as existing already": (
        replace(shipped("stopping-nginx/both-documents"), submit="create", expect=Expectation()),
        Expectation(answers=("pod/hook-demo2 created", 'pods "hook-demo2" already exists')),
    ),
    "a zero without force is a graceful deletion with one second": (
        replace(shipped("force-deletion/force"), delete=SuggestedDelete(mode="grace-period", grace_period_seconds=0)),
        Expectation(
            story=("app killing", "app preStop timed-out", "app SIGTERM sent 2", "app SIGKILL", "app exited 137", "removed"),
            statuses=("Terminating", "Error"),
            absent=("Immediate deletion",),
        ),
    ),
    "one handler in place of two is accepted": (
        replace(edited("handlers/two-handlers", HTTP_HANDLER, ""), refused=False),
        Expectation(story=("web preStop finished", "web exited 0")),
    ),
}


@pytest.fixture(scope="module")
def laboratory(worker_id: str) -> Iterator[Laboratory]:
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    with tempfile.TemporaryDirectory(prefix="lessons-") as data:
        laboratory = Laboratory(Path(data), pod_cidr=f"10.247.{number * 16}.0/20")
        yield laboratory
        laboratory.close()


@pytest.mark.engine
@pytest.mark.parametrize("example", CATALOG.examples, ids=lambda example: example.id)
def test_an_example_shows_what_its_lesson_says(laboratory: Laboratory, example: Example) -> None:
    seen, recording = laboratory.play(example)
    files = recording.trace["files"]
    assert recording.failure is None
    assert recording.trace["notes"] == []
    assert seen.amiss(example.expect) == []
    assert {path: files[path] for path in example.expect.files} == example.expect.files
    on_node = {path: files[f"host:{path}"] for path in example.expect.node_files}
    assert {path: text if isinstance(text, str) else None for path, text in on_node.items()} == example.expect.node_files


@pytest.mark.engine
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_in_the_prose_ends_as_the_prose_says(laboratory: Laboratory, exercise: str) -> None:
    example, expect = EXERCISES[exercise]
    seen, recording = laboratory.play(example)
    assert recording.failure is None
    assert recording.trace["notes"] == []
    assert seen.amiss(expect) == []
