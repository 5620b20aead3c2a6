"""The HTTP server of recorded scenarios: ``nc`` with a shell that prints the request and a fixed answer.

The request is real: it comes while virtual time stands still, to a real socket. What the shell prints of it is logged by the
process itself as soon as time goes on.
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubelet.shell import Process

LOOK_SECONDS = 0.004  # shorter than an engine takes for a signal: a request is logged before what follows it
HANDLER = re.compile(r'echo "REQ \$l" >/proc/1/fd/1; done; printf "(?P<answer>[^"]*)"$')


def serve(process: Process, port: int, handler: str) -> None:
    """Serve until the process is killed. Raises ValueError for a handler of another form."""
    match = HANDLER.search(handler)
    if match is None:
        raise ValueError(f"cannot serve with {handler!r}")
    answer = match["answer"].replace("\\r", "\r").replace("\\n", "\n").encode()
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    with socket.create_server((process.instance.pod_ip, port)) as listening:
        threading.Thread(target=_answer, args=(listening, answer, asked), daemon=True).start()  # noqa: TID251 - in real time
        try:
            while True:
                process.pause(LOOK_SECONDS)
                while not asked.empty():
                    process.instance.log(f"REQ {asked.get()}\n")
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _answer(listening: socket.socket, answer: bytes, asked: queue.SimpleQueue[str]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # the process has ended
            return
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            if lines.peek(3)[:3] != b"GET":  # TLS, which would keep both sides waiting in real time
                continue
            while line := lines.readline().strip():
                asked.put(line.decode())
            connection.sendall(answer)
