"""Holding the kubelet of a headless run, and letting it go on by lines of stdin."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli import main
from lab.cluster.cluster import ClusterOptions
from lab.scenarios.hold_prompt import HOLD_POINTS, HoldPrompt, hold_points
from lab.scenarios.trace import trace_of
from lab.timeline.facts import KubeletContinued, KubeletHeld
from tests.commands.test_run import manifest
from tests.kubelet.stage import Stage, pod, polite


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("all", HOLD_POINTS),
        ("before-sigkill, before-start", ("before-start", "before-sigkill")),
        ("after-start", ("after-start",)),
    ],
)
def test_points_are_named_or_all(text: str, points: tuple[str, ...]) -> None:
    assert hold_points(text) == points


def test_what_is_no_point_is_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", str(manifest(tmp_path)), "--hold", "before-start,lunch"])
    assert end.value.code == 2
    assert "lunch is no hold point; choose from before-start, after-start" in capsys.readouterr().err


@pytest.mark.parametrize(("lines", "held"), [("\n\n", 3), ("\n\n\n\n", 3), ("", 1), ("\n", 2)])
def test_each_line_ends_one_hold_and_their_end_all(tmp_path: Path, lines: str, held: int) -> None:
    stage = Stage(tmp_path, {"app": polite()}, ClusterOptions(), None)
    prompt = io.StringIO()
    holds = HoldPrompt(stage.cluster, stage.clock, "r", source=io.StringIO(lines), prompt=prompt)
    holds.start(("before-start", "after-start", "before-stop-signal"))
    stage.kubectl("apply", pod(), run_id="r")
    stage.clock.sleep(3)
    stage.cluster.kubectl.delete("p", namespace="default")
    stage.wait_until_cleared()
    holds.close()
    facts = [entry.fact for entry in stage.timeline.read(0)]
    assert len([fact for fact in facts if isinstance(fact, KubeletHeld)]) == held
    assert prompt.getvalue() == "Press Enter to continue.\n" * held
    notes = trace_of(stage.timeline.read(0), namespace="default")["notes"]
    assert notes[0] == "the kubelet was held before-start of app for 0.0 s"
    assert len(notes) == len([fact for fact in facts if isinstance(fact, KubeletContinued)]) == held
    stage.close()


def test_a_run_that_is_not_held_has_no_word_of_it_in_its_trace(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"app": polite()}, ClusterOptions(), None)
    stage.run(pod())
    assert trace_of(stage.timeline.read(0), namespace="default")["notes"] == []
    stage.close()


@pytest.mark.engine
def test_a_held_run_goes_on_by_lines_from_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab.cli", "run", str(manifest(tmp_path)), "--hold", "after-start,before-sigkill"]
    ended = subprocess.run(command, input="\n\n", capture_output=True, text=True, env=os.environ, timeout=120, check=True)
    assert "the kubelet is held after the start of app; process and hook go on." in ended.stdout
    assert "the kubelet is held before SIGKILL to app; process and hook go on." in ended.stdout
    assert "note: the kubelet was held before-sigkill of app" in ended.stdout
    assert "app exited with 137" in ended.stdout
