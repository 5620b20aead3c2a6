"""Repeats: fresh clusters, turns, cancelling, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.cluster.repeats import MOST_RUNS, RepeatOrder, RepeatParts, Repeats
from lab.cluster.runs import RunRefused
from lab.errors import EngineUnavailable
from lab.timeline.facts import ContainerExited, KillStarted, RunAborted, RunClosed
from lab.timeline.repeat import Repeat
from tests.cluster.conftest import Lab
from tests.kubelet.stage import brief, deaf, polite

GivenLab = Callable[..., Lab]
UNHURRIED_SECONDS = 2000.0


def repeats_of(stage: Lab, *, at_once: int = 2) -> Repeats:
    return Repeats(RepeatParts(clock=stage.clock, runs=stage.runs, index=stage.store, at_once=at_once))


def order(stage: Lab, *names: str, count: int = 3, cluster: str = "c1", **more: Any) -> RepeatOrder:
    manifest = stage.manifest(*names)
    return RepeatOrder(cluster=cluster, example="lesson/one", manifest=manifest, count=count, **more)


def finished(stage: Lab, repeats: Repeats, repeat: Repeat, seconds: float = UNHURRIED_SECONDS) -> Repeat:
    stage.clock.sleep(seconds)
    found = repeats.get(repeat.id)
    assert found is not None
    return found


def test_each_run_has_a_cluster_of_its_own_and_is_deleted_after_a_moment(lab: GivenLab) -> None:
    stage = lab(web=polite(1.0))
    repeats = repeats_of(stage)
    done = finished(stage, repeats, repeats.start(order(stage, "web")))
    assert (done.ended, len(done.runs)) == ("done", 3)
    runs = [stage.runs.get(run_id) for run_id in done.runs]
    assert [type(run.ended) for run in runs if run] == [RunClosed] * 3
    clusters = {run.cluster for run in runs if run}
    assert len(clusters) == 3
    assert all(cluster.startswith("c1-") for cluster in clusters)
    assert [len([e for e in stage.runs.entries(run_id) if isinstance(e.fact, ContainerExited)]) for run_id in done.runs] == [
        1
    ] * 3


def test_nothing_of_a_run_s_cluster_is_left_but_its_entries(lab: GivenLab) -> None:
    stage = lab(web=polite())
    repeats = repeats_of(stage)
    done = finished(stage, repeats, repeats.start(order(stage, "web", count=1)))
    run = stage.runs.get(done.runs[0])
    assert run is not None
    assert stage.runtime.left == ()
    assert stage.files.listing(run.cluster, "/") is None
    assert len(stage.runs.entries(run.id)) > 10
    assert stage.runs._clusters.opened_timeline(run.cluster) is None


def test_a_repeat_that_is_held_starts_nothing_keeps_its_place_and_goes_on_afterwards(lab: GivenLab) -> None:
    stage = lab(web=polite())
    held = {"c1"}
    parts = RepeatParts(clock=stage.clock, runs=stage.runs, index=stage.store, at_once=1, is_held=lambda cluster: cluster in held)
    repeats = Repeats(parts)
    waits, goes = (repeats.start(order(stage, "web", count=2, cluster=cluster)) for cluster in ("c1", "c2"))
    assert finished(stage, repeats, goes).ended == "done"
    assert (finished(stage, repeats, waits).ended, finished(stage, repeats, waits).runs) == (None, ())
    held.clear()
    repeats.look_again()
    done = finished(stage, repeats, waits)
    assert (done.ended, len(done.runs)) == ("done", 2)


def test_a_repeat_that_is_held_can_be_cancelled(lab: GivenLab) -> None:
    stage = lab(web=polite())
    repeats = Repeats(RepeatParts(clock=stage.clock, runs=stage.runs, index=stage.store, is_held=lambda cluster: True))
    repeat = repeats.start(order(stage, "web"))
    repeats.cancel(repeat.id)
    assert finished(stage, repeats, repeat).ended == "cancelled"


def test_the_delete_is_the_learner_s(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    repeats = repeats_of(stage)
    done = finished(stage, repeats, repeats.start(order(stage, "web", count=1, grace_period_seconds=4)))
    kills = [e.fact for e in stage.runs.entries(done.runs[0]) if isinstance(e.fact, KillStarted)]
    assert [fact.grace_period_seconds for fact in kills] == [4]


def test_pods_that_end_or_crash_have_settled_too(lab: GivenLab) -> None:
    stage = lab(web=brief((0.5, 1)))
    repeats = repeats_of(stage)
    done = finished(stage, repeats, repeats.start(order(stage, "web", count=2)), 100)
    assert (done.ended, len(done.runs)) == ("done", 2)


def test_no_more_runs_are_live_than_there_are_places_and_repeats_take_turns(lab: GivenLab) -> None:
    stage = lab(web=polite(4.0))
    repeats = repeats_of(stage, at_once=1)
    one, two = (repeats.start(order(stage, "web", cluster=cluster)) for cluster in ("c1", "c2"))
    stage.clock.sleep(2)
    assert (repeats.before(one.id), repeats.before(two.id)) == (0, 0)
    third = repeats.start(order(stage, "web", cluster="c3"))
    assert repeats.before(third.id) == 1
    lengths = set()
    for _ in range(600):
        stage.clock.sleep(0.5)
        now = [repeats.get(repeat.id) for repeat in (one, two, third)]
        assert sum(stage.runs.is_live(run_id) for repeat in now if repeat for run_id in repeat.runs) <= 1
        lengths.add(tuple(len(repeat.runs) for repeat in now if repeat))
    assert max(max(counts) - min(counts) for counts in lengths) == 1
    assert max(lengths) == (3, 3, 3)


def test_a_cancelled_repeat_ends_at_once_with_its_run(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    repeats = repeats_of(stage)
    repeat = repeats.start(order(stage, "web", count=30))
    stage.clock.sleep(10)
    repeats.cancel(repeat.id)
    cancelled = finished(stage, repeats, repeat, 60)
    assert (cancelled.ended, len(cancelled.runs)) == ("cancelled", 1)
    (aborted,) = [e.fact for e in stage.runs.entries(cancelled.runs[0]) if isinstance(e.fact, RunAborted)]
    assert aborted.why == "Cancelled with its repeat."
    repeats.cancel(repeat.id)
    assert repeats.get(repeat.id) == cancelled
    assert stage.runtime.left == ()


def test_one_that_waits_for_its_turn_can_be_cancelled(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    repeats = repeats_of(stage, at_once=1)
    repeats.start(order(stage, "web"))
    stage.clock.sleep(1)
    waiting = repeats.start(order(stage, "web", cluster="c2"))
    repeats.cancel(waiting.id)
    cancelled = finished(stage, repeats, waiting)
    assert (cancelled.ended, cancelled.runs) == ("cancelled", ())


def test_a_manifest_that_the_api_refuses_is_not_tried_again(lab: GivenLab) -> None:
    stage = lab()
    repeats = repeats_of(stage)
    refused = RepeatOrder(cluster="c1", example="lesson/one", manifest="kind: Pod", count=5)
    done = finished(stage, repeats, repeats.start(refused), 10)
    assert (done.ended, done.why, len(done.runs)) == ("refused", "The API server accepted no Pod of the manifest.", 1)


@pytest.mark.parametrize("count", [0, -1, MOST_RUNS + 1])
def test_a_count_out_of_bounds_is_refused(lab: GivenLab, count: int) -> None:
    stage = lab(web=polite())
    with pytest.raises(RunRefused, match="choose 1 to 30"):
        repeats_of(stage).start(order(stage, "web", count=count))


def test_a_learner_has_one_repeat_at_a_time(lab: GivenLab) -> None:
    stage = lab(web=polite())
    repeats = repeats_of(stage)
    repeat = repeats.start(order(stage, "web"))
    with pytest.raises(RunRefused, match="another repeat of yours goes on"):
        repeats.start(order(stage, "web"))
    finished(stage, repeats, repeat)
    assert repeats.start(order(stage, "web", count=1)).id != repeat.id
    stage.clock.sleep(UNHURRIED_SECONDS)


def test_a_repeat_stops_when_the_engine_does_not_answer(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.runtime.failures["run_pod_sandbox"] = EngineUnavailable("cannot reach the engine")
    repeats = repeats_of(stage)
    stopped = finished(stage, repeats, repeats.start(order(stage, "web")), 60)
    assert stopped.ended == "stopped"
    assert "engine stopped answering" in stopped.why
    assert len(stopped.runs) == 1


def test_a_repeat_is_found_as_it_stands(lab: GivenLab) -> None:
    stage = lab(web=polite(2.0))
    repeats = repeats_of(stage)
    repeat = repeats.start(order(stage, "web", count=5))
    stage.clock.sleep(10)
    going = repeats.latest("c1", "lesson/one")
    assert going is not None
    assert (going.id, going.ended) == (repeat.id, None)
    assert 1 < len(going.runs) < 5
    assert repeats.latest("c2", "lesson/one") is None
    done = finished(stage, repeats, repeat)
    assert repeats.latest("c1", "lesson/one") == done


def test_what_a_lab_that_was_killed_left_unfinished_is_stopped(lab: GivenLab) -> None:
    stage = lab(web=polite())
    repeats = repeats_of(stage)
    done = finished(stage, repeats, repeats.start(order(stage, "web", count=1)))
    left = replace(done, id="left", ended=None, count=5)
    stage.store.keep_repeat(left)
    assert repeats_of(stage).get("left") == replace(left, ended="stopped", why="The lab was stopped meanwhile.")


def test_closing_ends_every_repeat(lab: GivenLab) -> None:
    stage = lab(web=polite())
    repeats = repeats_of(stage)
    repeat = repeats.start(order(stage, "web"))
    stage.clock.sleep(1)
    repeats.close()
    stage.clock.sleep(60)
    stopped = repeats.get(repeat.id)
    assert stopped is not None
    assert (stopped.ended, stopped.why) == ("stopped", "The lab was stopped.")
    with pytest.raises(RunRefused):
        repeats.start(order(stage, "web"))
