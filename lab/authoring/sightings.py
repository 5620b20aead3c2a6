"""What a run has shown, held against what its example says it must show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.insight.moments import Moment, moments
from lab.lessons import Expectation
from lab.timeline.facts import CommandAnswered, Entry, FileChanged, LogChunk, ObjectWritten
from lab.timeline.tables import pod_row

Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Everything a run has shown, in order of appearance, in the words of `Expectation`. ``files`` hold each file's last text."""

    story: tuple[Moment, ...]
    statuses: tuple[str, ...]
    events: tuple[str, ...]
    logs: tuple[str, ...]
    answers: tuple[str, ...]
    files: Mapping[str, str | None]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Sightings:
        """Gather them from the entries of a run."""
        entries = tuple(entries)
        statuses: list[str] = []
        events, logs, answers = [], [], []
        files: dict[str, str | None] = {}
        for entry in entries:
            match entry.fact:
                case ObjectWritten(kind="Pod", object=pod):
                    status = pod_row(pod, now=entry.at).status
                    statuses += [status] if statuses[-1:] != [status] else []
                case ObjectWritten(kind="Event", object=event):
                    events.append(event["reason"])
                case LogChunk(lines=lines):
                    logs += [text for _, _, text in lines]
                case CommandAnswered(stdout=stdout, stderr=stderr):
                    answers += [stdout, stderr]
                case FileChanged(path=path, text=text):
                    files[path] = text
                case _:
                    pass
        return cls(
            story=tuple(moments(entries)),
            statuses=tuple(statuses),
            events=tuple(events),
            logs=tuple(logs),
            answers=tuple(answers),
            files=files,
        )

    def amiss(self, expect: Expectation) -> tuple[str, ...]:
        """Say what was expected and not seen, or seen and not wanted; empty when the run showed what it should."""
        return (
            *_out_of_order("story", expect.story, self.story, Moment.is_a),
            *_out_of_order("statuses", expect.statuses, self.statuses, str.__eq__),
            *_out_of_order("events", expect.events, self.events, str.__eq__),
            *_out_of_order("logs", expect.logs, self.logs, str.__contains__),
            *(f"answers: {part!r} was not printed" for part in expect.answers if not _within(part, self.answers)),
            *(f"absent: {part!r} was seen" for part in expect.absent if self._saw(part)),
            *(
                f"files: {path} holds {self.files.get(path)!r}, not {text!r}"
                for path, text in expect.files.items()
                if self.files.get(path) != text
            ),
        )

    def _saw(self, part: str) -> bool:
        told = any(moment.is_a(part) for moment in self.story)
        return told or part in (*self.statuses, *self.events) or _within(part, (*self.logs, *self.answers))


def _within(part: str, texts: Iterable[str]) -> bool:
    return any(part in text for text in texts)


def _out_of_order(
    what: str, wanted: Sequence[str], shown: Sequence[Shown], same: Callable[[Shown, str], bool]
) -> tuple[str, ...]:
    rest = iter(shown)
    lost = [item for item in wanted if not any(same(other, item) for other in rest)]
    if not lost:
        return ()
    told = ", ".join(item.text if isinstance(item, Moment) else str(item) for item in shown)
    return (f"{what}: {lost[0]!r} was not seen at its place among: {told}",)
