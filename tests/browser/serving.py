"""A lab in a process of its own, and a relay before it whose connections can be cut; for browser tests and screenshots."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from lab.clock import SystemClock

START_SECONDS = 60.0  # a lab that starts sweeps the engine first
STOP_SECONDS = 30.0  # a lab that stops removes its containers first
CHROMIUM = "/usr/bin/chromium"  # Debian's package
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # tests run as root, often in a container with a small /dev/shm


@contextlib.contextmanager
def serving(data: Path, *arguments: str, docker_host: str | None = None, **settings: str) -> Iterator[str]:
    """Serve a lab with its own data directory on a free port and give its address; at the end it stops and clears up.
    ``arguments`` are added to the command line, ``settings`` are its other variables."""
    unset = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
    environment = unset | {"LAB_DATA": str(data)} | settings
    if docker_host is not None:
        environment["LAB_DOCKER_HOST"] = docker_host
    command = [str(Path(sys.executable).with_name("lab")), "serve", "--port", "0", *arguments]
    log = (data / "serve.log").open("w+")
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=log, text=True)
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            log.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"http://[\d.]+:(\d+)", line)
        if found:
            SystemClock().spawn("lab's stderr", _drain, process)
            address = f"http://localhost:{found[1]}"
            with urllib.request.urlopen(
                f"{address}/healthz", timeout=START_SECONDS
            ):  # the port is open before the pages are there
                return address
    raise AssertionError("the lab did not start:\n" + "".join(said))


def _drain(process: subprocess.Popen[str]) -> None:
    """Read on, so that the lab never waits for somebody to read what it says."""
    with contextlib.suppress(ValueError):
        for _ in process.stderr or ():
            pass


class Relay:
    """A TCP relay on a free port of localhost. `cut` closes every connection; nothing passes again until `mend`."""

    def __init__(self, address: str) -> None:
        self._port = int(address.rpartition(":")[2])
        self._server = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._whole = True
        self._clock = SystemClock()
        self.address = f"http://localhost:{self._server.getsockname()[1]}"
        self._clock.spawn("relay", self._accept)

    def cut(self) -> None:
        """Close every connection, as a pulled cable does in the end."""
        self._whole = False
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def mend(self) -> None:
        """Let connections pass again."""
        self._whole = True

    def close(self) -> None:
        """Stop listening."""
        self.cut()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                self._pairs.append((near, far))
                self._clock.spawn("relay pair", self._carry, near, far)

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as selector, contextlib.suppress(OSError, ValueError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]  # registered above: sockets
                    if not data:
                        return
                    key.data.sendall(data)
