"""The witnesses against real containers and real PID namespaces: every line here was said by the kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from lab.runtime.processes import process, process_state, processes_beside
from lab.runtime.ptrace_witness import PtraceWitness
from lab.runtime.runtime import ObservedSignal
from lab.runtime.signals import open_observer
from lab.runtime.tracefs import SignalTrace
from lab.runtime.tracepoint_witness import TracepointWitness

pytestmark = pytest.mark.engine

GUARD_SECONDS = 20.0  # only ends a test that has failed


class Notes:
    """What one follower was told."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.signals: list[ObservedSignal] = []

    def __call__(self, observed: ObservedSignal) -> None:
        with self._changed:
            self.signals.append(observed)
            self._changed.notify_all()

    def wait_for(self, signal: str, result: str | None = None) -> ObservedSignal:
        def matching() -> list[ObservedSignal]:
            return [seen for seen in self.signals if seen.signal == signal and result in (None, seen.result)]

        with self._changed:
            assert self._changed.wait_for(lambda: bool(matching()), GUARD_SECONDS), f"no {signal} {result} in {self.signals}"
            return matching()[0]

    def story(self) -> list[tuple[str, str, int, str]]:
        return [(seen.signal, seen.sender, seen.target_pid, seen.result) for seen in self.signals]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Container:
    """A container that prints ``ready`` on its first line, through Docker's own client."""

    def __init__(self, *command: str, image: str, ready: str) -> None:
        self.id = docker("run", "-d", "--network=none", "--label=pod-hook-lab.test=signals", image, *command)
        self.wait_for_output(ready)
        self.pid = int(docker("inspect", "--format={{.State.Pid}}", self.id))

    def wait_for_output(self, text: str) -> None:
        following = ["docker", "logs", "--follow", self.id]
        with subprocess.Popen(following, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as logs:
            assert logs.stdout is not None
            assert any(text in line for line in logs.stdout)
            logs.kill()

    def kill(self, signal: str) -> None:
        docker("kill", f"--signal={signal}", self.id)

    def stop(self, *, grace_seconds: int) -> None:
        docker("stop", f"--time={grace_seconds}", self.id)

    def exec(self, *command: str) -> str:
        return docker("exec", self.id, *command)

    def exit_code(self) -> int:
        return int(docker("wait", self.id))


@pytest.fixture
def start() -> Iterator[Callable[..., Container]]:
    started = []

    def start(*command: str, image: str = "busybox", ready: str = "ready") -> Container:
        started.append(Container(*command, image=image, ready=ready))
        return started[-1]

    yield start
    for container in started:
        docker("rm", "--force", container.id)


@pytest.fixture
def observer() -> Iterator[TracepointWitness]:
    witness = open_observer(SystemClock())
    assert isinstance(witness, TracepointWitness)
    yield witness
    witness.close()


@pytest.fixture
def python() -> Iterator[Callable[[str], tuple[subprocess.Popen[str], int]]]:
    """Run Python as PID 1 of a new PID namespace; returns it and PID 1's number on the host, once it has printed "ready"."""
    running: list[subprocess.Popen[str]] = []

    def run(code: str) -> tuple[subprocess.Popen[str], int]:
        command = [
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            sys.executable,
            "-c",
            "import signal, sys, os, threading\n" + code,
        ]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return child, int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text())

    yield run
    for child in running:
        child.kill()
        child.communicate()


def test_a_signal_without_handler_is_dropped_at_pid_1(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "echo ready; sleep 3600; true"), Notes()
    observer.follow(container.pid, notes)
    container.kill("SIGTERM")
    seen = notes.wait_for("SIGTERM")
    assert (seen.number, seen.sender, seen.target, seen.target_pid) == (15, "runc", "sh", 1)
    assert (seen.result, seen.witness) == ("ignored", "tracepoint")


def test_a_trap_takes_its_signal(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"), Notes()
    observer.follow(container.pid, notes)
    container.kill("SIGTERM")
    assert notes.wait_for("SIGTERM").result == "delivered"
    assert container.exit_code() == 3


def test_stopping_shows_the_stop_signal_then_the_kill_and_whom_the_kernel_took_along(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "echo ready; sleep 3600; true"), Notes()
    observer.follow(container.pid, notes)
    container.stop(grace_seconds=1)
    observer.forget(container.pid)
    story = notes.story()
    assert story[:2] == [("SIGTERM", "runc", 1, "ignored"), ("SIGKILL", "runc", 1, "default")]
    assert [(signal, sender) for signal, sender, _, _ in story[2:]] == [("SIGKILL", "kernel")]
    assert notes.signals[2].target == "sleep"
    assert notes.signals[2].target_pid > 1


def test_stopping_nginx_sends_its_images_stop_signal_which_it_takes(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "echo ready; exec nginx -g 'daemon off;'", image="nginx"), Notes()
    observer.follow(container.pid, notes)
    container.exec("sh", "-c", "until kill -0 $(cat /run/nginx.pid); do :; done 2>/dev/null")
    container.stop(grace_seconds=10)
    seen = notes.wait_for("SIGQUIT")
    assert (seen.sender, seen.target, seen.target_pid, seen.result) == ("runc", "nginx", 1, "delivered")
    assert container.exit_code() == 0


def test_a_hooks_shell_is_the_sender(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap : USR1; echo ready; while :; do sleep 0.05; done"), Notes()
    observer.follow(container.pid, notes)
    container.exec("sh", "-c", "kill -USR1 1; true")
    seen = notes.wait_for("SIGUSR1")
    assert (seen.sender, seen.target_pid, seen.result) == ("sh", 1, "delivered")
    assert seen.sender_pid > 0


def test_a_process_beside_pid_1_is_followed_with_its_number_in_the_container(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "sleep 3600 & echo ready; wait; sleep 3600"), Notes()
    observer.follow(container.pid, notes)
    inside = process_state(container.pid)
    assert inside is not None
    (number, command) = inside.others[0]
    assert command == "sleep 3600"
    container.exec("kill", "-TERM", str(number))
    seen = notes.wait_for("SIGTERM")
    assert (seen.sender, seen.target, seen.target_pid, seen.result) == ("kill", "sleep", number, "default")


def test_an_init_that_waits_for_its_signal_took_it_though_it_has_no_handler(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("init", ready="can't run"), Notes()
    observer.follow(container.pid, notes)
    state = process_state(container.pid)
    assert state is not None
    assert int(state.sig_blocked, 16) >> 14 & 1
    assert not int(state.sig_caught, 16) >> 14 & 1
    container.kill("SIGTERM")
    notes.wait_for("SIGTERM", "delivered")


def test_signals_of_the_first_moments_are_reported_when_the_container_is_followed(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "trap : USR1; kill -USR1 1; echo ready; while :; do sleep 0.05; done"), Notes()
    observer.follow(container.pid, notes)
    assert notes.wait_for("SIGUSR1").result == "delivered"


def test_two_containers_are_not_mixed_up(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    first, second = (start("sh", "-c", "trap : USR1 USR2; echo ready; while :; do sleep 0.05; done") for _ in range(2))
    of_first, of_second = Notes(), Notes()
    observer.follow(first.pid, of_first)
    observer.follow(second.pid, of_second)
    first.kill("SIGUSR1")
    second.kill("SIGUSR2")
    of_first.wait_for("SIGUSR1")
    of_second.wait_for("SIGUSR2")
    for container in (first, second):
        observer.forget(container.pid)
    assert {seen.signal for seen in of_first.signals} == {"SIGUSR1"}
    assert {seen.signal for seen in of_second.signals} == {"SIGUSR2"}


def test_forgetting_reports_what_came_before_and_nothing_after(
    observer: TracepointWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "trap : USR1; echo ready; while :; do sleep 0.05; done"), Notes()
    observer.follow(container.pid, notes)
    container.kill("SIGUSR1")
    observer.forget(container.pid)
    told = len(notes.signals)
    assert told == 1
    other, others = start("sh", "-c", "trap : USR1; kill -USR1 1; echo ready; while :; do sleep 0.05; done"), Notes()
    container.kill("SIGUSR1")
    observer.follow(other.pid, others)
    others.wait_for("SIGUSR1")
    assert len(notes.signals) == told


def test_a_blocked_signal_is_pending_until_it_is_taken(observer: TracepointWitness, python: Callable[..., Any]) -> None:
    child, pid = python(
        "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}); print('ready', flush=True)\n"
        "sys.stdin.readline(); signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1}); sys.stdin.readline()"
    )
    notes = Notes()
    observer.follow(pid, notes)
    os.kill(pid, 10)
    notes.wait_for("SIGUSR1", "pending")
    child.stdin.write("\n")
    child.stdin.flush()
    notes.wait_for("SIGUSR1", "delivered")


def test_sigwait_takes_a_signal_without_a_handler(observer: TracepointWitness, python: Callable[..., Any]) -> None:
    child, pid = python(
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); print('ready', flush=True)\n"
        "signal.sigwait({signal.SIGTERM}); print('taken', flush=True)"
    )
    notes = Notes()
    observer.follow(pid, notes)
    os.kill(pid, 15)
    assert child.stdout.readline() == "taken\n"
    assert notes.wait_for("SIGTERM").result == "delivered"


def test_a_handler_in_a_thread_counts_for_its_process(observer: TracepointWitness, python: Callable[..., Any]) -> None:
    _, pid = python(
        "signal.signal(signal.SIGUSR1, lambda *_: print('taken', flush=True))\n"
        "held = threading.Event()\n"
        "def hold():\n    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1}); held.set(); threading.Event().wait()\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
        "threading.Thread(target=hold, daemon=True).start(); held.wait(); print('ready', flush=True)\n"
        "while True: threading.Event().wait(0.05)"
    )
    notes = Notes()
    observer.follow(pid, notes)
    os.kill(pid, 10)
    seen = notes.wait_for("SIGUSR1")
    assert (seen.result, seen.target_pid) == ("delivered", 1)


def test_an_ignored_signal_is_ignored(observer: TracepointWitness, python: Callable[..., Any]) -> None:
    _, pid = python("signal.signal(signal.SIGHUP, signal.SIG_IGN); print('ready', flush=True); sys.stdin.readline()")
    notes = Notes()
    observer.follow(pid, notes)
    os.kill(pid, 1)
    seen = notes.wait_for("SIGHUP")
    assert (seen.result, seen.sender_pid) == ("ignored", os.getpid())


def test_a_process_name_that_looks_like_an_event_deceives_nobody(observer: TracepointWitness, python: Callable[..., Any]) -> None:
    _, pid = python(
        "import ctypes; ctypes.CDLL(None).prctl(15, b'a pid=1\\nres=0 b', 0, 0, 0)\n"
        "print('ready', flush=True); sys.stdin.readline()"
    )
    notes = Notes()
    observer.follow(pid, notes)
    os.kill(pid, 10)
    seen = notes.wait_for("SIGUSR1")
    assert (seen.target, seen.target_pid, seen.result) == ("a pid=1\nres=0 b", 1, "ignored")


def test_a_flood_of_signals_is_cut_off_but_the_kill_is_seen(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap : USR1; echo ready; while :; do kill -USR1 1; done"), Notes()
    observer.follow(container.pid, notes)
    while len(notes.signals) < 100:
        notes.wait_for("SIGUSR1")
    container.kill("SIGKILL")
    container.exit_code()
    observer.forget(container.pid)
    assert len(notes.signals) < 5000
    assert notes.signals[-1].signal == "SIGKILL"


def test_the_engine_s_stop_signal_is_seen_in_a_flood(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap : USR1; trap 'exit 3' TERM; echo ready; while :; do kill -USR1 1; done"), Notes()
    observer.follow(container.pid, notes)
    while len(notes.signals) < 100:
        notes.wait_for("SIGUSR1")
    container.kill("SIGTERM")
    assert container.exit_code() == 3
    seen = notes.wait_for("SIGTERM")
    assert (seen.sender, seen.result) == ("runc", "delivered")


def test_a_flood_in_the_engine_s_name_is_cut_off_too(observer: TracepointWitness, start: Callable[..., Container]) -> None:
    flood = "trap : USR1; echo ready; printf runc >/proc/$$/comm; while :; do kill -USR1 1; done"
    container, notes = start("sh", "-c", flood), Notes()
    observer.follow(container.pid, notes)
    notes.wait_for("SIGUSR1")
    container.kill("SIGKILL")
    container.exit_code()
    observer.forget(container.pid)
    assert {seen.sender for seen in notes.signals if seen.signal == "SIGUSR1"} == {"runc"}
    assert len(notes.signals) < 5000


def test_an_instance_that_a_killed_lab_left_behind_is_removed() -> None:
    leave = (
        "from lab.clock import SystemClock\nfrom lab.runtime.tracefs import SignalTrace\nimport os\n"
        "trace = SignalTrace(SystemClock()); print(trace._directory.name, flush=True); os._exit(9)"
    )
    left = subprocess.run([sys.executable, "-c", leave], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    trace = SignalTrace(SystemClock())
    names = {entry.name for entry in trace._directory.parent.iterdir()}
    trace.close()
    assert left.startswith("pod-hook-lab-")
    assert left not in names


def test_process_state_tells_command_masks_and_others(start: Callable[..., Container]) -> None:
    container = start("sh", "-c", "trap : TERM; trap '' HUP; sleep 3600 & echo ready; wait; sleep 3600")
    state = process_state(container.pid)
    assert state is not None
    assert state.command.startswith("sh -c trap : TERM;")
    assert int(state.sig_caught, 16) >> 14 & 1
    assert int(state.sig_ignored, 16) & 1
    assert [command for _, command in state.others] == ["sleep 3600"]
    assert all(len(mask) == 16 for mask in (state.sig_blocked, state.sig_ignored, state.sig_caught))
    container.kill("SIGKILL")
    container.exit_code()
    assert process_state(container.pid) is None


def test_processes_beside_include_those_started_from_outside(start: Callable[..., Container]) -> None:
    container = start("sh", "-c", "echo ready; sleep 3600; true")
    command = ["docker", "exec", container.id, "sh", "-c", "echo in; sleep 1234; true"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hook:
        assert hook.stdout is not None
        assert hook.stdout.readline() == "in\n"
        names = {beside.name for beside in processes_beside(container.pid)}
        container.kill("SIGKILL")
    assert names >= {"sleep", "sh"}


def test_a_process_that_is_gone_is_none() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert process(child.pid) is None
    assert process_state(child.pid) is None


@pytest.fixture
def tracer() -> Iterator[PtraceWitness]:
    witness = PtraceWitness(SystemClock())
    yield witness
    witness.close()


def test_the_tracer_sees_what_pid_1_takes_and_what_the_kernel_drops(
    tracer: PtraceWitness, start: Callable[..., Container]
) -> None:
    container, notes = start("sh", "-c", "trap 'echo taken' USR1; echo ready; while :; do sleep 0.05; done"), Notes()
    tracer.follow(container.pid, notes)
    container.exec("sh", "-c", "kill -USR1 1; true")
    seen = notes.wait_for("SIGUSR1")
    assert (seen.target, seen.target_pid, seen.result, seen.witness) == ("sh", 1, "delivered", "ptrace")
    container.kill("SIGTERM")
    dropped = notes.wait_for("SIGTERM")
    assert (dropped.sender, dropped.result) == ("", "ignored")
    container.wait_for_output("taken")
    container.stop(grace_seconds=0)
    tracer.forget(container.pid)
    assert ("SIGKILL", "", 1, "default") in notes.story()
    assert container.exit_code() == 137


def test_a_container_goes_on_when_the_tracer_lets_go(tracer: PtraceWitness, start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"), Notes()
    tracer.follow(container.pid, notes)
    tracer.forget(container.pid)
    container.kill("SIGTERM")
    assert container.exit_code() == 7
    assert notes.signals == []


def test_a_container_goes_on_when_the_tracer_ends(start: Callable[..., Container]) -> None:
    container, notes = start("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"), Notes()
    witness = PtraceWitness(SystemClock())
    witness.follow(container.pid, notes)
    container.kill("SIGUSR1")
    notes.wait_for("SIGUSR1")
    witness.close()
    container.kill("SIGTERM")
    assert container.exit_code() == 7


def test_the_observer_says_why_it_cannot_witness_without_root() -> None:
    code = (
        "import os, json; os.setuid(65534)\n"
        "unavailable = open_observer(SystemClock()); print(json.dumps([unavailable.why, unavailable.remedy]))"
    )
    imports = "from lab.clock import SystemClock\nfrom lab.runtime.signals import open_observer\n"
    answer = subprocess.run([sys.executable, "-c", imports + code], stdout=subprocess.PIPE, check=True).stdout
    why, remedy = json.loads(answer)
    assert why.startswith("cannot witness signals in containers")
    assert "root" in remedy


def test_a_sender_that_has_ended_is_still_named() -> None:
    trace = SignalTrace(SystemClock())
    try:
        with subprocess.Popen(["sleep", "60"]) as target:
            with subprocess.Popen(["bash", "-c", f"kill -USR1 {target.pid}"]) as sender:
                sender.wait()
            target.wait()
        assert trace.thread_name(sender.pid) == "bash"
        assert trace.thread_name(2**22 + 1) == "unknown"
    finally:
        trace.close()
