"""Everything that can happen to a pod in the lab, as a closed union of frozen facts.

A fact is past tense, self-contained and JSON in and out; it holds no live object. There are two families:
*API writes* (`ObjectWritten`, `CommandAnswered`), whose fold is the cluster view, and *node facts*, which only the
truth view shows. Adding a fact means adding its template partial, its place in the folds and its explanation in both
languages; a test walks `FACT_TYPES` and fails otherwise.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from lab.timeline.facts.containers import (
    BackingOff,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerRemoved,
    ContainerStarted,
    ImageLookedUp,
    SandboxStarted,
    SandboxStopped,
    VolumeFailed,
)
from lab.timeline.facts.lifecycle import (
    HandlerKind,
    Hook,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    KillStarted,
    ObserverUnavailable,
    ProbeChanged,
    ProcessesSeen,
    ProcessObserved,
    SignalReceived,
    SignalSent,
)
from lab.timeline.facts.observed import (
    CommandExecuted,
    FileChanged,
    KubeletContinued,
    KubeletHeld,
    LogChunk,
    LogTruncated,
    SignalsTruncated,
    WorkerFailed,
)
from lab.timeline.facts.runs import HoldPoint, HoldPointsChosen, RunAborted, RunAdmitted, RunClosed, RunOpened, RunQueued
from lab.timeline.facts.writes import JSON, CommandAnswered, ObjectWritten, Verb, Writer

__all__ = [
    "FACT_TYPES",
    "JSON",
    "ApiFact",
    "BackingOff",
    "CommandAnswered",
    "CommandExecuted",
    "ContainerCreated",
    "ContainerExited",
    "ContainerFailed",
    "ContainerRemoved",
    "ContainerStarted",
    "Entry",
    "Fact",
    "FileChanged",
    "HandlerKind",
    "HoldPoint",
    "HoldPointsChosen",
    "Hook",
    "HookFailed",
    "HookFinished",
    "HookSkipped",
    "HookStarted",
    "HookTimedOut",
    "ImageLookedUp",
    "KillStarted",
    "KubeletContinued",
    "KubeletHeld",
    "LogChunk",
    "LogTruncated",
    "NodeFact",
    "ObjectWritten",
    "ObserverUnavailable",
    "ProbeChanged",
    "ProcessObserved",
    "ProcessesSeen",
    "RunAborted",
    "RunAdmitted",
    "RunClosed",
    "RunFact",
    "RunOpened",
    "RunQueued",
    "SandboxStarted",
    "SandboxStopped",
    "SignalReceived",
    "SignalSent",
    "SignalsTruncated",
    "Verb",
    "VolumeFailed",
    "WorkerFailed",
    "Writer",
    "entry_from_json",
    "entry_to_json",
    "fact_from_json",
    "fact_to_json",
]

ApiFact = ObjectWritten | CommandAnswered
RunFact = RunOpened | RunQueued | RunAdmitted | RunClosed | RunAborted | HoldPointsChosen
NodeFact = (
    SandboxStarted
    | SandboxStopped
    | VolumeFailed
    | ImageLookedUp
    | ContainerCreated
    | ContainerStarted
    | ContainerFailed
    | BackingOff
    | ContainerExited
    | ContainerRemoved
    | HookStarted
    | HookFinished
    | HookFailed
    | HookTimedOut
    | HookSkipped
    | ProbeChanged
    | KillStarted
    | ProcessObserved
    | ProcessesSeen
    | SignalSent
    | SignalReceived
    | ObserverUnavailable
    | KubeletHeld
    | KubeletContinued
    | CommandExecuted
    | FileChanged
    | LogChunk
    | LogTruncated
    | SignalsTruncated
    | WorkerFailed
)
Fact = ApiFact | RunFact | NodeFact

FACT_TYPES: tuple[type, ...] = tuple(typing.get_args(Fact))
_BY_NAME: dict[str, type] = {t.__name__: t for t in FACT_TYPES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact with its place. ``seq`` counts from 1 without gaps per cluster; ``at`` is UTC wall time; ``elapsed_seconds`` is
    monotonic since the timeline began, and the only basis of offsets. ``pod_uid`` and ``container`` say whom it concerns."""

    seq: int
    at: datetime
    elapsed_seconds: float
    pod_uid: str | None
    container: str | None
    fact: Fact


def fact_to_json(fact: Fact) -> JSON:
    """Return ``{"fact": TYPE, …fields}``; tuples become lists."""
    return {"fact": type(fact).__name__, **{f.name: _plain(getattr(fact, f.name)) for f in fields(fact)}}


def fact_from_json(value: Mapping[str, Any]) -> Fact:
    """Rebuild a fact from `fact_to_json`. Unknown keys are ignored. Raises KeyError for an unknown type or a missing field."""
    cls = _BY_NAME[value["fact"]]
    hints = _hints(cls)
    built = {f.name: _typed(value[f.name], hints[f.name]) for f in fields(cls)}
    return typing.cast(Fact, cls(**built))


def entry_to_json(entry: Entry) -> JSON:
    """Return the entry as plain JSON; ``at`` as RFC 3339 with microseconds."""
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "elapsed": round(entry.elapsed_seconds, 6),
        "pod": entry.pod_uid,
        "container": entry.container,
        **fact_to_json(entry.fact),
    }


def entry_from_json(value: Mapping[str, Any]) -> Entry:
    """Rebuild an entry from `entry_to_json`. Raises KeyError or ValueError when it is not of that form."""
    return Entry(
        seq=int(value["seq"]),
        at=datetime.fromisoformat(str(value["at"]).replace("Z", "+00:00")).astimezone(UTC),
        elapsed_seconds=float(value["elapsed"]),
        pod_uid=value["pod"],
        container=value["container"],
        fact=fact_from_json(value),
    )


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def _typed(value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple and isinstance(value, list):
        args = typing.get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_typed(item, args[0]) for item in value)
        return tuple(_typed(item, arg) for item, arg in zip(value, args, strict=True))
    if origin in (typing.Union, types.UnionType) and value is not None:
        return _typed(value, next(arg for arg in typing.get_args(hint) if arg is not type(None)))
    return value
