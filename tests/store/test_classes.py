"""Instructors, classes and learners: kept whole, changed in place, read in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lab.classroom.model import Class, Instructor, Learner
from lab.clock import VirtualClock
from lab.store.store import Store


def test_a_class_survives_a_restart_as_it_was_kept_last(store: Store, clock: VirtualClock, url: str) -> None:
    kept = Class(id="c1", name="Hooks ☂", code="ABCDEF", opened_at=clock.now())
    store.classes.keep_class(kept)
    ended = replace(kept, closed_at=clock.now() + timedelta(hours=2), paused=True, name="Hooks, again")
    store.classes.keep_class(ended)
    store.close()
    with Store.open(url, clock) as again:
        assert again.classes.classes() == (ended,)


def test_learners_come_in_the_order_in_which_they_joined(store: Store, clock: VirtualClock) -> None:
    def learner(name: str, minutes: int) -> Learner:
        at = clock.now() + timedelta(minutes=minutes)
        return Learner(id=name, class_id="c1", nickname=name, cluster=f"cluster-{name}", joined_at=at)

    store.classes.keep_class(Class(id="c1", name="Hooks", code="ABCDEF", opened_at=clock.now()))
    late, early = learner("late", 5), learner("early", 1)
    for one in (late, early):
        store.classes.keep_learner(one)
    removed = replace(late, removed_at=clock.now(), seat=3)
    store.classes.keep_learner(removed)
    assert store.classes.learners() == (early, removed)


def test_an_instructor_with_a_new_password_stays_one(store: Store) -> None:
    ada = Instructor(name="ada", password_hash="one", cluster="c1")
    store.classes.keep_instructor(ada)
    store.classes.keep_instructor(replace(ada, password_hash="two"))
    assert store.classes.instructors() == (replace(ada, password_hash="two"),)
    assert store.classes.instructor("ADA") is None
