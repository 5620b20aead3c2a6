"""One learner's way through the lesson's first example in a lab that is really served: open the page, press Run, see
Running and the hook's message, press Delete, see it gone, and all that again.

Times are taken where they are true: what the lab did when, from the timeline's own clock in the store; what a page saw when, at
the end of its stream of events.
"""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab.clock import Clock
from lab.lessons import Catalog
from lab.share import CONTENT
from lab.store.store import Store
from lab.timeline.facts import Entry, Fact, ObjectWritten, RunClosed, RunOpened
from tests.served_lab import ServedLab, Stream, Visitor, facts_of

EXAMPLE = "post-start/post-start-message"
THINKING_SECONDS = 1.0  # nobody presses Run sooner after a page has opened
PRESSES = 2  # a learner's first, for which the cluster is made, and one more


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a page saw of one run: when Run was pressed, and when each entry arrived, by its seq."""

    pressed: datetime
    arrivals: dict[int, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """One run's seconds. ``run``: RunOpened to the status Running. ``delete``: the delete's write to nothing left on the node.
    ``page``: the press to the page that says Running. ``latencies``: from each fact to its arrival at the page."""

    run: float
    delete: float
    page: float
    latencies: tuple[float, ...]
    segments: dict[str, float]


def visit(lab: ServedLab, clock: Clock) -> list[Press]:
    """Be a new learner who runs the example; return what they saw of each run."""
    visitor, lesson = Visitor(lab), f"/lessons/{EXAMPLE.partition('/')[0]}"
    example = Catalog.load(CONTENT).example(EXAMPLE)
    assert example is not None
    visitor.get(lesson)
    presses = []
    with visitor.following(f"{lesson}/stream") as events:
        next(events)
        clock.sleep(THINKING_SECONDS)
        for number in range(1, PRESSES + 1):
            pressed = clock.now()
            visitor.press(f"/examples/{EXAMPLE}/run", manifest=example.manifest)
            _await(events, lambda shown, nth=number: _shows_the_message(facts_of(shown.rows), nth))  # type: ignore[misc]
            visitor.press(f"/examples/{EXAMPLE}/delete", mode="graceful")
            shown = _await(events, lambda shown, nth=number: facts_of(shown.rows).count("RunClosed") == nth)  # type: ignore[misc]
            presses.append(Press(pressed=pressed, arrivals=dict(shown.arrivals)))
    return presses


def read_times(data: Path, clock: Clock, visits: list[list[Press]]) -> list[list[RunTimes]]:
    """Return what the store of a lab that has stopped says of all visits, in their order."""
    with Store.open(f"sqlite:///{data}/lab.sqlite", clock) as store:
        return [
            [_times(run, press) for run, press in zip(_runs(store.entries(cluster, 1)), presses, strict=True)]
            for cluster, presses in zip(store.clusters(), visits, strict=True)
        ]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile of many values."""
    return statistics.quantiles(values, n=100)[percent - 1]


def _await(events: Iterator[Stream], seen: Callable[[Stream], bool]) -> Stream:
    for stream in events:
        if seen(stream):
            return stream
    raise AssertionError("the stream ended")


def _shows_the_message(facts: list[str], nth: int) -> bool:
    """Whether the page shows the nth run's status after its hook's end, and the file that the hook has written: what a learner
    wants to see before Delete is pressed."""
    ends = [place for place, fact in enumerate(facts) if fact == "HookFinished"]
    return len(ends) == nth and {"ObjectWritten", "FileChanged"} <= set(facts[ends[-1] :])


def _runs(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    starts = [place for place, entry in enumerate(entries) if isinstance(entry.fact, RunOpened)]
    for start, end in zip(starts, [*starts[1:], len(entries)], strict=True):
        yield entries[start:end]


def _times(entries: tuple[Entry, ...], press: Press) -> RunTimes:
    opened, deleted = entries[0], _first(entries, lambda fact: isinstance(fact, ObjectWritten) and fact.verb == "delete")
    running = _first(entries, _says_running)
    closed = _first(entries, lambda fact: isinstance(fact, RunClosed))
    return RunTimes(
        run=running.elapsed_seconds - opened.elapsed_seconds,
        delete=closed.elapsed_seconds - deleted.elapsed_seconds,
        page=(press.arrivals[running.seq] - press.pressed).total_seconds(),
        latencies=tuple((press.arrivals[e.seq] - e.at).total_seconds() for e in entries if e.seq in press.arrivals),
        segments=_segments(entries),
    )


def _segments(entries: tuple[Entry, ...]) -> dict[str, float]:
    """Return how long after the entry before it each kind of node fact came, summed over the run."""
    segments: dict[str, float] = {}
    for before, entry in itertools.pairwise(entries):
        name = type(entry.fact).__name__
        if isinstance(entry.fact, ObjectWritten):
            name = f"{entry.fact.kind} {entry.fact.verb}"
        segments[name] = segments.get(name, 0.0) + entry.elapsed_seconds - before.elapsed_seconds
    return segments


def _says_running(fact: Fact) -> bool:
    return isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.object["status"].get("phase") == "Running"


def _first(entries: tuple[Entry, ...], wanted: Callable[[Fact], bool]) -> Entry:
    return next(entry for entry in entries if wanted(entry.fact))
