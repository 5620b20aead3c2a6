"""A real store in a file, on a virtual clock, and a disk that fills up on demand."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.store.store import Store

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
