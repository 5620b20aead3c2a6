"""A lab whose engine has never answered: nobody waits long for it, and stopping least of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.config import read_settings
from lab.errors import EngineUnavailable
from lab.laboratory import Laboratory
from lab.runtime.engine_events import LOST_AFTER_SECONDS, RETRY_SECONDS

KNOWN_SECONDS = LOST_AFTER_SECONDS + 2 * RETRY_SECONDS  # by then nobody doubts that the engine is away


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def laboratory(tmp_path: Path, clock: VirtualClock) -> Laboratory:
    settings = {"LAB_DATA": str(tmp_path / "data"), "LAB_DOCKER_HOST": f"unix://{tmp_path}/absent.sock"}
    return Laboratory(read_settings({**settings, "LAB_WITNESS_SIGNALS": "no"}), clock)


def test_a_lab_stops_at_once_however_many_learners_have_a_page_open(laboratory: Laboratory, clock: VirtualClock) -> None:
    for number in range(30):
        laboratory.prepare(f"c{number}", ("kind: Pod\n",))
    clock.settle()
    laboratory.close()
    assert clock.monotonic() <= KNOWN_SECONDS


def test_an_engine_that_is_known_to_be_away_is_tried_once_more_and_not_waited_for(
    laboratory: Laboratory, clock: VirtualClock
) -> None:
    with pytest.raises(EngineUnavailable):
        laboratory.node_side.runtime.prepare_cluster("c1")
    assert clock.monotonic() <= KNOWN_SECONDS
    known = clock.monotonic()
    with pytest.raises(EngineUnavailable):
        laboratory.node_side.runtime.prepare_cluster("c2")
    assert clock.monotonic() <= known + 3 * RETRY_SECONDS
    laboratory.close()
