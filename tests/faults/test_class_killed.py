"""kill -9 of the server while thirty learners' runs begin, go on and end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from tests.faults.pods import pod, running
from tests.faults.room import Room
from tests.served_lab import PATIENCE_SECONDS, await_removal, left_on_the_engine, left_on_the_host

pytestmark = pytest.mark.engine

LEARNERS = 30
RUNNING_BEFORE = 8  # so many pods run, the others are on their way


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path / "data", learners=LEARNERS)
    yield room
    room.lab.close()


def test_a_killed_lab_loses_nothing_of_thirty_runs_and_the_class_goes_on(room: Room, docker_client: Any) -> None:
    clock = SystemClock()
    room.press_run(lambda number: pod(post_start=20 if number % 3 == 0 else 0))
    pages = [clock.spawn(seat.name, seat.follow) for seat in room.seats]
    deadline = clock.monotonic() + PATIENCE_SECONDS
    while sum(running(seat.shown) for seat in room.seats) < RUNNING_BEFORE:
        assert clock.monotonic() < deadline, "the pods do not start"
        clock.sleep(0.05)
    room.lab.kill()
    for page in pages:
        page.join(PATIENCE_SECONDS)
    room.lab.start()

    room.require_nothing_lost()
    room.require_aborted("restart")
    assert left_on_the_host(room.lab.data) == []
    await_removal(docker_client, room.lab.instance)
    assert left_on_the_engine(docker_client, room.lab.instance) == []
    room.require_going_on()
    room.require_nothing_left(docker_client)
