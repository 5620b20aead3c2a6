"""A client's connection: who has left is noticed by the first heartbeat, and nobody else is taken for gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab.clock import VirtualClock
from lab.connections import QUIET_SECONDS, ClientSocket


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def browser() -> Iterator[socket.socket]:
    with socket.socket() as browser:
        browser.settimeout(10)
        yield browser


def served(browser: socket.socket, clock: VirtualClock) -> ClientSocket:
    """Connect a browser, and return the lab's side of the connection, whose request has come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        browser.connect(listener.getsockname())
        accepted, _ = listener.accept()
    connection = ClientSocket(accepted, clock)
    connection.begin_request()
    return connection


def test_a_heartbeat_to_a_client_that_has_left_fails_at_once(browser: socket.socket, clock: VirtualClock) -> None:
    with served(browser, clock) as lab:
        lab.sendall(b"retry: 1000\n\n")
        browser.close()
        clock.sleep(QUIET_SECONDS)
        with pytest.raises(BrokenPipeError, match="the client has left"):
            lab.sendall(b"event: heartbeat\n\n")


def test_a_client_that_is_there_gets_every_heartbeat(browser: socket.socket, clock: VirtualClock) -> None:
    with served(browser, clock) as lab:
        for _ in range(3):
            clock.sleep(QUIET_SECONDS)
            lab.sendall(b"event: heartbeat\n\n")
            assert browser.recv(100) == b"event: heartbeat\n\n"


def test_a_client_that_has_only_said_all_that_it_wants_gets_its_answer(browser: socket.socket, clock: VirtualClock) -> None:
    with served(browser, clock) as lab:
        browser.shutdown(socket.SHUT_WR)
        clock.sleep(QUIET_SECONDS - 1)
        lab.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert browser.recv(100) == b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_client_that_sends_its_next_request_meanwhile_is_there(browser: socket.socket, clock: VirtualClock) -> None:
    with served(browser, clock) as lab:
        browser.sendall(b"GET / HTTP/1.1\r\n")
        clock.sleep(QUIET_SECONDS)
        lab.sendall(b"event: heartbeat\n\n")
        assert browser.recv(100) == b"event: heartbeat\n\n"
        assert lab.recv(100) == b"GET / HTTP/1.1\r\n"
