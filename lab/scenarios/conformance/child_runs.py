"""Scenarios played by child processes, several at a time, the longest first.

A process each, since most of playing is waiting, a child that hangs can be ended, and a child is what users run: `lab run`. A
child clears away what it made; ended by SIGTERM it does that too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.clock import Clock
from lab.errors import EngineUnavailable, LabError
from lab.scenarios.conformance.recordings import RecordedScenario
from lab.timeline.facts import JSON

POLL_SECONDS = 0.05
CLEAR_SECONDS = 60.0  # so long an ended child may take to clear away
NO_ENGINE = 3  # exit status of `lab run`
ERRORS_FILE = "stderr.txt"

# A scenario, the file for its trace, and the seconds after which to give up → a command line.
CommandLine = Callable[[RecordedScenario, Path, float], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One playing. ``failure`` says why it did not come to its end, "" when it did; ``trace`` is what there is of it."""

    scenario: RecordedScenario
    trace: JSON | None
    failure: str
    seconds: float


class ChildRuns:
    """Plays scenarios into a directory: ``ID/trace.json``, in a second turn ``ID/trace.2.json``, and ``ID/stderr.txt`` where a
    child had something to say."""

    def __init__(self, command_line: CommandLine, directory: Path, clock: Clock) -> None:
        """Play by ``command_line``; the directory is made."""
        self._command_line = command_line
        self._directory = directory
        self._clock = clock

    def play(self, scenarios: Sequence[RecordedScenario], *, jobs: int, turn: int = 1) -> Iterator[Played]:
        """Yield each scenario as it ends. Blocks. Raises EngineUnavailable when no engine answers; whatever ends the iteration,
        no child lives on."""
        waiting = sorted(scenarios, key=lambda scenario: scenario.seconds)
        running: list[_Child] = []
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(self._start(waiting.pop(), turn))
                ended = [child for child in running if child.has_ended()]
                for child in ended:
                    running.remove(child)
                    yield child.played()
                if not ended:
                    self._clock.sleep(POLL_SECONDS)
        finally:
            for child in running:
                child.terminate()
            for child in running:
                child.wait(CLEAR_SECONDS)

    def _start(self, scenario: RecordedScenario, turn: int) -> _Child:
        directory = self._directory / scenario.id
        trace = directory / ("trace.json" if turn == 1 else f"trace.{turn}.json")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for earlier in directory.glob("trace*.json") if turn == 1 else (trace,):
                earlier.unlink(missing_ok=True)
            return _Child(scenario, trace, self._command_line, self._clock)
        except OSError as error:
            raise LabError(f"cannot play {scenario.id} into {directory}: {error.strerror}; choose another --output") from error


class _Child:
    """One child process."""

    def __init__(self, scenario: RecordedScenario, trace: Path, command_line: CommandLine, clock: Clock) -> None:
        limit_seconds = time_limit_seconds(scenario)
        self._scenario = scenario
        self._trace = trace
        self._errors = trace.with_name(ERRORS_FILE)
        self._clock = clock
        self._began = clock.monotonic()
        self._overdue_at = self._began + limit_seconds + CLEAR_SECONDS
        self._was_overdue = False
        with self._errors.open("wb") as errors:
            self._process = _spawn(command_line(scenario, self._trace, limit_seconds), errors)

    def has_ended(self) -> bool:
        """Look, and end a child that does not give up by itself."""
        if self._process.poll() is None and self._clock.monotonic() > self._overdue_at:
            self._was_overdue = True
            self.terminate()
            self.wait(CLEAR_SECONDS)
        return self._process.poll() is not None

    def played(self) -> Played:
        """Return what became of it."""
        said = self._errors.read_text(encoding="utf-8", errors="replace").strip()
        if not said:
            self._errors.unlink()
        if self._process.returncode == NO_ENGINE:
            raise EngineUnavailable(said.removeprefix("lab: "))
        trace = self._read_trace()
        failure = "" if self._process.returncode == 0 else self._why(said)
        if not failure and trace is None:
            failure = "it ended well and left no trace"
        seconds = self._clock.monotonic() - self._began
        return Played(scenario=self._scenario, trace=trace, failure=failure, seconds=seconds)

    def terminate(self) -> None:
        """Ask it to clear away and end."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for it; kill it when that takes longer."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _why(self, said: str) -> str:
        if self._was_overdue:
            return "it did not end in time; `lab sweep` removes what is left of it"
        return said.splitlines()[-1].removeprefix("lab: ") if said else f"it ended with status {self._process.returncode}"

    def _read_trace(self) -> JSON | None:
        try:
            trace = json.loads(self._trace.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return trace if isinstance(trace, dict) else None


def time_limit_seconds(scenario: RecordedScenario) -> float:
    """Return after how long to give up: a recording's waits may each last until their timeouts, so much longer than it."""
    return 2 * scenario.seconds + 300.0


def _spawn(argv: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: Ctrl-C reaches only us, and we end it in order."""
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=os.environ.copy(), start_new_session=True
    )
