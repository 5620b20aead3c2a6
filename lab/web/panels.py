"""What stands in a run's panels, read off its `Story`: plain values, one for each part and each row.

Times are seconds since Run. Nothing is worded here and nothing is escaped; that is the templates' part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.insight import headline
from lab.insight.headline import Headline
from lab.insight.writers import Writer, writer_of
from lab.timeline.describe import event_message, event_source
from lab.timeline.facts import (
    CommandAnswered,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ObjectWritten,
    RunAborted,
    RunClosed,
    RunOpened,
    RunQueued,
)
from lab.web.story import FileStory, HookStory, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class PodChip:
    """A pod in kubectl's words; ``stopping`` while its grace period runs."""

    name: str
    status: str
    ready: str
    restarts: str
    removed: bool
    stopping: bool

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
    """What the chip says: the run ("" before the first), its pods, whether it is live, and how it ended; while it waits for its
    turn, how many are before it."""

    run_id: str
    live: bool
    pods: tuple[PodChip, ...]
    closed: RunClosed | None
    aborted: RunAborted | None
    ahead: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A kubectl command and its answer."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The last known state of a file, and the change before it."""

    since_run_seconds: float
    container: str
    fact: FileChanged
    before: FileChanged | None
    writer: Writer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of ``kubectl get events``."""

    type: str
    reason: str
    source: str
    message: str
    count: int
    since_run_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One run of a hook. ``skipped`` holds why it was never started."""

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


def status_of(story: Story) -> Status:
    """Return what the status chip shows."""
    opened = story.opened.fact if story.opened else None
    ended = story.ended.fact if story.ended else None
    queued = story.known.queued.fact if story.known.queued else None
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
                stopping=pod.deleted is not None and pod.removed is None and ended is None,
            )
            for pod in story.pods.values()
        ),
        closed=ended if isinstance(ended, RunClosed) else None,
        aborted=ended if isinstance(ended, RunAborted) else None,
        ahead=queued.ahead if isinstance(queued, RunQueued) else None,
    )


def headline_of(story: Story) -> Headline:
    """Return what is going on, what is left and what comes next."""
    return headline.headline_of(story.known, story.last) if story.last else Headline(lines=())


def commands_of(story: Story) -> tuple[Command, ...]:
    """Return the kubectl commands of the run, in order."""
    facts = [entry.fact for entry in story.commands]
    return tuple(Command(argv=f.argv, rc=f.rc, stdout=f.stdout, stderr=f.stderr) for f in facts if isinstance(f, CommandAnswered))


def file_of(story: Story, file: FileStory) -> File | None:
    """Return what is known of a file."""
    last, before = file.last.fact, file.before.fact if file.before else None
    if not isinstance(last, FileChanged):
        return None
    return File(
        since_run_seconds=story.since_run_seconds(file.last),
        container=file.last.container or "",
        fact=last,
        before=before if isinstance(before, FileChanged) else None,
        writer=writer_of(file.last, story.known),
    )


def event_of(story: Story, entry: Entry) -> EventRow | None:
    """Return the row of an event as a write left it."""
    if not isinstance(entry.fact, ObjectWritten):
        return None
    event = entry.fact.object
    return EventRow(
        type=event["type"],
        reason=event["reason"],
        source=event_source(event),
        message=event_message(event),
        count=int(event["count"]),
        since_run_seconds=story.since_run_seconds(entry),
    )


def hook_run_of(story: Story, hook: HookStory) -> HookRun | None:
    """Return a run of a hook as far as it has got."""
    first = hook.started or hook.ended
    if first is None:
        return None
    begun = hook.started.fact if hook.started else None
    ended = hook.ended.fact if hook.ended else None
    known = begun or ended
    if not isinstance(known, HookStarted | HookFinished | HookFailed | HookSkipped | HookTimedOut):
        return None
    return HookRun(
        hook=known.hook,
        handler=begun.handler if isinstance(begun, HookStarted) else "",
        action=begun.action if isinstance(begun, HookStarted) else (),
        container=first.container or "",
        attempt=known.attempt,
        since_run_seconds=story.since_run_seconds(first),
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
