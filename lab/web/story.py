"""What a run's page shows, folded from the entries that concern the run.

A `Story` takes the entries in order. It is the fold behind all panels: live and years later, with the pod there or gone, the
same entries give the same page. It changes in place, because every follower of a run shares it; `lab.web.feed` guards it.
No I/O, no clock.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from lab.insight.hands import Hands
from lab.insight.hint_rules import new_hints
from lab.insight.knowledge import Knowledge
from lab.insight.moments import Teller
from lab.lessons.check import Judge
from lab.timeline.facts import (
    JSON,
    CommandAnswered,
    ContainerCreated,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    LogChunk,
    ObjectWritten,
    ProcessObserved,
    RunAborted,
    RunClosed,
    RunOpened,
)
from lab.timeline.folds import stamped
from lab.timeline.tables import PodRow, pod_row

_LOGGER = logging.getLogger(__name__)


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


@dataclass(slots=True, kw_only=True)
class HookStory:
    """One run of a hook: how it began, and how it ended once it has."""

    started: Entry | None
    ended: Entry | None = None
    timed_out: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStory:
    """What is known of a file: its last change, and the one before it, if any."""

    last: Entry
    before: Entry | None = None


FileKey = tuple[str | None, str | None, str]
InstanceKey = tuple[str | None, str | None, int]


class Story:
    """The fold. Read its fields; change them only through `add`."""

    def __init__(self) -> None:
        self.seq = 0
        self.last: Entry | None = None
        self.known = Knowledge()
        self.opened: Entry | None = None
        self.ended: Entry | None = None
        self.pods: dict[str, PodStory] = {}
        self.events: dict[str, Entry] = {}
        self.commands: list[Entry] = []
        self.files: dict[FileKey, FileStory] = {}
        self.hooks: list[HookStory] = []
        self.log_lines: dict[InstanceKey, int] = {}
        self.created: dict[InstanceKey, Entry] = {}
        self.processes: dict[InstanceKey, Entry] = {}
        self.deleted: Entry | None = None
        self.previous_row: PodRow | None = None
        self.hints = new_hints()
        self.hands = Hands()
        self.judge: Judge | None = None
        self.told: tuple[str, ...] = ()
        self._teller = Teller()

    def add(self, entry: Entry) -> bool:
        """Take the next entry in. Entries already taken in change nothing, and the answer is False."""
        if entry.seq <= self.seq:
            return False
        self.seq, self.last = entry.seq, entry
        self.known.add(entry)
        self._hint(entry)
        self.hands.add(entry)
        self.told = tuple(moment.text for moment in self._teller.add(entry))
        if self.judge is not None:
            self.judge.add(entry)
        match entry.fact:
            case ObjectWritten():
                self._object(entry, entry.fact)
            case CommandAnswered():
                self.commands.append(entry)
            case RunOpened():
                self.opened = entry
            case RunClosed() | RunAborted():
                self.ended = entry
            case FileChanged(path=path):
                key = (entry.pod_uid, entry.container, path)
                known = self.files.get(key)
                self.files[key] = FileStory(last=entry, before=known.last if known else None)
            case HookStarted() | HookFinished() | HookFailed() | HookTimedOut() | HookSkipped():
                self._hook(entry)
            case ProcessObserved(attempt=attempt):
                self.processes[entry.pod_uid, entry.container, attempt] = entry
            case LogChunk(attempt=attempt, lines=lines):
                instance = (entry.pod_uid, entry.container, attempt)
                self.log_lines[instance] = self.log_lines.get(instance, 0) + len(lines)
            case ContainerCreated(attempt=attempt):
                self.created[entry.pod_uid, entry.container, attempt] = entry
        return True

    def _hint(self, entry: Entry) -> None:
        """Let the hints take an entry in. They are advice: a rule at fault must not keep anybody from the run."""
        try:
            self.hints.add(entry)
        except Exception:
            _LOGGER.exception("a hint has failed at entry %d; it is left out", entry.seq)

    def since_run_seconds(self, entry: Entry) -> float:
        """Return how long after Run an entry was appended."""
        return entry.elapsed_seconds - (self.opened.elapsed_seconds if self.opened else entry.elapsed_seconds)

    def since_delete_seconds(self, entry: Entry) -> float | None:
        """Return how long after the first deletion an entry was appended; None before there was one."""
        return entry.elapsed_seconds - self.deleted.elapsed_seconds if self.deleted else None

    def hook_of(self, entry: Entry) -> HookStory | None:
        """Return the run of a hook that an entry, already taken in, is about."""
        return next((run for run in reversed(self.hooks) if entry in (run.started, run.ended, run.timed_out)), None)

    def _object(self, entry: Entry, fact: ObjectWritten) -> None:
        if fact.kind == "Event":
            self.events[fact.uid] = entry
        if fact.kind != "Pod":
            return
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


def _same_hook(started: Entry, other: Entry) -> bool:
    a, b = started.fact, other.fact
    return (
        isinstance(a, HookStarted)
        and isinstance(b, HookFinished | HookFailed | HookTimedOut | HookSkipped)
        and (started.pod_uid, started.container, a.hook, a.attempt) == (other.pod_uid, other.container, b.hook, b.attempt)
    )
