"""The disk guard and the idle clusters' thread, in virtual time: when they look, whom they end, and that nothing stops them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.clock import VirtualClock
from lab.cluster.disk_guard import MEASURE_SECONDS, DiskGuard, DiskGuardParts, over_limit
from lab.cluster.idle_clusters import LOOK_SECONDS, IdleClusters
from lab.errors import EngineUnavailable, StoreError
from lab.runtime.runtime import Written

MEBIBYTE = 1 << 20


def wrote(cluster: str, run_id: str, mebibytes: int) -> Written:
    return Written(cluster=cluster, run_id=run_id, size_bytes=mebibytes * MEBIBYTE)


def test_of_a_learner_over_the_limit_the_largest_runs_end_until_the_rest_is_within_it() -> None:
    written = [
        wrote("ann", "small", 10),
        wrote("ann", "large", 60),
        wrote("ann", "large", 30),  # another container of it
        wrote("ann-0123abcd", "repeated", 40),  # her repeat's cluster
        wrote("bob", "within", 100),
    ]
    assert over_limit(written, 100 * MEBIBYTE) == (("large", 90 * MEBIBYTE),)
    assert over_limit(written, 45 * MEBIBYTE) == (
        ("large", 90 * MEBIBYTE),
        ("repeated", 40 * MEBIBYTE),
        ("within", 100 * MEBIBYTE),
    )
    assert over_limit(written, 1000 * MEBIBYTE) == ()


class Disk:
    """A disk that a test fills, and what the guard did about it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.free: int | None = 1000 * MEBIBYTE
        self.written: list[Written] = []
        self.ended: list[tuple[str, str]] = []
        self.measured = 0
        self.failure: Exception | None = None
        self.guard = DiskGuard(
            DiskGuardParts(
                clock=clock,
                free=lambda: self.free,
                written=self._measure,
                abort=lambda run_id, why: self.ended.append((run_id, why)),
                learner_limit_bytes=80 * MEBIBYTE,
            )
        )

    def _measure(self) -> tuple[Written, ...]:
        self.measured += 1
        if self.failure:
            raise self.failure
        return tuple(self.written)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


def test_the_disk_is_measured_as_soon_as_it_fills_and_else_only_now_and_then(clock: VirtualClock) -> None:
    disk = Disk(clock)
    clock.sleep(MEASURE_SECONDS / 2)
    assert disk.measured == 0
    disk.written, disk.free = [wrote("ann", "run", 90)], 910 * MEBIBYTE
    clock.sleep(2)
    assert disk.measured == 1
    assert disk.ended == [
        ("run", "Its containers had written 90Mi to their file systems; the lab's limit for all containers of a learner is 80Mi.")
    ]
    disk.written = []
    clock.sleep(2 * MEASURE_SECONDS + 1)
    assert disk.measured == 3
    disk.guard.close()
    disk.guard.close()


def test_slow_filling_counts_and_what_is_freed_starts_the_count_anew(clock: VirtualClock) -> None:
    disk = Disk(clock)
    clock.sleep(2)
    for free in (996, 992, 989):  # an eighth of the limit is 10 MiB
        disk.free = free * MEBIBYTE
        clock.sleep(2)
    assert disk.measured == 1
    disk.free = 2000 * MEBIBYTE
    clock.sleep(2)
    disk.free = 1995 * MEBIBYTE
    clock.sleep(2)
    assert disk.measured == 1
    disk.guard.close()


@pytest.mark.parametrize("failure", [EngineUnavailable("cannot measure"), None])
def test_a_guard_that_cannot_look_goes_on(clock: VirtualClock, failure: Exception | None) -> None:
    disk = Disk(clock)
    disk.failure, disk.free = failure, None
    clock.sleep(MEASURE_SECONDS + 2)
    disk.failure, disk.free, disk.written = None, 1000 * MEBIBYTE, [wrote("ann", "run", 90)]
    clock.sleep(MEASURE_SECONDS + 2)
    assert [run_id for run_id, _ in disk.ended] == ["run"]
    disk.guard.close()


def test_idle_clusters_are_given_back_again_and_again_whatever_goes_wrong(clock: VirtualClock) -> None:
    asked: list[float] = []

    def give_back() -> tuple[str, ...]:
        asked.append(clock.monotonic())
        if len(asked) == 1:
            raise StoreError("cannot read the store")
        return ("c1",)

    idle = IdleClusters(clock, give_back)
    clock.sleep(3 * LOOK_SECONDS + 1)
    idle.close()
    idle.close()
    clock.sleep(10 * LOOK_SECONDS)
    assert len(asked) == 3
