"""Recorded traces turned back into timeline entries, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.timeline.facts import CommandAnswered, ContainerExited, Entry, Fact, LogChunk, ObjectWritten
from tests.conformance.recordings import recorded_spec, recorded_trace
from tests.scenarios.stage import Stage

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN_ELAPSED_SECONDS = 7.0  # the timeline is older than the scenario

Timed = tuple[float, str | None, str | None, Fact]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def golden_trace() -> Callable[[str], dict[str, Any]]:
    return recorded_trace


@pytest.fixture
def entries_of() -> Callable[[dict[str, Any]], tuple[Entry, ...]]:
    return _entries_of


def _entries_of(trace: dict[str, Any]) -> tuple[Entry, ...]:
    """Return entries that a cluster in which the recording happened would have on its timeline."""
    timed = sorted(_facts(trace), key=lambda item: item[0])
    return tuple(
        Entry(
            seq=seq,
            at=ORIGIN + timedelta(seconds=t),
            elapsed_seconds=ORIGIN_ELAPSED_SECONDS + t,
            pod_uid=uid,
            container=container,
            fact=fact,
        )
        for seq, (t, uid, container, fact) in enumerate(timed, start=1)
    )


def _facts(trace: dict[str, Any]) -> Iterator[Timed]:
    namespace = trace["namespace"]
    yield from ((e["t"], "uid", None, _event(e, namespace)) for e in trace["events"] if e["object"].startswith("Pod/"))
    seen: set[str] = set()
    for snapshot in trace["podStates"]:
        name = snapshot["pod"]
        verb = "remove" if snapshot.get("deleted") else "status" if name in seen else "create"
        seen.add(name)
        pod = _pod(snapshot, namespace, recorded_spec(trace["id"], name))
        yield (snapshot["t"], f"uid-{name}", None, _write(verb, "Pod", name, pod))
    for e in trace["containerExit"]:
        fact = ContainerExited(
            container_id="0" * 64,
            attempt=0,
            exit_code=e["exitStatus"],
            signal=None,
            oom_killed=False,
            started_at=_timestamp(0),
            finished_at=_timestamp(e["exitedAt"]),
        )
        yield (e["t"], f"uid-{e['pod']}", e["container"], fact)
    for key, attempts in trace["logs"].items():
        pod, _, container = key.partition("/")
        for attempt, lines in attempts.items():
            for offset, line in enumerate(lines):
                stamped = (_timestamp(line["t"]), line["stream"], line["line"])
                yield (line["t"], f"uid-{pod}", container, LogChunk(attempt=int(attempt), offset=offset, lines=(stamped,)))
    for c in trace["cli"]:
        if "argv" not in c:
            continue  # a raw API call, which is no kubectl command
        answer = CommandAnswered(
            argv=tuple(c["argv"]), rc=c["rc"], stdout=c["stdout"], stderr=c["stderr"], took_seconds=c["t_end"] - c["t"]
        )
        yield (c["t_end"], None, None, answer)


def _event(event: dict[str, Any], namespace: str) -> ObjectWritten:
    kind, _, name = event["object"].partition("/")
    about = {"kind": kind, "name": name, "fieldPath": event["fieldPath"] or ""}
    value = {
        "type": event["type"],
        "reason": event["reason"],
        "message": event["message"],
        "count": event["count"],
        "involvedObject": about,
        "source": {"component": event["source"]},
        "lastTimestamp": _timestamp(event["t"]),
        "metadata": {"name": f"{name}.event", "namespace": namespace},
    }
    return _write("create" if event["watch"] == "ADDED" else "update", "Event", f"{name}.event", value)


def _pod(snapshot: dict[str, Any], namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": snapshot["pod"], "namespace": namespace}
    if "deletionTimestamp_rel" in snapshot:
        metadata["deletionTimestamp"] = _timestamp(snapshot["deletionTimestamp_rel"])
        metadata["deletionGracePeriodSeconds"] = snapshot["deletionGracePeriodSeconds"]
    conditions = []
    for kind, text in snapshot["conditions"].items():
        status, _, reason = text.partition(":")
        conditions.append({"type": kind, "status": status} | ({"reason": reason} if reason else {}))
    status = {key: snapshot[key] for key in ("phase", "reason", "message") if key in snapshot} | {"conditions": conditions}
    for statuses, kind in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        status[statuses] = snapshot.get(kind, [])
    return {"metadata": metadata, "spec": spec, "status": status}


def _write(verb: Any, kind: str, name: str, value: dict[str, Any]) -> ObjectWritten:
    namespace = value["metadata"]["namespace"]
    uid = f"uid-{name}"
    return ObjectWritten(verb=verb, kind=kind, namespace=namespace, name=name, uid=uid, object=value, writer="kubelet")


def _timestamp(seconds: float) -> str:
    return (ORIGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
