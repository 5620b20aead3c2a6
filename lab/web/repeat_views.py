"""What is shown of a repeat: how far it is, and how the chosen interval varies between its runs.

Computed from the runs' entries; a run that has ended is measured once and remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.cluster.repeats import MOST_RUNS
from lab.insight.intervals import BY_ID, INTERVALS, Interval, Summary, measure, summary
from lab.timeline.repeat import Repeat
from lab.web.dot_plot import DotPlot, dot_plot
from lab.web.services import Services

KEPT_MEASUREMENTS = 10_000  # runs; a few hundred bytes each
SUGGESTED_COUNT = 10
_FIRST_CHOICES = ("log-post-start", "signal-exit", "run-running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run of the repeat that has ended, with the chosen interval; None where the run has none."""

    number: int
    run_id: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatView:
    """What stands in a card's place for repeats. ``choices`` are the intervals that any run has, with how many have it."""

    repeat: Repeat | None
    problem: str = ""
    own: bool = True
    before: int = 0
    ended: int = 0
    choices: tuple[tuple[Interval, int], ...] = ()
    chosen: Interval | None = None
    runs: tuple[Measured, ...] = ()
    values: tuple[Measured, ...] = ()
    numbers: Summary | None = None
    plot: DotPlot | None = None
    most_runs: int = MOST_RUNS
    suggested_count: int = SUGGESTED_COUNT


class RepeatViews:
    """Computes what is shown of repeats. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, float]] = OrderedDict()

    def of_example(self, cluster: str, example_id: str, wanted: str = "", *, problem: str = "") -> RepeatView:
        """Return the learner's newest repeat of an example."""
        repeat = self._services.repeats.latest(cluster, example_id)
        return self.of(repeat, wanted, problem=problem) if repeat else RepeatView(repeat=None, problem=problem)

    def of(self, repeat: Repeat, wanted: str = "", *, problem: str = "", own: bool = True) -> RepeatView:
        """Return a repeat with the interval ``wanted``, or the first that says something."""
        measured = [(number, run_id, self._measured(run_id)) for number, run_id in enumerate(repeat.runs, 1)]
        ended = [(number, run_id, found) for number, run_id, found in measured if found is not None]
        counts = [(interval, sum(interval.id in found for _, _, found in ended)) for interval in INTERVALS]
        choices = tuple((interval, count) for interval, count in counts if count)
        chosen = _chosen(choices, wanted)
        runs = tuple(
            Measured(number=number, run_id=run_id, seconds=found.get(chosen.id) if chosen else None)
            for number, run_id, found in ended
        )
        values = tuple(run for run in runs if run.seconds is not None)
        seconds = [run.seconds for run in values if run.seconds is not None]
        return RepeatView(
            repeat=repeat,
            problem=problem,
            own=own,
            before=self._services.repeats.before(repeat.id),
            ended=len(ended),
            choices=choices,
            chosen=chosen,
            runs=runs,
            values=values,
            numbers=summary(seconds),
            plot=dot_plot(seconds),
        )

    def _measured(self, run_id: str) -> Mapping[str, float] | None:
        """Return a run's intervals; None while it is live."""
        with self._lock:
            if run_id in self._kept:
                self._kept.move_to_end(run_id)
                return self._kept[run_id]
        run = self._services.runs.get(run_id)
        if run is None or run.ended is None:
            return None
        found = measure(self._services.runs.entries(run_id))
        with self._lock:
            self._kept[run_id] = found
            while len(self._kept) > KEPT_MEASUREMENTS:
                self._kept.popitem(last=False)
        return found


def _chosen(choices: Sequence[tuple[Interval, int]], wanted: str) -> Interval | None:
    present = {interval.id for interval, _ in choices}
    return next((BY_ID[name] for name in (wanted, *_FIRST_CHOICES) if name in present), choices[0][0] if choices else None)
