"""The contents of a run's tabs, read off its `Story`: plain values in the order in which they are shown.

Times are seconds since Run. Nothing is worded here and nothing is escaped; that is the templates' part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lab.timeline.describe import describe_pod, event_message, event_source
from lab.timeline.facts import (
    CommandAnswered,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    LogChunk,
    ObjectWritten,
    RunAborted,
    RunClosed,
    RunOpened,
)
from lab.web.story import HookStory, PodStory, Story

SHOWN_LOG_LINES = 2_000  # per instance of a container: what a browser still shows without effort


@dataclass(frozen=True, slots=True, kw_only=True)
class PodChip:
    """A pod in kubectl's words; ``grace_ends_at`` is set while its grace period runs."""

    name: str
    status: str
    ready: str
    restarts: str
    removed: bool
    grace_ends_at: datetime | None

    @property
    def tone(self) -> Literal["live", "wait", "bad", "end"]:
        """The colour role: running, on its way, in trouble, over."""
        if self.removed:
            return "end"
        if self.status == "Running":
            return "live"
        return "wait" if self.status in _CALM else "bad"


_CALM = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Terminating", "Completed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the chip says: the run ("" before the first), its pods, whether it is live, and how it ended."""

    run_id: str
    live: bool
    pods: tuple[PodChip, ...]
    closed: RunClosed | None
    aborted: RunAborted | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A kubectl command and its answer."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The last known state of a file."""

    seq: int
    since_run_seconds: float
    container: str
    fact: FileChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of ``kubectl get events``."""

    uid: str
    type: str
    reason: str
    source: str
    message: str
    count: int
    since_run_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """``kubectl describe pod`` as of a moment."""

    uid: str
    name: str
    text: str
    since_run_seconds: float
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One run of a hook. ``skipped`` holds why it was never started."""

    key: str
    hook: str
    handler: str
    action: tuple[str, ...]
    container: str
    attempt: int
    since_run_seconds: float
    state: Literal["running", "finished", "failed", "timed-out", "skipped"]
    finished: HookFinished | None
    failed: HookFailed | None
    skipped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Consecutive lines of a log, as one entry brought them."""

    seq: int
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of one instance of a container."""

    key: str
    container: str
    attempt: int
    chunks: tuple[LogLines, ...]
    truncated: bool


def status_of(story: Story) -> Status:
    """Return what the status chip shows."""
    opened = story.opened.fact if story.opened else None
    ended = story.ended.fact if story.ended else None
    return Status(
        run_id=opened.run_id if isinstance(opened, RunOpened) else "",
        live=story.opened is not None and ended is None,
        pods=tuple(
            PodChip(
                name=pod.name,
                status=pod.row.status,
                ready=pod.row.ready,
                restarts=pod.row.restarts,
                removed=pod.removed is not None,
                grace_ends_at=pod.grace_ends_at if ended is None else None,
            )
            for pod in story.pods.values()
        ),
        closed=ended if isinstance(ended, RunClosed) else None,
        aborted=ended if isinstance(ended, RunAborted) else None,
    )


def commands_of(story: Story) -> tuple[Command, ...]:
    """Return the kubectl commands of the run, in order."""
    facts = [entry.fact for entry in story.commands]
    return tuple(Command(argv=f.argv, rc=f.rc, stdout=f.stdout, stderr=f.stderr) for f in facts if isinstance(f, CommandAnswered))


def files_of(story: Story) -> tuple[File, ...]:
    """Return the files that appeared or changed, the latest first."""
    found = [
        File(seq=e.seq, since_run_seconds=since_run_seconds(story, e), container=e.container or "", fact=e.fact)
        for e in story.files.values()
        if isinstance(e.fact, FileChanged)
    ]
    return tuple(sorted(found, key=lambda file: -file.seq))


def events_of(story: Story) -> tuple[EventRow, ...]:
    """Return the events in the order in which they were first recorded."""
    rows = []
    for uid, entry in story.events.items():
        if isinstance(entry.fact, ObjectWritten):
            event = entry.fact.object
            rows.append(
                EventRow(
                    uid=uid,
                    type=event["type"],
                    reason=event["reason"],
                    source=event_source(event),
                    message=event_message(event),
                    count=int(event["count"]),
                    since_run_seconds=since_run_seconds(story, entry),
                )
            )
    return tuple(rows)


def descriptions_of(story: Story) -> tuple[Description, ...]:
    """Return ``kubectl describe`` of every pod as of the last write that changed it; for a removed pod, its last answer."""
    return tuple(_description(story, pod) for pod in story.pods.values())


def _description(story: Story, pod: PodStory) -> Description:
    events = [e for e in story.events.values() if e.pod_uid == pod.uid]
    last = max((e for e in (*events, pod.created, pod.deleted, pod.removed) if e is not None), key=lambda e: e.seq)
    shown = pod.removed or last
    objects = [e.fact.object for e in events if isinstance(e.fact, ObjectWritten)]
    text = describe_pod(pod.object, objects, now=shown.at)
    return Description(
        uid=pod.uid, name=pod.name, text=text, since_run_seconds=since_run_seconds(story, shown), removed=pod.removed is not None
    )


def hooks_of(story: Story) -> tuple[HookRun, ...]:
    """Return every run of a hook, in the order in which they began."""
    return tuple(run for hook in story.hooks if (run := _hook_run(story, hook)) is not None)


def _hook_run(story: Story, hook: HookStory) -> HookRun | None:
    first = hook.started or hook.ended
    if first is None:
        return None
    begun = hook.started.fact if hook.started else None
    ended = hook.ended.fact if hook.ended else None
    known = begun or ended
    if not isinstance(known, HookStarted | HookFinished | HookFailed | HookSkipped | HookTimedOut):
        return None
    return HookRun(
        key=f"hook-{first.seq}",
        hook=known.hook,
        handler=begun.handler if isinstance(begun, HookStarted) else "",
        action=begun.action if isinstance(begun, HookStarted) else (),
        container=first.container or "",
        attempt=known.attempt,
        since_run_seconds=since_run_seconds(story, first),
        state=_hook_state(hook),
        finished=ended if isinstance(ended, HookFinished) else None,
        failed=ended if isinstance(ended, HookFailed) else None,
        skipped=ended.why if isinstance(ended, HookSkipped) else "",
    )


def _hook_state(hook: HookStory) -> Literal["running", "finished", "failed", "timed-out", "skipped"]:
    ended = hook.ended.fact if hook.ended else None
    if isinstance(ended, HookFinished):
        return "finished"
    if isinstance(ended, HookFailed):
        return "failed"
    if isinstance(ended, HookSkipped):
        return "skipped"
    return "timed-out" if hook.timed_out or isinstance(ended, HookTimedOut) else "running"


def logs_of(story: Story) -> tuple[Log, ...]:
    """Return the logs, instance by instance, each with its last lines."""
    return tuple(
        Log(
            key=log_key(entry_pod, log.container, log.attempt),
            container=log.container,
            attempt=log.attempt,
            chunks=_last_lines(tuple(c for e in log.chunks if (c := log_lines(e)) is not None)),
            truncated=log.truncated is not None,
        )
        for (entry_pod, _, _), log in story.logs.items()
    )


def log_key(pod_uid: str | None, container: str | None, attempt: int) -> str:
    """Return the element id under which an instance's log is shown."""
    return f"log-{(pod_uid or '')[:8]}-{container}-{attempt}"


def log_lines(entry: Entry) -> LogLines | None:
    """Return the lines that an entry brought, if it is a log's."""
    return LogLines(seq=entry.seq, lines=entry.fact.lines) if isinstance(entry.fact, LogChunk) else None


def _last_lines(chunks: tuple[LogLines, ...]) -> tuple[LogLines, ...]:
    kept: list[LogLines] = []
    left = SHOWN_LOG_LINES
    for chunk in reversed(chunks):
        if left <= 0:
            break
        kept.append(LogLines(seq=chunk.seq, lines=chunk.lines[-left:]))
        left -= len(chunk.lines)
    return tuple(reversed(kept))


def since_run_seconds(story: Story, entry: Entry) -> float:
    """Return how long after Run an entry was appended."""
    return entry.elapsed_seconds - (story.opened.elapsed_seconds if story.opened else entry.elapsed_seconds)
