"""The lab's connection to one Docker Engine: the SDK's client, raw streams, and the engine's errors as ours.

Every call to the engine goes through `EngineClient`; Docker's and HTTP's exceptions end here. The connection is made at the
first call and again after the engine was away, so that the lab can start without an engine. Attached streams are hijacked
by hand: the SDK hands out the socket below a buffered reader that may already have swallowed the first output, and leaves
it to the garbage collector.
Source: docs of the Docker Engine API v1.41, "Attach to a container" (stream format) and "Start an exec instance".
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import docker.errors
import requests
import urllib3.exceptions
from docker.transport import UnixHTTPAdapter

from lab.errors import ContainerGone, EngineError, EngineUnavailable, ImageNotFound
from lab.runtime.engine import EngineAddress, engine_address

JSON = dict[str, Any]

ENGINE_TIMEOUT_SECONDS = 60  # one API call; docker-py's own default
PING_SECONDS = 5.0  # after a call that took too long: has the engine gone, or only that call?
MAX_CONNECTIONS = 128  # idle connections kept; a class of thirty works at the same time
READ_BYTES = 64 * 1024  # a pipe's capacity: more does not come at once
_HEAD_LIMIT_BYTES = 64 * 1024  # of an HTTP response's head
_TIMEOUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_SDK_ADDRESS = "http+docker://"  # as the SDK calls any socket
_STREAMS = {1: "stdout", 2: "stderr"}


class NotFound(EngineError):
    """The engine has no such network (containers and execs raise ContainerGone, images ImageNotFound)."""


class _OnePool(UnixHTTPAdapter):
    """The SDK's adapter for sockets, with one pool of connections for the engine. The SDK has one for each URL, of which hardly
    any comes twice: each call would open a connection of its own."""

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        """Return the pool."""
        return super().get_connection(_SDK_ADDRESS, proxies)


class EngineClient:
    """One engine. Thread-safe. ``address`` None chooses as the docker command does."""

    def __init__(self, address: EngineAddress | None = None, *, timeout_seconds: float = ENGINE_TIMEOUT_SECONDS) -> None:
        """``timeout_seconds`` bounds one call to the engine, or one silence of a stream."""
        self._chosen = address
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._api: docker.APIClient | None = None

    @property
    def api(self) -> docker.APIClient:
        """The SDK's low-level client of an engine that accepts connections now; use it inside `words`. Or EngineUnavailable."""
        address = self.address
        with self.words(f"connect to the Docker Engine at {address.url}"):
            self._connect().close()  # the SDK would leak the socket of a refused connection
            with self._lock:
                if self._api is None:
                    api = docker.APIClient(
                        base_url=address.url,
                        tls=address.tls or False,
                        version="auto",
                        timeout=self._timeout_seconds,  # type: ignore[arg-type]  # the SDK hands it on, and a fraction does no harm
                        max_pool_size=MAX_CONNECTIONS,
                    )
                    if address.url.startswith("unix:"):
                        place = f"http+{address.url}"
                        timeout: Any = self._timeout_seconds  # a fraction, as above
                        api.mount(_SDK_ADDRESS, _OnePool(place, timeout, max_pool_size=MAX_CONNECTIONS))
                        api.trust_env = False  # no proxy and no .netrc stands before a socket: look for none at each call
                    self._api = api
                return self._api

    @property
    def address(self) -> EngineAddress:
        """Where the engine listens."""
        if self._chosen is None:
            self._chosen = engine_address()
        return self._chosen

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            if self._api is not None:
                self._api.close()
                self._api = None

    @contextmanager
    def words(self, action: str) -> Iterator[None]:
        """Re-raise what Docker or the connection raises as ours: "cannot ACTION: …", with the engine's words unchanged beside it.
        A call that took too long is EngineUnavailable only when the engine does not answer a ping either."""
        try:
            yield
        except docker.errors.APIError as error:
            status = error.status_code or 500
            raise engine_error(action, status, str(error.explanation or error)) from error
        except (
            docker.errors.DockerException,
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            if isinstance(error, _TIMEOUTS) and self._answers():
                late = f"cannot {action}: the engine answers, but has not done that within {self._timeout_seconds:g} s"
                raise EngineError(late, runtime_message="context deadline exceeded") from error
            raise EngineUnavailable(
                f"cannot {action}: no Docker Engine answers; `lab doctor` tells why", runtime_message=str(error)
            ) from error

    def hijack(self, action: str, path: str, body: JSON | None = None) -> RawStream:
        """POST to ``path`` and keep the connection as a raw stream. ``action`` completes "cannot …" when that fails."""
        api = self.api
        payload = json.dumps(body or {}).encode()
        request = (
            f"POST /v{api.api_version}{path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        ).encode()
        with self.words(action):
            connection = self._connect()
            try:
                connection.sendall(request + payload)
                status, headers, early = _response_head(connection)
                if status in (101, 200):
                    connection.settimeout(None)
                    return RawStream(connection, early)
                message = error_message(_rest_of_body(connection, headers, early))
            except BaseException:
                connection.close()
                raise
            connection.close()
        raise engine_error(action, status, message)

    def _answers(self) -> bool:
        """Ask the engine for a sign of life, on a connection of its own."""
        try:
            with self._connect() as connection:
                connection.settimeout(min(PING_SECONDS, self._timeout_seconds))
                connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
                return _response_head(connection)[0] == 200
        except (OSError, EngineError):
            return False

    def _connect(self) -> socket.socket:
        address = self.address
        scheme, _, place = address.url.partition("://")
        if scheme == "unix":
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._timeout_seconds)
            try:
                connection.connect(place)
            except OSError:
                connection.close()
                raise
            return connection
        if scheme in ("tcp", "http") and address.tls is None:
            host, _, port = place.rstrip("/").rpartition(":")
            return socket.create_connection((host, int(port)), timeout=self._timeout_seconds)
        raise EngineUnavailable(
            f"cannot use the engine at {address.url}: choose an engine of this machine, reached by its socket"
        )


class RawStream:
    """A connection that the engine turned into a stream of bytes. One reader; `interrupt` may come from any thread."""

    def __init__(self, connection: socket.socket, early: bytes) -> None:
        self._connection = connection
        self._early = early
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def read(self, timeout_seconds: float | None = None) -> bytes | None:
        """Return what came, b"" at the end of the stream (or when the engine broke it), None when the time passed first."""
        if self._early:
            early, self._early = self._early, b""
            return early
        if not self._poll.poll(None if timeout_seconds is None else max(0.0, timeout_seconds) * 1000):
            return None
        try:
            return self._connection.recv(READ_BYTES)
        except OSError:
            return b""

    def interrupt(self) -> None:
        """Let the reader see the end of the stream now."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # already closed, by either side

    def close(self) -> None:
        """Give the connection up; the process behind it is not touched."""
        self._connection.close()

    def __enter__(self) -> RawStream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Frames:
    """Takes apart the engine's multiplexed stream: a header of eight bytes (stream, length) before each piece of output.
    With a TTY there are no headers and all is stdout."""

    def __init__(self, *, tty: bool = False) -> None:
        self._tty = tty
        self._header = b""
        self._left = 0
        self._stream = "stdout"

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield ("stdout" | "stderr", bytes) as they are; pieces may be cut anywhere."""
        if self._tty:
            yield "stdout", data
            return
        view = memoryview(data)
        while view:
            if self._left:
                piece, view = view[: self._left], view[self._left :]
                self._left -= len(piece)
                yield self._stream, bytes(piece)
                continue
            missing = 8 - len(self._header)
            self._header += bytes(view[:missing])
            view = view[missing:]
            if len(self._header) == 8:
                number, self._left = struct.unpack(">BxxxL", self._header)
                self._stream = _STREAMS.get(number, "stdout")
                self._header = b""


def engine_error(action: str, status: int, message: str) -> EngineError:
    """Return the error that an answer of the engine means."""
    message = message.strip()
    sentence = f"cannot {action}: {message}"
    lower = message.lower()
    if status == 404 and "no such image" in lower:
        return ImageNotFound(sentence, runtime_message=message)
    if status == 404 and "network" in lower:
        return NotFound(sentence, runtime_message=message)
    if status == 404 and ("no such container" in lower or "no such exec" in lower):
        return ContainerGone(sentence, runtime_message=message)
    if status == 409 and ("is not running" in lower or "is already in progress" in lower):
        return ContainerGone(sentence, runtime_message=message)
    return EngineError(sentence, runtime_message=message)


def _response_head(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Return an HTTP response's status, its headers (names in lower case) and the bytes that came after them."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece or len(data) > _HEAD_LIMIT_BYTES:
            raise ConnectionError("the engine closed the connection before it answered")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ", 2)[1]), headers, rest


def error_message(body: bytes) -> str:
    """Return the engine's words out of the body of an error."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _rest_of_body(connection: socket.socket, headers: dict[str, str], body: bytes) -> bytes:
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        piece = connection.recv(READ_BYTES)
        if not piece:
            break
        body += piece
    return body
