"""``python -m benchmarks``: the lab's times for the lesson's first example beside those of the bare Docker API.

Both in the same minute, turn and turn about, so that whatever else loads the machine meets both alike; medians, after a round
that does not count. The lab is the one that people use: ``lab serve``, pages, store, streams and the signal witness included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bare_docker import INSTANCE, POD_CIDR, bare_docker
from benchmarks.served import PRESSES, RunTimes, cpu_seconds, percentile, read_times, visit
from lab.clock import SystemClock
from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
from lab.runtime.engine_client import EngineClient
from tests.served_lab import ServedLab

GOAL = 1.3  # at most so many times the bare calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured: one entry per round; the lab's rounds have one RunTimes per press."""

    bare: list[dict[str, float]]
    lab: list[list[RunTimes]]
    cpu_seconds_per_pod: float
    load: tuple[float, float, float]  # of the machine, before

    def report(self) -> dict[str, Any]:
        """Return medians in milliseconds and their ratios."""
        bare_run, bare_delete = (statistics.median(times[name] for times in self.bare) for name in ("run", "delete"))
        first, again = ([presses[number] for presses in self.lab] for number in (0, PRESSES - 1))
        latencies = [latency for presses in self.lab for times in presses for latency in times.latencies]
        return {
            "rounds": len(self.bare),
            "load_before": [round(load, 1) for load in self.load],
            "run_to_running": _compared(bare_run, [t.run for t in first], [t.run for t in again]),
            "delete_to_gone": _compared(bare_delete, [t.delete for t in first], [t.delete for t in again]),
            "press_to_running_on_the_page_ms": _milliseconds(statistics.median(t.page for t in first)),
            "fact_to_page_ms": {
                "median": _milliseconds(statistics.median(latencies)),
                "p95": _milliseconds(percentile(latencies, 95)),
                "facts": len(latencies),
            },
            "lab_cpu_seconds_per_pod": round(self.cpu_seconds_per_pod, 3),
        }


def measure(rounds: int) -> Measured:
    """Measure so many rounds after one for warming up."""
    clock, load = SystemClock(), os.getloadavg()
    engine = EngineClient()
    runtime = DockerRuntime(engine, RuntimeSettings(instance=INSTANCE, pod_cidr=POD_CIDR), clock)
    bare, visits, cpu = [], [], 0.0
    with tempfile.TemporaryDirectory(prefix="pod-hook-lab-benchmark-") as directory:
        lab = ServedLab(Path(directory))
        try:
            for number in range(rounds + 1):
                print(f"round {number} of {rounds}", end="\r", file=sys.stderr, flush=True)
                bare.append(bare_docker(engine, clock))
                before = cpu_seconds(lab.worker)
                visits.append(visit(lab, clock))
                cpu += (cpu_seconds(lab.worker) - before) if number else 0.0
        finally:
            lab.close()
            runtime.sweep(INSTANCE)
            runtime.close()
        times = read_times(Path(directory), clock, visits)
    return Measured(bare=bare[1:], lab=times[1:], cpu_seconds_per_pod=cpu / (rounds * PRESSES), load=load)


def main() -> int:
    """Measure and print; return 1 when the goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how many, after one for warming up (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print an object instead of the table")
    parser.add_argument("--segments", action="store_true", help="also print where the time went")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds)
    report = measured.report()
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    if arguments.segments:
        print(segments(measured))
    return 0 if max(report[name]["ratio"] for name in ("run_to_running", "delete_to_gone")) <= GOAL else 1


def table(report: dict[str, Any]) -> str:
    """Return the report for people."""
    lines = [f"{'median of ' + str(report['rounds']):34} {'bare ms':>8} {'lab ms':>8} {'ratio':>6} {'again ms':>9}"]
    for label, name in (("press of Run to Running", "run_to_running"), ("delete to gone", "delete_to_gone")):
        row = report[name]
        lines.append(f"{label:34} {row['bare_ms']:8.1f} {row['lab_ms']:8.1f} {row['ratio']:6.2f} {row['again_ms']:9.1f}")
    latency = report["fact_to_page_ms"]
    lines += [
        f"{'press of Run to Running on the page':34} {report['press_to_running_on_the_page_ms']:16.1f}",
        f"{'fact to page, median and p95':34} {latency['median']:16.1f} {latency['p95']:6.1f}   ({latency['facts']} facts)",
        f"{'processor seconds of the lab, a pod':34} {report['lab_cpu_seconds_per_pod']:16.3f}",
        f"{'load of the machine before':34} {' '.join(map(str, report['load_before'])):>16}",
    ]
    return "\n".join(lines)


def segments(measured: Measured) -> str:
    """Return median milliseconds: of each bare step, and of the lab before each kind of fact in the first press."""
    lines = []
    for title, times in (("bare", measured.bare), ("lab", [presses[0].segments for presses in measured.lab])):
        for name in times[0]:
            median = statistics.median(one.get(name, 0.0) for one in times)
            lines.append(f"{title + ': ' + name:34} {_milliseconds(median):8.1f}")
    return "\n".join(lines)


def _compared(bare: float, first: list[float], again: list[float]) -> dict[str, float]:
    lab = statistics.median(first)
    return {
        "bare_ms": _milliseconds(bare),
        "lab_ms": _milliseconds(lab),
        "ratio": round(lab / bare, 2),
        "again_ms": _milliseconds(statistics.median(again)),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


if __name__ == "__main__":
    sys.exit(main())
