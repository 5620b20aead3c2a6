"""Progress: one mark for each thing done, kept per learner, asked for by one learner or by a class."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.clock import VirtualClock
from lab.lessons.progress import Mark
from lab.store.store import Store
from tests.store.conftest import FullDisk


def test_a_mark_survives_a_restart(store: Store, clock: VirtualClock, url: str) -> None:
    store.progress.note("c1", "judged", "pre-stop/first", "true")
    at = clock.now()
    store.close()
    with Store.open(url, clock) as again:
        assert again.progress.of("c1") == (Mark(kind="judged", item="pre-stop/first", at=at, value="true"),)


def test_doing_a_thing_again_renews_its_mark(store: Store, clock: VirtualClock) -> None:
    store.progress.note("c1", "ran", "a/one")
    clock.sleep(5)
    store.progress.note("c1", "ran", "a/two")
    clock.sleep(5)
    store.progress.note("c1", "ran", "a/one", "again")
    assert [(mark.item, mark.value) for mark in store.progress.of("c1")] == [("a/two", ""), ("a/one", "again")]


def test_a_mark_to_be_written_soon_is_known_at_once_and_survives_a_restart(store: Store, clock: VirtualClock, url: str) -> None:
    store.progress.note_soon("c1", "opened", "hooks")
    assert [mark.item for mark in store.progress.of("c1")] == ["hooks"]
    assert [mark.item for mark in store.progress.of_all()["c1"]] == ["hooks"]
    store.close()
    with Store.open(url, clock) as again:
        assert [mark.item for mark in again.progress.of("c1")] == ["hooks"]


def test_what_is_forgotten_before_it_is_written_does_not_come_back(store: Store, clock: VirtualClock) -> None:
    store.progress.note_soon("c1", "ran", "a/one")
    store.progress.forget("c1")
    clock.settle()
    assert store.progress.of("c1") == ()
    store.progress.note_soon("c1", "ran", "a/one")
    store.progress.withdraw("c1", "ran", "a/one")
    clock.settle()
    assert store.progress.of("c1") == ()
    store.progress.note_soon("c1", "ran", "a/one")
    store.forget("c1")
    clock.settle()
    assert store.progress.of("c1") == ()


def test_a_mark_that_cannot_be_written_soon_is_logged_and_nobody_fails(
    store: Store, full_disk: FullDisk, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk():
        store.progress.note_soon("c1", "ran", "a" * 100_000)
        clock.settle()
    assert "cannot mark progress of c1" in caplog.text
    store.progress.note_soon("c1", "ran", "a/two")
    clock.settle()
    assert [mark.item for mark in store.progress.of("c1")] == ["a/two"]


def test_a_mark_made_again_at_once_stays_as_it_is_and_later_or_after_another_it_is_renewed(
    store: Store, clock: VirtualClock
) -> None:
    first = clock.now()
    store.progress.note_soon("c1", "opened", "hooks")
    clock.sleep(59)
    store.progress.note_soon("c1", "opened", "hooks")
    assert [(mark.item, mark.at) for mark in store.progress.of("c1")] == [("hooks", first)]
    clock.sleep(1)
    renewed = clock.now()
    store.progress.note_soon("c1", "opened", "hooks")
    assert [(mark.item, mark.at) for mark in store.progress.of("c1")] == [("hooks", renewed)]
    clock.sleep(1)
    store.progress.note_soon("c1", "ran", "hooks/one")
    store.progress.note_soon("c1", "opened", "hooks")
    assert [mark.at for mark in store.progress.of("c1") if mark.item == "hooks"] == [clock.now()]


def test_a_mark_that_is_taken_back_is_gone_and_others_stay(store: Store) -> None:
    store.progress.note("c1", "finished", "hooks")
    store.progress.note("c1", "opened", "hooks")
    store.progress.withdraw("c1", "finished", "hooks")
    store.progress.withdraw("c1", "finished", "never-there")
    assert [mark.kind for mark in store.progress.of("c1")] == ["opened"]


def test_marks_from_elsewhere_do_not_change_what_is_there(store: Store) -> None:
    store.progress.note("c1", "judged", "a/x", "true")
    elsewhere = datetime(2026, 1, 1, tzinfo=UTC)
    other = Mark(kind="judged", item="a/x", at=elsewhere, value="false")
    new = Mark(kind="ran", item="a/one", at=elsewhere)
    store.progress.add("c1", (other, new))
    store.progress.add("c1", ())
    found = {mark.item: mark for mark in store.progress.of("c1")}
    assert (found["a/x"].value, found["a/one"]) == ("true", new)


def test_who_begins_afresh_has_no_mark_and_the_others_keep_theirs(store: Store) -> None:
    store.progress.note("c1", "ran", "a/one")
    store.progress.note("c2", "ran", "a/one")
    store.progress.forget("c1")
    assert store.progress.of("c1") == ()
    assert len(store.progress.of("c2")) == 1


def test_a_class_is_asked_for_its_learners_marks(store: Store) -> None:
    for cluster in ("c1", "c2", "c3"):
        store.progress.note(cluster, "ran", f"a/{cluster}")
    assert {cluster: [m.item for m in marks] for cluster, marks in store.progress.of_all().items()} == {
        "c1": ["a/c1"],
        "c2": ["a/c2"],
        "c3": ["a/c3"],
    }
    assert set(store.progress.of_all(("c1", "c3", "stranger"))) == {"c1", "c3"}
