"""Calls that take too long, told from an engine that has gone. The engine is a small server that answers what it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from lab.errors import EngineError, EngineUnavailable
from lab.runtime.engine import EngineAddress
from lab.runtime.engine_client import EngineClient

VERSION = b'{"ApiVersion": "1.41", "MinAPIVersion": "1.12"}'


class Engine(socketserver.ThreadingUnixStreamServer):
    """Answers a version and, while ``alive``, pings; holds every other request."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.alive = True
        self.over = threading.Event()
        super().__init__(str(path), _Answers)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that has waited long enough hangs up."""


class _Answers(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        answers = {"/version": VERSION} | ({"/_ping": b"OK"} if self.server.alive else {})
        body = answers.get(self.path)
        if body is None:
            self.server.over.wait()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "engine.sock") as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()  # noqa: TID251 - a test's own
        yield engine
        engine.over.set()
        engine.shutdown()


@pytest.fixture
def client(engine: Engine) -> Iterator[EngineClient]:
    address = EngineAddress(url=f"unix://{engine.server_address}", named_by="the test")
    client = EngineClient(address, timeout_seconds=0.3)
    yield client
    client.close()


def look(client: EngineClient) -> None:
    with client.words("look at container c"):
        client.api.inspect_container("c")


def test_a_call_that_takes_too_long_is_that_call_s_failure_while_the_engine_answers_others(client: EngineClient) -> None:
    with pytest.raises(EngineError, match="cannot look at container c: the engine answers, but has not done that") as failure:
        look(client)
    assert not isinstance(failure.value, EngineUnavailable)
    assert failure.value.runtime_message == "context deadline exceeded"


def test_an_engine_that_does_not_answer_a_ping_either_has_gone(client: EngineClient, engine: Engine) -> None:
    engine.alive = False
    with pytest.raises(EngineUnavailable):
        look(client)
