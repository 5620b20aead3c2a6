"""An engine that goes away and comes back. The engine is real; a relay before its socket is what breaks."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import EngineUnavailable
from lab.runtime.engine import EngineAddress, engine_address


class Relay:
    """Passes a socket on to the engine's, until it is cut."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = engine_address().url.removeprefix("unix://")
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.open()

    def open(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()  # noqa: TID251 - a test's own

    def cut(self) -> None:
        """Break every connection and accept no more."""
        self._path.unlink()
        with self._lock:
            for end in (self._listener, *self._sockets):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                with self._lock:
                    self._sockets |= {near, far}
                threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()  # noqa: TID251 - a test's own

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            try:
                while True:
                    for key, _ in selector.select():
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]  # sockets were registered
                        if not data:
                            return
                        key.data.sendall(data)
            except OSError:
                return
            finally:
                with self._lock:
                    self._sockets -= {near, far}


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = Relay(tmp_path / "engine.sock")
    yield relay
    if (tmp_path / "engine.sock").exists():
        relay.cut()


@pytest.mark.engine
def test_a_lost_engine_is_told_to_every_listener_and_found_again(
    docker_lab: Any, relay: Relay, tmp_path: Path, test_pod_cidr: str
) -> None:
    lab = type(docker_lab)(test_pod_cidr, EngineAddress(url=f"unix://{tmp_path}/engine.sock", named_by="the test"))
    try:
        container_id, recorder = lab.run("sleep", "600")
        relay.cut()
        recorder.wait(lambda heard: heard.losses)
        with pytest.raises(EngineUnavailable):
            lab.runtime.signal_container(container_id, "SIGTERM")
        relay.open()
        _, second = lab.run("sh", "-c", "exit 5")
        assert second.exit().exit_code == 5
        assert recorder.exits == []
        assert len(recorder.losses) == 1
    finally:
        docker_lab.runtime.sweep(lab.instance)
        lab.runtime.close()


@pytest.mark.engine
def test_an_exit_during_a_short_absence_is_told_afterwards(
    docker_lab: Any, relay: Relay, tmp_path: Path, test_pod_cidr: str
) -> None:
    lab = type(docker_lab)(test_pod_cidr, EngineAddress(url=f"unix://{tmp_path}/engine.sock", named_by="the test"))
    try:
        container_id, recorder = lab.run("sleep", "600")
        relay.cut()
        docker_lab.runtime.signal_container(container_id, "SIGKILL")
        relay.open()
        assert recorder.exit().exit_code == 137
        assert recorder.losses == []
    finally:
        docker_lab.runtime.sweep(lab.instance)
        lab.runtime.close()


def test_without_an_engine_every_call_says_so(docker_lab_without_engine: Any) -> None:
    runtime = docker_lab_without_engine.runtime
    for call in (runtime.engine_info, lambda: runtime.find_image("nginx"), lambda: runtime.sweep(None)):
        with pytest.raises(EngineUnavailable, match="no Docker Engine answers"):
            call()
    runtime.close()
