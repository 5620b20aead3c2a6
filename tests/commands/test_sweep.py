from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main
from lab.data_directory import DataDirectory
from lab.runtime.engine import connection
from lab.runtime.node_files import NodeFiles
from tests.faults.own_engine import OwnEngine
from tests.faults.pods import EXAMPLE, pod, running
from tests.served_lab import ServedLab, Visitor, left_on_the_engine, left_on_the_host

NO_ENGINE = "unix:///nonexistent/docker.sock"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory that the command line uses; killed runs are looked for in a directory of the test's own."""
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "data"


@pytest.fixture(scope="module")
def engine(lab_images: object) -> Iterator[OwnEngine]:
    engine = OwnEngine()
    yield engine
    engine.close()


def run_a_pod(data: Path, **settings: str) -> ServedLab:
    """Serve a lab and run a pod in it."""
    lab = ServedLab(data, **settings)
    visitor = Visitor(lab)
    visitor.watch(visitor.run(EXAMPLE, pod()), running)
    return lab


def test_without_an_engine_node_directories_go_and_the_exit_status_is_3(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_DOCKER_HOST", NO_ENGINE)
    assert DataDirectory(data).instance_id
    NodeFiles(data / "nodes").prepare("c1")
    assert main(["sweep"]) == 3
    assert "no Docker Engine answers" in capsys.readouterr().err
    assert left_on_the_host(data) == []


def test_where_no_lab_has_been_nothing_is_made(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_DOCKER_HOST", NO_ENGINE)
    assert main(["sweep"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
    assert not data.exists()


def test_a_running_lab_is_not_swept(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LAB_DOCKER_HOST", NO_ENGINE)
    assert DataDirectory(data).instance_id
    NodeFiles(data / "nodes").prepare("c1")
    with DataDirectory(data).lock():
        assert main(["sweep"]) == 2
        said = capsys.readouterr().err
        assert "uses it; stop that one" in said
        assert said.endswith("or add --force\n")
        assert left_on_the_host(data) != []
        assert main(["sweep", "--force"]) == 3
    assert left_on_the_host(data) == []


@pytest.mark.engine
def test_a_killed_lab_is_swept_and_no_other(data: Path, docker_client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    other = docker_client.containers.create("busybox", labels={"pod-hook-lab.instance": f"test-of-sweep-{data.parent.name}"})
    lab = run_a_pod(data)
    try:
        assert main(["sweep"]) == 2
        lab.kill()
        capsys.readouterr()
        assert main(["sweep"]) == 0
        assert capsys.readouterr().out == "removed 2 containers, 1 network, 1 node directory\n"
        assert left_on_the_engine(docker_client, lab.instance) == []
        assert left_on_the_host(data) == []
        assert main(["sweep", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"containers": 0, "networks": 0, "nodes": 0}
        other.reload()
    finally:
        lab.close()
        other.remove()


@pytest.mark.engine
def test_a_killed_run_of_the_command_line_is_swept_and_a_live_one_is_not(
    data: Path, tmp_path: Path, docker_client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pod.yaml").write_text(pod(post_start=600))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    command = [str(Path(sys.executable).with_name("lab")), "run", str(tmp_path / "pod.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any("postStart" in line for line in run.stdout)
        (directory,) = (tmp_path / "tmp").iterdir()
        instance = DataDirectory(directory).instance_id
        assert main(["sweep"]) == 0
        assert capsys.readouterr().out == "nothing to remove\n"
        run.kill()
    assert main(["sweep"]) == 0
    assert capsys.readouterr().out == "removed 2 containers, 1 network, 1 node directory\n"
    assert left_on_the_engine(docker_client, instance) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.engine
def test_all_labs_of_an_engine_are_swept(
    data: Path, tmp_path: Path, engine: OwnEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = run_a_pod(tmp_path / "another", LAB_DOCKER_HOST=engine.address)
    lab.kill()
    monkeypatch.setenv("LAB_DOCKER_HOST", engine.address)
    assert main(["sweep"]) == 0
    assert capsys.readouterr().out == "nothing to remove\n"
    assert main(["sweep", "--all"]) == 0
    assert capsys.readouterr().out == "removed 2 containers, 1 network\n"
    with connection(engine.address) as client:
        assert left_on_the_engine(client, lab.instance) == []
    lab.start()
    assert lab.stop() == 0
    assert left_on_the_host(lab.data) == []
