"""The rows that an entry puts into the lists of a run's page: events, files, hook output, signals, logs.

A row has a list and a key; what comes later with the same key is the newer state of the same row. Rows of a log are in a list
of their own, ``logs/CONTAINER/ATTEMPT``, which stands inside a row of the list ``logs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.timeline.facts import (
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
    SignalReceived,
    SignalSent,
)
from lab.web.panels import event_of, file_of, hook_run_of
from lab.web.signals import signal_row_of
from lab.web.story import HookStory, Story

SHOWN_LOG_LINES = 5_000  # per instance of a container: what a browser still shows without effort; the bundle has them all

LISTS = ("events", "files", "hook-output", "signals", "logs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row to be rendered with ``templates/rows/_<template>.html`` and its ``view``."""

    list: str
    key: str
    template: str
    view: object


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The log of one instance of a container, whose lines are rows of the list ``lines``."""

    container: str
    pod: str
    attempt: int
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Consecutive lines of a log, as one entry brought them. ``cut`` says that later ones are not shown: by the page's own
    bound, or the node's."""

    lines: tuple[tuple[str, str, str], ...]
    cut: bool = False


def rows_of(entry: Entry, story: Story) -> Iterator[Row]:
    """Yield the rows of an entry that ``story`` has just taken in."""
    match entry.fact:
        case ObjectWritten(kind="Event", uid=uid):
            yield Row(list="events", key=uid, template="event", view=event_of(story, entry))
        case FileChanged(path=path):
            file = story.files[entry.pod_uid, entry.container, path]
            key = f"{entry.pod_uid}/{entry.container}{path}"
            yield Row(list="files", key=key, template="file", view=file_of(story, file))
        case HookStarted() | HookFinished() | HookFailed() | HookTimedOut() | HookSkipped():
            hook = story.hook_of(entry)
            if hook is not None:
                yield Row(list="hook-output", key=_hook_key(hook), template="hook_output", view=hook_run_of(story, hook))
        case SignalSent() | SignalReceived() | ObserverUnavailable():
            yield Row(list="signals", key=str(entry.seq), template="signal", view=signal_row_of(story, entry))
        case LogChunk(attempt=attempt, lines=lines):
            yield from _log_rows(entry, story, attempt, lines)
        case LogTruncated(attempt=attempt):
            yield from _log_rows(entry, story, attempt, ())
        case _:
            return


def _log_rows(entry: Entry, story: Story, attempt: int, lines: tuple[tuple[str, str, str], ...]) -> Iterator[Row]:
    pod = story.pods.get(entry.pod_uid or "")
    container = entry.container or ""
    several = len(story.pods) > 1 and pod is not None
    name = "/".join(("logs", *((pod.name,) if pod and several else ()), container, str(attempt)))
    head = LogHead(container=container, pod=pod.name if pod and several else "", attempt=attempt, lines=name)
    before = story.log_lines.get((entry.pod_uid, entry.container, attempt), 0) - len(lines)
    if before == 0:
        yield Row(list="logs", key=name, template="log", view=head)
    room = SHOWN_LOG_LINES - before
    if lines and room <= 0:
        return
    cut = not lines or len(lines) >= room
    yield Row(list=name, key=str(entry.seq), template="log_lines", view=LogLines(lines=lines[: max(room, 0)], cut=cut))


def _hook_key(hook: HookStory) -> str:
    first = hook.started or hook.ended or hook.timed_out
    return f"hook-{first.seq if first else 0}"
