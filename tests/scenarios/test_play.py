"""Scenarios played on a scripted runtime in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lab.runtime.scripted import ContainerScript, ExecScript
from lab.scenarios.play import KUBECTL_SECONDS
from lab.scenarios.recording import Recorder
from lab.timeline.facts import WorkerFailed
from tests.scenarios.stage import APPLY, BOTH, GONE, ONE, READY, TWO, Stage, answers


def test_a_pod_is_applied_made_ready_deleted_and_gone(stage: Stage) -> None:
    recording = stage.record(APPLY, READY, {"do": "delete"}, GONE)
    assert recording.failure is None
    assert answers(recording) == [(0, "pod/one created\n"), (0, 'pod "one" deleted from n namespace\n')]
    assert [row["status"] for row in recording.trace["getTable"]][-3:] == ["Terminating", "Completed", "Completed"]
    assert recording.trace["gone_t"].keys() == {"one"}
    assert [(e["container"], e["exitStatus"]) for e in recording.trace["containerExit"]] == [("app", 0)]
    assert recording.trace["notes"] == []


def test_a_delete_right_after_an_apply_finds_the_pod_s_first_status(stage: Stage) -> None:
    """As on a node, where every kubectl is a process that has to start first. [E17]"""
    recording = stage.record(APPLY, {"do": "delete"}, GONE)
    assert "ContainerCreating" in [row["status"] for row in recording.trace["getTable"]]
    (deleted,) = recording.trace["t_delete"]
    assert deleted - recording.trace["cli"][0]["t_end"] == pytest.approx(KUBECTL_SECONDS)


def test_recording_stops_after_the_last_action(stage: Stage) -> None:
    recording = stage.record(APPLY, READY)
    assert recording.trace["gone_t"] == {}
    assert not [row for row in recording.trace["podStates"] if row.get("deleted")]


def test_a_background_delete_lets_the_next_action_begin_after_its_settling_time(stage: Stage) -> None:
    stage.script = ContainerScript()  # never ends by itself
    background = {"do": "delete", "background": True, "settle": 2}
    recording = stage.record(APPLY, READY, background, {"do": "delete", "args": ["--grace-period=0", "--force"]})
    first, second = recording.trace["t_delete"]
    assert second - first == pytest.approx(2.0, abs=0.01)
    # the forced one answers first, and commands stand in the order of their answers
    assert [c["argv"][-1] for c in recording.trace["cli"]] == ["manifest.yaml", "--force", "one"]


def test_a_delete_that_does_not_return_is_given_up_with_a_note(stage: Stage) -> None:
    stage.script = ContainerScript(execs={"hang": ExecScript(seconds=1000.0)})
    hook = "    lifecycle: {postStart: {exec: {command: [hang]}}}\n"
    recording = stage.record(APPLY, {"do": "wait", "for": "time=1"}, {"do": "delete"}, manifest=ONE + hook)
    assert recording.trace["notes"] == ["kubectl delete pod one had not returned after 150 s"]
    assert recording.failure is None


def test_a_wait_that_times_out_is_noted_and_the_next_action_runs(stage: Stage) -> None:
    recording = stage.record(APPLY, {"do": "wait", "for": "phase=Failed", "timeout": 3}, {"do": "delete"})
    assert recording.trace["notes"] == ["wait phase=Failed timed out"]
    assert len(recording.trace["cli"]) == 2


def test_what_the_lab_cannot_do_is_noted_and_left_out(stage: Stage) -> None:
    recording = stage.record(
        {"do": "dance"},
        {"do": "kubectl", "argv": ["rollout", "status"]},
        {"do": "apply", "args": ["--prune"]},
        {"do": "api", "method": "POST", "path": "/x"},
        {"do": "kubectl", "argv": ["-w"]},
    )
    assert recording.trace["notes"] == [
        "not supported by this lab: dance",
        "not supported by this lab: kubectl rollout status",
        "not supported by this lab: kubectl apply -f manifest.yaml --prune",
        "not supported by this lab: api POST /x",
        "not supported by this lab: kubectl -w",
    ]
    assert recording.trace["cli"] == []


def test_several_pods_are_deleted_by_file_by_label_by_name_and_all(stage: Stage) -> None:
    deletions = (
        "delete -f manifest.yaml",
        "delete pods -l app=web",
        "delete pod one two",
        "delete pods --all",
        "delete pod/one pod/two -o name",
    )
    actions: list[Mapping[str, Any]] = []
    for line in deletions:
        actions += [APPLY, READY, {"do": "kubectl", "argv": line.split()}]
    recording = stage.record(*actions, manifest=BOTH)
    said = [stdout for rc, stdout in answers(recording) if "created" not in stdout and rc == 0]
    both = "".join(f'pod "{name}" deleted from n namespace\n' for name in ("one", "two"))
    assert said == [both, both, both, both, "pod/one\npod/two\n"]
    assert not stage.timeline.view().list("Pod")


def test_deleting_what_is_not_there_is_refused_in_the_words_of_each_form(stage: Stage) -> None:
    lines = (
        "delete -f manifest.yaml",
        "delete pod a b",
        "delete pods -l app=web",
        "delete pod a b --ignore-not-found",
        "delete pod a",
    )
    recording = stage.record(*({"do": "kubectl", "argv": line.split()} for line in lines))
    missing = 'Error from server (NotFound): pods "{}" not found\n'
    assert answers(recording) == [
        (1, 'Error from server (NotFound): error when deleting "manifest.yaml": pods "one" not found\n'),
        (1, missing.format("a") + missing.format("b")),
        (0, "No resources found\n"),
        (0, ""),
        (1, missing.format("a")),
    ]


def test_a_delete_of_several_gives_up_at_its_timeout(stage: Stage) -> None:
    stage.script = ContainerScript()
    recording = stage.record(APPLY, READY, {"do": "kubectl", "argv": ["delete", "-f", "manifest.yaml", "--timeout=2s"]})
    expected = 'pod "one" deleted from n namespace\nerror: timed out waiting for the condition on pods/one\n'
    assert answers(recording)[-1] == (1, expected)


def test_exec_answers_as_kubectl_does(stage: Stage) -> None:
    recording = stage.record(
        APPLY,
        READY,
        {"do": "exec", "argv": ["sh", "three"], "as": "three"},
        {"do": "kubectl", "argv": ["exec", "one", "-c", "nope", "--", "true"]},
        {"do": "kubectl", "argv": ["exec", "ghost", "--", "true"]},
        {"do": "exec", "argv": ["true"], "as": "fine"},
    )
    assert answers(recording)[1:] == [
        (3, "no\ncommand terminated with exit code 3\n"),
        (1, "error: container nope is not valid for pod one out of: app\n"),
        (1, 'Error from server (NotFound): pods "ghost" not found\n'),
        (0, ""),
    ]
    assert recording.trace["files"] == {"three": {"error": "no\ncommand terminated with exit code 3"}, "fine": ""}


def test_logs_are_kept_as_an_answer_and_in_the_trace(stage: Stage) -> None:
    recording = stage.record(APPLY, READY, {"do": "logs"})
    assert answers(recording)[1][1].endswith(" hello\n")
    assert [line["line"] for line in recording.trace["logs"]["one/app"]["0"]] == ["hello"]


def test_a_description_is_kept_under_its_name(stage: Stage) -> None:
    recording = stage.record(APPLY, READY, {"do": "describe", "as": "ready"}, {"do": "describe", "pod": "ghost"})
    kept = recording.trace["describe"]["ready"]
    assert kept["text"].startswith("Name:")
    assert kept["get"].splitlines()[1].split()[:3] == ["one", "1/1", "Running"]
    assert "phase: Running" in kept["yaml"]
    assert recording.trace["notes"] == ['describe: pods "ghost" not found']


def test_a_missing_file_is_kept_as_an_error(stage: Stage) -> None:
    recording = stage.record(
        APPLY, READY, {"do": "readfile", "path": "/nowhere"}, {"do": "readfile", "path": "/x", "container": "nope", "as": "wrong"}
    )
    assert recording.trace["files"] == {
        "/nowhere": {"error": "No such file or directory"},
        "wrong": {"error": "error: container nope is not valid for pod one out of: app"},
    }


def test_a_refused_manifest_is_an_answer_and_the_scenario_goes_on(stage: Stage) -> None:
    recording = stage.record(APPLY, {"do": "delete"}, {"do": "exec", "argv": ["true"]}, manifest="kind: [")
    assert recording.failure is None
    assert answers(recording)[0][0] == 1
    assert recording.trace["notes"] == ["an action needs a pod, and there is none"] * 2


def test_a_second_manifest_is_submitted_by_its_name(stage: Stage) -> None:
    recording = stage.record(APPLY, {"do": "create", "file": "more.yaml"}, READY, more=TWO)
    assert answers(recording) == [(0, "pod/one created\n"), (0, "pod/two created\n")]


def test_a_recording_that_takes_too_long_ends_with_what_there_is(stage: Stage) -> None:
    recording = stage.record(APPLY, {"do": "wait", "for": "time=500"}, timeout_seconds=5.0)
    assert str(recording.failure) == "cannot finish scenario S within 5 s; give it more --timeout"
    assert answers(recording) == [(0, "pod/one created\n")]


def test_a_recording_ends_at_once_when_the_lab_has_failed(stage: Stage) -> None:
    def fail(_recorder: Recorder) -> None:
        stage.clock.sleep(3.0)
        stage.timeline.append(WorkerFailed(message="KeyError: 'x'"))

    recording = stage.record(APPLY, {"do": "wait", "for": "time=500"}, disturb=fail)
    assert "KeyError" in str(recording.failure)
    assert stage.clock.monotonic() < 60


def test_a_recording_ends_at_once_when_the_engine_is_lost(stage: Stage) -> None:
    def lose(recorder: Recorder) -> None:
        stage.clock.sleep(3.0)
        recorder.interrupt("cannot reach the engine")

    recording = stage.record(APPLY, {"do": "wait", "for": "time=500"}, disturb=lose)
    assert str(recording.failure) == "cannot reach the engine"
