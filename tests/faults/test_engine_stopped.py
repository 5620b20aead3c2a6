"""The engine stops in mid-run and comes back: the run ends, pages stay, and learners run again without a restart of the lab."""

from __future__ import annotations

import json
import signal
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.clock import SystemClock
from lab.runtime.engine import connection
from tests.faults.own_engine import OwnEngine
from tests.faults.pods import EXAMPLE, pod, running
from tests.faults.room import LESSON, Room
from tests.served_lab import PATIENCE_SECONDS, ServedLab, Visitor, await_removal, facts_of, left_on_the_engine, left_on_the_host

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(lab_images: object) -> Iterator[OwnEngine]:
    engine = OwnEngine()
    yield engine
    engine.close()


@pytest.fixture
def lab(tmp_path: Path, engine: OwnEngine) -> Iterator[ServedLab]:
    lab = ServedLab(tmp_path, LAB_DOCKER_HOST=engine.address)
    yield lab
    lab.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_engine_ends_the_run_and_a_restarted_one_runs_again(
    number: signal.Signals, lab: ServedLab, engine: OwnEngine
) -> None:
    visitor = Visitor(lab)
    run_id = visitor.run(EXAMPLE, pod())
    visitor.watch(run_id, running)
    engine.stop(number)

    shown = visitor.watch(run_id, lambda stream: stream.ended).rows
    assert facts_of(shown)[-1] == "RunAborted"
    assert "<code>engine</code>" in shown[max(shown)]
    assert visitor.rows(run_id) == shown
    with pytest.raises(urllib.error.HTTPError, match="503") as not_ready:
        visitor.get("/readyz")
    with not_ready.value as answer:
        assert "no Docker Engine answers" in json.load(answer)["engine"]
    with pytest.raises(urllib.error.HTTPError, match="409") as refused:
        visitor.run(EXAMPLE, pod())
    refused.value.close()

    engine.start()
    with connection(engine.address) as client:
        await_removal(client, lab.instance)
        assert json.loads(visitor.get("/readyz"))["engine"] == "ok"
        again = visitor.run(EXAMPLE, pod())
        visitor.watch(again, running)
        visitor.delete(again, mode="graceful")
        assert facts_of(visitor.watch(again, lambda stream: stream.ended).rows)[-1] == "RunClosed"
        assert visitor.rows(run_id) == shown
        assert lab.stop() == 0
        assert left_on_the_engine(client, lab.instance) == []
        assert left_on_the_host(lab.data) == []


def test_a_lab_that_starts_without_its_engine_clears_up_when_that_is_back(lab: ServedLab, engine: OwnEngine) -> None:
    visitor = Visitor(lab)
    run_id = visitor.run(EXAMPLE, pod(post_start=20))
    visitor.watch(run_id, lambda stream: "HookStarted" in stream.facts())
    lab.kill()
    engine.stop()
    lab.start()
    assert facts_of(visitor.rows(run_id))[-1] == "RunAborted"
    engine.start()
    with connection(engine.address) as client:
        await_removal(client, lab.instance)
        assert client.containers.list(all=True) == []


def test_a_class_is_told_that_the_engine_is_away_and_goes_on_when_it_is_back(tmp_path: Path, engine: OwnEngine) -> None:
    room = Room(tmp_path / "data", learners=6, LAB_DOCKER_HOST=engine.address)
    clock = SystemClock()
    try:
        room.press_run(lambda number: pod(post_start=20 if number % 3 == 0 else 0))
        pages = [clock.spawn(seat.name, seat.follow) for seat in room.seats]
        room.seats[1].visitor.watch(room.seats[1].run_id, running)
        with room.instructor.following(f"{LESSON}/stream") as events:
            engine.stop()
            assert "The container engine runs no pods now." in next(stream.trouble for stream in events if stream.trouble)
            assert "The container engine runs no pods now." in room.instructor.get(LESSON)
            room.require_aborted("engine")
            engine.start()
            assert next(stream for stream in events if not stream.trouble)
        assert "The container engine runs no pods now." not in room.instructor.get(LESSON)
        for page in pages:
            page.join(PATIENCE_SECONDS)
        room.require_nothing_lost()
        room.require_going_on()
        with connection(engine.address) as client:
            room.require_nothing_left(client)
    finally:
        room.lab.close()


def test_a_frozen_engine_is_said_on_pages_that_go_on_and_its_runs_go_on_when_it_thaws(lab: ServedLab, engine: OwnEngine) -> None:
    visitor = Visitor(lab)
    run_id = visitor.run(EXAMPLE, pod())
    visitor.watch(run_id, running)
    with visitor.following(f"{LESSON}/stream") as events:
        engine.freeze()
        try:
            assert "The container engine runs no pods now." in next(stream.trouble for stream in events if stream.trouble)
            assert "does not answer, though it is there" in visitor.get(LESSON)
            with pytest.raises(urllib.error.HTTPError, match="409") as refused:
                visitor.run(EXAMPLE, pod())
            refused.value.close()
        finally:
            engine.thaw()
        assert next(stream for stream in events if not stream.trouble)
    visitor.delete(run_id, mode="graceful")
    assert facts_of(visitor.watch(run_id, lambda stream: stream.ended).rows)[-1] == "RunClosed"
