"""Facts of the node: hooks, probes, and how the kubelet stops a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
