"""The node as others see it: exec, files, what runs on it, and pods that it cannot admit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.cluster.node import MAX_COMMANDS
from lab.errors import ApiError, EngineError, StoreError
from lab.kubelet.commands import COMMAND_LIMIT_SECONDS, OUTPUT_LIMIT_BYTES
from lab.runtime.runtime import ChangedFile
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import CommandExecuted, ContainerStarted, Entry, ObjectWritten, SandboxStopped, WorkerFailed
from lab.timeline.timeline import MemoryJournal
from tests.kubelet.stage import Stage, brief, deaf, pod, takes

MESSAGE = ChangedFile(path="/message", change="added", size_bytes=2, content=b"hi")

EXECS = {
    "date": takes(2, 3, stdout="now", stderr="late"),
    "forever": takes(1000),
    "missing": takes(0, error="no such file"),
    "flood": takes(0, stdout="x" * (OUTPUT_LIMIT_BYTES + 5)),
}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    app = ContainerScript(files=(MESSAGE,), execs=EXECS)
    stage = Stage(tmp_path / "nodes", {"app": app, "brief": brief((1, 0))}, ClusterOptions(), None)
    yield stage
    stage.close()


def test_a_command_is_run_in_a_container_and_its_result_returned(stage: Stage) -> None:
    stage.run(pod())
    result = stage.cluster.node.exec("default", "p", "app", ("date",))
    assert (result.exit_code, result.stdout, result.stderr) == (3, b"now", b"late")


def test_a_command_in_a_container_that_has_ended_is_refused(stage: Stage) -> None:
    stage.run(pod({"name": "brief", "image": "busybox"}, restartPolicy="Never"))
    with pytest.raises(ApiError, match="container brief in pod p is not running"):
        stage.cluster.node.exec("default", "p", "brief", ("date",))


@pytest.mark.parametrize(("name", "container"), [("q", "app"), ("p", "other")])
def test_a_command_in_what_is_not_there_is_refused(stage: Stage, name: str, container: str) -> None:
    stage.run(pod())
    with pytest.raises(ApiError) as refused:
        stage.cluster.node.exec("default", name, container, ("date",))
    assert refused.value.code == 404


def test_a_file_of_a_container_is_read(stage: Stage) -> None:
    stage.run(pod())
    assert stage.cluster.node.read_file("default", "p", "app", "/message") == b"hi"
    assert stage.cluster.node.read_file("default", "p", "app", "/absent") is None


def test_a_directory_of_the_node_is_made_and_files_of_it_read(stage: Stage) -> None:
    stage.cluster.node.host_directory("/srv/data")
    (stage.files.host_path("c", "/srv/data", "Directory") / "f").write_bytes(b"x")
    assert stage.cluster.node.read_host_file("/srv/data/f") == b"x"
    assert stage.cluster.node.read_host_file("/srv/data") is None


def test_a_pod_counts_as_running_until_nothing_of_it_is_left(stage: Stage) -> None:
    story = stage.run(pod(grace=5))
    assert stage.cluster.node.pods_running() == 1
    assert stage.cluster.node.pod_uids() == {story.uid}
    story.delete("--force", "--grace-period=0")
    assert (story.is_in_api, stage.cluster.node.pods_running()) == (False, 1)
    stage.wait_until_cleared()
    assert stage.cluster.node.pods_running() == 0


def test_a_pod_that_is_removed_before_the_node_has_seen_it_is_never_started(stage: Stage) -> None:
    story = stage.apply(pod())
    story.delete("--force", "--grace-period=0")
    stage.clock.sleep(5)
    assert (stage.cluster.node.pods_running(), stage.runtime.left) == (0, ())
    assert story.facts(ContainerStarted) == []


def test_one_of_several_pods_can_be_ended_outside_of_kubernetes(stage: Stage) -> None:
    one, two = stage.run(pod(name="one")), stage.run(pod(name="two"))
    stage.cluster.node.abort(frozenset({one.uid}))
    stage.clock.sleep(1)
    assert stage.cluster.node.pod_uids() == {two.uid}
    assert not any(one.uid in left for left in stage.runtime.left)


def test_a_container_that_cannot_be_removed_now_is_no_lost_engine(stage: Stage) -> None:
    """Others' runs end when the engine is lost."""
    story = stage.run(pod())
    stage.runtime.failures["remove_container"] = EngineError("cannot remove it: device or resource busy")
    stage.cluster.node.abort(frozenset({story.uid}))
    stage.clock.sleep(1)
    assert stage.lost == []
    del stage.runtime.failures["remove_container"]


def test_a_wait_for_a_clear_node_may_end_before_it_is_clear(stage: Stage) -> None:
    stage.run(pod())
    assert not stage.cluster.node.wait_until_cleared(10)


class BriefFailure(MemoryJournal):
    """A journal that cannot take a scheduler's write about a pod of one name."""

    def submit(self, cluster: str, entry: Entry) -> None:
        fact = entry.fact
        if isinstance(fact, ObjectWritten) and (fact.writer, fact.name) == ("scheduler", "unlucky"):
            raise StoreError("cannot store it")
        super().submit(cluster, entry)


def test_a_pod_that_the_node_cannot_admit_does_not_keep_it_from_following_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.kubelet.stage.MemoryJournal", BriefFailure)
    stage = Stage(tmp_path / "nodes", {"app": deaf()}, ClusterOptions(), None)
    unlucky = stage.run(pod(name="unlucky"))
    assert [w.message for w in unlucky.facts(WorkerFailed)] == ["StoreError: cannot store it"]
    assert stage.failures == ["StoreError: cannot store it"]
    assert stage.run(pod(name="lucky")).columns()[-1] == "Running"
    stage.close()


def test_a_command_of_the_learner_is_told_with_what_it_printed(stage: Stage) -> None:
    story = stage.run(pod())
    assert stage.cluster.node.run_command("", "p", "app", ("date",))
    stage.clock.sleep(3)
    (fact,) = story.facts(CommandExecuted)
    assert (fact.command, fact.result, fact.exit_code, fact.stdout, fact.stderr) == (("date",), "exited", 3, "now", "late")
    assert fact.took_seconds == pytest.approx(2)


def test_a_command_of_the_learner_that_does_not_end_is_given_up_and_goes_on(stage: Stage) -> None:
    story = stage.run(pod())
    stage.cluster.node.run_command("", "p", "app", ("forever",))
    stage.clock.sleep(COMMAND_LIMIT_SECONDS + 1)
    (fact,) = story.facts(CommandExecuted)
    assert (fact.result, fact.exit_code, fact.took_seconds) == ("timed-out", None, COMMAND_LIMIT_SECONDS)


def test_a_command_that_cannot_be_started_is_told_in_the_engine_s_words(stage: Stage) -> None:
    story = stage.run(pod())
    stage.cluster.node.run_command("", "p", "app", ("missing",))
    stage.clock.sleep(1)
    (fact,) = story.facts(CommandExecuted)
    assert (fact.result, fact.message) == ("failed", "no such file")


def test_what_a_command_prints_is_kept_to_a_limit(stage: Stage) -> None:
    story = stage.run(pod())
    stage.cluster.node.run_command("", "p", "app", ("flood",))
    stage.clock.sleep(1)
    (fact,) = story.facts(CommandExecuted)
    assert fact.stdout.endswith("\n[pod-hook-lab: 5 more bytes not kept]\n")
    assert len(fact.stdout) < OUTPUT_LIMIT_BYTES + 60


def test_no_command_is_run_where_no_container_runs(stage: Stage) -> None:
    stage.run(pod({"name": "brief", "image": "busybox"}, restartPolicy="Never"))
    node = stage.cluster.node
    assert not node.run_command("", "p", "brief", ("date",))
    assert not node.run_command("", "p", "other", ("date",))
    assert not node.run_command("", "q", "app", ("date",))
    assert not node.run_command("another run", "p", "brief", ("date",))


def test_a_learner_runs_a_few_commands_at_a_time(stage: Stage) -> None:
    story = stage.run(pod())
    node = stage.cluster.node
    assert [node.run_command("", "p", "app", ("forever",)) for _ in range(MAX_COMMANDS + 1)] == [True] * MAX_COMMANDS + [False]
    stage.clock.sleep(COMMAND_LIMIT_SECONDS + 1)
    assert len(story.facts(CommandExecuted)) == MAX_COMMANDS
    assert node.run_command("", "p", "app", ("date",))
    stage.clock.sleep(3)


def test_a_command_dies_with_its_container_and_is_told_before_the_pod_is_cleared(stage: Stage) -> None:
    story = stage.run(pod())
    stage.cluster.node.run_command("", "p", "app", ("forever",))
    story.delete("--grace-period=1")
    stage.wait_until_cleared()
    kinds = [type(e.fact) for e in story.entries()]
    assert kinds.index(CommandExecuted) < kinds.index(SandboxStopped)
    assert story.facts(CommandExecuted)[0].exit_code == 137
