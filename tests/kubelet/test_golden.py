"""The recorded scenarios themselves, played in virtual time: manifests, actions and trace as on an engine, only the processes are
stand-ins that run the manifests' scripts (`shell`).

This guards the kubelet's order and times in seconds of real time; `tests/conformance` proves the same on an engine.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lab.clock import VirtualClock
from lab.cluster.cluster import Cluster, ClusterOptions
from lab.runtime.node_files import NodeFiles
from lab.scenarios.recording import Recorder
from lab.scenarios.scenario import read_scenario
from lab.timeline.timeline import MemoryJournal, Timeline
from tests.conformance import compare
from tests.conformance.recordings import GOLDEN, SCENARIOS, recorded_trace
from tests.kubelet.shell_runtime import ShellRuntime

_NO_SERVER = "the stand-in speaks no TLS, and none that never answers can be waited for in virtual time"
_JITTER = "the real node's random jitter was longer than the lab's: the scenario deletes the pod before its second restart"
_NO_DEPLOYMENT = "a Deployment, which the lab does not run"
SERVED = dict.fromkeys(("C6", "C7a", "C7b", "C9a", "C9e", "C9g"), "requests are logged at the usual speed alone")
DIFFERENT = {
    **dict.fromkeys(("C9b", "C9b2", "C9f"), _NO_SERVER),
    **dict.fromkeys(("D11", "D11c"), _JITTER),
    **dict.fromkeys(("E5", "E6"), _NO_DEPLOYMENT),
    "D5": "the recording was ended by hand",
    "D14b": "a race: the recorded delete came a moment after the pass that restarts the container, here it comes before",
}
NOISY = compare.noisy_parts(GOLDEN)


def pod_ip() -> str:
    """Return an address that no test beside this one serves at."""
    return f"127.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}.1"


def play(scenario_id: str, root: Path, slowness: float) -> dict[str, Any]:
    """Return the trace of a scenario on stand-ins."""
    scenario = read_scenario(GOLDEN / scenario_id)
    with VirtualClock() as clock:
        gates = frozenset(name for name, on in scenario.feature_gates.items() if on)
        timeline = Timeline("c", clock, MemoryJournal(), keep=1_000_000)
        files = NodeFiles(root, plain=True)
        runtime = ShellRuntime(clock, pod_ip=pod_ip(), slowness=slowness)
        cluster = Cluster(timeline, clock, runtime, files, options=ClusterOptions(feature_gates=gates))
        recording = Recorder(scenario, cluster, clock, run_id="run").record()
        cluster.close()
    assert recording.failure is None, recording.failure
    trace: dict[str, Any] = json.loads(json.dumps(recording.trace))
    return trace


def differences(scenario_id: str, root: Path, slowness: float = 1.0) -> list[str]:
    trace = play(scenario_id, root, slowness)
    return compare.compare(recorded_trace(scenario_id), trace, NOISY.get(scenario_id, frozenset()))


@pytest.mark.parametrize("scenario_id", [s for s in SCENARIOS if s not in DIFFERENT])
def test_the_kubelet_agrees_with_a_recorded_node(scenario_id: str, tmp_path: Path) -> None:
    assert differences(scenario_id, tmp_path) == []


@pytest.mark.parametrize("slowness", [0.1, 3.0])
@pytest.mark.parametrize("scenario_id", [s for s in SCENARIOS if s[0] in "BC" and s not in DIFFERENT | SERVED])
def test_grace_periods_do_not_depend_on_the_speed_of_the_engine(scenario_id: str, slowness: float, tmp_path: Path) -> None:
    assert differences(scenario_id, tmp_path, slowness) == []


@pytest.mark.parametrize("scenario_id", sorted(DIFFERENT))
def test_a_scenario_is_called_different_only_while_it_is(scenario_id: str, tmp_path: Path) -> None:
    assert differences(scenario_id, tmp_path) != []
