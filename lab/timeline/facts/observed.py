"""Facts of the node: what the lab saw or did there itself: holds, commands, files and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.timeline.facts.runs import HoldPoint


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
