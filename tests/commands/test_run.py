from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main

GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
LABELLED = "pod-hook-lab.instance"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: quick}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: app, image: busybox, command: [sh, -c, "printf '\\\\033[31mred\\\\n'; sleep 600"]}
"""


def manifest(tmp_path: Path, text: str = POD) -> Path:
    path = tmp_path / "pod.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAB_DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_the_exit_status_is_3_and_no_trace_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "deep" / "er" / "trace.json"
    assert main(["run", str(manifest(tmp_path)), "--output", str(output)]) == 3
    assert "lab: cannot " in capsys.readouterr().err
    assert output.parent.is_dir()
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.yaml"], "nowhere.yaml: No such file"),
        ([".", "--actions", "nowhere.yaml"], "scenario.json: No such file"),
        (["pod.yaml", "--actions", "nowhere.json"], "nowhere.json: No such file"),
        (["pod.yaml", "--actions", "pod.yaml"], "the actions must be a list"),
        (["pod.yaml", "--output", "."], "it is a directory"),
        (["pod.yaml", "--output", "pod.yaml/trace.json"], "cannot write the trace to pod.yaml/trace.json"),
    ],
)
@pytest.mark.usefixtures("no_engine")
def test_bad_input_is_exit_status_2_and_comes_before_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    manifest(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lab: cannot ")
    assert words in error


@pytest.mark.parametrize(
    "arguments",
    [["--feature-gates", "A"], ["--feature-gates", "A=maybe"], ["--timeout", "0"], ["--timeout", "soon"], ["--timeout", "nan"]],
)
def test_an_argument_that_cannot_be_used_is_exit_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", str(manifest(tmp_path)), *arguments])
    assert end.value.code == 2
    assert "cannot use" in capsys.readouterr().err


# --- on a real engine ---------------------------------------------------------------------------------------------


def lab(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lab.cli", "run", *arguments]
    given = os.environ | environment
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given, start_new_session=True)


def left_on_engine(client: Any, instance_of: str) -> list[str]:
    """Return what of the run is on the engine: the run's id is in the label of all it makes."""
    wanted = {"label": f"{LABELLED}=run-{instance_of}"}
    containers = [container.name for container in client.containers.list(all=True, filters=wanted, ignore_removed=True)]
    return containers + [network.name for network in client.networks.list(filters=wanted)]


@pytest.mark.engine
def test_a_plain_manifest_is_told_step_by_step_and_leaves_nothing(tmp_path: Path, docker_client: Any) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    stdout, stderr = lab(str(manifest(tmp_path)), TMPDIR=str(temporary)).communicate(timeout=120)
    assert "event Normal Killing for quick: Stopping container app" in stdout
    assert "SIGTERM (15) sent to PID 1 of app" in stdout
    assert "app exited with 137" in stdout
    assert 'pod "quick" deleted from default namespace' in stdout
    assert "\x1b" not in stdout
    assert stderr == ""
    assert list(temporary.iterdir()) == []
    run_id = stdout.partition(" run ")[2].split()[0]
    assert left_on_engine(docker_client, run_id) == []


@pytest.mark.engine
def test_actions_and_trace_may_be_given_for_a_manifest(tmp_path: Path) -> None:
    actions = tmp_path / "actions.json"
    actions.write_text(json.dumps([{"do": "apply"}, {"do": "dance"}]))
    output = tmp_path / "out" / "trace.json"
    process = lab(str(manifest(tmp_path)), "--actions", str(actions), "--json", "--output", str(output))
    stdout, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert json.loads(stdout) == json.loads(output.read_text())
    assert json.loads(stdout)["notes"] == ["not supported by this lab: dance"]
    assert [path.name for path in output.parent.iterdir()] == ["trace.json"]


@pytest.mark.engine
def test_a_run_that_takes_too_long_is_exit_status_1_and_still_has_its_trace(tmp_path: Path) -> None:
    process = lab(str(GOLDEN / "B7"), "--timeout", "1.5", "--json")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert stderr == "lab: cannot finish scenario B7 within 1.5 s; give it more --timeout\n"
    assert json.loads(stdout)["cli"][0]["stdout"] == "pod/b7 created\n"


@pytest.mark.engine
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_leaves_nothing(tmp_path: Path, docker_client: Any, number: int, status: int) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = lab(str(GOLDEN / "B7"), TMPDIR=str(temporary))
    assert process.stdout is not None
    first = process.stdout.readline()
    for line in process.stdout:
        if " app started" in line:
            break
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in stderr
    assert left_on_engine(docker_client, first.partition(" run ")[2].split()[0]) == []
    assert list(temporary.iterdir()) == []
