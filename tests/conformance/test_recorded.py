"""The lab on a real engine against recordings of a real Kubernetes node.

`compare.py` is the yardstick. A scenario that differs is played once more: on a busy machine a moment may come late, and some
recordings have a margin of a few hundredths of a second (B3 and B4: a hook that would end just after SIGKILL).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
SCENARIOS = "A1 A2 A3 A4a A4b B1 B2 B3 B4 B7 B8 C1 C14 C3 D1 D5b".split()
SCENARIO_LIMIT_SECONDS = 300  # the longest takes one minute


def play(scenario: str, output: Path) -> dict[str, Any]:
    """Play one scenario with the command that users have; return its trace."""
    command = [sys.executable, "-m", "lab.cli", "run", str(HERE / "golden" / scenario), "--json", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SCENARIO_LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    trace: dict[str, Any] = json.loads(output.read_text())
    return trace


@pytest.fixture(scope="module")
def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare", HERE / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.engine
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_lab_agrees_with_a_recorded_node(scenario: str, compare: ModuleType, tmp_path: Path) -> None:
    golden = json.loads((HERE / "golden" / scenario / "trace.json").read_text())
    if compare.compare(golden, play(scenario, tmp_path / "first.json")):
        assert compare.compare(golden, play(scenario, tmp_path / "second.json")) == []
