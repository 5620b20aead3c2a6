from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import lab
from lab import cli
from lab.errors import EngineError, EngineUnavailable, LabError, ScenarioError, SettingsError


def test_every_module_of_the_commands_is_a_subcommand_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main(["--help"])
    assert exit.value.code == 0
    said = capsys.readouterr().out
    for module in Path(cli.__file__).with_name("commands").glob("[a-z]*.py"):
        assert f"\n    {module.stem}" in said
    assert "3    no Docker Engine answers" in said


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"lab {lab.__version__}\n"


def test_an_unknown_command_ends_with_two() -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main(["undo"])
    assert exit.value.code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LabError("cannot do it"), 1),
        (EngineError("cannot do it"), 1),
        (SettingsError("cannot use LAB_PORT"), 2),
        (ScenarioError("cannot read A1"), 2),
        (EngineUnavailable("cannot reach an engine"), 3),
    ],
)
def test_an_error_is_told_on_stderr_and_has_its_exit_code(
    error: LabError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(arguments: Any) -> int:
        raise error

    monkeypatch.setattr("lab.commands.doctor._doctor", failing)
    assert cli.main(["doctor"]) == code
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"lab: {error}\n")


def test_images_end_with_three_where_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    assert cli.main(["images", "list"]) == 3
    assert "cannot reach a Docker Engine at unix://" in capsys.readouterr().err


def test_the_doctor_ends_with_three_and_goes_on_looking_where_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    assert cli.main(["doctor", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    findings = {finding["subject"]: finding for finding in report["findings"]}
    assert report["ok"] is False
    assert findings["engine"]["ok"] is False
    assert "make setup" in findings["engine"]["remedy"]
    assert "DOCKER_HOST" in findings["engine"]["detail"]
    assert findings["data directory"]["ok"] is True
    assert not (tmp_path / "data").exists()
