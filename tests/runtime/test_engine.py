from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lab.errors import EngineUnavailable
from lab.runtime.engine import connect, engine_address


@pytest.fixture(autouse=True)
def _no_engine_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def write_context(directory: Path, name: str, host: str) -> None:
    meta = directory / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoints}))


def test_the_labs_own_setting_comes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    address = engine_address("unix:///run/mine.sock")
    assert (address.url, address.named_by, address.is_local_socket) == ("unix:///run/mine.sock", "LAB_DOCKER_HOST", True)


def test_docker_host_comes_before_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    address = engine_address()
    assert (address.url, address.named_by, address.is_local_socket) == ("tcp://elsewhere:2375", "DOCKER_HOST", False)


def test_the_context_in_use_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_context(tmp_path, "bench", "unix:///run/bench.sock")
    write_context(tmp_path, "class", "unix:///run/class.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "bench"}')
    address = engine_address()
    assert (address.url, address.named_by) == ("unix:///run/bench.sock", 'context "bench"')
    monkeypatch.setenv("DOCKER_CONTEXT", "class")
    assert engine_address().url == "unix:///run/class.sock"


def test_a_context_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(EngineUnavailable, match="cannot use the docker context gone"):
        engine_address()


def test_the_default_socket_is_used_where_nothing_is_named() -> None:
    assert engine_address().named_by == "the default socket"


def test_an_engine_that_does_not_answer_is_told_with_its_address_and_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"cannot reach a Docker Engine at unix:///no\.sock .*make setup"):
        connect(engine_address("unix:///no.sock"))
