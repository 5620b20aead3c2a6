"""One learner's browser: kept connections for pages and forms, and streams of events with the time at which each fact came.

Many of them share one thread (asyncio), because whoever measures a lab on two cores must need little of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from lab.clock import Clock
from lab.errors import LabError
from lab.rehearsal.played import Seen, take

PATIENCE_SECONDS = 60.0  # for one answer
ASSETS = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_TOKEN = re.compile(r'name="csrf_token" value="([0-9A-Za-z.]+)"')
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class RehearsalError(LabError):
    """The lab did not do what a class needs; the message says what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, and how long that took from the first byte sent to the last one received."""

    status: int
    location: str
    text: str
    seconds: float


class Browser:
    """Use it from one event loop."""

    def __init__(self, address: str, clock: Clock) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "", place.port or 80
        self._address = address
        self._clock = clock
        self._cookies: SimpleCookie = SimpleCookie()
        self._token = ""
        self._idle: list[_Connection] = []
        self._streams: list[asyncio.Transport] = []

    async def get(self, path: str) -> Answer:
        """Get a page, and keep the token of its forms."""
        answer = await self._ask(self._head("GET", path))
        found = _TOKEN.search(answer.text)
        self._token = found[1] if found else self._token
        return answer

    async def post(self, path: str, *, script: bool = True, **form: str) -> Answer:
        """Send a form of the page that was got last; with ``script`` as the page's script does."""
        body = urlencode({"csrf_token": self._token, **form}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)), "Origin": self._address}
        return await self._ask(self._head("POST", path, kind | ({"HX-Request": "true"} if script else {})) + body)

    async def follow(self, path: str) -> Seen:
        """Open a stream and return what it has shown and will show, until `close`."""
        seen = Seen()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Stream(seen, self._clock.now), self._host, self._port)
        head = self._head("GET", path, {"Accept": "text/event-stream"}).replace(b"HTTP/1.1", b"HTTP/1.0", 1)  # no chunks
        transport.write(head)
        self._streams.append(transport)
        return seen

    def close(self) -> None:
        """Close the page: its streams and its connection."""
        for transport in self._streams:
            transport.abort()
        self._streams.clear()
        for _, writer in self._idle:
            writer.transport.abort()
        self._idle.clear()

    def _head(self, method: str, path: str, more: dict[str, str] | None = None) -> bytes:
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        fields = {"Host": f"{self._host}:{self._port}", "User-Agent": "lab-rehearsal", "Accept-Language": "en", **(more or {})}
        fields |= {"Cookie": cookies} if cookies else {}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _ask(self, request: bytes) -> Answer:
        begun = self._clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head, body = await self._exchange(request)
        except (OSError, EOFError, TimeoutError) as error:
            what = request.partition(b"\r\n")[0].decode()
            raise RehearsalError(f"cannot rehearse: the lab did not answer {what}: {error!r}; look at its log") from error
        status, location = int(head[0].split()[1]), ""
        for line in head[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "set-cookie":
                self._cookies.load(value.strip())
            elif name.lower() == "location":
                location = value.strip()
        return Answer(
            status=status, location=location, text=body.decode(errors="replace"), seconds=self._clock.monotonic() - begun
        )

    async def _exchange(self, request: bytes) -> tuple[list[str], bytes]:
        """Send a request on a kept connection; on a new one when all are in use, or the server has closed it meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._send(connection, request)
            except (ConnectionError, asyncio.IncompleteReadError):
                connection[1].transport.abort()
        return await self._send(await asyncio.open_connection(self._host, self._port), request)

    async def _send(self, connection: _Connection, request: bytes) -> tuple[list[str], bytes]:
        reader, writer = connection
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection", "").lower() == "close":
            writer.transport.abort()
        else:
            self._idle.append(connection)
        return head, body


class _Stream(asyncio.Protocol):
    """Takes events as they come."""

    def __init__(self, seen: Seen, now: Callable[[], datetime]) -> None:
        self._seen = seen
        self._now = now
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._rest = take(self._seen, self._rest + data, self._now())
