"""Scenarios played on a scripted runtime in virtual time, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.clock import VirtualClock
from lab.cluster.cluster import Cluster
from lab.runtime.node_files import NodeFiles
from lab.runtime.scripted import ContainerScript, ExecScript, ScriptedRuntime
from lab.scenarios.recording import Recorder, Recording
from lab.scenarios.scenario import Scenario
from lab.scenarios.steps import action_from_json
from lab.timeline.timeline import MemoryJournal, Timeline

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 6
  containers:
  - name: {container}
    image: busybox
    command: [sh]
"""
ONE, TWO = POD.format(name="one", container="app"), POD.format(name="two", container="side")
BOTH = f"{ONE}---\n{TWO}"
OBEDIENT = ContainerScript(
    on_signal={"SIGTERM": (0.5, 0)}, logs=("hello",), execs={"three": ExecScript(exit_code=3, stderr="no\n")}
)


class Stage:
    """A fresh cluster in virtual time, on which scenarios are recorded."""

    def __init__(self, root: Path) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline("c", self.clock, MemoryJournal())
        self.script = OBEDIENT
        self._root = root

    def record(
        self,
        *actions: Mapping[str, Any],
        manifest: str = ONE,
        timeout_seconds: float | None = None,
        disturb: Callable[[Recorder], None] | None = None,
        **more: str,
    ) -> Recording:
        runtime = ScriptedRuntime(self.clock, {"app": self.script, "side": self.script})
        cluster = Cluster(self.timeline, self.clock, runtime, NodeFiles(self._root, plain=True))
        manifests = {"manifest.yaml": manifest} | {f"{name}.yaml": text for name, text in more.items()}
        parsed = tuple(action_from_json(dict(action), "manifest.yaml") for action in actions)
        scenario = Scenario(id="S", title="S", namespace="n", actions=parsed, manifests=manifests)
        recorder = Recorder(scenario, cluster, self.clock, run_id="r")
        if disturb is not None:
            self.clock.spawn("disturbance", disturb, recorder)
        try:
            return recorder.record(timeout_seconds)
        finally:
            cluster.close()


APPLY, READY, GONE = {"do": "apply"}, {"do": "wait", "for": "ready"}, {"do": "wait", "for": "gone", "timeout": 90}


def answers(recording: Recording) -> list[tuple[int, str]]:
    return [(c["rc"], c["stdout"] + c["stderr"]) for c in recording.trace["cli"]]
