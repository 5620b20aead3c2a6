"""What the store remembers: an answer is read once and again after every change; what changed while it was read is not kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.clock import VirtualClock
from lab.insight.predictions import Prediction
from lab.store.remembered import Remembered
from lab.store.store import Store
from lab.timeline.facts import RunAborted, RunClosed, RunOpened
from lab.timeline.timeline import Timeline
from tests.store.conftest import REPEAT


def never() -> str:
    raise AssertionError("it was read again")


def test_an_answer_is_read_once_until_its_subject_is_forgotten() -> None:
    remembered = Remembered[str]()
    assert remembered.get("ada", lambda: "first") == "first"
    assert remembered.get("ada", never) == "first"
    assert remembered.get("eve", lambda: "other") == "other"
    remembered.forget("eve")
    assert remembered.get("ada", never) == "first"
    remembered.forget("ada")
    assert remembered.get("ada", lambda: "second") == "second"
    remembered.forget_all()
    assert remembered.get("ada", lambda: "third") == "third"


def test_that_there_is_nothing_is_an_answer_too() -> None:
    remembered = Remembered[str | None]()
    assert remembered.get("ada", lambda: None) is None
    assert remembered.get("ada", never) is None


def test_a_question_that_failed_is_asked_again() -> None:
    remembered = Remembered[str]()
    with pytest.raises(AssertionError):
        remembered.get("ada", never)
    assert remembered.get("ada", lambda: "read") == "read"


def test_an_answer_that_changed_while_it_was_read_is_not_kept() -> None:
    remembered = Remembered[str]()

    def read() -> str:
        remembered.forget("ada")  # the change comes before the answer
        return "before the change"

    assert remembered.get("ada", read) == "before the change"
    assert remembered.get("ada", lambda: "after it") == "after it"


def test_only_so_many_subjects_are_kept_and_those_asked_for_last() -> None:
    remembered = Remembered[str](most=2)
    for subject in ("a", "b", "a", "c"):
        remembered.get(subject, lambda: "known")
    assert remembered.get("a", never) == "known"
    assert remembered.get("b", lambda: "read again") == "read again"


def test_the_newest_run_is_known_with_its_end_as_soon_as_that_is_durable(store: Store, clock: VirtualClock) -> None:
    assert store.latest_run("c1", "e") is None
    timeline = Timeline("c1", clock, store.journal)
    for run_id, end in (("r1", RunClosed(run_id="r1", why="gone")), ("r2", RunAborted(run_id="r2", why="gone", by="stop"))):
        timeline.append(RunOpened(run_id=run_id, example="e", manifest=""))
        clock.settle()
        newest = store.latest_run("c1", "e")
        assert newest is not None
        assert (newest.id, newest.ended) == (run_id, None)
        timeline.append(end)
        clock.settle()
        newest = store.latest_run("c1", "e")
        assert newest is not None
        assert (newest.id, newest.ended) == (run_id, end)


def test_a_prediction_is_known_as_it_is_kept_taken_back_and_bound(store: Store) -> None:
    assert store.predictions.waiting("c1", "e") is None
    assert store.predictions.of_run("r1") is None
    store.predictions.keep("c1", "e", Prediction(order=("a",)))
    assert store.predictions.waiting("c1", "e") is not None
    store.predictions.withdraw("c1", "e")
    assert store.predictions.waiting("c1", "e") is None
    assert not store.predictions.bind("c1", "e", "r1")
    store.predictions.keep("c1", "e", Prediction(order=("b",)))
    assert store.predictions.bind("c1", "e", "r1")
    assert store.predictions.waiting("c1", "e") is None
    bound = store.predictions.of_run("r1")
    assert bound is not None
    assert bound.prediction == Prediction(order=("b",))


def test_the_newest_repeat_is_known_as_it_goes_on(store: Store) -> None:
    assert store.latest_repeat("c1", "e") is None
    repeat = replace(REPEAT, cluster="c1", example="e")
    store.keep_repeat(repeat)
    assert store.latest_repeat("c1", "e") == repeat


def test_nothing_is_remembered_of_a_learner_who_was_forgotten(store: Store, clock: VirtualClock) -> None:
    timeline = Timeline("c1", clock, store.journal)
    timeline.append(RunOpened(run_id="r1", example="e", manifest=""))
    clock.settle()
    store.predictions.keep("c1", "e", Prediction(order=("a",)))
    store.predictions.bind("c1", "e", "r1")
    store.progress.note("c1", "ran", "e")
    assert store.latest_run("c1", "e")
    assert store.predictions.of_run("r1")
    assert store.progress.of("c1")
    store.forget("c1")
    assert store.latest_run("c1", "e") is None
    assert store.predictions.of_run("r1") is None
    assert store.progress.of("c1") == ()
