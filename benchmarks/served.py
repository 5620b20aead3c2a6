"""The same pods in a lab that is really served, and a learner who opens a lesson, presses Run, watches, presses Delete.

Times are taken where they are true: what the lab did when, from the timeline's own clock in the store; what a page saw when, at
the end of its stream of events.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.workload import Shape
from lab.clock import Clock
from lab.store.rows import time_text
from lab.store.store import Store
from lab.timeline.facts import Entry, Fact, ObjectWritten, RunClosed, SandboxStarted
from tests.served_lab import ServedLab, Visitor

EXAMPLE = "post-start/post-start-message"
THINKING_SECONDS = 1.0  # nobody presses Run sooner after a page has opened, or again
LOOKING_SECONDS = 1.2  # for the status that follows the hooks, and for what the files look like
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.05
_SEQ = re.compile(rb'"seq": ?(\d+)')  # of a frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press of Run, as its learner saw it: the run's cluster and first entry, when it was pressed, when each entry's
    frame arrived, by seq, and the processor time that the lab used until all was gone."""

    cluster: str
    first_seq: int
    last_seq: int
    pressed: datetime
    arrivals: dict[int, datetime]
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """One run's seconds. ``run``: RunOpened to the last pod's Running, ``typical`` the median pod's. ``delete``: the first
    delete's write until the last pod's object is removed; ``clear``: until nothing is left on the node. ``page``: the press to
    the page that says Running. ``sandboxes``: what each pod waited for its sandbox. ``latencies``: from each fact to its
    arrival."""

    run: float
    typical: float
    delete: float
    clear: float
    page: float
    sandboxes: tuple[float, ...]
    latencies: tuple[float, ...]
    cpu_seconds_per_pod: float


class Learner:
    """Somebody new with a lesson's page open."""

    def __init__(self, lab: ServedLab, clock: Clock) -> None:
        self._lab = lab
        self._clock = clock
        self._visitor = Visitor(lab)
        self._lesson = f"/lessons/{EXAMPLE.partition('/')[0]}"

    def open_page(self) -> float:
        """Get the lesson's page and return the seconds that took."""
        begun = self._clock.monotonic()
        self._visitor.get(self._lesson)
        return self._clock.monotonic() - begun

    def press(self, shape: Shape, count: int, times: int = 1) -> list[Press]:
        """Run so many pods and delete them, once or several times; return what was seen of each."""
        self.open_page()
        arrivals: dict[int, datetime] = {}
        with self._stream() as stream:
            reader = self._clock.spawn("page", self._read, stream, arrivals)
            try:
                self._clock.sleep(THINKING_SECONDS)
                return [self._press(shape, count, arrivals) for _ in range(times)]
            finally:
                stream.shutdown(socket.SHUT_RDWR)
                reader.join()

    def _press(self, shape: Shape, count: int, arrivals: dict[int, datetime]) -> Press:
        before, pressed = cpu_seconds(self._lab.worker), self._clock.now()
        self._visitor.press(f"/examples/{EXAMPLE}/run", manifest=shape.manifest(count))
        cluster, first = self._run_since(pressed)
        self._await(lambda: self._count(cluster, first, "HookFinished") >= count * len(shape.programs))
        self._clock.sleep(LOOKING_SECONDS)
        self._visitor.press(f"/examples/{EXAMPLE}/delete", mode="graceful")
        self._await(lambda: self._closed(cluster, first) > 0)
        used = cpu_seconds(self._lab.worker) - before
        closed = self._closed(cluster, first)
        self._await(lambda: max(arrivals, default=0) >= closed)
        self._clock.sleep(THINKING_SECONDS)
        return Press(
            cluster=cluster,
            first_seq=first,
            last_seq=closed,
            pressed=pressed,
            arrivals=dict(arrivals),
            cpu_seconds=used,
        )

    def _stream(self) -> socket.socket:
        """Ask for the page's stream, as it is: HTTP/1.0 has no chunks."""
        place = urlsplit(self._lab.address)
        stream = socket.create_connection((place.hostname or "", place.port or 80))
        head = f"GET {self._lesson}/stream HTTP/1.0\r\nHost: {place.netloc}\r\nCookie: {self._visitor.cookies}\r\n\r\n"
        stream.sendall(head.encode())
        return stream

    def _read(self, stream: socket.socket, arrivals: dict[int, datetime]) -> None:
        with stream.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"data: {"):
                    now = self._clock.now()
                    for seq in _SEQ.findall(line):
                        arrivals.setdefault(int(seq), now)

    def _await(self, holds: Callable[[], bool]) -> None:
        deadline = self._clock.monotonic() + PATIENCE_SECONDS
        while not holds():
            if self._clock.monotonic() > deadline:
                raise SystemExit("cannot measure: the lab did not get on; is something else loading this machine?")
            self._clock.sleep(_POLL_SECONDS)

    def _run_since(self, pressed: datetime) -> tuple[str, int]:
        query = "SELECT cluster, first_seq FROM runs WHERE opened_at >= ?"
        self._await(lambda: self._ask(query, time_text(pressed)) is not None)
        cluster, first = self._ask(query, time_text(pressed)) or ("", "0")
        return cluster, int(first)

    def _closed(self, cluster: str, first: int) -> int:
        query = "SELECT coalesce(max(seq), 0) FROM entries WHERE cluster = ? AND seq >= ? AND kind = 'RunClosed'"
        return self._number(query, cluster, first)

    def _count(self, cluster: str, first: int, kind: str) -> int:
        query = "SELECT count(*) FROM entries WHERE cluster = ? AND seq >= ? AND kind = ?"
        return self._number(query, cluster, first, kind)

    def _number(self, query: str, *values: object) -> int:
        (number,) = self._ask(query, *values) or ("0",)
        return int(number)

    def _ask(self, query: str, *values: object) -> tuple[str, ...] | None:
        connection = sqlite3.connect(f"file:{self._lab.data}/lab.sqlite?mode=ro", uri=True)
        try:
            row: tuple[str, ...] | None = connection.execute(query, values).fetchone()
            return row
        finally:
            connection.close()


def read_times(data: Path, clock: Clock, presses: Iterable[Press]) -> list[RunTimes]:
    """Return what the store of a lab that has stopped says of some presses."""
    with Store.open(f"sqlite:///{data}/lab.sqlite", clock) as store:
        return [_times(store.entries(press.cluster, press.first_seq, press.last_seq), press) for press in presses]


def cpu_seconds(pid: int | str) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime


def _times(entries: tuple[Entry, ...], press: Press) -> RunTimes:
    opened = entries[0]
    first_running: dict[str, Entry] = {}
    for entry in entries:
        if entry.pod_uid and says_running(entry.fact):
            first_running.setdefault(entry.pod_uid, entry)
    running = [entry.elapsed_seconds - opened.elapsed_seconds for entry in first_running.values()]
    last_running = max(first_running.values(), key=lambda entry: entry.seq)
    deleted = next(entry for entry in entries if _is_pod_write(entry.fact, "delete"))
    removed = next(entry for entry in reversed(entries) if _is_pod_write(entry.fact, "remove"))
    closed = next(entry for entry in entries if isinstance(entry.fact, RunClosed))
    return RunTimes(
        run=max(running),
        typical=statistics.median(running),
        delete=removed.elapsed_seconds - deleted.elapsed_seconds,
        clear=closed.elapsed_seconds - deleted.elapsed_seconds,
        page=(press.arrivals[last_running.seq] - press.pressed).total_seconds(),
        sandboxes=tuple(entry.fact.took_seconds for entry in entries if isinstance(entry.fact, SandboxStarted)),
        latencies=tuple(
            (press.arrivals[entry.seq] - entry.at).total_seconds() for entry in entries if entry.seq in press.arrivals
        ),
        cpu_seconds_per_pod=press.cpu_seconds / len(first_running),
    )


def _is_pod_write(fact: Fact, verb: str) -> bool:
    return isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.verb == verb


def says_running(fact: Fact) -> bool:
    """Whether a fact is a pod's write with the phase Running."""
    return isinstance(fact, ObjectWritten) and fact.kind == "Pod" and fact.object["status"].get("phase") == "Running"
