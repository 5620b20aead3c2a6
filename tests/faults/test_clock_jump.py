"""The system's clock is set forwards and back while a class is at work: nobody comes in again, and no duration is wrong.

The served lab has a wall clock of its own; its monotonic clock, like the engine's clocks, goes on as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from tests.faults.pods import pod, running
from tests.faults.room import Room
from tests.served_lab import Rows, facts_of

pytestmark = pytest.mark.engine

FORWARDS, BACK = 7200, -86_400  # seconds; more than any limit of a run
_OFFSET = re.compile(r"<time>\+([\d.]+) s</time>")


_PATCH = """\
import time
from datetime import UTC, datetime
from pathlib import Path
from lab.clock.system import SystemClock

true = time.time
time.time = lambda: true() + int(Path({file!r}).read_text())
SystemClock.now = lambda self: datetime.fromtimestamp(time.time(), UTC)
"""


class WallClock:
    """The wall clock of the labs that have its environment: every Python there begins with `sitecustomize`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._file = directory / "seconds"
        (directory / "sitecustomize.py").write_text(_PATCH.format(file=str(self._file)))
        path = os.environ.get("PYTHONPATH", "")
        self.environment = {"PYTHONPATH": f"{directory}:{path}".rstrip(":")}
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set it so many seconds from the true time."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(seconds))
        draft.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "time")


@pytest.fixture
def room(tmp_path: Path, clock: WallClock) -> Iterator[Room]:
    room = Room(tmp_path / "data", learners=3, **clock.environment)
    yield room
    room.lab.close()


def offsets(rows: Rows) -> list[float]:
    """Return when each step was, in seconds after Run was pressed."""
    return [float(found[1]) for seq in sorted(rows) if (found := _OFFSET.search(rows[seq]))]


def test_runs_go_on_and_nobody_comes_in_again_when_the_clock_is_set(room: Room, clock: WallClock, docker_client: Any) -> None:
    true = SystemClock()
    begin = true.monotonic()
    room.press_run(lambda number: pod(post_start=4))
    for seat in room.seats:
        seat.visitor.watch(seat.run_id, lambda stream: "HookStarted" in stream.facts())
    clock.set(FORWARDS)
    for seat in room.seats:
        seat.shown = seat.visitor.watch(seat.run_id, running)
    clock.set(BACK)
    room.require_nothing_lost()
    for seat in room.seats:
        seat.require_seat()
        seat.visitor.delete(seat.run_id, mode="graceful")
        rows = seat.visitor.watch(seat.run_id, lambda stream: "RunClosed" in stream.facts()).rows
        assert facts_of(rows)[-1] == "RunClosed"
        seen = offsets(rows)
        assert seen == sorted(seen)
        assert seen[-1] < true.monotonic() - begin
    clock.set(0)
    room.require_going_on(seats=1)
    room.require_nothing_left(docker_client)
