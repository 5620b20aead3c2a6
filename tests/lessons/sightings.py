"""What a run has shown, gathered from its timeline in the words of `lab.lessons.Expectation`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lab.lessons import Expectation
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
