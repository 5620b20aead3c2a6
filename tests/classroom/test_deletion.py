"""Deleting a class: nobody of it is left inside meanwhile, and whatever fails leaves it to be deleted again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.classroom.deletion import Deletions
from lab.classroom.register import Register
from lab.clock import VirtualClock
from lab.errors import ClassroomError, StoreError
from lab.store.store import Store


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def store(clock: VirtualClock, tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/lab.sqlite", clock) as store:
        yield store


@pytest.fixture
def register(store: Store, clock: VirtualClock) -> Register:
    return Register(store.classes, clock)


def filled(register: Register) -> tuple[str, list[str]]:
    """Open a class, let three join, one be removed, and end it; return its id and their clusters."""
    opened = register.open_class("Hooks")
    joined = [register.join(opened.code, nickname, "192.0.2.1") for nickname in ("Ada", "Grace", "Alan")]
    register.remove(joined[0].id)
    register.close_class(opened.id)
    return opened.id, [learner.cluster for learner in joined]


def test_everything_of_everybody_goes_also_of_who_was_removed(register: Register, store: Store, clock: VirtualClock) -> None:
    class_id, clusters = filled(register)
    other = register.open_class("Another")
    kept = register.join(other.code, "Ada", "192.0.2.1")
    forgotten: list[str] = []
    Deletions(register, forgotten.append, clock).start(class_id)
    clock.sleep(1)
    assert forgotten == clusters
    assert [one.id for one in register.classes()] == [other.id]
    assert [one.id for one in store.classes.learners()] == [kept.id]
    assert Register(store.classes, clock).everybody(class_id) == ()


def test_learners_are_out_before_anything_of_theirs_is_deleted(register: Register, clock: VirtualClock) -> None:
    class_id, clusters = filled(register)
    seated: list[int] = []
    deletions = Deletions(register, lambda cluster: seated.append(len(register.roster(class_id))), clock)
    deletions.start(class_id)
    assert deletions.is_going(class_id)
    clock.sleep(1)
    assert seated == [0] * len(clusters)
    assert not deletions.is_going(class_id)


def test_an_open_class_is_not_deleted(register: Register, clock: VirtualClock) -> None:
    opened = register.open_class("Hooks")
    with pytest.raises(ClassroomError, match="End the class first"):
        Deletions(register, lambda cluster: None, clock).start(opened.id)


@pytest.mark.parametrize("failure", [StoreError("cannot delete: the disk is full"), OSError(28, "the disk is full")])
def test_what_fails_is_told_and_deleting_again_goes_on(register: Register, clock: VirtualClock, failure: Exception) -> None:
    class_id, _ = filled(register)
    broken = [True]

    def forget(cluster: str) -> None:
        if broken[0]:
            raise failure

    deletions = Deletions(register, forget, clock)
    deletions.start(class_id)
    clock.sleep(1)
    assert "the disk is full" in deletions.problem(class_id)
    assert register.find_class(class_id) is not None
    broken[0] = False
    deletions.start(class_id)
    clock.sleep(1)
    assert register.find_class(class_id) is None
