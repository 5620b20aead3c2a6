"""What was played in numbers: learners' own times beside the times of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from lab.rehearsal.play import PlayedRun
from lab.rehearsal.played import Seen
from lab.store.store import Store
from lab.timeline.facts import Entry, ObjectWritten, RunAdmitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds of many: the median, and what 95 and 99 of a hundred stay below."""

    count: int
    p50: float
    p95: float
    p99: float
    most: float

    def to_json(self) -> dict[str, float]:
        """Return it as JSON, in milliseconds."""
        return {name: value if name == "count" else round(value * 1000, 1) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Of runs: from the press to the first fact and to Running on the page; from RunOpened, or the end of its wait in the queue,
    to Running on the timeline; from each fact to its arrival on its learner's page, also of those until all ran alone, and on
    the pages that were shown a run."""

    first_fact: Spread | None
    page_running: Spread | None
    running: Spread | None
    own_facts: Spread | None
    own_facts_starting: Spread | None
    shown_facts: Spread | None
    shown_facts_starting: Spread | None


def spread(values: Iterable[float]) -> Spread | None:
    """Return the spread of some values; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None

    def below(part: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]

    return Spread(count=len(ordered), p50=below(0.5), p95=below(0.95), p99=below(0.99), most=ordered[-1])


def run_figures(store: Store, runs: Sequence[PlayedRun], own: Sequence[Seen], shown: Sequence[Seen]) -> RunFigures:
    """Return the figures of runs; ``own`` and ``shown`` are all streams that were open."""
    entries = {run.run_id: _entries(store, run.run_id) for run in runs}
    written = {(run_id, entry.seq): entry.at for run_id, those in entries.items() for entry in those}
    all_run = max((run.running for run in runs if run.running), default=None)
    starting = {key: at for key, at in written.items() if all_run and at <= all_run}
    return RunFigures(
        first_fact=spread((run.first_fact - run.pressed).total_seconds() for run in runs),
        page_running=spread((run.running - run.pressed).total_seconds() for run in runs if run.running),
        running=spread(seconds for those in entries.values() if (seconds := _running_seconds(those)) is not None),
        own_facts=spread(_latencies(own, written)),
        own_facts_starting=spread(_latencies(own, starting)),
        shown_facts=spread(_latencies(shown, written)),
        shown_facts_starting=spread(_latencies(shown, starting)),
    )


def _latencies(streams: Iterable[Seen], written: dict[tuple[str, int], datetime]) -> Iterable[float]:
    """Yield from each fact to its arrival; what had happened before a stream began was not waited for."""
    for seen in streams:
        for key, arrived in seen.arrivals.items():
            at = written.get(key)
            if at is not None and seen.since is not None and at > seen.since:
                yield (arrived - at).total_seconds()


def _entries(store: Store, run_id: str) -> tuple[Entry, ...]:
    run = store.run(run_id)
    return store.entries(run.cluster, run.first_seq, run.last_seq) if run else ()


def _running_seconds(entries: Sequence[Entry]) -> float | None:
    begun: float | None = None
    for entry in entries:
        if begun is None or isinstance(entry.fact, RunAdmitted):
            begun = entry.elapsed_seconds
        fact = entry.fact
        if isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.object.get("status", {}).get("phase") == "Running":
            return entry.elapsed_seconds - begun
    return None
