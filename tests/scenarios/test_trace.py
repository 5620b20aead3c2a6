from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.scenarios.trace import Gathered, trace_of
from lab.timeline.facts import CommandAnswered, ContainerExited, Entry, Fact, LogChunk, ObjectWritten
from tests.conformance.compare import compare
from tests.conformance.recordings import SCENARIOS

START = datetime(2026, 1, 1, tzinfo=UTC)

Traces = Callable[[str], dict[str, Any]]
Entries = Callable[[dict[str, Any]], tuple[Entry, ...]]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_writes_of_a_recording_give_a_trace_that_agrees_with_it(
    scenario: str, golden_trace: Traces, entries_of: Entries
) -> None:
    golden = golden_trace(scenario)
    trace = trace_of(entries_of(golden), namespace=golden["namespace"], gathered=Gathered(files=golden["files"]))
    assert compare(golden, trace) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_times_of_a_recording_come_back_to_the_millisecond(scenario: str, golden_trace: Traces, entries_of: Entries) -> None:
    golden = golden_trace(scenario)
    trace = trace_of(entries_of(golden), namespace=golden["namespace"])
    recorded = {
        "events": [row for row in golden["events"] if row["object"].startswith("Pod/")],
        "podStates": golden["podStates"],
    }
    for part, rows in recorded.items():
        assert sorted(row["t"] for row in trace[part]) == pytest.approx(sorted(row["t"] for row in rows), abs=0.002)
    assert trace["gone_t"] == pytest.approx(golden["gone_t"], abs=0.002)
    by_kubectl = [c["t"] for c in golden["cli"] if "argv" in c]  # the other deletion is a raw API call
    assert trace["t_delete"] == pytest.approx([t for t in golden["t_delete"] if t in by_kubectl], abs=0.002)
    exits = [row["exitedAt"] for row in golden["containerExit"]]
    assert [row["exitedAt"] for row in trace["containerExit"]] == pytest.approx(exits, abs=0.002)


# --- hand-made entries --------------------------------------------------------------------------------------------


def entries(*timed: tuple[float, Fact]) -> list[Entry]:
    return [
        Entry(seq=n, at=START + timedelta(seconds=t), elapsed_seconds=100.0 + t, pod_uid="u", container="app", fact=fact)
        for n, (t, fact) in enumerate(timed, start=1)
    ]


def answer(*argv: str, took_seconds: float = 0.5, rc: int = 0) -> CommandAnswered:
    return CommandAnswered(argv=("kubectl", *argv), rc=rc, stdout="out", stderr="", took_seconds=took_seconds)


def pod(verb: Any = "status", *, name: str = "p", namespace: str = "n", phase: str = "Running", **metadata: Any) -> ObjectWritten:
    value = {
        "metadata": {"name": name, "namespace": namespace} | metadata,
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": phase},
    }
    return ObjectWritten(verb=verb, kind="Pod", namespace=namespace, name=name, uid="u", object=value, writer="kubelet")


def test_times_count_from_the_moment_the_first_apply_began() -> None:
    trace = trace_of(
        entries((1.0, pod("create")), (1.5, answer("apply", "-f", "m.yaml")), (4.0, pod("remove"))),
        namespace="n",
    )
    assert trace["cli"] == [
        {"argv": ["kubectl", "apply", "-f", "m.yaml"], "t": 0.0, "t_end": 0.5, "rc": 0, "stdout": "out", "stderr": ""}
    ]
    assert [state["t"] for state in trace["podStates"]] == [0.0, 3.0]
    assert trace["gone_t"] == {"p": 3.0}


def test_equal_snapshots_in_a_row_are_one_but_the_removal_is_always_told() -> None:
    trace = trace_of(entries((0, pod("create")), (1, pod()), (2, pod()), (3, pod("remove"))), namespace="n")
    assert [(state["t"], state.get("deleted")) for state in trace["podStates"]] == [(0.0, None), (3.0, True)]
    assert [(row["t"], row.get("deleted")) for row in trace["getTable"]] == [(0.0, None), (3.0, True)]


def test_a_pod_created_again_under_the_same_name_is_told_anew() -> None:
    trace = trace_of(entries((0, pod("create")), (1, pod("remove")), (2, pod("create"))), namespace="n")
    assert [state["t"] for state in trace["podStates"]] == [0.0, 1.0, 2.0]


def test_other_namespaces_are_left_out() -> None:
    trace = trace_of(entries((0, pod("create", namespace="other")), (1, pod("remove", namespace="other"))), namespace="n")
    assert (trace["podStates"], trace["getTable"], trace["gone_t"]) == ([], [], {})


def test_a_state_keeps_its_reason_deletion_and_finalizers() -> None:
    fact = pod(deletionTimestamp="2026-01-01T00:00:30Z", deletionGracePeriodSeconds=30, finalizers=["example.com/hold"])
    fact.object["status"] |= {
        "reason": "DeadlineExceeded",
        "message": "too long",
        "conditions": [{"type": "Ready", "status": "False", "reason": "PodFailed"}, {"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [
            {
                "name": "app",
                "ready": False,
                "restartCount": 1,
                "state": {
                    "terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2026-01-01T00:00:01Z", "containerID": "x"}
                },
            }
        ],
    }
    (state,) = trace_of(entries((0, fact)), namespace="n")["podStates"]
    assert state == {
        "t": 0.0,
        "pod": "p",
        "phase": "Running",
        "reason": "DeadlineExceeded",
        "message": "too long",
        "conditions": {"Ready": "False:PodFailed", "PodScheduled": "True"},
        "deletionTimestamp_rel": 30.0,
        "deletionGracePeriodSeconds": 30,
        "finalizers": ["example.com/hold"],
        "containers": [
            {
                "name": "app",
                "ready": False,
                "started": False,
                "restartCount": 1,
                "state": {
                    "terminated": {
                        "exitCode": 0,
                        "reason": "Completed",
                        "startedAt": "2026-01-01T00:00:01Z",
                        "startedAt_rel": 1.0,
                    }
                },
                "lastState": {},
            }
        ],
    }


def test_log_chunks_of_one_attempt_are_joined_and_attempts_kept_apart() -> None:
    def chunk(attempt: int, *words: str) -> LogChunk:
        return LogChunk(attempt=attempt, offset=0, lines=tuple(("2026-01-01T00:00:02.5Z", "stdout", word) for word in words))

    trace = trace_of(entries((0, pod("create")), (1, chunk(0, "a")), (2, chunk(0, "b")), (3, chunk(1, "c"))), namespace="n")
    assert trace["logs"]["p/app"]["0"] == [{"t": 2.5, "stream": "stdout", "line": word} for word in ("a", "b")]
    assert [line["line"] for line in trace["logs"]["p/app"]["1"]] == ["c"]


def test_logs_are_those_of_the_last_pod_of_a_name() -> None:
    def at(seq: int, uid: str, fact: Fact) -> Entry:
        return Entry(seq=seq, at=START, elapsed_seconds=0.0, pod_uid=uid, container="app", fact=fact)

    lines = [LogChunk(attempt=0, offset=0, lines=(("2026-01-01T00:00:00Z", "stdout", word),)) for word in ("first", "second")]
    first, second = replace(pod("create"), uid="u1"), replace(pod("create"), uid="u2")
    facts = [at(1, "u1", first), at(2, "u1", lines[0]), at(3, "u2", second), at(4, "u2", lines[1])]
    assert [line["line"] for line in trace_of(facts, namespace="n")["logs"]["p/app"]["0"]] == ["second"]


def test_an_exit_after_the_object_is_gone_still_belongs_to_its_pod() -> None:
    ended = ContainerExited(
        container_id="abcdef0123456789",
        attempt=0,
        exit_code=137,
        signal=9,
        oom_killed=False,
        started_at="2026-01-01T00:00:00Z",
        finished_at="2026-01-01T00:00:03.25Z",
    )
    (exit_,) = trace_of(entries((0, pod("create")), (1, pod("remove")), (3.3, ended)), namespace="n")["containerExit"]
    assert exit_ == {"t": 3.3, "pod": "p", "container": "app", "id": "abcdef012345", "exitStatus": 137, "exitedAt": 3.25}


def test_a_timeline_without_anything_gives_an_empty_trace() -> None:
    trace = trace_of([], namespace="n", gathered=Gathered(notes=["nothing happened"]))
    assert (trace["events"], trace["cli"], trace["notes"]) == ([], [], ["nothing happened"])
