"""Processes of a scenario's containers in virtual time: scripts as the manifests write them, interpreted, and a few programs.

A process is a thread of the clock. PID 1 takes a signal only by a trap, as in the kernel; a trap runs when the command in the
foreground has ended, and at once while the shell waits. A killed process ends where it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.timeline.signal_names import signal_number
from tests.kubelet import shell_programs
from tests.kubelet.shell_syntax import (
    AndOr,
    Background,
    Command,
    For,
    Loop,
    Redirect,
    Sequence,
    Simple,
    Subshell,
    Word,
    parse,
)

if TYPE_CHECKING:
    from tests.kubelet.shell_runtime import Instance

FOREVER_SECONDS = 80_000.0

Sink = Callable[[str], None]


class Killed(BaseException):
    """The process was killed: unwind it."""


class Exited(Exception):
    """The process calls exit."""

    def __init__(self, code: int) -> None:
        self.code = code


class CannotWrite(Exception):
    """A file cannot be written; the message says why."""


@dataclass
class Process:
    """One process of a container. ``code`` is set when it has ended."""

    instance: Instance
    pid: int
    out: Sink
    err: Sink
    parent: Process | None = None
    children: list[Process] = field(default_factory=list)
    traps: dict[str, str] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    killed_by: int | None = None
    code: int | None = None

    def __post_init__(self) -> None:
        if self.parent is not None:
            self.parent.children.append(self)

    def pause(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Block for ``seconds``, at most until ``until()`` holds; raises Killed when the process is killed meanwhile."""
        changed = self.instance.changed
        with changed:
            changed.wait_for(lambda: self.killed_by is not None or until(), seconds)
            if self.killed_by is not None:
                raise Killed

    def signal(self, name: str) -> None:
        """Take a signal, as the kernel gives it. The container's condition must be held."""
        if name in self.traps:
            self.pending.append(name)
        elif name == "KILL" or self.pid != 1:
            self.killed_by = signal_number(f"SIG{name}")
        self.instance.changed.notify_all()

    def run(self, argv: tuple[str, ...]) -> None:
        """Run a program to its end and set ``code``."""
        self.run_with(lambda: self._execute(argv))

    def run_with(self, act: Callable[[], int]) -> None:
        """Run what the process does to its end and set ``code``."""
        try:
            code = act()
        except Exited as exited:
            code = exited.code
        except Killed:
            assert self.killed_by is not None
            code = 128 + self.killed_by
        with self.instance.changed:
            self.code = code
            self.instance.changed.notify_all()

    @property
    def holds_its_output(self) -> bool:
        """Whether it, or one that has its output from it, still runs."""
        return self.code is None or any(child.holds_its_output for child in self.children)

    def _execute(self, argv: tuple[str, ...]) -> int:
        if argv[:2] in (("/bin/sh", "-c"), ("sh", "-c")):
            return Shell(self).run(parse(argv[2]))
        return shell_programs.run(self, argv)


class Shell:
    """A shell in a process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._status = 0
        self._last_job: Process | None = None
        self._substitutions = 0

    def run(self, command: Command) -> int:
        """Run a command; return its status."""
        match command:
            case Sequence(commands=commands):
                for one in commands:
                    self._status = self.run(one)
                return self._status if commands else 0
            case AndOr(left=left, operator=operator, right=right):
                status = self.run(left)
                return self.run(right) if (status == 0) == (operator == "&&") else status
            case For(variable=variable, words=words, body=body):
                for word in words:
                    self._process.variables[variable] = self._expand(word)
                    self.run(body)
                return 0
            case Loop(condition=condition, body=body, runs_while=runs_while):
                while (self.run(condition) == 0) == runs_while:
                    self.run(body)
                return 0
            case Background(command=inner):
                self._start(inner)
                return 0
            case Subshell(body=body, redirects=redirects):
                return self._redirected(redirects, lambda: self._apart(body))
            case Simple():
                status = self._redirected(command.redirects, lambda: self._simple(command))
                self._run_traps()
                return status

    def _apart(self, body: Sequence) -> int:
        """Run commands whose variables and exit are their own."""
        process, variables = self._process, dict(self._process.variables)
        try:
            return self.run(body)
        except Exited as exited:
            return exited.code
        finally:
            process.variables = variables

    def _simple(self, command: Simple) -> int:
        substituted = self._substitutions
        argv = self._arguments(command.words)
        if not argv:
            return 0
        name, equals, value = argv[0].partition("=")
        if equals and len(argv) == 1 and name.isidentifier():
            self._process.variables[name] = value
            return self._status if self._substitutions > substituted else 0
        match argv[0]:
            case "exit":
                raise Exited(int(argv[1]) if argv[1:] else self._status)
            case "trap":
                self._process.traps |= dict.fromkeys(argv[2:], argv[1])
                return 0
            case "wait":
                return self._wait()
        try:
            return shell_programs.run(self._process, argv)
        except CannotWrite as error:
            self._process.err(f"/bin/sh: {error}\n")
            return 1

    def _redirected(self, redirects: tuple[Redirect, ...], act: Callable[[], int]) -> int:
        process = self._process
        out, err = process.out, process.err
        try:
            for redirect in redirects:
                if redirect.operator == "2>&1":
                    process.err = process.out
                elif redirect.operator == ">&":
                    process.out = process.err
                else:
                    assert redirect.target is not None
                    process.out = process.instance.sink(self._expand(redirect.target), append=redirect.operator == ">>")
            return act()
        except CannotWrite as error:
            err(f"/bin/sh: {error}\n")
            return 1
        finally:
            process.out, process.err = out, err

    def _start(self, command: Command) -> None:
        parent = self._process
        child = parent.instance.process(parent.out, parent.err, parent)
        child.variables = dict(parent.variables)
        self._last_job = child
        if isinstance(command, Simple) and not command.redirects:
            argv = self._arguments(command.words)
            parent.instance.spawn(child, lambda: child.run(argv))
        else:
            parent.instance.spawn(child, lambda: child.run_with(lambda: Shell(child).run(command)))

    def _wait(self) -> int:
        job = self._last_job
        if job is None:
            return 0
        self._process.pause(FOREVER_SECONDS, lambda: job.code is not None or bool(self._process.pending))
        return job.code if job.code is not None else 128

    def _run_traps(self) -> None:
        while self._process.pending:
            name = self._process.pending.pop(0)
            self.run(parse(self._process.traps[name]))

    def _arguments(self, words: tuple[Word, ...]) -> tuple[str, ...]:
        """Expand words; one that was not quoted and comes to nothing is none."""
        return tuple(text for word in words if (text := self._expand(word)) or word.quoted)

    def _expand(self, word: Word) -> str:
        return "".join(self._value(part.kind, part.value) for part in word.parts)

    def _value(self, kind: str, value: str) -> str:
        match kind:
            case "variable" if value == "?":
                return str(self._status)
            case "variable" if value == "$":
                return str(self._process.pid)
            case "variable" if value == "!":
                return str(self._last_job.pid) if self._last_job else ""
            case "variable":
                return self._process.variables.get(value) or self._process.instance.environment.get(value, "")
            case "arithmetic":
                left, _, right = value.partition("+")
                return str(int(self._process.variables[left]) + int(right))
            case "command":
                return self._output_of(value)
            case _:
                return value

    def _output_of(self, source: str) -> str:
        process, out = self._process, self._process.out
        pieces: list[str] = []
        process.out = pieces.append
        self._substitutions += 1
        try:
            self._status = self._apart(parse(source))
        finally:
            process.out = out
        return "".join(pieces).rstrip("\n")
