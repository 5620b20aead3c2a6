"""A real HTTP server on the loopback interface, for httpGet handlers and probes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Request:
    """What was asked for; ``headers`` keeps the last of repeated ones, ``pairs`` all in order."""

    path: str
    headers: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]


class Answers:
    """Answers each path with its status, or redirects where the status is a location; 404 elsewhere."""

    def __init__(self, statuses: Mapping[str, int | str] | None = None) -> None:
        self.requests: list[Request] = []
        requests, known = self.requests, dict(statuses or {})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pairs = tuple(self.headers.items())
                requests.append(Request(self.path, dict(pairs), pairs))
                status = known.get(self.path, 404)
                self.send_response(302 if isinstance(status, str) else status)
                if isinstance(status, str):
                    self.send_header("Location", status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))  # noqa: TID251  # it serves in real time

    def __enter__(self) -> Answers:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
