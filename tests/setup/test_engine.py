from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.setup import engine, packages
from lab.setup.steps import Step

STEP = Step(root=Path("/nonexistent"), for_tests=False)


def test_an_engine_that_the_user_named_is_neither_replaced_nor_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/theirs.sock")
    monkeypatch.setattr(packages, "install", lambda names: pytest.fail(f"installed {names}"))
    with pytest.raises(
        LabError, match=r"cannot reach the Docker Engine at unix://.*theirs\.sock, named by DOCKER_HOST: start it"
    ):
        engine.provide_engine(STEP)


def test_where_no_engine_can_be_started_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR", "LAB_DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr("lab.runtime.engine.DEFAULT_SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"cannot start a Docker Engine here: that needs root on Debian or Ubuntu\. Install"):
        engine.provide_engine(STEP)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (b"", "nothing"),
        (b"level=info overlay\nfailed to start daemon: Devices cgroup isn't mounted\nbye\n", "Devices cgroup isn't mounted"),
        (b"level=info overlay\nlevel=info still trying\n", "still trying"),
    ],
)
def test_dockerds_own_reason_for_ending_is_found_in_its_log(
    log: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOG", tmp_path / "dockerd.log")
    engine.LOG.write_bytes(log)
    assert engine._failure().endswith(reason)
