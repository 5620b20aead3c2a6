"""What a run's page shows, folded from the entries that concern the run.

A `Story` takes the entries in order and answers with the parts of the page that each of them changed. It is the fold
behind all panels: live and years later, with the pod there or gone, the same entries give the same page. It is the one
mutable fold of the lab, because every follower of a run shares it; `lab.web.feed` guards it. No I/O, no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from lab.timeline.facts import (
    JSON,
    CommandAnswered,
    ContainerStarted,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    LogChunk,
    LogTruncated,
    ObjectWritten,
    ObserverUnavailable,
    ProcessObserved,
    RunAborted,
    RunClosed,
    RunOpened,
    SignalReceived,
    SignalSent,
)
from lab.timeline.folds import stamped
from lab.timeline.tables import PodRow, pod_row

Part = Literal["status", "answer", "files", "events", "describe", "hook-output", "signals", "logs"]
PARTS: tuple[Part, ...] = ("status", "answer", "files", "events", "describe", "hook-output", "signals", "logs")

KEPT_LOG_CHUNKS = 500  # per instance of a container; the lab's own bound on what a page carries


@dataclass(slots=True, kw_only=True)
class PodStory:
    """One pod of the run. ``object`` is its last stored state, ``removed_at`` when the API let go of it."""

    uid: str
    object: JSON
    row: PodRow
    created: Entry
    deleted: Entry | None = None
    removed: Entry | None = None

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.object["metadata"]["name"])

    @property
    def grace_ends_at(self) -> datetime | None:
        """When the grace period of its deletion is over, with the fraction that a deletionTimestamp lacks."""
        if self.deleted is None or self.removed is not None:
            return None
        grace = _grace_period_seconds(self.deleted)
        return self.deleted.at + timedelta(seconds=grace)


@dataclass(slots=True, kw_only=True)
class HookStory:
    """One run of a hook: how it began, and how it ended once it has."""

    started: Entry | None
    ended: Entry | None = None
    timed_out: Entry | None = None


@dataclass(slots=True, kw_only=True)
class LogStory:
    """What one instance of a container wrote: its last chunks."""

    container: str
    attempt: int
    chunks: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT_LOG_CHUNKS))
    truncated: Entry | None = None


FileKey = tuple[str | None, str | None, str]
InstanceKey = tuple[str | None, str | None, int]


class Story:
    """The fold. Read its fields; change them only through `add`."""

    def __init__(self) -> None:
        self.seq = 0
        self.opened: Entry | None = None
        self.ended: Entry | None = None
        self.pods: dict[str, PodStory] = {}
        self.events: dict[str, Entry] = {}
        self.commands: list[Entry] = []
        self.files: dict[FileKey, Entry] = {}
        self.hooks: list[HookStory] = []
        self.signals: list[Entry] = []
        self.logs: dict[InstanceKey, LogStory] = {}
        self.started: dict[InstanceKey, Entry] = {}
        self.deleted: Entry | None = None
        self.previous_row: PodRow | None = None

    def add(self, entry: Entry) -> frozenset[Part]:
        """Take the next entry in and return the parts of the page that it changed. Entries already taken in change nothing."""
        if entry.seq <= self.seq:
            return frozenset()
        self.seq = entry.seq
        match entry.fact:
            case ObjectWritten():
                return self._object(entry, entry.fact)
            case CommandAnswered():
                self.commands.append(entry)
                return frozenset({"answer"})
            case RunOpened():
                self.opened = entry
                return frozenset(PARTS)
            case RunClosed() | RunAborted():
                self.ended = entry
                return frozenset({"status"})
            case FileChanged(path=path):
                self.files[entry.pod_uid, entry.container, path] = entry
                return frozenset({"files"})
            case HookStarted() | HookFinished() | HookFailed() | HookTimedOut() | HookSkipped():
                self._hook(entry)
                return frozenset({"hook-output"})
            case SignalSent() | SignalReceived() | ProcessObserved() | ObserverUnavailable():
                self.signals.append(entry)
                return frozenset({"signals"})
            case LogChunk(attempt=attempt) | LogTruncated(attempt=attempt):
                self._log(entry, attempt)
                return frozenset({"logs"})
            case ContainerStarted(attempt=attempt):
                self.started[entry.pod_uid, entry.container, attempt] = entry
                return frozenset()
        return frozenset()

    def _object(self, entry: Entry, fact: ObjectWritten) -> frozenset[Part]:
        if fact.kind == "Event":
            self.events[fact.uid] = entry
            return frozenset({"events", "describe"})
        if fact.kind != "Pod":
            return frozenset()
        pod = self.pods.get(fact.uid)
        row = pod_row(fact.object, now=entry.at)
        self.previous_row = pod.row if pod else None
        if pod is None:
            pod = self.pods[fact.uid] = PodStory(uid=fact.uid, object=fact.object, row=row, created=entry)
        pod.object, pod.row = stamped(fact.object, entry.seq), row
        if fact.verb == "remove":
            pod.removed = entry
            if pod.deleted is None:
                self._deleted(pod, entry)
        elif fact.verb == "delete" and (pod.deleted is None or fact.writer == "user"):
            self._deleted(pod, entry)
        return frozenset({"status", "describe"})

    def _deleted(self, pod: PodStory, entry: Entry) -> None:
        pod.deleted = entry
        if self.deleted is None:
            self.deleted = entry

    def _hook(self, entry: Entry) -> None:
        fact = entry.fact
        if isinstance(fact, HookStarted):
            self.hooks.append(HookStory(started=entry))
            return
        for run in reversed(self.hooks):
            if run.started is not None and run.ended is None and _same_hook(run.started, entry):
                if isinstance(fact, HookTimedOut):
                    run.timed_out = entry
                else:
                    run.ended = entry
                return
        self.hooks.append(HookStory(started=None, ended=entry))

    def _log(self, entry: Entry, attempt: int) -> None:
        log = self.logs.setdefault(
            (entry.pod_uid, entry.container, attempt), LogStory(container=entry.container or "", attempt=attempt)
        )
        if isinstance(entry.fact, LogTruncated):
            log.truncated = entry
        else:
            log.chunks.append(entry)


def _same_hook(started: Entry, other: Entry) -> bool:
    a, b = started.fact, other.fact
    return (
        isinstance(a, HookStarted)
        and isinstance(b, HookFinished | HookFailed | HookTimedOut | HookSkipped)
        and (started.pod_uid, started.container, a.hook, a.attempt) == (other.pod_uid, other.container, b.hook, b.attempt)
    )


def _grace_period_seconds(deleted: Entry) -> float:
    fact = deleted.fact
    metadata = fact.object["metadata"] if isinstance(fact, ObjectWritten) else {}
    return float(metadata.get("deletionGracePeriodSeconds") or 0)
