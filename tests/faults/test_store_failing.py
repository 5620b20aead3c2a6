"""The store takes nothing for a while, its disk full or its database locked, in the middle of runs; then it does again."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from lab.clock import SystemClock
from lab.store.journal import PATIENCE_SECONDS as STORE_PATIENCE_SECONDS
from tests.faults.pods import EXAMPLE, pod, running
from tests.faults.room import LESSON, Room
from tests.served_lab import PATIENCE_SECONDS, Visitor, facts_of

pytestmark = pytest.mark.engine

DISK_BYTES = 48 << 20
BANNER = "The lab cannot record what happens"

Fault = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def room(disk: Path) -> Iterator[Room]:
    room = Room(disk / "data", learners=4, LAB_FREE_DISK_BYTES="1")
    yield room
    room.lab.close()


@contextmanager
def no_byte_free(data: Path) -> Iterator[None]:
    filler = data.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        for piece in (1 << 20, 512):
            with suppress(OSError):
                while file.write(bytes(piece)):
                    pass
    yield
    filler.unlink()


@contextmanager
def database_locked(data: Path) -> Iterator[None]:
    with closing(sqlite3.connect(data / "lab.sqlite", isolation_level=None, timeout=PATIENCE_SECONDS)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def await_that(holds: Callable[[], object]) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert clock.monotonic() < deadline, "waited in vain"
        clock.sleep(0.2)


def refusal(action: Callable[[], object]) -> str:
    """Do what must be refused, and return what the page says."""
    with pytest.raises(HTTPError, match="409") as refused:
        action()
    with refused.value as answer:
        return answer.read().decode()


@pytest.mark.parametrize("fault", [no_byte_free, database_locked])
def test_a_store_that_takes_nothing_loses_nothing_and_the_class_goes_on(fault: Fault, room: Room, docker_client: Any) -> None:
    room.press_run(lambda number: pod())
    for seat in room.seats:
        seat.shown = seat.visitor.watch(seat.run_id, running)
    first, second, *others = room.seats
    clock = SystemClock()
    with fault(room.lab.data):
        begin = clock.monotonic()
        first.visitor.delete(first.run_id, mode="graceful")
        await_that(lambda: BANNER in first.visitor.get(LESSON))
        assert BANNER in refusal(lambda: others[0].visitor.run(EXAMPLE, pod()))
        await_that(lambda: clock.monotonic() - begin > STORE_PATIENCE_SECONDS + 2)  # now the lab takes no more into memory
        room.require_nothing_lost()
        assert BANNER in refusal(lambda: second.visitor.delete(second.run_id, mode="graceful"))
        for seat in room.seats:
            seat.require_seat()
    await_that(lambda: BANNER not in first.visitor.get(LESSON))
    room.require_nothing_lost()
    await_that(lambda: facts_of(first.visitor.rows(first.run_id))[-1] == "RunClosed")
    for seat in (second, *others):
        await_that(lambda seat=seat: ends_when_deleted(seat.visitor, seat.run_id))
    room.require_going_on()
    room.require_nothing_left(docker_client)


def ends_when_deleted(visitor: Visitor, run_id: str) -> bool:
    visitor.delete(run_id, mode="graceful")
    return facts_of(visitor.rows(run_id))[-1] == "RunClosed"
