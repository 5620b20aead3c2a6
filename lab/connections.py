"""Connections of clients that do not keep up, bounded: each holds one of the server's threads.

The server itself waits without end for a request whose sending has begun, and for a client that does not read its answer. Here
the first has `REQUEST_SECONDS` altogether, and the second is given up by the kernel when it has taken nothing for
`STALLED_SECONDS`, as one whose machine is gone. That somebody has left is noticed by the first thing that is sent after a while,
such as a stream's heartbeat; the kernel would say so at the second. Browsers come back by themselves, streams where they were.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import select
import socket
import threading
from contextlib import nullcontext
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from lab.clock import Clock, SystemClock
from lab.precedence import go_first, like_everybody

REQUEST_SECONDS = 30.0  # from its first byte to its last; the largest upload over a slow network takes a part of it
STALLED_SECONDS = 20.0  # two heartbeats of a stream
QUIET_SECONDS = 5.0  # without a word from the lab, after which it looks whether somebody is there: half a heartbeat
LINGER_SECONDS = 2.0  # for a client to close its side first: what it has not read is lost otherwise
LINGER_READS, LINGER_BYTES = 16, 4096  # and what it still sends is thrown away, up to this


def allow_open_files() -> None:
    """Let this process open as many files as the machine lets it: a class takes more than the usual 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class ClientSocket(socket.socket):
    """A client's connection. It ends for the reader, as if the client had, when a request takes too long."""

    def __init__(self, accepted: socket.socket, clock: Clock) -> None:
        """Take over an accepted connection."""
        super().__init__(fileno=accepted.detach())
        self._clock = clock
        self._until = 0.0
        self._sent_at = clock.monotonic()
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED_SECONDS * 1000))

    def begin_request(self) -> None:
        """From now on the client has `REQUEST_SECONDS` for its next request."""
        self._sent_at = self._clock.monotonic()
        self._until = self._sent_at + REQUEST_SECONDS

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive in time. Raises ConnectionResetError, and TimeoutError when the socket's own time is shorter."""
        with contextlib.suppress(BlockingIOError):
            return super().recv(size, flags | socket.MSG_DONTWAIT)  # mostly it is there, and one call lets fewer others go first
        left, own = max(0.0, self._until - self._clock.monotonic()), self.gettimeout()
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if not poll.poll((left if own is None else min(left, own)) * 1000):
            if own is not None and own < left:
                raise TimeoutError("the client has sent nothing")
            raise ConnectionResetError(errno.ECONNRESET, "the client takes too long to send its request")
        try:
            return super().recv(size, flags)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the client has stalled") from error

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all. Raises BrokenPipeError when the client has closed its side and nothing was sent to it for `QUIET_SECONDS`."""
        now = self._clock.monotonic()
        if now - self._sent_at >= QUIET_SECONDS and self._has_left():
            raise BrokenPipeError(errno.EPIPE, "the client has left")
        super().sendall(data, flags)
        self._sent_at = now

    def end(self) -> None:
        """Say that nothing more comes, and give the client a moment to take what has; nobody waits for it afterwards."""
        self._until = self._clock.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            for _ in range(LINGER_READS):
                if not self.recv(LINGER_BYTES):
                    break
        self._until = 0.0

    def _has_left(self) -> bool:
        try:
            return super().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False  # nothing to read from one that is there
        except OSError:
            return True


class BoundedWorker(ThreadWorker):
    """A worker of threads whose clients have `REQUEST_SECONDS` to ask and `STALLED_SECONDS` to go on reading."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = SystemClock()

    def get_thread_pool(self) -> Any:
        """Return the pool with every thread started. Else the thread that accepts everybody's connections would start one
        whenever none is idle, and wait for it meanwhile behind all that want to run: a class that presses Run at once. It
        and those of the pool go first, until it is known what somebody wants."""
        pool, all_are_there = super().get_thread_pool(), threading.Event()

        def begin() -> None:
            go_first()
            all_are_there.wait()

        for _ in range(self.cfg.threads):
            pool.submit(begin)
        all_are_there.set()
        go_first()
        return pool

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it, on a thread of the pool."""
        if not isinstance(conn.sock, ClientSocket):
            conn.sock = ClientSocket(conn.sock, self._clock)
        conn.sock.begin_request()
        goes_on = super().handle(conn)
        if goes_on is False:
            conn.sock.end()  # here: the server would wait for the client on the thread that accepts everybody's connections
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer, a page before streams and actions; a client that has stalled is one that has gone."""
        try:
            with nullcontext() if _is_page(req) else like_everybody():
                return super().handle_request(req, conn)
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "the client has stalled") from error


def _is_page(req: Any) -> bool:
    """Whether somebody looks at an empty page until this is answered."""
    return req.method in ("GET", "HEAD") and ("ACCEPT", "text/event-stream") not in req.headers
