"""What happened to one pod on its node: the fold of its node facts.

The kubelet decides by it, the status functions read it, and the truth view shows it. It knows more than the API does;
nothing here does I/O. Source of the reason cache's rules: pkg/kubelet/reason_cache.go, kubelet.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from lab.timeline.facts import (
    BackingOff,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerRemoved,
    ContainerStarted,
    Entry,
    HookFailed,
    HookFinished,
    HookStarted,
    ImageLookedUp,
    NodeFact,
    ProbeChanged,
    SandboxStarted,
    SandboxStopped,
)

START_ERROR_EXIT_CODE = 128  # containerd: exit code of a container whose process could not be started


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One instance of a container; ``number`` counts from 0. ``image_id`` is the store's. An instance that could not be started
    has ``start_error`` and counts as ended, as the runtime reports it, without ever having run."""

    number: int
    container_id: str
    image: str
    image_id: str
    stop_signal: str
    started: ContainerStarted | None = None
    exited: ContainerExited | None = None
    start_error: str = ""
    removed: bool = False

    @property
    def running(self) -> bool:
        """Whether PID 1 was started and has not ended."""
        return self.started is not None and self.exited is None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartError:
    """Why the last attempt to start failed: the waiting ``reason`` and ``message`` of the kubelet's reason cache."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """One container of the pod. The probe verdicts are None until a probe has answered for the current attempt."""

    name: str
    attempts: tuple[Attempt, ...] = ()
    image_id: str = ""
    start_error: StartError | None = None
    backing_off: BackingOff | None = None
    post_start_running: bool = False
    live: bool | None = None
    ready: bool | None = None
    startup: bool | None = None

    @property
    def latest(self) -> Attempt | None:
        """The newest instance, or None before the first."""
        return self.attempts[-1] if self.attempts else None

    @property
    def running(self) -> bool:
        """Whether the newest instance runs."""
        return self.latest is not None and self.latest.running

    @property
    def exited(self) -> ContainerExited | None:
        """How the newest instance ended, or None."""
        return self.latest.exited if self.latest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRecord:
    """A pod on its node after entry ``seq``. ``sandbox_ip`` is the pod IP while a sandbox exists."""

    seq: int = 0
    sandbox_id: str | None = None
    sandbox_ip: str = ""
    containers: dict[str, ContainerRecord] = field(default_factory=dict)

    def of(self, name: str) -> ContainerRecord:
        """Return a container's record; an empty one before its first fact."""
        return self.containers.get(name) or ContainerRecord(name=name)

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the containers whose newest instance runs."""
        return tuple(name for name, record in self.containers.items() if record.running)


def apply(record: PodRecord, entry: Entry) -> PodRecord:
    """Return the record after ``entry``, which must concern this pod."""
    fact = entry.fact
    match fact:
        case SandboxStarted():
            return replace(record, seq=entry.seq, sandbox_id=fact.sandbox_id, sandbox_ip=fact.ip)
        case SandboxStopped():
            return replace(record, seq=entry.seq, sandbox_id=None, sandbox_ip="")
        case _ if entry.container is None:
            return replace(record, seq=entry.seq)
        case ContainerFailed(stage="start"):
            failed = _start_failed(record.of(entry.container), fact, entry.at)
            return replace(record, seq=entry.seq, containers={**record.containers, entry.container: failed})
    container = _container_after(record.of(entry.container), fact)  # type: ignore[arg-type]  # API writes carry no container
    return replace(record, seq=entry.seq, containers={**record.containers, entry.container: container})


def fold(entries: Iterable[Entry]) -> PodRecord:
    """Apply a pod's entries in order, from nothing."""
    record = PodRecord()
    for entry in entries:
        record = apply(record, entry)
    return record


def _container_after(c: ContainerRecord, fact: NodeFact) -> ContainerRecord:
    match fact:
        case ImageLookedUp(image_id=image_id):
            return replace(c, image_id=image_id)
        case ContainerCreated():
            attempt = Attempt(
                number=fact.attempt,
                container_id=fact.container_id,
                image=fact.image,
                image_id=c.image_id,
                stop_signal=fact.stop_signal,
            )
            return replace(c, attempts=(*c.attempts, attempt), live=None, ready=None, startup=None, backing_off=None)
        case ContainerStarted():
            # A start counts as a success until its postStart hook says otherwise, hence the cleared error.
            return replace(_with_attempt(c, fact.attempt, started=fact), start_error=None)
        case ContainerExited():
            return _with_attempt(c, fact.attempt, exited=fact)
        case ContainerRemoved():
            return _with_attempt(c, fact.attempt, removed=True)
        case ContainerFailed():
            return replace(c, start_error=StartError(reason=fact.reason, message=fact.message))
        case BackingOff():
            return replace(c, backing_off=fact, start_error=StartError(reason=fact.reason, message=fact.message))
        case HookStarted(hook="postStart"):
            return replace(c, post_start_running=True)
        case HookFinished(hook="postStart"):
            return replace(c, post_start_running=False)
        case HookFailed(hook="postStart"):
            error = StartError(reason="PostStartHookError", message=fact.message)
            return replace(c, post_start_running=False, start_error=error)
        case ProbeChanged():
            return _with_probe(c, fact)
        case _:
            return c


def _start_failed(c: ContainerRecord, fact: ContainerFailed, at: datetime) -> ContainerRecord:
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    ended = ContainerExited(
        container_id=c.attempts[-1].container_id,
        attempt=fact.attempt,
        exit_code=START_ERROR_EXIT_CODE,
        signal=None,
        oom_killed=False,
        started_at=moment,
        finished_at=moment,
    )
    c = _with_attempt(c, fact.attempt, exited=ended, start_error=fact.message)
    return replace(c, start_error=StartError(reason=fact.reason, message=fact.message))


def _with_attempt(c: ContainerRecord, number: int, **change: object) -> ContainerRecord:
    attempts = tuple(replace(a, **change) if a.number == number else a for a in c.attempts)  # type: ignore[arg-type]
    return replace(c, attempts=attempts)


def _with_probe(c: ContainerRecord, fact: ProbeChanged) -> ContainerRecord:
    if c.latest is None or fact.attempt != c.latest.number:
        return c
    verdict = True if fact.result == "success" else False if fact.failures >= fact.failure_threshold else None
    if verdict is None:
        return c
    match fact.probe:
        case "liveness":
            return replace(c, live=verdict)
        case "readiness":
            return replace(c, ready=verdict)
        case "startup":
            return replace(c, startup=verdict)
