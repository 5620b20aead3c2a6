"""Predictions: one waits per learner and example, the next run takes it, a class is asked about all."""

from __future__ import annotations

from lab.clock import VirtualClock
from lab.insight.predictions import Prediction
from lab.store.store import Store

FIRST = Prediction(order=("a", "b"), never=("c",))
SECOND = Prediction(order=("b", "a", "c"))


def test_a_prediction_waits_for_the_next_run_and_survives_a_restart(store: Store, clock: VirtualClock, url: str) -> None:
    store.predictions.keep("c1", "lesson/one", FIRST)
    store.close()
    with Store.open(url, clock) as again:
        kept = again.predictions.waiting("c1", "lesson/one")
        assert kept is not None
        assert (kept.prediction, kept.run_id, kept.made_at) == (FIRST, None, clock.now())


def test_a_later_prediction_takes_the_place_of_one_that_waits(store: Store) -> None:
    store.predictions.keep("c1", "lesson/one", FIRST)
    store.predictions.keep("c1", "lesson/two", FIRST)
    store.predictions.keep("c1", "lesson/one", SECOND)
    kept = store.predictions.waiting("c1", "lesson/one")
    assert kept is not None
    assert kept.prediction == SECOND
    store.predictions.bind("c1", "lesson/one", "r1")
    assert len(store.predictions.of_example("lesson/one")) == 1


def test_a_run_takes_the_prediction_that_waits_and_the_next_run_has_none(store: Store) -> None:
    store.predictions.keep("c1", "lesson/one", FIRST)
    store.predictions.keep("c2", "lesson/one", SECOND)
    store.predictions.bind("c1", "lesson/one", "r1")
    store.predictions.bind("c1", "lesson/one", "r2")
    kept = store.predictions.of_run("r1")
    assert kept is not None
    assert (kept.prediction, kept.run_id) == (FIRST, "r1")
    assert store.predictions.of_run("r2") is None
    assert store.predictions.waiting("c1", "lesson/one") is None
    assert store.predictions.waiting("c2", "lesson/one") is not None


def test_a_withdrawn_prediction_is_gone_and_one_that_was_run_stays(store: Store) -> None:
    store.predictions.keep("c1", "lesson/one", FIRST)
    store.predictions.bind("c1", "lesson/one", "r1")
    store.predictions.keep("c1", "lesson/one", SECOND)
    store.predictions.withdraw("c1", "lesson/one")
    assert store.predictions.waiting("c1", "lesson/one") is None
    assert store.predictions.of_run("r1") is not None


def test_a_class_is_asked_for_what_its_learners_predicted_and_ran(store: Store) -> None:
    for number, cluster in enumerate(("c1", "c2", "c3", "c1")):
        store.predictions.keep(cluster, "lesson/one", FIRST)
        store.predictions.bind(cluster, "lesson/one", f"r{number}")
    store.predictions.keep("c2", "lesson/one", SECOND)
    assert [kept.run_id for kept in store.predictions.of_example("lesson/one")] == ["r0", "r1", "r2", "r3"]
    assert [kept.run_id for kept in store.predictions.of_example("lesson/one", {"c1", "c2"})] == ["r0", "r1", "r3"]
    assert store.predictions.of_example("lesson/one", ()) == ()
