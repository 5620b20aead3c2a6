"""The columns of get pods: against the transitions that a real `kubectl get pods -w` showed, and hand-made pods for the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pytest

from lab.timeline.tables import event_rows, events_table, pod_ready, pod_row, pod_status_column, pods_table
from tests.conformance.recordings import SCENARIOS, recorded_spec, recorded_trace

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ready_and_status_change_as_a_real_watch_showed_them(scenario: str) -> None:
    trace = recorded_trace(scenario)
    for name in {row["name"] for row in trace["getTable"]}:
        snapshots = [s for s in trace["podStates"] if s["pod"] == name and not s.get("deleted")]
        ours = [(pod_ready(p), pod_status_column(p)) for p in (as_object(s, recorded_spec(scenario, name)) for s in snapshots)]
        shown = [(row["ready"], row["status"]) for row in trace["getTable"] if row["name"] == name and not row.get("deleted")]
        assert [key for key, _ in groupby(ours)] == [key for key, _ in groupby(shown)]


def as_object(snapshot: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    conditions = [{"type": kind, "status": text.partition(":")[0]} for kind, text in snapshot["conditions"].items()]
    status = {
        "phase": snapshot["phase"],
        "reason": snapshot.get("reason", ""),
        "conditions": conditions,
        "containerStatuses": snapshot.get("containers", []),
        "initContainerStatuses": snapshot.get("initContainers", []),
    }
    return pod(status, spec=spec, deleted="deletionTimestamp_rel" in snapshot)


def pod(status: dict[str, Any], *, spec: dict[str, Any] | None = None, deleted: bool = False) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "p", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:30Z"
    return {"metadata": metadata, "spec": spec or {"containers": [{"name": "a"}]}, "status": status}


def container(name: str, state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": "running" in state, "started": "running" in state, "restartCount": 0} | more


INITS = {"initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}], "containers": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("init", "status"),
    [
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, "Init:Error"),
        ({"terminated": {"exitCode": 3}}, "Init:ExitCode:3"),
        ({"terminated": {"exitCode": 137, "signal": 9}}, "Init:Signal:9"),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "Init:CrashLoopBackOff"),
        ({"waiting": {"reason": "PodInitializing"}}, "Init:0/2"),
        ({"running": {}}, "Init:0/2"),
        ({"terminated": {"exitCode": 0, "reason": "Completed"}}, "Init:1/2"),
    ],
)
def test_the_first_unfinished_init_container_decides_the_status(init: dict[str, Any], status: str) -> None:
    inits = [container("i", init), container("s", {"waiting": {"reason": "PodInitializing"}})]
    assert pod_status_column(pod({"phase": "Pending", "initContainerStatuses": inits}, spec=INITS)) == status


def test_a_started_sidecar_counts_as_a_container_and_does_not_hold_initialization() -> None:
    inits = [container("i", {"terminated": {"exitCode": 0}}), container("s", {"running": {}})]
    status = {"phase": "Running", "initContainerStatuses": inits, "containerStatuses": [container("a", {"running": {}})]}
    value = pod(status, spec=INITS)
    assert (pod_ready(value), pod_status_column(value)) == ("2/2", "Running")


def test_the_first_container_of_the_list_has_the_last_word() -> None:
    waiting = [
        container("a", {"waiting": {"reason": "PostStartHookError"}}),
        container("b", {"waiting": {"reason": "CrashLoopBackOff"}}),
    ]
    assert pod_status_column(pod({"phase": "Running", "containerStatuses": waiting})) == "PostStartHookError"


@pytest.mark.parametrize(("ready", "status"), [("True", "Running"), ("False", "NotReady")])
def test_a_completed_container_beside_a_running_one_shows_whether_the_pod_is_ready(ready: str, status: str) -> None:
    both = [container("a", {"terminated": {"exitCode": 0, "reason": "Completed"}}), container("b", {"running": {}})]
    conditions = [{"type": "Ready", "status": ready}]
    assert pod_status_column(pod({"phase": "Running", "conditions": conditions, "containerStatuses": both})) == status


@pytest.mark.parametrize(("phase", "status"), [("Running", "Terminating"), ("Pending", "Terminating"), ("Failed", "Failed")])
def test_a_deleted_pod_is_terminating_until_its_phase_is_terminal(phase: str, status: str) -> None:
    assert pod_status_column(pod({"phase": phase}, deleted=True)) == status


def test_a_reason_of_the_pod_comes_before_its_phase() -> None:
    assert pod_status_column(pod({"phase": "Failed", "reason": "DeadlineExceeded"})) == "DeadlineExceeded"


def test_restarts_tell_how_long_ago_the_last_one_was() -> None:
    ended = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:00:50Z"}}
    restarted = [
        container("a", {"running": {}}, restartCount=2, lastState=ended),
        container("b", {"running": {}}, restartCount=1),
    ]
    row = pod_row(pod({"phase": "Running", "containerStatuses": restarted}), now=NOW)
    assert (row.restarts, row.age, row.ip, row.node) == ("3 (10s ago)", "60s", "<none>", "<none>")


def test_restarts_of_init_containers_count_only_while_the_pod_initializes() -> None:
    failing = container("i", {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=4)
    later = container("s", {"waiting": {"reason": "PodInitializing"}}, restartCount=7)
    status = {"phase": "Pending", "initContainerStatuses": [failing, later]}
    assert pod_row(pod(status, spec=INITS), now=NOW).restarts == "4"
    status["conditions"] = [{"type": "Initialized", "status": "True"}]
    assert pod_row(pod(status, spec=INITS), now=NOW).restarts == "7"


def test_an_empty_list_of_pods_is_only_a_header() -> None:
    assert pods_table([], now=NOW) == "NAME   READY   STATUS   RESTARTS   AGE\n"


def test_events_are_listed_with_their_last_sighting() -> None:
    event = {
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting\n",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:57Z",
        "count": 3,
        "involvedObject": {"kind": "Pod", "name": "p"},
    }
    (row,) = event_rows([event], now=NOW)
    assert (row.last_seen, row.object, row.message) == ("3s", "pod/p", "Back-off restarting")
    assert events_table([event], now=NOW).splitlines()[1] == "3s          Warning   BackOff   pod/p    Back-off restarting"
