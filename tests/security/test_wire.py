"""Bytes that no browser sends, to a lab that is served."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.served_lab import PATIENCE_SECONDS, ServedLab

pytestmark = pytest.mark.engine

HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLab]:
    lab = ServedLab(tmp_path_factory.mktemp("wire"))
    yield lab
    lab.close()


def answer(lab: ServedLab, sent: str) -> bytes:
    """Return all that comes back until the lab closes the connection."""
    parts = urlsplit(lab.address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(sent.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found


MALFORMED = {
    "a query without end": f"GET /search?q={'a' * 100_000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a header without end": f"{HEAD}Cookie: {'a' * 100_000}\r\n\r\n",
    "headers without end": HEAD + "".join(f"X-{n}: 1\r\n" for n in range(5_000)) + "\r\n",
    "two lengths": f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a length and chunks": f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": f"{HEAD}Content-Length: -1\r\n\r\n",
    "a name with a blank": f"{HEAD}Bad Name: 1\r\n\r\n",
    "two hosts": f"{HEAD}Host: evil.example\r\n\r\n",
    "no request": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an address of another site": "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a tunnel": "CONNECT 127.0.0.1:2375 HTTP/1.1\r\nHost: 127.0.0.1:2375\r\n\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_refused_and_the_lab_goes_on(lab: ServedLab, what: str) -> None:
    found = answer(lab, MALFORMED[what])
    status = found.split(b" ", 2)[1] if found else b""
    assert status in (b"", b"400", b"403", b"404", b"405", b"413", b"414", b"421", b"431"), found[:200]
    assert b"Traceback" not in found
    assert b" 200 " in answer(lab, f"{HEAD}Connection: close\r\n\r\n")[:20]


def test_no_line_end_gets_into_a_header(lab: ServedLab) -> None:
    for path in ("/?lang=en%0d%0aSet-Cookie:%20planted=1", "/runs/%0d%0aSet-Cookie:planted=1", "/static/%0d%0aX:1"):
        found = answer(lab, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"planted=1" not in found.partition(b"\r\n\r\n")[0]


def test_the_servers_own_pages_say_no_more_than_they_must(lab: ServedLab) -> None:
    head = answer(lab, f"{HEAD}Connection: close\r\n\r\n").partition(b"\r\n\r\n")[0].lower()
    assert b"x-powered-by" not in head
    assert b"werkzeug" not in head
    assert b"python" not in head


def test_the_labs_secrets_are_for_its_owner_alone(lab: ServedLab) -> None:
    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o077

    assert {path.name: mode(path) for path in lab.data.iterdir() if path.name == "secret-key" or path.suffix == ".sqlite"} == {
        "secret-key": 0,
        "lab.sqlite": 0,
    }
    assert mode(lab.data / "nodes") == 0
