"""The stand-in for a shell, held to the real one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from lab.clock import VirtualClock
from lab.runtime.runtime import ContainerConfig, ExecResult, Exit, LogLine, ObservedSignal, SandboxConfig
from tests.kubelet.shell_runtime import ShellRuntime
from tests.kubelet.shell_syntax import parse

ALONE = SandboxConfig(cluster="c", namespace="n", pod_name="p", pod_uid="u", hostname="p")

SCRIPTS = (
    "echo a; echo b >&2; exit 3",
    "echo 'a  b' \"c  d\" e   f; true",
    'for s in a b "c d"; do echo "<$s>"; done; false',
    'i=0; while [ $i -lt 3 ]; do printf "%02d " $i; i=$((i+1)); done',
    "true && echo yes || echo no; false && echo yes || echo no",
    "(x=1; echo $x; exit 4); echo $? $x",
    'x=$(echo hi; exit 5); echo "$x there $?"',
    "until false; do exit 6; done",
    "nosuchcmd; echo $?",
    "exit",
    "(echo out; echo err >&2) 2>&1",
    "true &\nwait $!; echo done $?",
)


class Listener:
    """Keeps what a container does by itself."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.exits: list[int] = []

    def exited(self, exit: Exit) -> None:
        self.exits.append(exit.exit_code)

    def logged(self, lines: tuple[LogLine, ...], *, unfinished: bool = False) -> None:
        self.lines += [text for _, _, text in lines]

    def signalled(self, signal: ObservedSignal) -> None:
        raise AssertionError("nobody witnesses signals here")

    def engine_lost(self, message: str) -> None:
        raise AssertionError(message)


class Container:
    """One container of a runtime in virtual time."""

    def __init__(self, clock: VirtualClock, script: str) -> None:
        self.runtime = ShellRuntime(clock)
        self.listener = Listener()
        config = ContainerConfig(
            cluster="c",
            namespace="n",
            pod_name="p",
            pod_uid="u",
            name="app",
            attempt=0,
            image="busybox",
            entrypoint=("/bin/sh", "-c", script),
            command=None,
            env=(),
            working_dir="",
            mounts=(),
        )
        self.id = self.runtime.create_container(self.runtime.run_pod_sandbox(ALONE), config, self.listener)
        self.runtime.start_container(self.id)

    def exec(self, script: str) -> ExecResult:
        """Run a script beside PID 1."""
        return self.runtime.exec(self.id, ("/bin/sh", "-c", script))


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with VirtualClock() as clock:
        yield clock


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_and_exits_as_in_a_real_shell(clock: VirtualClock, script: str) -> None:
    real = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False)
    result = Container(clock, "sleep 3600").exec(script)
    assert (result.exit_code, result.stdout) == (real.returncode, real.stdout)


@pytest.mark.parametrize("script", ["echo a | cat", "case x in x) ;; esac", "echo `date`", "if true; then :; fi"])
def test_what_it_does_not_know_is_refused_and_not_played_otherwise(script: str) -> None:
    with pytest.raises(ValueError, match="cannot parse"):
        parse(script)


def test_a_trap_waits_for_the_foreground_and_ends_a_wait_at_once(clock: VirtualClock) -> None:
    for script, ends_after in (("trap 'exit 3' TERM; sleep 5", 5.0), ("trap 'exit 3' TERM; sleep 5 & wait $!", 0.0)):
        container = Container(clock, script)
        clock.sleep(0.1)
        sent = clock.monotonic()
        container.runtime.signal_container(container.id, "SIGTERM")
        while not container.listener.exits:
            clock.sleep(0.1)
        assert container.listener.exits == [3]
        assert ends_after - 0.2 <= clock.monotonic() - sent <= ends_after + 0.3


def test_pid_1_without_a_trap_ignores_all_but_sigkill(clock: VirtualClock) -> None:
    container = Container(clock, "sleep 3600")
    for signal in ("SIGTERM", "SIGINT", "SIGKILL"):
        assert container.listener.exits == []
        container.runtime.signal_container(container.id, signal)
        clock.sleep(1)
    assert container.listener.exits == [137]
