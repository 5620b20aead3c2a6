"""The lab on a real engine against recordings of a real Kubernetes node: the scenarios that each change has to pass.

`make conformance` plays all that were recorded; that the kubelet's rules agree with all of them is tested in virtual time.
These were chosen to need what virtual time cannot show: the shortest scenario or two for each thing that engine, kernel, network
or file system do for hooks, and one for each way in which a pod begins and ends. `lab conformance` plays them, several at a time;
the yardstick judges.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.compare import compare, noisy_parts
from tests.conformance.recordings import GOLDEN, recorded_trace

JOBS = 4
ALL_SECONDS = 900  # of patience; they take about two minutes

CHOSEN = {
    "A1": "postStart writes into nginx's file system",
    "A3": "preStop writes into a hostPath volume",
    "A4a": "two documents, and a refused update",
    "B1": "force delete: the hook runs after the object is gone",
    "B4": "delete --now: the two-second floor",
    "B5c": "two deletes, and a command in the background",
    "B7": "a signal without a handler is dropped; SIGKILL after the grace",
    "B11": "the image's STOPSIGNAL",
    "C2": "the hook's command is not found: the runtime's error",
    "C3": "a hook that outlives the grace is abandoned and dies with the container",
    "C5d": "a hook that takes a fraction of a second more than whole seconds",
    "C9a": "httpGet: named port, headers, the server's log",
    "C9g": "httpGet: a redirect",
    "C10": "sleep",
    "C14": "a hook's output is not in the log",
    "C16b": "a background child holds the hook's pipe open",
    "C17": "PID 1 ends under a running hook",
    "C18": "two containers stop in parallel, one hook fails",
    "D3": "a failed postStart: killed, restarted, back-off",
    "D6": "Running only when postStart has ended",
    "D9c": "the entrypoint ends before the hook can be executed",
    "D10": "a hook writes to PID 1's stdout",
    "D13": "a hook runs as the container's user",
    "D14": "the next container waits for the hook of the one before",
    "D17": "environment and downward API in a hook",
    "E3b": "a sidecar is stopped after the main containers",
    "E9": "activeDeadlineSeconds",
    "E10b": "lifecycle.stopSignal",
    "E18": "killed from inside: no preStop, and a restart",
    "E22b": "liveness with a grace period of its own",
    "E24": "a termination message",
    "E28": "a volume that cannot be mounted",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Path:
    """Play all of them and return where their traces are."""
    directory = tmp_path_factory.mktemp("conformance")
    command = [sys.executable, "-m", "lab.cli", "conformance", *(str(GOLDEN / name) for name in CHOSEN)]
    options = ["--jobs", str(JOBS), "--output", str(directory)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=ALL_SECONDS, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return directory


def last_trace(directory: Path) -> dict[str, Any]:
    """Return the trace that counts: of the second time, if the first differed."""
    second = directory / "trace.2.json"
    trace: dict[str, Any] = json.loads((second if second.exists() else directory / "trace.json").read_text())
    return trace


@pytest.mark.engine
@pytest.mark.parametrize("scenario", CHOSEN)
def test_the_lab_agrees_with_a_recorded_node(scenario: str, output: Path) -> None:
    noisy = noisy_parts(GOLDEN).get(scenario, frozenset())
    assert compare(recorded_trace(scenario), last_trace(output / scenario), noisy) == []
