"""Bundles in the store: the same file has the same id, and there is room for so many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.clock import VirtualClock
from lab.store.bundles import Bundles
from lab.store.database import Database


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def bundles(tmp_path: Path, clock: VirtualClock) -> Iterator[Bundles]:
    database = Database(f"sqlite:///{tmp_path}/lab.sqlite")
    yield Bundles(database, clock, kept_bytes=100)
    database.close()


def test_the_same_text_has_the_same_id_and_another_another(bundles: Bundles) -> None:
    assert bundles.keep("x", "c1") == bundles.keep("x", "c2") != bundles.keep("y", "c1")
    assert bundles.get(bundles.keep("x", "c1")) == "x"
    assert bundles.get("0") is None


def test_what_was_opened_longest_ago_makes_room(bundles: Bundles, clock: VirtualClock) -> None:
    ids = []
    for letter in "abc":
        ids.append(bundles.keep(letter * 40, "c"))
        clock.sleep(1)
    assert [bundles.get(kept) is not None for kept in ids] == [False, True, True]
    bundles.keep("b" * 40, "c")
    clock.sleep(1)
    bundles.keep("d" * 40, "c")
    assert [bundles.get(kept) is not None for kept in ids] == [False, True, False]


def test_the_newest_is_kept_however_large(bundles: Bundles) -> None:
    kept = bundles.keep("x" * 500, "c")
    assert bundles.get(kept) == "x" * 500
