from __future__ import annotations

import typing
from dataclasses import fields
from datetime import UTC, datetime
from types import UnionType
from typing import Any

import pytest

from lab.timeline.facts import (
    FACT_TYPES,
    CommandAnswered,
    ContainerExited,
    Entry,
    Fact,
    FileChanged,
    HookFinished,
    HookTimedOut,
    KillStarted,
    LogChunk,
    ObjectWritten,
    SignalReceived,
    SignalSent,
)
from lab.timeline.sentences import MAXIMUM_EXCERPT_CHARACTERS, sentence

EVENT = {"type": "Warning", "reason": "BackOff", "message": "m", "count": 3, "involvedObject": {"name": "p"}}


def told(fact: Fact, container: str | None = "app") -> tuple[str, str]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    entry = Entry(seq=1, at=moment, elapsed_seconds=0.0, pod_uid="u", container=container, fact=fact)
    spoken = sentence(entry)
    return spoken.actor, spoken.text


def example(fact_type: type) -> Fact:
    """Return a fact of the type with some value in every field."""
    hints = typing.get_type_hints(fact_type)
    values = {f.name: some(hints[f.name]) for f in fields(fact_type)}
    if fact_type is ObjectWritten:
        values |= {
            "kind": "Pod",
            "object": {"metadata": {"name": "p"}, "spec": {"containers": []}, "status": {"phase": "Running"}},
        }
    fact: Fact = fact_type(**values)
    return fact


def some(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, UnionType):
        return None
    if origin is tuple:
        return (some(arguments[0]),) if arguments[-1] is Ellipsis else tuple(some(argument) for argument in arguments)
    return {str: "word", int: 1, float: 1.0, bool: False}.get(hint, {})


@pytest.mark.parametrize("fact_type", FACT_TYPES, ids=lambda fact_type: fact_type.__name__)
def test_every_fact_has_a_sentence_of_one_line(fact_type: type) -> None:
    actor, text = told(example(fact_type))
    assert actor
    assert text == text.strip()
    assert "\n" not in text


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("create", "pod p is stored."),
        ("update", "pod p is changed."),
        ("status", "pod p: kubelet published phase Running, STATUS Terminating."),
        ("delete", "pod p is marked for deletion. It has 6 s."),
        ("remove", "pod p is removed."),
    ],
)
def test_a_write_is_told_by_its_verb(verb: Any, text: str) -> None:
    metadata = {"name": "p", "deletionTimestamp": "2026-01-01T00:00:06Z", "deletionGracePeriodSeconds": 6}
    value = {"metadata": metadata, "spec": {"containers": []}, "status": {"phase": "Running"}}
    fact = ObjectWritten(verb=verb, kind="Pod", namespace="n", name="p", uid="u", object=value, writer="kubelet")
    assert told(fact) == ("API server", text)


def test_a_repeated_event_tells_how_often() -> None:
    fact = ObjectWritten(verb="update", kind="Event", namespace="n", name="e", uid="e", object=EVENT, writer="kubelet")
    assert told(fact) == ("kubelet", "event Warning BackOff for p: m (×3)")


def test_a_refused_command_tells_its_exit_status() -> None:
    fact = CommandAnswered(argv=("kubectl", "apply"), rc=1, stdout="", stderr="error: no\nreally\n", took_seconds=0.1)
    assert told(fact) == ("you", "kubectl apply (exit 1): error: no ⏎ really")


def test_the_stop_of_a_container_reads_in_order() -> None:
    hook = HookFinished(
        hook="preStop",
        handler="exec",
        attempt=0,
        exit_code=0,
        http_status=None,
        stdout="draining\n",
        stderr="",
        took_seconds=3.04,
    )
    stop = SignalSent(signal="SIGTERM", number=15, why="stop-signal", source="default", timeout_seconds=3, attempt=0)
    dropped = SignalReceived(
        signal="SIGTERM",
        number=15,
        sender="runc",
        sender_pid=9,
        target="sh",
        target_pid=1,
        result="ignored",
        witness="tracepoint",
        attempt=0,
    )
    kill = SignalSent(signal="SIGKILL", number=9, why="grace-period-over", source="kill", timeout_seconds=0, attempt=0)
    ended = ContainerExited(
        container_id="c", attempt=0, exit_code=137, signal=9, oom_killed=False, started_at="", finished_at="2026-01-01T00:00:00Z"
    )
    killing = KillStarted(attempt=0, reason="Stopping container app", grace_period_seconds=6, has_pre_stop=True)
    assert [told(fact) for fact in (killing, hook, stop, dropped, kill, ended)] == [
        ("kubelet", "begins to stop app: 6 s of grace, preStop first."),
        ("hook", "preStop of app ended: exit 0 after 3.0 s, printed draining"),
        ("signal", "SIGTERM (15) sent to PID 1 of app: the default stop signal."),
        ("signal", "SIGTERM (15) from runc to PID 1 sh: dropped by the kernel."),
        ("signal", "SIGKILL (9) sent to PID 1 of app: the grace period is over."),
        ("process", "app exited with 137, killed by signal 9."),
    ]


def test_an_abandoned_hook_is_not_said_to_have_been_killed() -> None:
    assert told(HookTimedOut(hook="preStop", attempt=0, grace_period_seconds=5)) == (
        "hook",
        "preStop of app used up the 5 s of grace; the kubelet waits no longer.",
    )


def test_a_file_of_the_node_is_told_by_both_its_paths() -> None:
    fact = FileChanged(
        path="/tmp/message", change="added", text="Hello\n", size_bytes=6, volume="v", node_path="/tmp/hook/message", attempt=0
    )
    assert told(fact) == ("file", "/tmp/message (on the node: /tmp/hook/message) appeared: Hello")


def test_long_output_is_cut_to_a_line() -> None:
    chunk = LogChunk(attempt=0, offset=0, lines=tuple(("2026-01-01T00:00:00Z", "stdout", "x" * 50) for _ in range(50)))
    _, text = told(chunk)
    assert text.removeprefix("app wrote: ").endswith("…")
    assert len(text.removeprefix("app wrote: ")) == MAXIMUM_EXCERPT_CHARACTERS
