from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main
from tests.conformance.recordings import GOLDEN

# Refused manifests: played in a moment.
QUICK = "C11b"
REFUSED = "E2"
KNOWN = """\
[[difference]]
scenarios = ["C11b"]
parts = ["cli", "files"]
what = "It answers otherwise."
why = "The recording was changed."
"""


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAB_DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_the_exit_status_is_3_and_nothing_is_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", str(GOLDEN), "--output", str(tmp_path / "out")]) == 3
    told = capsys.readouterr()
    assert told.err.startswith("lab: cannot reach a Docker Engine")
    assert told.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "cannot find a recorded scenario in "),
        ("played", "it has no trace.json of a real node; play it with `lab run "),
    ],
)
@pytest.mark.usefixtures("no_engine")
def test_a_directory_that_cannot_be_compared_is_exit_status_2_and_comes_before_the_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, words: str
) -> None:
    shutil.copytree(GOLDEN / QUICK, tmp_path / "played", ignore=shutil.ignore_patterns("trace.json"))
    assert main(["conformance", str(tmp_path / path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lab: cannot ")
    assert words in error


@pytest.mark.parametrize("jobs", ["0", "9", "-1", "many"])
def test_jobs_that_cannot_be_used_are_exit_status_2(capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["conformance", "--jobs", jobs])
    assert end.value.code == 2
    assert "give a number from 1 to 8" in capsys.readouterr().err


# --- on a real engine ---------------------------------------------------------------------------------------------


def conformance(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab.cli", "conformance", *map(str, arguments)]
    given = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, env=given, timeout=300, check=False)


def changed(tmp_path: Path, *, known: str = "") -> Path:
    """Make a directory of two scenarios, one with a recording that no lab agrees with; return it."""
    root = tmp_path / "recordings"
    for name in (QUICK, REFUSED):
        shutil.copytree(GOLDEN / name, root / name)
    trace = json.loads((root / QUICK / "trace.json").read_text())
    trace["cli"][0]["stdout"] = "pod/other created\n"
    (root / QUICK / "trace.json").write_text(json.dumps(trace))
    if known:
        (root / "known.toml").write_text(known)
    return root


@pytest.mark.engine
def test_scenarios_that_agree_are_exit_status_0_and_leave_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = conformance(GOLDEN / QUICK, GOLDEN / REFUSED, TMPDIR=str(temporary))
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, [])
    assert done.stderr.startswith("2 scenarios, ")
    assert done.stdout.endswith("Of 2 scenarios 2 agree, 0 differ.\n")
    assert list(temporary.iterdir()) == []


@pytest.mark.engine
def test_a_difference_is_played_twice_shown_with_both_sides_and_exit_status_1(tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = conformance(changed(tmp_path), "--output", output)
    assert done.returncode == 1
    assert "DIFFERS the second time, alone: cli" in done.stdout
    assert "  rc=1 pod/other created" in done.stdout
    assert " ! rc=1 The Pod " in done.stdout
    assert done.stdout.endswith("Of 2 scenarios 1 agree, 1 differ.\n  differ: C11b\n  played twice: C11b\n")
    assert sorted(path.name for path in (output / QUICK).iterdir()) == ["trace.2.json", "trace.json"]
    assert [path.name for path in (output / REFUSED).iterdir()] == ["trace.json"]


@pytest.mark.engine
def test_a_known_difference_is_exit_status_0_and_what_of_it_agrees_is_reported(tmp_path: Path) -> None:
    done = conformance(changed(tmp_path, known=KNOWN), "--json")
    assert done.returncode == 0
    summary: dict[str, Any] = json.loads(done.stdout)
    assert (summary["agree"], summary["known"], summary["differ"], summary["of"]) == (1, 1, 0, 2)
    verdict = summary["scenarios"][QUICK]
    assert (verdict["verdict"], verdict["played"], verdict["noLonger"]) == ("known", 1, ["files"])
    assert [(d["part"], d["key"]) for d in verdict["differences"]] == [("cli", "1 apply -f")]
    assert "agrees" in done.stderr


@pytest.mark.engine
def test_another_part_than_the_known_ones_is_exit_status_1(tmp_path: Path) -> None:
    done = conformance(changed(tmp_path, known=KNOWN.replace('"cli", ', "")), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["scenarios"][QUICK]["unforeseen"] == ["cli"]


@pytest.mark.engine
def test_the_document_says_each_verdict_and_why_what_differs_stays(tmp_path: Path) -> None:
    place = tmp_path / "conformance.md"
    assert conformance(changed(tmp_path, known=KNOWN), "--document", place).returncode == 0
    text = place.read_text()
    assert (
        "| C11b | preStop sleep longer than terminationGracePeriodSeconds (validation) | [known](#known-differences): cli |"
        in text
    )
    assert "| E2 | init container with lifecycle (validation) | agrees |" in text
    assert "It answers otherwise.\n\n*Why it stays:* The recording was changed." in text


@pytest.mark.engine
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_clears_away_what_its_children_made(
    tmp_path: Path, docker_client: Any, number: int, status: int
) -> None:
    temporary, output = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    command = [sys.executable, "-m", "lab.cli", "conformance", str(GOLDEN / "D1"), "--output", str(output)]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)})
    while not (made := containers(docker_client, temporary)):
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(120) == status
    assert not made & {container.id for container in docker_client.containers.list(all=True, ignore_removed=True)}
    assert list(temporary.iterdir()) == []


def containers(client: Any, temporary: Path) -> set[str]:
    """Return the ids of the containers of the runs that have their data in a directory."""
    found: set[str] = set()
    for identity in temporary.glob("*/instance-id"):
        wanted = {"label": f"pod-hook-lab.instance={identity.read_text().strip()}"}
        found |= {container.id for container in client.containers.list(all=True, filters=wanted, ignore_removed=True)}
    return found
