"""Runs: when they open, what belongs to them, and how they end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.clock import VirtualClock
from lab.cluster.cluster import ClusterOptions
from lab.cluster.runs import RunRefused
from lab.errors import EngineError, EngineUnavailable, StoreError
from lab.limits import Limits
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import (
    CommandAnswered,
    CommandExecuted,
    ContainerExited,
    ContainerStarted,
    Entry,
    HoldPointsChosen,
    KillStarted,
    KubeletHeld,
    ObjectWritten,
    RunAborted,
    RunClosed,
    RunOpened,
    WorkerFailed,
)
from lab.timeline.run import Run
from lab.timeline.timeline import Journal
from tests.cluster.conftest import Lab
from tests.kubelet.stage import brief, container, deaf, pod, polite, takes

GivenLab = Callable[..., Lab]


def test_a_run_is_opened_with_the_manifest_unchanged_and_its_pods_come_up(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    assert [type(e.fact) for e in stage.entries(run)][:2] == [RunOpened, ObjectWritten]
    assert stage.facts(run, RunOpened)[0].manifest == stage.manifest("web") == run.manifest
    assert stage.answers(run) == ["pod/web created\n"]
    assert stage.last_write(run, "web").object["status"]["phase"] == "Running"
    assert (run.ended, run.last_seq) == (None, None)


def test_opening_returns_before_anything_is_durable(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.runs.open("c1", "lesson/one", stage.manifest("web"))
    assert stage.entries(run) == ()
    stage.clock.sleep(1)
    assert stage.entries(run)[-1].seq <= stage.runs.timeline("c1").durable


def test_a_run_is_closed_once_its_pods_are_gone_from_api_and_node(lab: GivenLab) -> None:
    stage = lab(web=polite(2.0))
    run = stage.open("web")
    stage.runs.delete(run.id)
    stage.clock.sleep(1)
    assert stage.runs.is_live(run.id)
    stage.clock.sleep(5)
    (closed,) = stage.facts(run, RunClosed)
    assert closed.why == "Its pods are gone."
    assert stage.answers(run)[-1] == 'pod "web" deleted from default namespace\n'
    ended = stage.runs.get(run.id)
    assert ended is not None
    assert (ended.ended, ended.last_seq) == (closed, stage.entries(run)[-1].seq)


def test_a_forced_delete_leaves_the_run_live_until_the_node_is_clear(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    run = stage.open("web")
    stage.runs.delete(run.id, grace_period_seconds=0, force=True)
    stage.clock.sleep(1)
    assert stage.pods() == []
    assert stage.runs.is_live(run.id)
    stage.clock.sleep(3)
    assert stage.facts(run, ContainerExited)[0].exit_code == 137
    assert not stage.runs.is_live(run.id)
    kinds = [type(e.fact) for e in stage.entries(run)]
    assert kinds.index(ContainerExited) < kinds.index(RunClosed) == len(kinds) - 1


def test_a_delete_may_choose_its_grace_period(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    run = stage.open("web")
    stage.runs.delete(run.id, grace_period_seconds=4)
    stage.clock.sleep(6)
    assert stage.facts(run, KillStarted)[0].grace_period_seconds == 4
    assert stage.facts(run, CommandAnswered)[-1].argv == ("kubectl", "delete", "pod", "web", "--grace-period=4")


def test_one_of_two_pods_can_be_deleted_and_the_run_goes_on(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    run = stage.open("web", "db")
    stage.runs.delete(run.id, pod="web")
    stage.clock.sleep(5)
    assert stage.pods() == ["db"]
    assert stage.runs.is_live(run.id)
    stage.runs.delete(run.id)
    stage.clock.sleep(5)
    assert not stage.runs.is_live(run.id)


def test_a_delete_of_a_pod_that_the_run_has_not_changes_nothing(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    one = stage.open("web", example="lesson/one")
    stage.open("db", example="lesson/two")
    stage.runs.delete(one.id, pod="db")
    stage.runs.delete("unknown")
    stage.clock.sleep(3)
    assert stage.pods() == ["web", "db"]


def test_a_run_that_created_no_pod_is_closed_with_kubectl_s_answer(lab: GivenLab) -> None:
    stage = lab()
    run = stage.runs.open("c1", "lesson/one", "kind: Pod")
    stage.clock.sleep(1)
    assert stage.answers(run)[0].startswith("error: ")
    assert stage.facts(run, RunClosed)[0].why == "It created no pod."
    assert run.ended is not None


def test_pressing_run_on_a_live_run_applies_the_manifest_there(lab: GivenLab) -> None:
    stage = lab(web=polite())
    first = stage.open("web")
    second = stage.open("web")
    assert second.id == first.id
    assert stage.answers(first) == ["pod/web created\n", "pod/web unchanged\n"]
    changed = stage.runs.open("c1", "lesson/one", pod(container("web", image="nginx"), name="web"))
    stage.clock.sleep(3)
    assert stage.answers(changed)[-1] == "pod/web configured\n"


def test_create_on_a_live_run_says_that_the_pod_exists(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web", verb="create")
    stage.open("web", verb="create")
    already = 'Error from server (AlreadyExists): error when creating "pod.yaml": pods "web" already exists\n'
    assert stage.answers(run) == ["pod/web created\n", already]
    assert stage.runs.is_live(run.id)


def test_a_fresh_run_ends_the_live_one_and_starts_on_a_clean_node(lab: GivenLab) -> None:
    stage = lab(web=polite())
    first = stage.open("web")
    stage.runs.timeline("c1")
    stage.files.make_directory("c1", "/tmp/left-over")
    second = stage.open("web", fresh=True)
    assert second.id != first.id
    assert [(a.by, a.why) for a in stage.facts(first, RunAborted)] == [("learner", "Deleted, to run again on a clean node.")]
    assert stage.answers(second) == ["pod/web created\n"]
    assert "left-over" not in [path.name for path in (stage.files.host_path("c1", "/tmp")).iterdir()]


def test_a_fresh_run_finds_no_object_of_an_earlier_one(lab: GivenLab) -> None:
    stage = lab(web=polite())
    config = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}}'
    text = f"{config}\n{pod(container('web'), name='web')}"
    first = stage.runs.open("c1", "lesson/one", text, verb="create")
    stage.clock.sleep(3)
    second = stage.runs.open("c1", "lesson/one", text, verb="create", fresh=True)
    stage.clock.sleep(3)
    assert stage.answers(first) == stage.answers(second) == ["configmap/cfg created\npod/web created\n"]


def test_a_run_without_a_pod_is_closed_at_once(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.runs.open("c1", "lesson/one", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}}')
    stage.clock.sleep(1)
    assert stage.answers(run) == ["configmap/cfg created\n"]
    assert not stage.runs.is_live(run.id)


def test_a_fresh_run_removes_a_pod_that_a_finalizer_holds(lab: GivenLab) -> None:
    stage = lab(web=polite())
    held = stage.runs.open("c1", "lesson/one", pod(container("web"), name="web", metadata={"finalizers": ["example.com/hold"]}))
    stage.runs.delete(held.id)
    stage.clock.sleep(5)
    assert stage.runs.is_live(held.id)
    fresh = stage.open("web", fresh=True)
    assert stage.answers(fresh) == ["pod/web created\n"]
    assert stage.runs.is_live(fresh.id)


def test_a_fresh_run_ends_another_example_whose_pod_has_the_same_name_and_no_other(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    same = stage.open("web", example="lesson/one")
    other = stage.open("db", example="lesson/two")
    stage.open("web", example="lesson/three", fresh=True)
    assert not stage.runs.is_live(same.id)
    assert stage.runs.is_live(other.id)
    assert sorted(stage.pods()) == ["db", "web"]


def test_without_fresh_a_pod_of_another_example_is_left_alone(lab: GivenLab) -> None:
    stage = lab(web=polite())
    first = stage.open("web", example="lesson/one")
    second = stage.open("web", example="lesson/two")
    assert stage.answers(second) == ["pod/web unchanged\n"]
    assert stage.facts(second, RunClosed)[0].why == "It created no pod."
    assert stage.runs.is_live(first.id)


def test_clusters_know_nothing_of_each_other(lab: GivenLab) -> None:
    stage = lab(web=polite())
    one, two = stage.open("web", cluster="c1"), stage.open("web", cluster="c2")
    assert stage.answers(one) == stage.answers(two) == ["pod/web created\n"]
    assert [run.id for run in stage.runs.live("c1")] == [one.id]


def test_entries_are_the_run_s_own(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    one = stage.open("web", example="lesson/one")
    two = stage.open("db", example="lesson/two")
    stage.runs.delete(one.id)
    stage.clock.sleep(4)
    everything = stage.runs.timeline("c1").read(0)
    assert len(stage.entries(one)) + len(stage.entries(two)) == len(everything)
    assert {e.container for e in stage.entries(one)} == {None, "web"}
    assert [e.seq for e in stage.entries(one)] == sorted(e.seq for e in stage.entries(one))


def test_entries_can_be_asked_for_from_a_cursor(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    everything = stage.entries(run)
    assert stage.runs.entries(run.id, after=everything[4].seq) == everything[5:]
    assert stage.runs.entries(run.id, after=everything[-1].seq) == ()
    assert stage.runs.entries("unknown") == ()


def test_an_ended_run_s_entries_do_not_grow_with_later_runs(lab: GivenLab) -> None:
    stage = lab(web=polite())
    first = stage.open("web")
    stage.runs.delete(first.id)
    stage.clock.sleep(4)
    before = stage.entries(first)
    stage.open("web")
    assert stage.entries(first) == before


def test_the_latest_run_of_an_example_is_live_or_the_newest_ended(lab: GivenLab) -> None:
    stage = lab(web=polite())
    assert stage.runs.latest("c1", "lesson/one") is None
    first = stage.open("web")
    second = stage.open("web", fresh=True)
    assert stage.runs.latest("c1", "lesson/one") == second
    stage.runs.delete(second.id)
    stage.clock.sleep(4)
    latest = stage.runs.latest("c1", "lesson/one")
    assert latest is not None
    assert latest.id == second.id != first.id


def test_no_more_runs_are_live_than_allowed(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.parts["limits"] = Limits(max_live_runs=1)
    stage.open("web", example="lesson/one")
    with pytest.raises(
        RunRefused, match=r"^cannot open another run: 1 are live in this cluster; delete one of their pods first$"
    ):
        stage.open("db", example="lesson/two")
    stage.open("db", example="lesson/two", cluster="c2")


def test_pods_that_were_deleted_by_force_take_room_until_they_are_gone(lab: GivenLab) -> None:
    stage = lab(web=deaf(hook=takes(300)))
    stage.parts["options"] = ClusterOptions(max_pods=2)
    hung = [pod(container("web", post_start="hook"), name=name) for name in ("a", "b", "c")]
    run = stage.runs.open("c1", "lesson/one", "".join(f"---\n{text}\n" for text in hung[:2]))
    stage.clock.sleep(3)
    stage.runs.delete(run.id, force=True)
    stage.clock.sleep(3)
    with pytest.raises(RunRefused, match="2 that were deleted are still being stopped on the node"):
        stage.runs.open("c1", "lesson/two", hung[2])
    assert stage.answers(stage.open("web", example="lesson/one", fresh=True)) == ["pod/web created\n"]


def test_a_forgotten_run_ends_by_itself(lab: GivenLab) -> None:
    stage = lab(web=deaf(hook=takes(1000)))
    stage.parts["limits"] = Limits(max_run_seconds=600)
    run = stage.runs.open("c1", "lesson/one", pod(container("web", post_start="hook"), name="web"))
    stage.clock.sleep(599)
    assert stage.runs.is_live(run.id)
    stage.clock.sleep(2)
    (aborted,) = stage.facts(run, RunAborted)
    assert (aborted.by, aborted.why) == ("limit", "It was live for 10 minutes, the lab's limit.")
    assert (stage.pods(), stage.runtime.left) == ([], ())


def test_a_run_that_has_ended_is_not_ended_again_by_its_limit(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(max_run_seconds=60)
    run = stage.open("web")
    stage.runs.delete(run.id)
    stage.clock.sleep(200)
    assert stage.facts(run, RunAborted) == []


def test_all_live_runs_end_when_the_engine_stops_answering(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    told: list[bool] = []
    stage.parts["engine_lost"] = lambda: told.append(True)
    one = stage.open("web", example="lesson/one")
    stage.runtime.failures["find_image"] = EngineUnavailable("cannot reach the engine at /run/x: start it")
    two = stage.open("db", example="lesson/two")
    del stage.runtime.failures["find_image"]
    for run in (one, two):
        (aborted,) = stage.facts(run, RunAborted)
        assert aborted.by == "engine"
        assert aborted.why == "The container engine stopped answering: cannot reach the engine at /run/x: start it"
    assert told
    assert stage.runs.live("c1") == ()


def test_a_run_ends_when_its_containers_are_lost_sight_of(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    stage.runtime.lose_engine("the connection broke")
    stage.clock.sleep(1)
    assert [a.why for a in stage.facts(run, RunAborted)] == ["The container engine stopped answering: the connection broke"]


def test_a_run_ends_when_the_lab_itself_fails_to_look_after_its_pod(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    stage.runtime.failures["create_container"] = KeyError("unforeseen")
    failed = stage.open("web", example="lesson/one")
    del stage.runtime.failures["create_container"]
    (aborted,) = stage.facts(failed, RunAborted)
    assert (aborted.by, "KeyError: 'unforeseen'" in aborted.why) == ("failure", True)
    assert len(stage.facts(failed, WorkerFailed)) == 1
    assert (stage.pods(), stage.runtime.left) == ([], ())
    assert stage.last_write(stage.open("db", example="lesson/two"), "db").object["status"]["phase"] == "Running"


def test_what_another_lab_left_live_is_closed_when_the_lab_starts(lab: GivenLab) -> None:
    stage = lab(web=polite(), db=polite())
    run = stage.open("web")
    ended = stage.open("db", example="lesson/two")
    stage.runs.delete(ended.id)
    stage.clock.sleep(4)
    shown = stage.entries(run)
    runs = stage.restart()
    assert [left.id for left in runs.recover()] == [run.id]
    stage.clock.sleep(1)
    assert stage.entries(run)[: len(shown)] == shown
    (aborted,) = stage.facts(run, RunAborted)
    assert aborted.by == "restart"
    assert (stage.pods(), runs.live("c1")) == ([], ())
    assert runs.get(run.id) == runs.latest("c1", "lesson/one")
    assert runs.recover() == ()


def test_a_cluster_goes_on_where_the_lab_before_left_it(lab: GivenLab) -> None:
    stage = lab(web=polite())
    first = stage.open("web")
    before = stage.entries(first)[-1].seq
    stage.restart().recover()
    second = stage.open("web")
    assert second.first_seq > before
    assert stage.answers(second) == ["pod/web created\n"]
    assert len(stage.facts(second, ContainerStarted)) == 1


def test_closing_ends_every_run_and_leaves_nothing(lab: GivenLab) -> None:
    stage = lab(web=deaf(hook=takes(1000)), db=polite())
    run = stage.runs.open("c1", "lesson/one", pod(container("web", post_start="hook"), name="web"))
    stage.open("db", cluster="c2")
    stage.runs.close()
    stage.runs.close()
    assert [(a.by, a.why) for a in stage.facts(run, RunAborted)] == [("stop", "The lab was stopped.")]
    assert stage.runtime.left == ()
    with pytest.raises(RunRefused, match="the lab is stopping"):
        stage.open("web", example="lesson/two")


class SlowJournal:
    """A journal that takes a second for what a user's command writes, holding up whoever writes after it."""

    def __init__(self, journal: Journal, clock: VirtualClock) -> None:
        self._journal = journal
        self._clock = clock

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        self._journal.open(cluster, on_durable)

    def submit(self, cluster: str, entry: Entry) -> None:
        if isinstance(entry.fact, ObjectWritten) and entry.fact.writer == "user":
            self._clock.sleep(1)
        self._journal.submit(cluster, entry)


def test_a_pod_that_is_created_while_its_run_is_ended_is_removed_again(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts |= {"journal": SlowJournal(stage.store.journal, stage.clock), "limits": Limits(max_run_seconds=1)}
    run = stage.open("web", seconds=10)
    assert [a.by for a in stage.facts(run, RunAborted)] == ["limit"]
    assert (stage.pods(), stage.runtime.left) == ([], ())


def test_a_log_does_not_show_what_another_run_wrote(lab: GivenLab) -> None:
    stage = lab(web=ContainerScript(logs=("one",)), db=ContainerScript(logs=("two",)))
    web, db = stage.open("web", example="lesson/one"), stage.open("db", example="lesson/two")
    assert "two" not in str(stage.entries(web))
    assert "two" in str(stage.entries(db))


def test_a_run_step_by_step_says_so_before_its_pods_and_goes_on_by_continue(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web", hold_points=("before-start", "before-stop-signal"))
    assert [type(e.fact) for e in stage.entries(run)][:3] == [RunOpened, HoldPointsChosen, ObjectWritten]
    assert stage.facts(run, ContainerStarted) == []
    (seq,) = [e.seq for e in stage.entries(run) if isinstance(e.fact, KubeletHeld)]
    assert not stage.runs.proceed(run.id, held_seq=seq + 1)
    assert stage.runs.proceed(run.id, held_seq=seq)
    stage.clock.sleep(3)
    assert len(stage.facts(run, ContainerStarted)) == 1
    stage.runs.delete(run.id)
    stage.clock.sleep(60)
    assert stage.runs.is_live(run.id)
    assert stage.runs.proceed(run.id)
    stage.clock.sleep(5)
    assert [type(e.fact) for e in stage.entries(run)][-1] == RunClosed
    assert not stage.runs.proceed(run.id)


def test_to_the_end_there_are_no_further_stops(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web", hold_points=("before-start", "after-start", "before-stop-signal"))
    assert stage.runs.proceed(run.id, to_the_end=True)
    stage.clock.sleep(3)
    stage.runs.delete(run.id)
    stage.clock.sleep(5)
    assert not stage.runs.is_live(run.id)
    assert [fact.point for fact in stage.facts(run, KubeletHeld)] == ["before-start"]
    assert [fact.points for fact in stage.facts(run, HoldPointsChosen)][-1] == ()


def test_a_run_that_is_not_held_never_speaks_of_it(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    assert not stage.runs.proceed(run.id)
    assert stage.facts(run, HoldPointsChosen) == []


def test_a_hold_does_not_stop_the_clock_of_the_lab_s_limit(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["limits"] = Limits(max_run_seconds=120)
    run = stage.open("web", hold_points=("before-start",), seconds=121)
    (aborted,) = stage.facts(run, RunAborted)
    assert aborted.by == "limit"
    assert (
        aborted.why == "It was live for 2 minutes, the lab's limit. Its kubelet was held then; a hold does not stop that clock."
    )


def test_a_fresh_run_ends_a_held_one(lab: GivenLab) -> None:
    stage = lab(web=polite())
    held = stage.open("web", hold_points=("before-start",))
    run = stage.open("web", fresh=True)
    assert stage.facts(held, RunAborted)[0].by == "learner"
    assert len(stage.facts(run, ContainerStarted)) == 1


def test_a_node_is_cleaned_only_when_no_pod_is_on_it(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    stage.files.make_directory("c1", "/tmp/left")
    with pytest.raises(RunRefused, match=r"cannot clean the node while pods are on it \(live runs: 1, pods: 1\)"):
        stage.runs.clean_node("c1")
    assert stage.files.listing("c1", "/tmp/left") == ()
    stage.runs.delete(run.id)
    stage.clock.sleep(5)
    stage.runs.clean_node("c1")
    assert stage.files.listing("c1", "/tmp/left") is None
    assert stage.files.listing("c1", "/tmp") == ()


def test_the_node_of_a_run_is_at_hand_while_it_is_live(lab: GivenLab) -> None:
    stage = lab(web=polite())
    run = stage.open("web")
    node = stage.runs.node(run.id)
    assert node is not None
    assert node.run_command(run.id, "web", "web", ("date",))
    stage.clock.sleep(1)
    assert stage.facts(run, CommandExecuted)[0].exit_code == 0
    stage.runs.abort(run.id, why="enough", by="learner")
    assert stage.runs.node(run.id) is None


class UnreliableJournal:
    """A journal that refuses the facts of the kinds in ``refused``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.refused: type | tuple[()] = ()

    def open(self, cluster: str, on_durable: Callable[[int], None]) -> None:
        self._journal.open(cluster, on_durable)

    def submit(self, cluster: str, entry: Entry) -> None:
        if isinstance(entry.fact, self.refused):
            raise StoreError("cannot store an entry: the disk is full")
        self._journal.submit(cluster, entry)


def test_a_run_that_the_store_failed_is_cleared_at_once_and_ended_when_the_store_works_again(lab: GivenLab) -> None:
    stage = lab(web=brief((5, 1)))
    stage.parts["journal"] = journal = UnreliableJournal(stage.store.journal)
    run = stage.open("web")
    journal.refused = object
    stage.clock.sleep(30)
    assert (stage.runtime.left, stage.runs.is_live(run.id)) == ((), False)
    assert stage.runs.live("c1") == (run,)
    journal.refused = ()
    stage.clock.sleep(2)
    assert (stage.runs.live("c1"), stage.pods()) == ((), [])
    (aborted,) = stage.facts(run, RunAborted)
    assert (aborted.by, "the disk is full" in aborted.why) == ("failure", True)


def test_a_run_that_is_done_while_the_store_fails_is_closed_when_it_works_again(lab: GivenLab) -> None:
    stage = lab(web=polite())
    stage.parts["journal"] = journal = UnreliableJournal(stage.store.journal)
    journal.refused = RunClosed
    run = stage.runs.open("c1", "lesson/one", "kind: Pod")
    stage.clock.sleep(20)
    assert stage.runs.live("c1") == (run,)
    journal.refused = ()
    stage.clock.sleep(2)
    assert [closed.why for closed in stage.facts(run, RunClosed)] == ["It created no pod."]
    assert stage.runs.live("c1") == ()


def test_two_tabs_that_run_again_at_once_get_a_run_each_on_a_clean_node(lab: GivenLab) -> None:
    stage = lab(web=deaf())
    first = stage.open("web")
    again: list[Run] = []
    for _ in range(2):
        stage.clock.spawn("tab", lambda: again.append(stage.open("web", fresh=True)))
    stage.clock.sleep(10)
    assert len({first.id, *(run.id for run in again)}) == 3
    assert stage.runs.live("c1") == (again[-1],)
    for run in again:
        assert stage.answers(run) == ["pod/web created\n"]
    assert stage.last_write(again[-1], "web").object["status"]["phase"] == "Running"


def test_a_container_that_cannot_be_removed_is_tried_again_and_then_left_to_whoever_looks_for_strays(lab: GivenLab) -> None:
    stage = lab(web=brief((1, 1), None))
    told: list[float] = []
    stage.parts["left_behind"] = lambda: told.append(stage.clock.monotonic())
    stage.runtime.failures["remove_container"] = EngineError("cannot remove it: a file is busy")
    run = stage.open("web", seconds=5)
    assert len(stage.facts(run, ContainerStarted)) == 2
    assert told == []
    stage.runs.delete(run.id, grace_period_seconds=1)
    stage.clock.sleep(10)
    assert [type(e.fact) for e in stage.entries(run)][-1] is RunClosed
    assert len(told) == 1
    assert len(stage.runtime.left) == 2
    del stage.runtime.failures["remove_container"]
    for container_id in stage.runtime.left:
        stage.runtime.remove_container(container_id)
