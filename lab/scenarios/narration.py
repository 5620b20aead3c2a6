"""A scenario told on a terminal while it runs: a line per step, and a line of progress while nothing happens.

What containers print is shown without its control characters. Colours only where they are wanted; the progress line is for
terminals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO, assert_never

from lab.clock import Clock, Thread
from lab.scenarios.steps import (
    Action,
    ApiCall,
    Delete,
    Describe,
    Exec,
    HostDirectory,
    HostFile,
    KubectlCall,
    Logs,
    ReadFile,
    Submit,
    Unsupported,
    Wait,
)
from lab.timeline.facts import Entry
from lab.timeline.sentences import Actor, sentence
from lab.timeline.timeline import Timeline

PROGRESS_SECONDS = 1.0  # between two looks at the clock while nothing happens
ACTOR_WIDTH = 10

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_COLOURS: Mapping[Actor, str] = {
    "you": "\x1b[1m",
    "API server": "\x1b[37m",
    "kubelet": "\x1b[34m",
    "hook": "\x1b[33m",
    "signal": "\x1b[31m",
    "process": "\x1b[32m",
    "file": "\x1b[36m",
    "lab": "\x1b[2m",
}


class Narrator:
    """Follows a timeline from a thread of its own and writes what happens."""

    def __init__(self, timeline: Timeline, clock: Clock, out: TextIO, *, colour: bool, progress: TextIO | None = None) -> None:
        """Write steps to ``out``; ``progress`` is the terminal for the progress line, None for none."""
        self._timeline = timeline
        self._clock = clock
        self._out = out
        self._colour = colour
        self._cursor = timeline.horizon
        self._progress = progress
        self._progress_shown = False
        self._heard = True
        self._doing = ""
        self._since = clock.monotonic()
        self._closing = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread = self._clock.spawn("narrator", self._follow)

    def begin(self, action: Action) -> None:
        """Say what the scenario does now."""
        with self._timeline.changed:
            self._doing = action_words(action)
            self._since = self._clock.monotonic()

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._timeline.changed:
            self._closing = True
            self._timeline.changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while True:
            with self._timeline.changed:
                self._timeline.changed.wait_for(lambda: self._closing or self._timeline.durable > self._cursor, PROGRESS_SECONDS)
                entries, closing = self._timeline.read(self._cursor), self._closing
            for entry in entries:
                self._write(line_of(entry, colour=self._colour))
                self._cursor = entry.seq
            if closing:
                self._clear_progress()
                return
            if not entries:
                self._show_progress()

    def _write(self, line: str) -> None:
        self._clear_progress()
        if self._heard:
            try:
                self._out.write(line + "\n")
                self._out.flush()
            except BrokenPipeError:  # the reader went away, as `lab run … | head` does; the scenario still ends in order
                self._heard = False

    def _show_progress(self) -> None:
        if self._progress is not None and self._doing:
            waited = self._clock.monotonic() - self._since
            words = f"  … {self._doing}, {waited:.0f} s"
            self._progress.write(f"{_CLEAR_LINE}{_DIM}{words}{_RESET}" if self._colour else f"{_CLEAR_LINE}{words}")
            self._progress.flush()
            self._progress_shown = True

    def _clear_progress(self) -> None:
        if self._progress is not None and self._progress_shown:
            self._progress.write(_CLEAR_LINE)
            self._progress.flush()
            self._progress_shown = False


def line_of(entry: Entry, *, colour: bool) -> str:
    """Return one step as a line: seconds since the timeline began, who, what."""
    told = sentence(entry)
    at, actor = f"{entry.elapsed_seconds:9.3f} s", f"{told.actor:<{ACTOR_WIDTH}}"
    text = printable(told.text)
    return f"{_DIM}{at}{_RESET}  {_COLOURS[told.actor]}{actor}{_RESET}  {text}" if colour else f"{at}  {actor}  {text}"


def printable(text: str) -> str:
    """Return the text with every control character made visible, so that no container can write to the terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def action_words(action: Action) -> str:
    """Return what an action does, as the progress line says it."""
    match action:
        case Submit():
            return f"kubectl {action.verb} -f {action.file}"
        case Wait():
            return f"waiting for {action.condition.text}"
        case Delete():
            return " ".join(("kubectl delete pod", action.pod or "", *action.args)).replace("  ", " ").rstrip()
        case Describe():
            return "kubectl describe pod"
        case Logs():
            return "kubectl logs"
        case Exec():
            return f"kubectl exec: {' '.join(action.argv)}"
        case ReadFile() | HostFile():
            return f"reading {action.path}"
        case HostDirectory():
            return f"making {action.path} on the node"
        case ApiCall():
            return f"{action.method} {action.path}"
        case KubectlCall():
            return f"kubectl {' '.join(action.argv)}"
        case Unsupported():
            return f"leaving out {action.what}"
        case _:
            assert_never(action)
