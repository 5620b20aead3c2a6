"""Clients that do not keep up: each holds a thread of the server for a bounded time, and nobody else notices."""

from __future__ import annotations

import resource
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from lab.clock import SystemClock
from lab.commands.serve import THREADS
from lab.connections import LINGER_SECONDS, PAGE_THREADS, REQUEST_SECONDS, STALLED_SECONDS
from tests.faults.pods import EXAMPLE, pod
from tests.served_lab import ServedLab, Visitor

pytestmark = pytest.mark.engine  # not that they need one: they wait for most of a minute

NO_ENGINE = "unix:///nonexistent/docker.sock"
SLACK_SECONDS = 20.0  # on a busy machine
PAGE = "/lessons/pre-stop"
OF_EACH_KIND = 8
FEW_FILES = 256


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ServedLab]:
    """A lab that was given fewer open files than it needs, and may take more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    try:
        lab = ServedLab(tmp_path, LAB_DOCKER_HOST=NO_ENGINE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield lab
    lab.close()


class Client:
    """A connection of one that says something; then it ``reads``, ``goes_on`` a byte at a time, or does nothing."""

    def __init__(self, lab: ServedLab, kind: str, says: bytes, *, reads: bool = False, goes_on: bool = False) -> None:
        place = urlsplit(lab.address)
        self.kind, self.reads, self.goes_on = kind, reads, goes_on
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # the other side may give up without a word: ask
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        self.socket.connect((place.hostname, place.port))
        self.socket.sendall(says.replace(b"HOST", place.netloc.encode()))

    def is_ended(self) -> bool:
        """Whether the lab has ended the connection."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        try:
            while self.reads:
                if not self.socket.recv(65536, socket.MSG_DONTWAIT):
                    return True
        except BlockingIOError:
            pass
        except OSError:
            return True
        if self.goes_on:
            with suppress(OSError):
                self.socket.send(b"x")
        return bool(poll.poll(0))


def await_end(clients: list[Client], seconds: float) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    while left := [client.kind for client in clients if not client.is_ended()]:
        assert clock.monotonic() < deadline, f"after {seconds:g} s the lab still holds {sorted(left)}"
        clock.sleep(0.5)


def test_clients_that_do_not_close_their_side_keep_nobody_waiting(lab: ServedLab) -> None:
    with ExitStack() as cleanup:
        for _ in range(20):
            cleanup.callback(Client(lab, "who asks nonsense", b"NONSENSE\r\n\r\n").socket.close)
        clock = SystemClock()
        begin = clock.monotonic()
        assert "preStop" in Visitor(lab).get(PAGE)
        assert clock.monotonic() - begin < 20 * LINGER_SECONDS / 2


def test_clients_that_stop_reading_or_sending_free_their_threads_and_others_go_on(lab: ServedLab) -> None:
    get = f"GET {PAGE} HTTP/1.1\r\nHost: HOST\r\n".encode()
    post = (
        b"POST /review HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\n"
    )
    with ExitStack() as cleanup:
        clients = [
            client
            for _ in range(OF_EACH_KIND)
            for client in (
                Client(lab, "who stopped reading", (get + b"\r\n") * 40),  # more than the buffers between the two hold
                Client(lab, "who stopped in the head", get, reads=True),
                Client(lab, "who dribbles its head", get + b"X-Long: ", reads=True, goes_on=True),
                Client(lab, "who stopped in the body", post + b"manifest=", reads=True),
                Client(lab, "who dribbles its body", post + b"manifest=", reads=True, goes_on=True),
            )
        ]
        for client in clients:
            cleanup.callback(client.socket.close)
        assert "preStop" in Visitor(lab).get(PAGE)
        await_end(clients, max(REQUEST_SECONDS, STALLED_SECONDS) + SLACK_SECONDS)
    assert "Traceback" not in "".join(lab.said)
    assert lab.stop() == 0


def test_more_streams_than_threads_leave_pages_and_actions_theirs(lab: ServedLab) -> None:
    ask = b"GET /lessons/pre-stop/stream HTTP/1.1\r\nHost: HOST\r\n\r\n"
    in_disguise = ask.replace(b"stream", b"strea%6D")  # the same place, as an address may be written too
    with ExitStack() as cleanup:
        for _ in range(THREADS + 10):
            cleanup.callback(Client(lab, "who follows", ask).socket.close)
        for _ in range(PAGE_THREADS + 10):
            cleanup.callback(Client(lab, "who follows in disguise", in_disguise).socket.close)
        visitor = Visitor(lab)
        assert "preStop" in visitor.get(PAGE)
        with visitor.following("/lessons/pre-stop/stream") as events, pytest.raises(StopIteration):
            next(stream for stream in events if stream.rows)  # it has said that it is full
        with pytest.raises(HTTPError, match="409"):
            visitor.run(EXAMPLE, pod())  # no engine: the lab says so
    assert lab.stop() == 0
