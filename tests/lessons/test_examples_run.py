"""Every example, run on a real engine as its lesson tells the learner to, shows what the lesson says it shows."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from lab.clock import SystemClock
from lab.cluster.cluster import Cluster
from lab.lessons import Catalog, Example, Expectation
from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from lab.runtime.node_files import NodeFiles
from lab.scenarios.recording import Recorder, Recording
from lab.scenarios.scenario import Scenario
from lab.scenarios.steps import action_from_json
from lab.timeline.facts import (
    CommandAnswered,
    ContainerExited,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookTimedOut,
    LogChunk,
    ObjectWritten,
    SignalSent,
)
from lab.timeline.tables import pod_row
from lab.timeline.timeline import MemoryJournal, Timeline

CATALOG = Catalog.load(Path(__file__).parents[2] / "content")
POD_CIDR = "10.247.0.0/20"
NAMESPACE = "default"
PATIENCE_SECONDS = 120.0  # a deadline for what must come, not a measure of how fast

T = TypeVar("T")


@dataclass
class Sightings:
    """Everything in order of appearance; ``files`` hold the last text of each path."""

    statuses: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    stop_signals: list[str] = field(default_factory=list)
    stop_seconds: list[float] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    exit_codes: dict[str, int] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Sightings:
        seen = cls()
        for entry in entries:
            seen._see(entry)
        return seen

    def _see(self, entry: Entry) -> None:
        match entry.fact:
            case ObjectWritten(kind="Pod", object=pod):
                status = pod_row(pod, now=entry.at).status
                if self.statuses[-1:] != [status]:
                    self.statuses.append(status)
            case ObjectWritten(kind="Event", object=event):
                self.events.append(event["reason"])
            case LogChunk(lines=lines):
                self.logs += [text for _, _, text in lines]
            case HookFinished(hook=hook):
                self.hooks.append(f"{hook} finished")
            case HookFailed(hook=hook):
                self.hooks.append(f"{hook} failed")
            case HookTimedOut(hook=hook):
                self.hooks.append(f"{hook} timed-out")
            case SignalSent(why="stop-signal", signal=signal, timeout_seconds=seconds):
                self.stop_signals.append(signal)
                self.stop_seconds.append(seconds)
            case CommandAnswered(stdout=stdout, stderr=stderr):
                self.answers += [text for text in (stderr, stdout) if text]
            case ContainerExited(exit_code=code) if entry.container is not None:
                self.exit_codes[entry.container] = code
            case FileChanged(path=path, text=text):
                self.files[path] = text
            case _:
                pass

    def missing(self, expect: Expectation) -> list[str]:
        """Say what was expected and not seen, or seen and not wanted; empty when the run showed what it should."""
        return [
            *_out_of_order("statuses", expect.statuses, self.statuses),
            *_out_of_order("events", expect.events, self.events),
            *_out_of_order("logs", expect.logs, self.logs, lambda part, line: part in line),
            *_out_of_order("hooks", expect.hooks, self.hooks),
            *_out_of_order("stop_signals", expect.stop_signals, self.stop_signals),
            *_out_of_order("stop_seconds", expect.stop_seconds, self.stop_seconds),
            *_out_of_order("answers", expect.answers, self.answers, lambda part, answer: part in answer),
            *_different("exit_codes", expect.exit_codes, self.exit_codes),
            *_different("files", expect.files, self.files),
            *(f"absent: {part!r} was seen" for part in expect.absent if self._saw(part)),
        ]

    def _saw(self, part: str) -> bool:
        return part in self.statuses or part in self.events or any(part in text for text in (*self.logs, *self.answers))


def _out_of_order(
    what: str, wanted: Sequence[T], found: Sequence[T], same: Callable[[T, T], bool] = lambda a, b: a == b
) -> list[str]:
    rest = iter(found)
    lost = [item for item in wanted if not any(same(item, other) for other in rest)]
    return [f"{what}: {lost[0]!r} not found in this order among {list(found)}"] if lost else []


def _different(what: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    return [f"{what}: {key} is {found.get(key)!r}, not {value!r}" for key, value in wanted.items() if found.get(key) != value]


class Laboratory:
    """An engine with virtual nodes; each example gets a cluster of its own."""

    def __init__(self, data: Path) -> None:
        self.instance = f"lessons-{uuid.uuid4().hex[:8]}"
        self.clock = SystemClock()
        self.runtime = DockerRuntime(EngineClient(), RuntimeSettings(instance=self.instance, pod_cidr=POD_CIDR), self.clock)
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


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with tempfile.TemporaryDirectory(prefix="lessons-") as data:
        laboratory = Laboratory(Path(data))
        yield laboratory
        laboratory.close()


@pytest.mark.engine
@pytest.mark.parametrize("example", CATALOG.examples, ids=lambda example: example.id)
def test_an_example_shows_what_its_lesson_says(laboratory: Laboratory, example: Example) -> None:
    seen, recording = laboratory.play(example)
    files = recording.trace["files"]
    assert recording.failure is None
    assert recording.trace["notes"] == []
    assert seen.missing(example.expect) == []
    assert {path: files[path] for path in example.expect.files} == example.expect.files
    on_node = {path: files[f"host:{path}"] for path in example.expect.node_files}
    assert {path: text if isinstance(text, str) else None for path, text in on_node.items()} == example.expect.node_files
