"""Repeats: stored with every run they begin, found again after a restart."""

from __future__ import annotations

from dataclasses import replace

from lab.clock import VirtualClock
from lab.store.store import Store
from tests.store.conftest import REPEAT


def test_a_repeat_comes_back_as_it_was_kept_last(store: Store, clock: VirtualClock, url: str) -> None:
    store.keep_repeat(REPEAT)
    assert store.repeat("r1") == REPEAT
    later = replace(REPEAT, runs=("a", "b"), ended="cancelled", why="enough")
    store.keep_repeat(later)
    assert store.repeat("r1") == later
    store.close()
    with Store.open(url, clock) as again:
        assert again.repeat("r1") == later
        assert again.repeat("r2") is None


def test_the_latest_repeat_is_the_learner_s_newest_of_the_example(store: Store) -> None:
    newer = replace(REPEAT, id="r2", opened_at=REPEAT.opened_at.replace(hour=13))
    for repeat in (newer, REPEAT, replace(newer, id="r3", cluster="c2"), replace(newer, id="r4", example="lesson/two")):
        store.keep_repeat(repeat)
    assert store.latest_repeat("c1", "lesson/one") == newer
    assert store.latest_repeat("c3", "lesson/one") is None


def test_those_that_go_on_are_found(store: Store) -> None:
    store.keep_repeat(REPEAT)
    store.keep_repeat(replace(REPEAT, id="r2", ended="done"))
    assert store.unfinished_repeats() == (REPEAT,)
