"""`lab classroom`: accounts, and the files of a class, on the server."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lab import cli
from lab.classroom.passwords import is_password
from lab.classroom.register import Register
from lab.clock import SystemClock
from lab.store.store import Store
from lab.timeline.facts import RunClosed, RunOpened
from lab.timeline.timeline import Timeline


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LAB_PUBLIC_URL", "https://lab.example.org")
    return f"sqlite:///{tmp_path}/data/lab.sqlite"


def init(tmp_path: Path, password: str) -> int:
    file = tmp_path / "password"
    file.write_text(f"{password}\n")
    return cli.main(["classroom", "init", "--name", "ada", "--password-file", str(file)])


def test_an_account_is_made_and_gets_another_password_with_its_cluster_kept(url: str, tmp_path: Path) -> None:
    assert init(tmp_path, "the first password") == 0
    with Store.open(url, SystemClock()) as store:
        first = store.classes.instructor("ada")
    assert init(tmp_path, "another password") == 0
    with Store.open(url, SystemClock()) as store:
        second = store.classes.instructor("ada")
    assert first is not None
    assert second is not None
    assert first.cluster == second.cluster
    assert is_password("another password", second.password_hash)
    assert not is_password("the first password", second.password_hash)


def test_a_password_that_is_too_short_makes_no_account(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "short") == 2
    assert "at least 10" in capsys.readouterr().err or not (tmp_path / "data").exists()


def test_a_class_is_exported_by_its_name_or_its_id_into_four_files(url: str, tmp_path: Path) -> None:
    init(tmp_path, "a password for tests")
    clock = SystemClock()
    with Store.open(url, clock) as store:
        register = Register(store.classes, clock)
        opened = register.open_class("Hooks, Monday")
        learner = register.join(opened.code, "小明", "192.0.2.1")
        store.progress.note(learner.cluster, "finished", "pre-stop")
        timeline = Timeline(learner.cluster, clock, store.journal)
        timeline.append(RunOpened(run_id="r1", example="pre-stop/pre-stop-blocks", manifest="m"))
        timeline.append(RunClosed(run_id="r1", why="It created no pod."))
    for wanted in (opened.id, "Hooks, Monday"):
        out = tmp_path / wanted
        assert cli.main(["classroom", "export", wanted, str(out)]) == 0
        assert sorted(file.name for file in out.iterdir()) == ["progress.csv", "progress.json", "runs.csv", "runs.json"]
        with (out / "runs.csv").open(encoding="utf-8-sig", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["learner"], row["state"], row["link"]) == ("小明", "closed", "https://lab.example.org/runs/r1")
        rows = json.loads((out / "progress.json").read_text())["rows"]
        assert next(row["state"] for row in rows if row["id"] == "pre-stop") == "finished"


def test_a_class_that_is_not_there_is_told_with_those_that_are(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path, "a password for tests")
    clock = SystemClock()
    with Store.open(url, clock) as store:
        one, another = (Register(store.classes, clock).open_class("Twice") for _ in range(2))
    assert cli.main(["classroom", "export", "Once", str(tmp_path / "out")]) == 2
    assert one.id in capsys.readouterr().err
    assert cli.main(["classroom", "export", "Twice", str(tmp_path / "out")]) == 2
    assert another.id in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
