"""A lab of its own for the rehearsal: ``lab serve --classroom`` in a process of its own, on loopback, with data that passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Clock
from lab.rehearsal.browser import RehearsalError

NOT_FOR_A_REHEARSAL = ("LAB_DATA", "LAB_DATABASE_URL", "LAB_HOST", "LAB_PORT", "LAB_PUBLIC_URL", "LAB_LOG_FORMAT")
START_SECONDS = 60.0
STOP_SECONDS = 90.0
_ADDRESS = re.compile(r"Pod Hook Lab: (http://\S+)")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process uses: processor seconds so far, and the rest now."""

    cpu_seconds: float
    memory_bytes: int
    threads: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLab:
    """A lab that serves. ``worker`` is the process in which it lives."""

    address: str
    worker: int

    def usage(self) -> Usage:
        """Return what it uses. Raises RehearsalError when it has ended."""
        try:
            return usage_of(self.worker)
        except OSError as error:
            raise RehearsalError("cannot rehearse: the lab has ended; see its log above") from error


def usage_of(pid: int) -> Usage:
    """Return what a process uses. Raises OSError. Source: proc(5)."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return Usage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
        memory_bytes=int((process / "statm").read_text().split()[1]) * _PAGE_BYTES,
        threads=int(fields[17]),
        files=len(os.listdir(process / "fd")),
    )


@contextmanager
def served(data: Path, clock: Clock, *, classroom: bool = True, settings: dict[str, str] | None = None) -> Iterator[ServedLab]:
    """Serve a data directory with the settings of this process's environment; stop at the end, which leaves nothing on the
    engine. What the lab logs goes to stderr, but for information."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_A_REHEARSAL}
    command = [sys.executable, "-m", "lab.cli", "serve", "--port", "0", *(("--classroom",) if classroom else ())]
    process = subprocess.Popen(
        command, env={**environment, "LAB_DATA": str(data), **(settings or {})}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    address, reader = "", None
    try:
        for line in process.stderr:
            found = _ADDRESS.search(line)
            if found:
                address = found[1]
                break
            _pass_on(line)
        reader = clock.spawn("log of the rehearsed lab", _relay, process)
        if not address or not _answers(address):
            raise RehearsalError("cannot rehearse: the lab did not start; see what it said above")
        yield ServedLab(address=address, worker=_worker(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if reader is not None:
            reader.join(STOP_SECONDS)
        process.stderr.close()


def _answers(address: str) -> bool:
    """Wait until the lab is open."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=START_SECONDS):  # noqa: S310 - our own lab's, over HTTP
            return True
    except OSError:
        return False


def _worker(master: int) -> int:
    (worker,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(worker)


def _relay(process: subprocess.Popen[str]) -> None:
    for line in process.stderr or ():
        _pass_on(line)


def _pass_on(line: str) -> None:
    if not line.startswith("INFO"):
        print(line, end="", file=sys.stderr)  # noqa: T201 - another process's log
