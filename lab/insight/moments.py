"""Moments: what happened in a run, each in a few words that people can write down, so that stories, checks, cards and intervals
all speak of the same things.

    app started · app exited 0 · app OOMKilled · app killing Stopping container app
    app postStart began | finished 0 | failed 1 | timed-out | skipped container-exited            (likewise preStop)
    app SIGTERM sent 5                                            by the kubelet; seconds until SIGKILL
    app SIGTERM received caught | default | dropped | pending     what the kernel saw arrive at PID 1
    app file /tmp/message · app log TEXT · app readiness success
    status Running · event Killing · deleted 30 · removed         what the API and kubectl show

A wanted moment may leave out its last words ("app exited", "app SIGTERM") and the container ("exited 0"); TEXT may stand anywhere
in its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lab.timeline.facts import (
    CommandExecuted,
    ContainerExited,
    ContainerFailed,
    ContainerStarted,
    Entry,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    KillStarted,
    LogChunk,
    ObjectWritten,
    ProbeChanged,
    SignalReceived,
    SignalSent,
)
from lab.timeline.tables import pod_row

RECEIVED = {"delivered": "caught", "default": "default", "ignored": "dropped", "pending": "pending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """``what`` without the container, ``container`` "" for the whole pod; ``elapsed_seconds`` is the entry's."""

    what: str
    container: str
    pod_uid: str | None
    seq: int
    elapsed_seconds: float

    @property
    def text(self) -> str:
        """The moment in full."""
        return f"{self.container} {self.what}".strip()

    def is_a(self, wanted: str) -> bool:
        """Whether this is the wanted moment, which may leave out last words and the container; of a line of a log, any part."""
        whose, log, text = wanted.strip().partition("log ")
        if log and whose.strip() in ("", self.container):
            return self.what.startswith(log) and text in self.what.removeprefix(log)
        return any(f"{text} ".startswith(f"{wanted.strip()} ") for text in (self.text, self.what))


class Teller:
    """Tells the moments of a run, entry by entry in their order."""

    def __init__(self) -> None:
        self._statuses: dict[str, str] = {}

    def add(self, entry: Entry) -> Iterator[Moment]:
        """Yield the moments of the next entry: none, one, or several, as a batch of log lines holds. The time of a line is that
        at which it was written."""
        if isinstance(entry.fact, LogChunk):
            yield from (_moment(entry, f"log {text}", _age_seconds(entry, at)) for at, _, text in entry.fact.lines)
        else:
            yield from (_moment(entry, what) for what in _words(entry, self._statuses))


def moments(entries: Iterable[Entry]) -> Iterator[Moment]:
    """Yield the moments of a run's entries in order."""
    teller = Teller()
    for entry in entries:
        yield from teller.add(entry)


def first(found: Iterable[Moment], wanted: str) -> Moment | None:
    """Return the first of ``found`` that is the wanted moment."""
    return next((moment for moment in found if moment.is_a(wanted)), None)


def _moment(entry: Entry, what: str, age_seconds: float = 0.0) -> Moment:
    return Moment(
        what=what,
        container=entry.container or "",
        pod_uid=entry.pod_uid,
        seq=entry.seq,
        elapsed_seconds=entry.elapsed_seconds - age_seconds,
    )


def _age_seconds(entry: Entry, written_at: str) -> float:
    """Return how long before its entry a line was written; 0 for a time that cannot be read or lies after it."""
    try:
        return max(0.0, (entry.at - datetime.fromisoformat(written_at)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _words(entry: Entry, statuses: dict[str, str]) -> Iterator[str]:
    match entry.fact:
        case ObjectWritten() as written:
            yield from _written(entry, written, statuses)
        case FileChanged(path=path, change=change):
            yield f"file {path}" if change != "deleted" else f"file-deleted {path}"
        case ProbeChanged(probe=probe, result=result):
            yield f"{probe} {result}"
        case CommandExecuted(exit_code=code):
            yield f"command exited {code}"
        case SignalSent(signal=signal, timeout_seconds=seconds):
            yield f"{signal} sent {seconds:g}"
        case SignalReceived(signal=signal, target_pid=1, result=result):
            yield f"{signal} received {RECEIVED[result]}"
        case _:
            yield from _container_words(entry)


def _container_words(entry: Entry) -> Iterator[str]:
    match entry.fact:
        case ContainerStarted():
            yield "started"
        case ContainerFailed(reason=reason):
            yield f"not-started {reason}"
        case HookStarted(hook=hook):
            yield f"{hook} began"
        case HookFinished(hook=hook, exit_code=code, http_status=status):
            yield f"{hook} finished {_outcome(code, status)}".strip()
        case HookFailed(hook=hook, exit_code=code):
            yield f"{hook} failed {_outcome(code, None)}".strip()
        case HookTimedOut(hook=hook):
            yield f"{hook} timed-out"
        case HookSkipped(hook=hook, why=why):
            yield f"{hook} skipped {why}"
        case KillStarted(reason=reason):
            yield f"killing {reason}"
        case ContainerExited(exit_code=code, oom_killed=oom_killed):
            yield f"exited {code}"
            if oom_killed:
                yield "OOMKilled"


def _outcome(exit_code: int | None, http_status: int | None) -> str:
    return "" if exit_code is None and http_status is None else str(exit_code if exit_code is not None else http_status)


def _written(entry: Entry, written: ObjectWritten, statuses: dict[str, str]) -> Iterator[str]:
    if written.kind == "Event":
        if written.verb == "create":
            yield f"event {written.object['reason']}"
        return
    if written.kind != "Pod":
        return
    status = pod_row(written.object, now=entry.at).status
    if statuses.get(written.uid) != status:
        statuses[written.uid] = status
        yield f"status {status}"
    if written.verb == "delete" and written.writer != "kubelet":
        yield f"deleted {written.object['metadata'].get('deletionGracePeriodSeconds', 0)}"
    elif written.verb == "remove":
        yield "removed"
