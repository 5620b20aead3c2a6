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
from typing import Any, Literal

JSON = dict[str, Any]
Verb = Literal["create", "update", "status", "delete", "remove"]
Writer = Literal["user", "scheduler", "kubelet", "controller"]


# --- API writes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectWritten:
    """The API stored something. ``object`` is the whole object after the write (camelCase API form, without
    resourceVersion: that is the entry's seq). ``verb``: create · update (spec/metadata, or an Event's count) ·
    status (a published status) · delete (deletionTimestamp was set or moved) · remove (gone; ``object`` is its last state).
    ``run_id`` names the run whose user action made the write."""

    verb: Verb
    kind: str
    namespace: str
    name: str
    uid: str
    object: JSON
    writer: Writer
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered:
    """What kubectl would have printed for the learner's action, and its exit code ``rc``."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str
    took_seconds: float
    run_id: str | None = None


# --- runs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """A learner pressed Run (or ``lab run`` began): ``manifest`` is the editor's text, unchanged."""

    run_id: str
    example: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClosed:
    """The run's pods are gone and nothing of it runs any more."""

    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAborted:
    """The lab ended the run itself. ``why`` is a sentence; ``by`` is restart · stop · engine · limit (of the run's time) · idle
    (nobody acted on it or looked at it) · disk (its learner's files) · failure · learner."""

    run_id: str
    why: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQueued:
    """The run waits for its turn, because the machine is full: ``ahead`` others have theirs before it. Said again whenever that
    changes. Nothing of it has been submitted."""

    run_id: str
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdmitted:
    """A run that waited has its turn; what was to be submitted is submitted now."""

    run_id: str
    waited_seconds: float


HoldPoint = Literal[
    "before-start", "after-start", "before-post-start-result", "before-pre-stop", "before-stop-signal", "before-sigkill"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPointsChosen:
    """The learner wants the run step by step: the kubelet is to stop at these points until they press Continue. Said before
    the run's pods are created."""

    run_id: str
    points: tuple[HoldPoint, ...]


# --- node: sandbox, image, container ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStarted:
    """The pod's pause container holds its network namespace; ``ip`` is the pod IP."""

    sandbox_id: str
    ip: str
    took_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStopped:
    """The pod's network namespace is gone."""

    sandbox_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFailed:
    """A volume could not be prepared (FailedMount); the containers do not start."""

    volume: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLookedUp:
    """The node's store was asked for an image. ``image_id`` is empty when it is not there."""

    image: str
    image_id: str
    size_bytes: int
    took_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerCreated:
    """The runtime created the container; ``attempt`` counts from 0 and equals the restart count."""

    container_id: str
    attempt: int
    image: str
    argv: tuple[str, ...]
    stop_signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStarted:
    """The process runs. ``pid`` is PID 1 as the host numbers it, 0 if it had already ended."""

    container_id: str
    attempt: int
    pid: int
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFailed:
    """The container could not be brought up. ``reason`` is the waiting reason (ErrImagePull, CreateContainerError, …)."""

    attempt: int
    stage: Literal["image", "config", "create", "start"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingOff:
    """A restart (or pull) is held back. ``delay_seconds`` is the nominal delay, ``remaining_seconds`` what is left of it,
    ``message`` what the container's waiting state will say."""

    attempt: int
    reason: Literal["CrashLoopBackOff", "ImagePullBackOff"]
    message: str
    delay_seconds: float
    remaining_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExited:
    """PID 1 ended. ``signal`` is the number of the signal that killed it, else None; times are the runtime's own, RFC 3339
    with fraction."""

    container_id: str
    attempt: int
    exit_code: int
    signal: int | None
    oom_killed: bool
    started_at: str
    finished_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRemoved:
    """The dead container was removed from the engine."""

    container_id: str
    attempt: int


# --- node: hooks, probes ------------------------------------------------------------------------------------------

Hook = Literal["postStart", "preStop"]
HandlerKind = Literal["exec", "httpGet", "tcpSocket", "sleep", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStarted:
    """A hook began. ``action`` is the argument vector, the URL as one item, or the seconds as one item."""

    hook: Hook
    handler: HandlerKind
    action: tuple[str, ...]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFinished:
    """A hook succeeded. ``exit_code`` is set for exec, ``http_status`` for httpGet."""

    hook: Hook
    handler: HandlerKind
    attempt: int
    exit_code: int | None
    http_status: int | None
    stdout: str
    stderr: str
    took_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed:
    """A hook failed. ``message`` is the handler's full message, which Kubernetes keeps out of the event."""

    hook: Hook
    handler: HandlerKind
    attempt: int
    exit_code: int | None
    stdout: str
    stderr: str
    message: str
    took_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTimedOut:
    """A preStop hook used up the grace period: the kubelet stops waiting for it and does not kill it. Kubernetes records no
    event."""

    hook: Hook
    attempt: int
    grace_period_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSkipped:
    """A defined hook was not run; ``why`` is one of the codes container-exited · grace-period-zero · never-started."""

    hook: Hook
    attempt: int
    why: Literal["container-exited", "grace-period-zero", "never-started"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeChanged:
    """A probe's result changed, or failed once more. ``failures`` of ``failure_threshold`` in a row."""

    probe: Literal["liveness", "readiness", "startup"]
    result: Literal["success", "failure"]
    output: str
    failures: int
    failure_threshold: int
    attempt: int


# --- node: stopping, signals --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KillStarted:
    """The kubelet began to stop a container with this grace period. ``reason`` is the Killing event's message."""

    attempt: int
    reason: str
    grace_period_seconds: float
    has_pre_stop: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessObserved:
    """PID 1 just before a stop signal: its command and the signal sets of /proc/1/status as 16-digit hexadecimal masks,
    and the other processes of the container as (pid in the container, command line)."""

    attempt: int
    command: str
    sig_blocked: str
    sig_ignored: str
    sig_caught: str
    others: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessesSeen:
    """The processes of a container at one instant, as (pid, parent's pid, command line), both numbered as the container counts;
    parent 0 is outside: what the runtime started. ``moment``: hook-running (an exec hook has run for a moment) ·
    before-stop-signal."""

    attempt: int
    moment: Literal["hook-running", "before-stop-signal"]
    processes: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSent:
    """The kubelet had the runtime send a signal to PID 1. ``why`` is stop-signal or grace-period-over;
    ``source`` of the stop signal: lifecycle · image · default · kill. ``timeout_seconds`` until SIGKILL (0 for SIGKILL)."""

    signal: str
    number: int
    why: Literal["stop-signal", "grace-period-over"]
    source: Literal["lifecycle", "image", "default", "kill"]
    timeout_seconds: float
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """The kernel's word on a signal to a process of the container. ``result``: delivered (a handler took it) · default (the
    default action was taken) · ignored (dropped on arrival) · pending (queued, not yet taken). ``sender`` is the sender's
    command name, ``sender_pid`` its host PID; ``target_pid`` is the PID inside the container (1 is PID 1), ``witness`` names
    the source of this fact."""

    signal: str
    number: int
    sender: str
    sender_pid: int
    target: str
    target_pid: int
    result: Literal["delivered", "default", "ignored", "pending"]
    witness: Literal["tracepoint", "ptrace"]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverUnavailable:
    """Received signals cannot be witnessed on this host; ``why`` is a sentence with the remedy."""

    why: str


# --- node: holds, commands ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletHeld:
    """The lab stopped the kubelet's work on this container at a point of its own; process and hook go on."""

    point: HoldPoint
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeletContinued:
    """The hold of entry ``held_seq`` ended after ``held_seconds``, which no grace period counts. ``why``: learner (Continue) ·
    deletion (the pod was deleted, or its deletion shortened) · exit (the container ended, so that nothing is left to send)."""

    point: HoldPoint
    attempt: int
    held_seq: int
    held_seconds: float
    why: Literal["learner", "deletion", "exit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandExecuted:
    """The learner ran a command in the container. ``result``: exited (``exit_code`` is set) · timed-out (it goes on, unwatched) ·
    failed (``message`` has the engine's words). ``stdout`` and ``stderr`` are kept to the lab's limit."""

    command: tuple[str, ...]
    attempt: int
    result: Literal["exited", "timed-out", "failed"]
    exit_code: int | None
    stdout: str
    stderr: str
    message: str
    took_seconds: float


# --- node: files, logs --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanged:
    """A file appeared, changed or vanished since the container started. ``path`` is the path in the container; for a volume
    ``volume`` names it and, for hostPath, ``node_path`` is the path on the virtual node. ``text`` holds at most 4 KiB, None
    when the file is binary or gone; ``size_bytes`` is the whole size."""

    path: str
    change: Literal["added", "modified", "deleted"]
    text: str | None
    size_bytes: int
    volume: str | None
    node_path: str | None
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Lines the container wrote, in order, as (time RFC 3339 with fraction, stream, text). ``offset`` counts lines of this
    attempt from 0."""

    attempt: int
    offset: int
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTruncated:
    """The log limit was reached; later lines of this attempt are not kept."""

    attempt: int
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsTruncated:
    """So many signals reached the processes of this attempt that later ones are not kept, but for the engine's own."""

    attempt: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed:
    """The lab itself failed while it looked after this pod. ``message`` is for the person who runs the lab."""

    message: str


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
