"""Whom a sandbox is kept warm for, when it is made, and when it is given up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.clock import VirtualClock
from lab.errors import EngineError, EngineUnavailable
from lab.runtime.turns import Turns
from lab.runtime.warm_sandboxes import KEPT_SECONDS, QUIET_SECONDS, WarmSandbox, WarmSandboxes

REQUEST = {"Image": "pause"}
MAKING_SECONDS = 0.25
REMOVING_SECONDS = 0.08


class Engine:
    """Makes sandboxes that are named after cluster, hostname and their number."""

    def __init__(self, clock: VirtualClock) -> None:
        self.there: list[str] = []
        self.error: Exception | None = None
        self._clock = clock
        self._count = 0

    def make(self, cluster: str, hostname: str) -> WarmSandbox:
        self._clock.sleep(MAKING_SECONDS)
        if self.error is not None:
            raise self.error
        self._count += 1
        sandbox_id = f"{cluster}/{hostname}/{self._count}"
        self.there.append(sandbox_id)
        return WarmSandbox(id=sandbox_id, ip="10.0.0.1", request=REQUEST)

    def remove(self, sandbox_id: str) -> None:
        self._clock.sleep(REMOVING_SECONDS)
        if self.error is not None:
            raise self.error
        self.there.remove(sandbox_id)


class Stage:
    def __init__(self, clock: VirtualClock, *, limit: int = 8) -> None:
        self.clock = clock
        self.turns = Turns(clock)
        self.engine = Engine(clock)
        self.warm = WarmSandboxes(clock, self.turns, limit=limit, make=self.engine.make, remove=self.engine.remove)

    def wait(self) -> None:
        """Let everything be made that can be."""
        self.clock.sleep(5)

    def take(self, hostname: str, cluster: str = "anna") -> str | None:
        taken = self.warm.take(cluster, hostname, REQUEST)
        return taken.id if taken else None


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def stage(clock: VirtualClock) -> Iterator[Stage]:
    stage = Stage(clock)
    yield stage
    stage.warm.close()


def test_the_first_pod_of_an_open_page_finds_its_sandbox(stage: Stage) -> None:
    stage.warm.expect("anna", ("one", "two", "three"))
    stage.wait()
    assert stage.engine.there == ["anna/one/1"]
    assert stage.take("one") == "anna/one/1"
    assert stage.take("one") is None


def test_when_a_pod_has_come_the_next_one_of_the_page_is_expected(stage: Stage) -> None:
    stage.warm.expect("anna", ("one", "two", "three"))
    stage.wait()
    stage.take("one")
    stage.wait()
    assert stage.take("two") == "anna/two/2"


def test_a_pod_that_has_gone_is_expected_again(stage: Stage) -> None:
    stage.warm.expect("anna", ("one",))
    stage.take("another")
    stage.warm.released("anna", "another")
    stage.wait()
    assert stage.take("another") == "anna/another/2"


def test_nothing_is_made_for_a_cluster_whose_page_nobody_has_open(stage: Stage) -> None:
    stage.warm.released("berta", "one")
    stage.wait()
    assert stage.engine.there == []


def test_a_pod_that_asks_for_something_else_gets_none(stage: Stage) -> None:
    stage.warm.expect("anna", ("one",))
    stage.wait()
    assert stage.warm.take("anna", "one", {**REQUEST, "Sysctls": {}}) is None
    assert stage.take("other") is None
    assert stage.take("one", cluster="berta") is None
    assert stage.take("one") == "anna/one/1"


def test_nothing_is_made_while_somebody_waits_for_the_engine(stage: Stage, clock: VirtualClock) -> None:
    with stage.turns.needed():
        stage.warm.expect("anna", ("one",))
        clock.sleep(100)
        assert stage.engine.there == []
    clock.sleep(QUIET_SECONDS + MAKING_SECONDS + 0.2)
    assert stage.engine.there == ["anna/one/1"]


def test_one_that_is_being_made_is_waited_for(stage: Stage, clock: VirtualClock) -> None:
    stage.warm.expect("anna", ("one",))
    clock.sleep(MAKING_SECONDS / 2)
    assert stage.take("one") == "anna/one/1"
    assert clock.monotonic() == MAKING_SECONDS


def test_a_cluster_keeps_two_and_gives_the_older_one_up_for_a_third(stage: Stage) -> None:
    stage.warm.expect("anna", ())
    for hostname in ("one", "two", "three"):
        stage.warm.released("anna", hostname)
        stage.wait()
    assert stage.engine.there == ["anna/two/2", "anna/three/3"]


def test_the_lab_keeps_no_more_than_its_limit(clock: VirtualClock) -> None:
    stage = Stage(clock, limit=2)
    for cluster in ("anna", "berta", "carla"):
        stage.warm.expect(cluster, ("one",))
        stage.wait()
    assert stage.engine.there == ["anna/one/1", "berta/one/2"]
    stage.warm.close()


def test_a_lab_without_warm_sandboxes_makes_none(clock: VirtualClock) -> None:
    stage = Stage(clock, limit=0)
    stage.warm.expect("anna", ("one",))
    stage.warm.released("anna", "one")
    stage.wait()
    assert stage.engine.there == []


def test_one_that_no_pod_came_for_is_removed_and_others_can_be_made_after_it(stage: Stage, clock: VirtualClock) -> None:
    stage.warm.expect("anna", ("one",))
    stage.wait()
    clock.sleep(KEPT_SECONDS)
    stage.warm.settle()
    assert stage.engine.there == []
    stage.warm.expect("anna", ("one",))
    stage.wait()
    assert stage.engine.there == ["anna/one/2"]


def test_what_cannot_be_made_is_left_alone_and_the_next_one_tried(stage: Stage) -> None:
    unforeseen = RuntimeError("nobody foresaw it")
    for error in (EngineError("cannot", runtime_message="no address left"), EngineUnavailable("cannot"), unforeseen):
        stage.engine.error = error
        stage.warm.expect("anna", ("one",))
        stage.wait()
        assert stage.take("one") is None
    stage.engine.error = None
    stage.warm.expect("anna", ("one",))
    stage.wait()
    assert stage.take("one") == "anna/one/1"


def test_what_cannot_be_removed_ends_no_thread(stage: Stage, clock: VirtualClock) -> None:
    stage.warm.expect("anna", ("one",))
    stage.wait()
    stage.engine.error = RuntimeError("nobody foresaw it")
    clock.sleep(KEPT_SECONDS)
    stage.engine.error = None
    stage.warm.expect("anna", ("two",))
    stage.wait()
    assert stage.take("two") == "anna/two/2"


def test_one_whose_cluster_goes_while_it_is_made_is_removed(stage: Stage, clock: VirtualClock) -> None:
    stage.warm.expect("anna", ("one",))
    clock.sleep(MAKING_SECONDS / 2)
    stage.warm.forget("anna")
    assert stage.engine.there == []


def test_a_forgotten_cluster_has_none_and_the_others_keep_theirs(stage: Stage) -> None:
    for cluster in ("anna", "berta"):
        stage.warm.expect(cluster, ("one",))
    stage.wait()
    stage.warm.forget("anna")
    assert (stage.take("one"), stage.take("one", cluster="berta")) == (None, "berta/one/2")


def test_a_closed_one_makes_no_more(stage: Stage) -> None:
    stage.warm.close()
    stage.warm.expect("anna", ("one",))
    stage.wait()
    assert stage.engine.there == []
