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
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from lab.clock import Clock, SystemClock
from lab.precedence import go_first
from lab.web.pages import is_stream

REQUEST_SECONDS = 30.0  # from its first byte to its last; the largest upload over a slow network takes a part of it
STALLED_SECONDS = 20.0  # two heartbeats of a stream
QUIET_SECONDS = 5.0  # without a word from the lab, after which it looks whether somebody is there: half a heartbeat
PAGE_THREADS = 64  # each answers a page; what a slow client reads of one mostly waits in the kernel
ACCEPTED_AT_ONCE = 64
HEAD_BYTES = 4096  # of a request, in which it says what it wants
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
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._clock = clock
        self._until = 0.0
        self._sent_at = clock.monotonic()
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED_SECONDS * 1000))

    def begin_request(self) -> None:
        """From now on the client has `REQUEST_SECONDS` for its next request."""
        self._sent_at = self._clock.monotonic()
        self._until = self._sent_at + REQUEST_SECONDS

    def setblocking(self, flag: bool) -> None:
        """Do nothing: it blocks, and ends for the reader in time. The server would have it do the one and the other for each
        request, which are calls that let others go first."""

    def begun(self) -> bytes:
        """Return what has come of the next request up to now, and leave it there."""
        with contextlib.suppress(OSError):
            return super().recv(HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return b""

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
        """Return the pool for streams and actions, and keep one beside it for pages, whose threads go first; so does the calling
        one, which accepts everybody's connections. A pool wakes its threads one after the other, as each begins its work: in
        the same one a page would wait for a class's streams to begin."""
        self._pages = _started(PAGE_THREADS, go_first)
        pool = _started(self.cfg.threads)
        go_first()
        return pool

    def accept(self, listener: Any) -> None:
        """Accept all who wait, by one call for each: whoever asks for a page stands behind them."""
        name = listener.getsockname()
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            for _ in range(ACCEPTED_AT_ONCE):
                accepted, client = listener.accept()
                self.nr_conns += 1
                self.enqueue_req(TConn(self.cfg, ClientSocket(accepted, self._clock), client, name))

    def enqueue_req(self, conn: Any) -> None:
        """Have a request read and answered, by the pool for what it asks for. A connection holds no thread until one has come."""
        begun = conn.sock.begun()
        if begun or conn.data_ready:
            conn.data_ready = True
            answered = (self._pages if asks_for_a_page(begun) else self.tpool).submit(self.handle, conn)
            answered.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))
            return
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _cap_keepalive(self, deadline: float) -> None:
        """Keep none waiting beyond the deadline when the lab stops, those of whom no request has come neither."""
        super()._cap_keepalive(deadline)  # type: ignore[misc]  # its stubs are older
        waiting: Iterable[Any] = self.pending_conns
        for conn in waiting:
            conn.timeout = min(conn.timeout, deadline)

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it, on a thread of a pool."""
        conn.sock.begin_request()
        goes_on = super().handle(conn)
        if goes_on is False:
            conn.sock.end()  # here: the server would wait for the client on the thread that accepts everybody's connections
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer; a client that has stalled is one that has gone."""
        try:
            return super().handle_request(req, conn)
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "the client has stalled") from error


def _started(threads: int, begin: Callable[[], None] | None = None) -> ThreadPoolExecutor:
    """Return a pool with every thread started. Else the thread that accepts everybody's connections would start one whenever none
    is idle, and wait for it meanwhile behind all that want to run: a class that presses Run at once."""
    pool, all_are_there = ThreadPoolExecutor(max_workers=threads, initializer=begin), threading.Event()
    for _ in range(threads):
        pool.submit(all_are_there.wait)
    all_are_there.set()
    return pool


def asks_for_a_page(request: bytes) -> bool:
    """Whether a request has come with all its headers and is for something that is shown at once: no form, and no stream."""
    head, end, _ = request.partition(b"\r\n\r\n")
    method, _, rest = head.partition(b" ")
    return bool(end) and method in (b"GET", b"HEAD") and not is_stream(rest.partition(b" ")[0].decode("latin-1"))
