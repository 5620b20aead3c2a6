"""A learner's day in a few seconds: many pods in the past of a cluster, so that what one more costs can be compared.

The pods are played by the lab's own kubelet, API and store on the scripted runtime, in real time; only the engine is missing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.served import EXAMPLE, cpu_seconds, says_running
from benchmarks.workload import ONE
from lab.clock import SystemClock
from lab.cluster.runs import RunParts, Runs
from lab.runtime.node_files import NodeFiles
from lab.runtime.scripted import ContainerScript, ScriptedRuntime
from lab.store.store import Store
from lab.timeline.facts import RunClosed
from lab.timeline.timeline import Timeline

PID = "self"


def play(data: Path, cluster: str, pods: int) -> list[float]:
    """Add so many pods, one after the other, to a cluster's past; return the processor seconds of each."""
    clock = SystemClock()
    script = ContainerScript(on_signal={"SIGQUIT": (0.0, 0), "SIGTERM": (0.0, 0)})
    scripts = {program.name: script for program in ONE.programs}
    manifest, costs = ONE.manifest(1), list[float]()
    with (
        tempfile.TemporaryDirectory(prefix="pod-hook-lab-benchmark-") as nodes,
        Store.open(f"sqlite:///{data}/lab.sqlite", clock) as store,
    ):
        files = NodeFiles(Path(nodes))
        runs = Runs(
            RunParts(
                clock=clock,
                journal=store.journal,
                index=store,
                runtime=ScriptedRuntime(clock, scripts),
                files=files,
                max_live_runs=2,
            )
        )
        timeline = runs.timeline(cluster)
        for _ in range(pods):
            before = cpu_seconds(PID)
            run = runs.open(cluster, EXAMPLE, manifest)
            _await(timeline, run.first_seq, running=True)
            runs.delete(run.id)
            _await(timeline, run.first_seq, running=False)
            costs.append(cpu_seconds(PID) - before)
        runs.close()
        files.sweep()
    return costs


def _await(timeline: Timeline, after: int, *, running: bool) -> None:
    """Wait until the pod of the run that began at ``after`` runs, or until the run is closed."""
    while True:
        for entry in timeline.wait(after):
            after = entry.seq
            if isinstance(entry.fact, RunClosed) and not running:
                return
            if running and says_running(entry.fact):
                return
