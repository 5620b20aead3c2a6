"""Ends that nobody asked for by a delete, what a container leaves behind, and what the lab itself cannot do."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.errors import EngineError, EngineUnavailable
from lab.limits import Limits
from lab.runtime.runtime import ChangedFile
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import (
    ContainerExited,
    ContainerRemoved,
    FileChanged,
    HookSkipped,
    LogChunk,
    LogTruncated,
    ObjectWritten,
    ObserverUnavailable,
    WorkerFailed,
)
from tests.kubelet.stage import Stage, Story, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def terminated(story: Story, name: str = "app") -> dict[str, object]:
    state: dict[str, object] = story.container_status(name)["state"]["terminated"]
    return state


# --- by itself ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exit_code", "phase", "reason"), [(0, "Succeeded", "Completed"), (7, "Failed", "Error")])
def test_a_pod_whose_containers_have_ended_for_good_is_finished(given: Given, exit_code: int, phase: str, reason: str) -> None:
    story = given(app=brief((2, exit_code))).run(pod(restartPolicy="Never"), seconds=5)
    assert (story.status["phase"], story.columns()[-1]) == (phase, reason)
    assert (terminated(story)["exitCode"], terminated(story)["reason"]) == (exit_code, reason)
    assert story.is_in_api


def test_a_pod_goes_on_until_its_last_container_has_ended(given: Given) -> None:
    stage = given(a=brief((2, 0)), b=brief((6, 0)))
    story = stage.run(pod(container("a"), container("b"), restartPolicy="Never"), seconds=5)
    assert (story.status["phase"], story.columns()[-1], story.ready_columns()[-1]) == ("Running", "NotReady", "1/2")
    stage.clock.sleep(5)
    assert (story.status["phase"], story.columns()[-1]) == ("Succeeded", "Completed")


def test_a_hook_is_not_run_when_its_container_ends_by_itself(given: Given) -> None:
    """[C13 E18]"""
    story = given(app=brief((2, 0))).run(pod(container(pre_stop="hook"), restartPolicy="Never"), seconds=5)
    assert story.steps(since="creation")[1:] == [(2.0, "exits 0"), (2.0, "preStop is skipped: container-exited")]
    assert [s.attempt for s in story.facts(HookSkipped)] == [0]


def test_a_deadline_stops_the_pod_with_its_hooks_and_keeps_the_object(given: Given) -> None:
    """[E9]"""
    story = given(app=polite(0.0, 0, hook=takes(2)))
    run = story.run(pod(container(pre_stop="hook"), activeDeadlineSeconds=4, grace=6), seconds=9)
    assert run.steps() == [(0.0, "preStop starts"), (2.0, "preStop ends"), (2.0, "SIGTERM"), (2.0, "exits 0")]
    assert (run.status["phase"], run.status["reason"]) == ("Failed", "DeadlineExceeded")
    assert run.event_times("DeadlineExceeded") == [4.0]
    assert run.event_times("Killing") == [4.0]
    assert run.warnings() == []
    assert run.is_in_api


def test_a_deadline_that_passes_during_post_start_ends_the_pod_before_it_was_ever_ready(given: Given) -> None:
    story = given(app=polite(0.0, 0, hook=takes(6))).run(pod(container(post_start="hook"), activeDeadlineSeconds=4), seconds=9)
    assert story.event_times("DeadlineExceeded") == [6.0]
    assert "True" not in [
        condition["status"]
        for write in story.facts(ObjectWritten)
        for condition in write.object.get("status", {}).get("conditions", ())
        if condition["type"] == "Ready"
    ]
    assert (story.status["phase"], story.status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_deadline_that_is_moved_counts_from_the_beginning(given: Given) -> None:
    stage = given(app=polite())
    story = stage.run(pod(activeDeadlineSeconds=60))
    stage.kubectl("apply", pod(activeDeadlineSeconds=5))
    stage.clock.sleep(4)
    assert story.event_times("DeadlineExceeded") == [5.0]


# --- what is left -------------------------------------------------------------------------------------------------


def test_the_termination_message_is_the_end_of_what_the_container_wrote_to_its_file(given: Given) -> None:
    stage = given(app=polite(0.0, 3))
    story = stage.run(pod(restartPolicy="Never"))
    (mount,) = (m for m in stage.runtime.created[0].mounts if m.target == "/dev/termination-log")
    with open(mount.source, "w") as file:
        file.write("." * 5000 + "disk full")
    story.delete_to_the_end()
    message = str(terminated(story)["message"])
    assert (message[-9:], len(message)) == ("disk full", 4096)


@pytest.mark.parametrize(
    ("policy", "exit_code", "message"),
    [("FallbackToLogsOnError", 3, "line 1\nline 2\n"), ("FallbackToLogsOnError", 0, None), ("File", 3, None)],
)
def test_the_end_of_the_log_stands_in_for_the_message_of_a_failure_where_asked(
    given: Given, policy: str, exit_code: int, message: str | None
) -> None:
    stage = given(app=ContainerScript(exits=((1, exit_code),), logs=("line 1", "line 2")))
    story = stage.run(pod(container(terminationMessagePolicy=policy), restartPolicy="Never"), seconds=4)
    assert terminated(story).get("message") == message


def test_no_more_than_2048_bytes_of_the_log_stand_in_for_the_message(given: Given) -> None:
    stage = given(app=ContainerScript(exits=((1, 1),), logs=("x" * 3000,)))
    story = stage.run(pod(container(terminationMessagePolicy="FallbackToLogsOnError"), restartPolicy="Never"), seconds=4)
    assert terminated(story)["message"] == "x" * 2047 + "\n"


def test_the_message_from_a_log_ends_as_the_log_did_and_is_measured_in_bytes(given: Given) -> None:
    stage = given(app=ContainerScript(exits=((1, 1),), last_words="é" * 1500))
    story = stage.run(pod(container(terminationMessagePolicy="FallbackToLogsOnError"), restartPolicy="Never"), seconds=4)
    assert terminated(story)["message"] == "é" * 1024


@pytest.mark.parametrize(("exit_code", "signal"), [(137, 9), (139, 11), (143, None), (130, None), (255, None), (1, None)])
def test_an_exit_code_names_a_signal_only_where_that_can_have_killed_pid_1(
    given: Given, exit_code: int, signal: int | None
) -> None:
    story = given(app=brief((1, exit_code))).run(pod(restartPolicy="Never"), seconds=3)
    assert [(e.exit_code, e.signal) for e in story.facts(ContainerExited)] == [(exit_code, signal)]


def test_log_lines_are_kept_up_to_a_limit(given: Given) -> None:
    lines = ("one", "zwölf", "eleven byté", "four")
    story = given(options=ClusterOptions(limits=Limits(log_bytes_per_container=23)), app=ContainerScript(logs=lines)).run(pod())
    (chunk,) = story.facts(LogChunk)
    assert [text for _, _, text in chunk.lines] == ["one", "zwölf"]
    assert [t.limit_bytes for t in story.facts(LogTruncated)] == [23]


def test_log_lines_are_numbered_per_instance(given: Given) -> None:
    story = given(app=ContainerScript(exits=((1, 1), None), logs=("hello",))).run(pod(), seconds=5)
    assert [(c.attempt, c.offset) for c in story.facts(LogChunk)] == [(0, 0), (1, 0)]


def test_files_that_a_container_changed_are_told_once(given: Given) -> None:
    changed = ChangedFile(path="/usr/share/message", change="added", size_bytes=6, content=b"hello\n")
    stage = given(app=ContainerScript(files=(changed,), on_signal={"SIGTERM": (0, 0)}))
    story = stage.run(pod(container(post_start="hook", pre_stop="hook"))).delete_to_the_end()
    (fact,) = story.facts(FileChanged)
    assert (fact.path, fact.text, fact.volume, fact.attempt) == ("/usr/share/message", "hello\n", None, 0)


def test_a_file_in_a_host_path_is_told_with_its_place_on_the_node(given: Given) -> None:
    stage = given(app=polite())
    volumes = [{"name": "host", "hostPath": {"path": "/tmp/out", "type": "DirectoryOrCreate"}}]
    spec = container(pre_stop="hook", volumeMounts=[{"name": "host", "mountPath": "/out"}])
    story = stage.run(pod(spec, volumes=volumes))
    with open(f"{stage.runtime.created[0].mounts[0].source}/message", "w") as file:
        file.write("bye")
    story.delete_to_the_end()
    (fact,) = story.facts(FileChanged)
    assert (fact.path, fact.node_path, fact.volume, fact.text) == ("/out/message", "/tmp/out/message", "host", "bye")


def test_only_the_newest_dead_instance_is_kept(given: Given) -> None:
    story = given(app=brief((1, 1))).run(pod(), seconds=60)
    attempts = len(story.starts())
    assert attempts >= 4
    assert [r.attempt for r in story.facts(ContainerRemoved)] == list(range(attempts - 1))


# --- what the lab cannot do ---------------------------------------------------------------------------------------


def test_where_signals_cannot_be_witnessed_every_pod_says_so(given: Given) -> None:
    story = given(options=ClusterOptions(witness_problem="no tracefs here; mount it"), app=polite()).run(pod())
    assert [o.why for o in story.facts(ObserverUnavailable)] == ["no tracefs here; mount it"]


@pytest.mark.parametrize("verb", ["find_image", "run_pod_sandbox", "create_container", "start_container"])
def test_an_engine_that_does_not_answer_is_the_node_s_affair(given: Given, verb: str) -> None:
    stage = given(app=polite())
    stage.runtime.failures[verb] = EngineUnavailable("cannot reach the engine")
    story = stage.run(pod())
    assert stage.lost == ["cannot reach the engine"]
    assert story.facts(WorkerFailed) == []


@pytest.mark.parametrize("verb", ["find_image", "run_pod_sandbox", "create_container", "start_container"])
def test_an_error_of_the_lab_while_a_pod_comes_up_is_a_fact_and_leaves_nothing(
    given: Given, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = given(app=polite())
    stage.runtime.failures[verb] = KeyError("unforeseen")
    story = stage.run(pod())
    assert [w.message for w in story.facts(WorkerFailed)] == ["KeyError: 'unforeseen'"]
    assert stage.failures == ["KeyError: 'unforeseen'"]
    assert (stage.cluster.node.pods_running(), stage.runtime.left) == (0, ())
    assert any(record.levelno == logging.ERROR for record in caplog.records)


@pytest.mark.parametrize("verb", ["signal_container", "exec", "changed_files"])
def test_an_error_of_the_lab_while_a_pod_ends_is_a_fact_and_leaves_nothing(given: Given, verb: str) -> None:
    stage = given(app=deaf(hook=takes(1)))
    story = stage.run(pod(container(pre_stop="hook"), grace=2))
    stage.runtime.failures[verb] = KeyError("unforeseen")
    story.delete("--wait=false")
    stage.wait_until_cleared()
    assert "KeyError: 'unforeseen'" in [w.message for w in story.facts(WorkerFailed)]
    assert stage.runtime.left == ()


@pytest.mark.parametrize("verb", ["remove_container", "remove_pod_sandbox"])
@pytest.mark.parametrize(("error", "is_the_lab_s"), [(EngineError("cannot remove it"), False), (KeyError("unforeseen"), True)])
def test_a_node_that_cannot_be_cleared_does_not_keep_the_pod_on_its_mind(
    given: Given, verb: str, error: Exception, is_the_lab_s: bool, caplog: pytest.LogCaptureFixture
) -> None:
    stage = given(app=polite())
    story = stage.run(pod())
    stage.runtime.failures[verb] = error
    story.delete_to_the_end()
    assert stage.cluster.node.pods_running() == 0
    assert bool(story.facts(WorkerFailed)) == is_the_lab_s
    assert caplog.records


def test_an_engine_that_is_lost_while_containers_run_is_the_node_s_affair(given: Given) -> None:
    stage = given(app=polite())
    stage.run(pod())
    stage.runtime.lose_engine("it stopped")
    assert stage.lost == ["it stopped"]


def test_an_error_of_the_lab_in_a_probe_is_a_fact_and_leaves_nothing(given: Given) -> None:
    stage = given(app=deaf())
    stage.runtime.failures["exec"] = KeyError("unforeseen")
    story = stage.run(pod(container(readinessProbe={"exec": {"command": ["probe"]}})))
    assert len(story.facts(WorkerFailed)) == 1
    assert (stage.cluster.node.pods_running(), stage.runtime.left) == (0, ())


def test_what_one_pod_cannot_have_does_not_hurt_another(given: Given) -> None:
    stage = given(app=polite())
    stage.runtime.failures["create_container"] = KeyError("unforeseen")
    stage.run(pod(name="first"))
    del stage.runtime.failures["create_container"]
    assert stage.run(pod(name="second")).columns()[-1] == "Running"


def test_a_node_that_closes_ends_its_pods_at_once(given: Given) -> None:
    stage = given(app=deaf(hook=takes(1000)))
    stage.run(pod(container(pre_stop="hook")))
    stage.run(pod(container(post_start="hook"), name="starting"))
    stage.cluster.close()
    assert (stage.cluster.node.pods_running(), stage.runtime.left) == (0, ())
