"""Runs that wait for their turn, and those that the lab's limits end: what is on the timeline, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.cluster.repeats import RepeatOrder, RepeatParts, Repeats
from lab.cluster.runs import RunRefused
from lab.errors import EngineError, EngineUnavailable
from lab.limits import Limits
from lab.timeline.facts import CommandAnswered, RunAborted, RunAdmitted, RunClosed, RunOpened, RunQueued
from lab.timeline.run import Run
from tests.cluster.conftest import Lab
from tests.kubelet.stage import deaf, polite, takes

GivenLab = Callable[..., Lab]
ONE_POD = Limits(all_pods=1)


def places(stage: Lab, run: Run) -> list[int]:
    """Return how many were before a run, as it was told."""
    return [queued.ahead for queued in stage.facts(run, RunQueued)]


def test_a_run_waits_while_the_machine_is_full_and_says_how_many_are_before_it(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    first = stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    third = stage.open("web", cluster="c3")
    assert [places(stage, run) for run in (first, second, third)] == [[], [0], [1]]
    assert [type(e.fact) for e in stage.entries(second)] == [RunOpened, RunQueued]
    assert stage.pods("c2") == []
    assert stage.runs.usage().ahead == {second.id: 0, third.id: 1}
    stage.runs.delete(first.id)
    stage.clock.sleep(5)
    (admitted,) = stage.facts(second, RunAdmitted)
    assert admitted.waited_seconds == pytest.approx(6, abs=1)
    assert stage.answers(second) == ["pod/web created\n"]
    assert places(stage, third) == [1, 0]
    assert stage.last_write(second, "web").object["status"]["phase"] == "Running"


def test_a_run_that_has_room_is_never_said_to_wait(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    assert stage.facts(run, RunQueued) == stage.facts(run, RunAdmitted) == []


def test_a_pod_holds_its_place_until_its_containers_are_gone(lab: GivenLab) -> None:
    stage = lab(web=deaf(hook=takes(50)))
    stage.parts["limits"] = ONE_POD
    first = stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    stage.runs.delete(first.id, grace_period_seconds=30)
    stage.clock.sleep(20)
    stage.runs.delete(first.id, force=True)
    assert stage.runs.usage().all.pods == 1
    assert len(stage.runtime.left) == 2  # sandbox and container
    assert stage.facts(second, RunAdmitted) == []
    stage.clock.sleep(15)
    assert len(stage.facts(second, RunAdmitted)) == 1


def test_a_pod_whose_container_the_engine_did_not_remove_holds_its_place_until_that_is_gone(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    first = stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    stage.runtime.failures["remove_pod_sandbox"] = EngineError("the engine is slow")
    stage.runs.delete(first.id)
    stage.clock.sleep(30)
    del stage.runtime.failures["remove_pod_sandbox"]
    assert not stage.runs.is_live(first.id)
    assert (stage.runs.usage().all.pods, stage.facts(second, RunAdmitted)) == (1, [])
    for left in stage.runtime.left:
        stage.runtime.remove_pod_sandbox(left)
    stage.runs.strays_removed()
    stage.clock.sleep(3)
    assert len(stage.facts(second, RunAdmitted)) == 1
    assert stage.runs.usage().all.pods == 1


def test_delete_takes_a_run_out_of_the_queue(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    third = stage.open("web", cluster="c3")
    stage.runs.delete(second.id)
    stage.clock.sleep(1)
    assert [closed.why for closed in stage.facts(second, RunClosed)] == ["It was deleted while it waited for its turn."]
    assert stage.facts(second, CommandAnswered) == []
    assert places(stage, third) == [1, 0]


def test_a_run_that_waits_takes_no_second_manifest_and_a_fresh_one_queues_up_anew(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    stage.open("web", cluster="c3")
    with pytest.raises(RunRefused, match="waits for its turn and keeps its place"):
        stage.open("web", cluster="c2")
    fresh = stage.open("web", cluster="c2", fresh=True)
    assert not stage.runs.is_live(second.id)
    assert places(stage, fresh) == [1]


def test_more_pods_for_a_live_run_wait_too_and_delete_ends_all_of_it(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = ONE_POD
    run = stage.open("web")
    again = stage.open("web", "db")
    assert again.id == run.id
    assert places(stage, run) == [0]
    stage.runs.delete(run.id)
    stage.clock.sleep(5)
    assert [closed.why for closed in stage.facts(run, RunClosed)] == ["Its pods are gone."]
    assert stage.pods() == []
    assert stage.runs.usage().all.pods == 0


def test_what_creates_no_pod_does_not_wait(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    run = stage.open("web")
    stage.open("web")
    config = stage.runs.open("c2", "lesson/one", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}}')
    stage.clock.sleep(1)
    assert stage.answers(run) == ["pod/web created\n", "pod/web unchanged\n"]
    assert stage.answers(config) == ["configmap/cfg created\n"]


def test_what_the_machine_can_never_hold_is_refused_at_once(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = ONE_POD
    with pytest.raises(RunRefused, match="needs 2 of pods, and the lab has 1 for all learners together"):
        stage.open("web", "db")
    assert stage.runs.live("c1") == ()


def test_what_one_learner_may_not_have_is_refused_at_once_waiting_runs_included(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = Limits(all_pods=1, learner_containers=2)
    stage.open("web", cluster="c1")
    stage.open("web", example="lesson/one", cluster="c2")
    stage.open("db", example="lesson/two", cluster="c2")
    with pytest.raises(RunRefused, match="needs 1 of containers, and you use 2 of 2; delete a pod of yours first"):
        stage.open("db", example="lesson/three", cluster="c2")


def test_while_the_disk_is_nearly_full_nothing_new_is_run(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    free = [10 << 30]
    stage.parts |= {"limits": Limits(free_disk_bytes=1 << 30), "free_disk": lambda: free[0]}
    first = stage.open("web")
    free[0] = 512 << 20
    with pytest.raises(RunRefused, match="512Mi of the lab’s disk are free, and it needs 1Gi; what runs goes on"):
        stage.open("db", example="lesson/two")
    assert stage.runs.is_live(first.id)
    free[0] = 2 << 30
    stage.open("db", example="lesson/two")


def test_a_learner_with_a_run_waits_for_one_who_has_none(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = Limits(all_pods=2)
    held = stage.open("web", cluster="c1")
    other = stage.open("web", cluster="c2")
    greedy = stage.open("db", example="lesson/two", cluster="c1")
    modest = stage.open("web", cluster="c3")
    assert (places(stage, greedy), places(stage, modest)) == ([0, 1], [0])
    stage.runs.delete(other.id)
    stage.clock.sleep(5)
    assert len(stage.facts(modest, RunAdmitted)) == 1
    assert stage.facts(greedy, RunAdmitted) == []
    stage.runs.delete(held.id)
    stage.clock.sleep(5)
    assert len(stage.facts(greedy, RunAdmitted)) == 1


def test_a_class_on_a_small_machine_gets_its_turns_and_never_more_than_there_is(lab: GivenLab) -> None:
    stage = lab(web=polite(0.5))
    stage.parts["limits"] = Limits(all_pods=3)
    waiting = [stage.open("web", cluster=f"c{n}", seconds=0.05) for n in range(12)]
    most = 0
    ended: list[str] = []
    for _ in range(60):
        stage.clock.sleep(1)
        most = max(most, len(stage.runtime.left))
        for run in waiting[len(ended) :]:
            if stage.facts(run, CommandAnswered):
                ended.append(run.id)
                stage.runs.delete(run.id)
    assert ended == [run.id for run in waiting]
    assert [type(found.ended) for run in waiting if (found := stage.runs.get(run.id))] == [RunClosed] * 12
    assert most == 2 * 3  # a sandbox and a container each
    assert (stage.runs.usage().all.pods, stage.runs.usage().ahead) == (0, {})


def test_the_queue_ends_with_the_engine_and_works_again_when_that_is_back(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    first = stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    stage.runtime.lose_engine("the connection broke")
    stage.clock.sleep(2)
    assert [a.by for run in (first, second) for a in stage.facts(run, RunAborted)] == ["engine", "engine"]
    assert stage.facts(second, RunAdmitted) == []
    third = stage.open("web", cluster="c2")
    assert stage.answers(third) == ["pod/web created\n"]


def test_a_run_whose_turn_comes_at_a_dead_engine_ends_and_the_next_is_not_stuck(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    first = stage.open("web", cluster="c1")
    stage.open("web", cluster="c2")
    stage.runtime.failures["find_image"] = EngineUnavailable("cannot reach the engine at /run/x: start it")
    stage.runs.delete(first.id)
    stage.clock.sleep(10)
    del stage.runtime.failures["find_image"]
    assert (stage.runs.usage().all.pods, stage.runs.live("c2")) == (0, ())


def test_a_run_that_waits_ends_when_it_is_aborted_or_the_lab_stops(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    stage.open("web", cluster="c1")
    aborted = stage.open("web", cluster="c2")
    left = stage.open("web", cluster="c3")
    stage.runs.abort(aborted.id, why="The instructor ended it.", by="instructor")
    stage.clock.sleep(1)
    assert places(stage, left) == [1, 0]
    stage.runs.close()
    assert [a.by for run in (aborted, left) for a in stage.facts(run, RunAborted)] == ["instructor", "stop"]
    assert stage.facts(left, RunAdmitted) == []


def test_a_repeat_waits_for_its_turns_too(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    other = stage.open("web", cluster="c1")
    repeats = Repeats(RepeatParts(clock=stage.clock, runs=stage.runs, index=stage.store))
    order = RepeatOrder(cluster="c2", example="lesson/one", manifest=stage.manifest("web"), count=2)
    repeat = repeats.start(order)
    stage.clock.sleep(400)
    assert stage.runs.usage().learners["c1"].pods == 1
    stage.runs.delete(other.id)
    stage.clock.sleep(100)
    done = repeats.get(repeat.id)
    assert done is not None
    assert (done.ended, len(done.runs)) == ("done", 2)


def test_a_class_that_presses_run_at_once_comes_up_a_few_at_a_time(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(all_starting=2)
    runs = [stage.open("web", cluster=f"c{n}", seconds=0) for n in range(8)]
    stage.clock.sleep(30)
    assert {stage.last_write(run, "web").object["status"]["phase"] for run in runs} == {"Running"}
    assert [places(stage, run) != [] for run in runs[:3]] == [False, False, True]


def test_a_place_that_changes_quickly_is_told_once_in_a_second(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    stage.open("web", cluster="first")
    runs = [stage.open("web", cluster=f"c{n}", seconds=2) for n in range(6)]
    for run in runs[:4]:
        stage.runs.delete(run.id)
        stage.clock.sleep(0.1)
    assert places(stage, runs[5]) == [5, 4]
    stage.clock.sleep(2)
    assert places(stage, runs[5]) == [5, 4, 1]


def test_a_pod_that_never_comes_up_holds_up_nobody_for_long(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = Limits(all_starting=1)
    stage.runtime.failures["run_pod_sandbox"] = EngineError("cannot make a sandbox")
    stuck = stage.open("db", cluster="c1", seconds=1)
    del stage.runtime.failures["run_pod_sandbox"]
    stage.runtime.failures["create_container"] = EngineError("cannot create a container")
    second = stage.open("web", cluster="c2", seconds=1)
    assert places(stage, second) == [0]
    stage.clock.sleep(25)
    assert stage.runs.is_live(stuck.id)
    assert len(stage.facts(second, RunAdmitted)) == 1


# --- ended by the lab's limits ----------------------------------------------------------------------------------------


def test_a_run_ends_that_nobody_acts_on_and_no_page_shows(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(idle_run_seconds=600)
    run = stage.open("web", seconds=590)
    stage.runs.run_command(run.id, "web", "web", ("true",))
    stage.clock.sleep(590)
    assert stage.runs.is_live(run.id)
    stage.clock.sleep(20)
    (aborted,) = stage.facts(run, RunAborted)
    assert (aborted.by, aborted.why) == ("idle", "Nobody acted on it or looked at it for 10 minutes, the lab's limit.")
    assert (stage.pods(), stage.runtime.left) == ([], ())


def test_a_run_that_a_page_shows_is_not_idle_and_one_beside_it_is(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = Limits(idle_run_seconds=600)
    shown = stage.open("web", example="lesson/one")
    other = stage.open("db", example="lesson/two")
    with stage.runs.following("c1", ["lesson/one"]):
        stage.clock.sleep(1500)
        assert (stage.runs.is_live(shown.id), stage.runs.is_live(other.id)) == (True, False)
    stage.clock.sleep(590)
    assert stage.runs.is_live(shown.id)
    stage.clock.sleep(20)
    assert [a.by for a in stage.facts(shown, RunAborted)] == ["idle"]


def test_waiting_for_a_turn_is_not_time_that_a_run_has_lived(lab: GivenLab) -> None:
    stage = lab(web=deaf(hook=takes(10_000)))
    stage.parts["limits"] = Limits(all_pods=1, max_run_seconds=300)
    hung = stage.open("web", cluster="c1")
    second = stage.open("web", cluster="c2")
    stage.clock.sleep(400)
    assert [a.by for a in stage.facts(hung, RunAborted)] == ["limit"]
    assert len(stage.facts(second, RunAdmitted)) == 1
    assert stage.runs.is_live(second.id)
    stage.clock.sleep(300)
    assert [a.by for a in stage.facts(second, RunAborted)] == ["limit"]


# --- what idle clusters give back -------------------------------------------------------------------------------------


def test_a_cluster_that_nobody_uses_gives_everything_back_but_its_runs_and_works_again(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(idle_cluster_seconds=1000)
    run = stage.open("web")
    stage.files.make_directory("c1", "/tmp/left-over")
    stage.runs.delete(run.id)
    stage.clock.sleep(900)
    assert stage.runs.give_back_unused() == ()
    with stage.runs.following("c1", ["lesson/one"]):
        stage.clock.sleep(1200)
        assert stage.runs.give_back_unused() == ()
    stage.clock.sleep(1001)
    before = stage.runs.entries(run.id)
    stage.clock.sleep(1001)
    assert stage.runs.give_back_unused() == ("c1",)
    assert stage.files.listing("c1", "/tmp") is None
    assert stage.runs.entries(run.id) == before
    assert stage.answers(stage.open("web")) == ["pod/web created\n"]


def test_a_cluster_with_a_live_run_keeps_what_it_has(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(idle_cluster_seconds=1000, idle_run_seconds=10_000, max_run_seconds=10_000)
    stage.open("web", seconds=2000)
    assert stage.runs.give_back_unused() == ()
    assert stage.pods() == ["web"]


def test_a_run_that_waited_when_the_lab_was_killed_is_closed_when_it_starts_again(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = ONE_POD
    stage.open("web", cluster="c1")
    waiting = stage.open("web", cluster="c2")
    runs = stage.restart()
    assert waiting.id in [left.id for left in runs.recover()]
    stage.clock.sleep(1)
    assert [a.by for a in stage.facts(waiting, RunAborted)] == ["restart"]
    assert (runs.usage().all.pods, runs.usage().ahead) == (0, {})
