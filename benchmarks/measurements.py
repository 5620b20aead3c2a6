"""What is measured, section by section; every section serves labs of its own."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import past
from benchmarks.bare_docker import BareDocker, BareTimes
from benchmarks.served import Learner, Press, RunTimes, read_times
from benchmarks.workload import ONE, THREE, Shape
from tests.served_lab import ServedLab

SECTIONS = ("one-container", "three-containers", "warm", "unwitnessed", "past")
COUNTS = (1, 8, 32)
PAST_PODS = 1000
COLD = {"LAB_WARM_SANDBOXES": "0", "LAB_MAX_PODS": "64"}
WARM = {"LAB_WARM_SANDBOXES": "8", "LAB_MAX_PODS": "64"}
UNWITNESSED = {**COLD, "LAB_WITNESS_SIGNALS": "no"}
Row = dict[str, Any]


def measure(section: str, bare: BareDocker, rounds: int) -> list[Row]:
    """Measure a section and return its rows, times in seconds."""
    match section:
        case "one-container":
            return _beside_bare(bare, ONE, COUNTS, rounds, COLD)
        case "three-containers":
            return _beside_bare(bare, THREE, COUNTS, rounds, COLD)
        case "warm":
            return [_warm(bare, shape, rounds) for shape in (ONE, THREE)]
        case "unwitnessed":
            return _beside_bare(bare, ONE, (1, 32), rounds, UNWITNESSED)
        case _:
            return [_past(bare, rounds)]


def _beside_bare(bare: BareDocker, shape: Shape, counts: tuple[int, ...], rounds: int, settings: dict[str, str]) -> list[Row]:
    """Measure the lab with cold sandboxes and bare Docker in turn, a new learner each time."""
    taken: dict[int, list[tuple[BareTimes, Press]]] = {count: [] for count in counts}
    with _served(bare, settings) as lab:
        for count in counts:
            for number in range(_rounds(rounds, count)):
                _tell(f"{shape.name}, {count} at once, round {number + 1}")
                taken[count].append((bare.time(shape, count), Learner(lab, bare.clock).press(shape, count)[0]))
        lab.close()
        rows = []
        for count, rounds_taken in taken.items():
            times = read_times(lab.data, bare.clock, [press for _, press in rounds_taken])
            rows.append({"pods": count, **_compared([bare_times for bare_times, _ in rounds_taken], times)})
        return rows


def _warm(bare: BareDocker, shape: Shape, rounds: int) -> Row:
    """Measure second presses: their sandbox was made while the learner thought."""
    taken = []
    with _served(bare, WARM) as lab:
        for number in range(rounds):
            _tell(f"{shape.name}, warm, round {number + 1}")
            taken.append((bare.time(shape, 1), Learner(lab, bare.clock).press(shape, 1, times=2)[1]))
        lab.close()
        times = read_times(lab.data, bare.clock, [press for _, press in taken])
    return {"shape": shape.name, "pods": 1, **_compared([bare_times for bare_times, _ in taken], times)}


def _past(bare: BareDocker, rounds: int) -> Row:
    """Measure a learner's first pods, then play a long day into the same cluster, and measure again."""
    with _served(bare, COLD) as lab:
        learner = Learner(lab, bare.clock)
        _tell("first pods")
        page_before = learner.open_page()
        before = learner.press(ONE, 1, times=rounds)
        lab.close()
        _tell(f"{PAST_PODS} pods without an engine")
        costs = past.play(lab.data, before[0].cluster, PAST_PODS)
        _tell("the pods after them")
        lab.start()
        learner.open_page()
        page_after = learner.open_page()
        after = learner.press(ONE, 1, times=rounds)
        lab.close()
        first, last = read_times(lab.data, bare.clock, before), read_times(lab.data, bare.clock, after)
    tenth = PAST_PODS // 10
    return {
        "pods": PAST_PODS,
        "without_engine_first_cpu": statistics.mean(costs[:tenth]),
        "without_engine_last_cpu": statistics.mean(costs[-tenth:]),
        "run_before": _median(first, "run"),
        "run_after": _median(last, "run"),
        "delete_before": _median(first, "delete"),
        "delete_after": _median(last, "delete"),
        "cpu_before": _median(first, "cpu_seconds_per_pod"),
        "cpu_after": _median(last, "cpu_seconds_per_pod"),
        "page_before": page_before,
        "page_after": page_after,
    }


@contextmanager
def _served(bare: BareDocker, settings: dict[str, str]) -> Iterator[ServedLab]:
    """Serve a lab that has had its first press."""
    with tempfile.TemporaryDirectory(prefix="pod-hook-lab-benchmark-") as directory:
        lab = ServedLab(Path(directory), **settings)
        try:
            Learner(lab, bare.clock).press(ONE, 1)
            yield lab
        finally:
            lab.close()


def _compared(bare: list[BareTimes], lab: list[RunTimes]) -> Row:
    latencies = [latency for times in lab for latency in times.latencies]
    bare_run, bare_stop = statistics.median(b.run for b in bare), statistics.median(b.stop for b in bare)
    bare_clear = statistics.median(b.stop + b.remove for b in bare)
    return {
        "rounds": len(lab),
        "bare_run": bare_run,
        "run": _median(lab, "run"),
        "run_ratio": _median(lab, "run") / bare_run,
        "typical": _median(lab, "typical"),
        "page": _median(lab, "page"),
        "sandbox": statistics.median(waited for times in lab for waited in times.sandboxes),
        "bare_stop": bare_stop,
        "delete": _median(lab, "delete"),
        "delete_beyond": _median(lab, "delete") - bare_stop,
        "bare_clear": bare_clear,
        "clear": _median(lab, "clear"),
        "clear_ratio": _median(lab, "clear") / bare_clear,
        "latency": statistics.median(latencies),
        "latency_p95": statistics.quantiles(latencies, n=20)[18],
        "cpu": _median(lab, "cpu_seconds_per_pod"),
    }


def _median(times: list[RunTimes], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in times))


def _rounds(rounds: int, count: int) -> int:
    return rounds if count == 1 else max(2, rounds // 2 if count < 32 else rounds // 3)


def _tell(text: str) -> None:
    print(f"\033[2K{text}", end="\r", file=sys.stderr, flush=True)
