"""A real store in a file, on a virtual clock, and a disk that fills up on demand."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.store.store import Store
from lab.timeline.repeat import Repeat

REPEAT = Repeat(
    id="r1",
    cluster="c1",
    example="lesson/one",
    manifest="运行: true\n",
    verb="apply",
    count=10,
    grace_period_seconds=5,
    force=False,
    opened_at=datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
)

FullDisk = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/lab.sqlite"


@pytest.fixture
def store(clock: VirtualClock, url: str) -> Iterator[Store]:
    with Store.open(url, clock) as store:
        yield store


@pytest.fixture
def full_disk(tmp_path: Path) -> FullDisk:
    """No file of this process grows beyond the store's write-ahead log while the context lasts: the kernel's own refusal."""

    @contextmanager
    def fill() -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "lab.sqlite-wal").stat().st_size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return fill
