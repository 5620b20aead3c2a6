"""Facts of the API: what it stored and what it answered. Their fold is the cluster view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

JSON = dict[str, Any]
Verb = Literal["create", "update", "status", "delete", "remove"]
Writer = Literal["user", "scheduler", "kubelet", "controller"]


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
