"""Scenarios of the recorded form that nobody recorded, on a real engine: what charts and end-to-end tests do with hooks.

There is no recording to compare with. Each test says what Kubernetes' own documentation or source says of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

UNSEEN = Path(__file__).parent / "unseen"
JOBS = 4
ONE_SECONDS = 120  # of patience
PARTS = frozenset(
    {
        *("namespace", "events", "podStates", "getTable", "containerExit", "logs", "files", "cli", "gone_t", "t_delete", "notes"),
    }
)

Trace = dict[str, Any]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> dict[str, Trace]:
    """Play all of them, several at a time."""
    directory = tmp_path_factory.mktemp("unseen")

    def play(scenario: Path) -> Trace:
        output = directory / scenario.name / "trace.json"
        command = [sys.executable, "-m", "lab.cli", "run", str(scenario), "--output", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=ONE_SECONDS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        trace: Trace = json.loads(output.read_text())
        return trace

    scenarios = sorted(path for path in UNSEEN.iterdir() if path.is_dir())
    with ThreadPoolExecutor(JOBS) as pool:
        return {path.name: trace for path, trace in zip(scenarios, pool.map(play, scenarios), strict=True)}


def log(trace: Trace, container: str, *, stream: str = "stdout") -> list[str]:
    """Return what the first attempt wrote into one stream: no node keeps the order between the two."""
    (lines,) = [logs["0"] for key, logs in trace["logs"].items() if key.endswith(f"/{container}")]
    return [line["line"] for line in lines if line["stream"] == stream]


def reasons(trace: Trace, container: str) -> list[str]:
    return [e["reason"] for e in trace["events"] if f"{{{container}}}" in (e["fieldPath"] or "") and e["reason"] != "Pulling"]


def exits(trace: Trace) -> dict[str, list[int]]:
    codes: dict[str, list[int]] = {}
    for e in trace["containerExit"]:
        codes.setdefault(e["container"], []).append(e["exitStatus"])
    return codes


def stdout(trace: Trace, verb: str) -> str:
    return next(str(c["stdout"]) for c in trace["cli"] if c.get("argv", ())[1:2] == [verb])


def test_every_trace_has_all_parts_and_ends_with_the_pod_gone(traces: dict[str, Trace]) -> None:
    assert len(traces) >= 10
    for name, trace in traces.items():
        assert trace.keys() >= PARTS, name
        assert trace["gone_t"], name
        assert not [note for note in trace["notes"] if "timed out" in note or "not supported" in note], (name, trace["notes"])


def test_a_mesh_proxy_is_ready_before_the_app_and_outlives_it(traces: dict[str, Trace]) -> None:
    trace = traces["mesh-sidecar"]
    assert log(trace, "proxy") == ["proxy up", "proxy ready", "proxy draining", "proxy TERM"]
    started = {e["fieldPath"]: e["t"] for e in trace["events"] if e["reason"] == "Started"}
    assert started["spec.containers{app}"] > started["spec.initContainers{proxy}"] + 1
    assert [e["container"] for e in trace["containerExit"]] == ["app", "proxy"]
    assert exits(trace) == {"app": [0], "proxy": [0]}


def test_a_hook_that_needs_a_shell_which_is_not_there_fails_and_the_stop_goes_on(traces: dict[str, Trace]) -> None:
    trace = traces["no-shell-in-the-image"]
    assert log(trace, "redis") == ["starting"]
    assert reasons(trace, "redis")[-2:] == ["Killing", "FailedPreStopHook"]
    assert exits(trace) == {"redis": [137]}


def test_a_chart_s_pod_runs_as_it_asks(traces: dict[str, Trace]) -> None:
    trace = traces["chart-with-everything"]
    names = ["configmap/settings", "secret/credentials", "service/web", "serviceaccount/web", "pod/web"]
    assert stdout(trace, "apply") == "".join(f"{name} created\n" for name in names)
    identity, password, data, capabilities = trace["files"]["/data/seen"].splitlines()
    assert identity == "uid=1000 gid=1000 groups=1000"
    assert password == "s3cret"
    assert data == "1000:2777"
    assert capabilities.split() == ["CapEff:", "0000000000000000"]
    assert log(trace, "web") == ["started", "draining for 1", "got TERM"]
    assert "FailedToRetrieveImagePullSecret" in [e["reason"] for e in trace["events"]]
    assert any("spec.affinity.podAntiAffinity has no effect in the lab" in note for note in trace["notes"])
    assert "Environment Variables from:" in trace["describe"]["describe"]["text"]


def test_variables_fields_amounts_and_paths_are_expanded(traces: dict[str, Trace]) -> None:
    assert log(traces["expansion"], "app") == [
        "expansion;;$(UNKNOWN) $(NAME)",
        "500 32",
        'app="web"',
        'tier="front"',
        "prepared",
        "10.1.2.3\tbroker.local",
        "kafka-0",
    ]


def test_a_restart_rule_starts_a_container_again_without_a_hook(traces: dict[str, Trace]) -> None:
    trace = traces["restart-rules"]
    assert exits(trace) == {"worker": [42, 1]}
    assert trace["podStates"][-1]["phase"] == "Failed"
    assert "Killing" not in reasons(trace, "worker")


def test_containers_run_as_their_users_and_share_the_group_of_the_volumes(traces: dict[str, Trace]) -> None:
    trace = traces["users-and-groups"]
    assert log(trace, "first") == ["1001", "0 2001", "1001:2001"]
    assert log(trace, "second") == ["1002"]
    assert log(trace, "second", stream="stderr") == ["touch: /etc/file: Permission denied"]
    assert exits(trace) == {"first": [0], "second": [1]}


def test_a_budget_forbids_an_eviction_and_the_next_one_runs_the_hook(traces: dict[str, Trace]) -> None:
    trace = traces["budget-and-eviction"]
    assert [c["code"] for c in trace["cli"] if "api" in c] == [429, 201]
    assert log(trace, "app") == ["started", "evicting", "got TERM"]
    assert trace["podStates"][-1]["conditions"]["DisruptionTarget"] == "True:EvictionByEvictionAPI"


def test_a_post_start_hook_holds_back_the_next_container(traces: dict[str, Trace]) -> None:
    trace = traces["await-the-proxy"]
    assert log(trace, "app") == ["proxy is ready", "app TERM"]
    assert [e["container"] for e in trace["containerExit"]] == ["app", "proxy"]


def test_a_container_that_the_kernel_ends_has_no_hook(traces: dict[str, Trace]) -> None:
    trace = traces["out-of-memory"]
    assert stdout(trace, "get") == "OOMKilled"
    assert exits(trace) == {"hungry": [137]}
    assert "Killing" not in reasons(trace, "hungry")


def test_a_failed_grpc_probe_runs_the_hook_and_restarts(traces: dict[str, Trace]) -> None:
    trace = traces["grpc-probe"]
    (unhealthy,) = {e["message"].split('"')[0] for e in trace["events"] if e["reason"] == "Unhealthy"}
    assert unhealthy == "Liveness probe failed: timeout: failed to connect service "
    assert log(trace, "deaf") == ["unhealthy", "got TERM"]
    assert exits(trace)["deaf"][0] == 0
