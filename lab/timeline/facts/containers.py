"""Facts of the node: sandboxes, volumes, images and containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
