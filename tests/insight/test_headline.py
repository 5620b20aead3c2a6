"""What the headline says, at the end of four runs recorded on an engine and on the way there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.insight.headline import headline_of
from lab.insight.knowledge import Knowledge
from lab.timeline.bundle import Bundle, read_bundle
from lab.timeline.facts import (
    BackingOff,
    ContainerStarted,
    Entry,
    Fact,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ImageLookedUp,
    KillStarted,
    KubeletContinued,
    KubeletHeld,
    RunAborted,
    RunAdmitted,
    RunClosed,
    RunOpened,
    RunQueued,
)
from tests.insight.life import Life, text

RUNS = Path(__file__).with_name("runs")
OVERRUN = (
    "First preStop, which used up the grace period, then SIGTERM (15) from runc to PID 1 sh: taken by its handler, then SIGKILL."
)
PRE_STOP = {"preStop": {"exec": {"command": ["x"]}}}


def recorded(name: str) -> Bundle:
    return read_bundle((RUNS / f"{name}.json").read_bytes())


def lines_after(name: str, fact_type: type | None = None) -> dict[str, str]:
    """Return the headline right after the first fact of a type, or at the end."""
    known, last = Knowledge(), None
    for last in recorded(name).entries:
        known.add(last)
        if fact_type is not None and isinstance(last.fact, fact_type):
            break
    assert last is not None
    return {line.name: text(line.text) for line in headline_of(known, last).lines}


@pytest.mark.parametrize(
    ("name", "order", "left", "exit_code"),
    [
        (
            "graceful",
            "First preStop (exit 0, 0.2 s), then SIGQUIT (3) from runc to PID 1 nginx: taken by its handler.",
            "29.9 s were not needed, of 30 s; the hook’s 0.2 s count as 0 s.",
            "0: PID 1 took SIGQUIT and then ended by itself, with a code of its own choice.",
        ),
        (
            "hook-hangs",
            OVERRUN,
            "Nothing: the process was killed after the 2 s that it gets at least.",
            "137 = 128 + 9 (SIGKILL): SIGKILL from the runtime, because the time was up.",
        ),
        (
            "sigterm-ignored",
            "SIGTERM (15) from runc to PID 1 sh: dropped by the kernel, then SIGKILL. No preStop hook ran before.",
            "Nothing of 5 s: the process was killed when they were over.",
            "137 = 128 + 9 (SIGKILL): SIGKILL from the runtime, because the time was up.",
        ),
        (
            "forced",
            OVERRUN,
            "Nothing: the process was killed after the 2 s that it gets at least.",
            "137 = 128 + 9 (SIGKILL): SIGKILL from the runtime, because the time was up.",
        ),
    ],
)
def test_at_the_end_order_grace_and_exit_code_are_told(name: str, order: str, left: str, exit_code: str) -> None:
    lines = lines_after(name)
    assert lines["now"].startswith("The run is over")
    assert (lines["order"], lines["left"], lines["exit"]) == (order, left, exit_code)
    assert "next" not in lines


def test_the_file_of_example_2_is_said_to_be_on_the_node_after_the_pod() -> None:
    assert lines_after("graceful")["files"] == (
        "/tmp/message is still on the node: it lies outside the pod, which called it /usr/share/message."
    )


def test_of_several_files_it_says_how_many_more_there_are() -> None:
    life = Life()
    life.start()
    for name in ("a", "b", "c"):
        life.file(f"/v/{name}", node_path=f"/data/{name}", at=2.0)
    assert life.lines()["files"] == "/data/c on the node; the container calls it /v/c. 2 more such files are there."


@pytest.mark.parametrize(
    ("name", "fact_type", "now", "coming"),
    [
        ("graceful", ContainerStarted, "The process runs: nginx -g daemon off;.", "Press Delete: the preStop hook comes first"),
        ("graceful", KillStarted, "The kubelet begins to stop the container.", "The preStop hook begins."),
        ("graceful", HookStarted, "The preStop hook runs, and so does the process", "When the hook ends, or its time is up"),
        ("hook-hangs", HookTimedOut, "The preStop hook has used up the grace period.", "The stop signal goes to PID 1."),
        ("sigterm-ignored", KillStarted, "The kubelet begins to stop the container.", "The stop signal goes to PID 1."),
    ],
)
def test_on_the_way_it_says_what_goes_on_and_what_comes_next(name: str, fact_type: type, now: str, coming: str) -> None:
    lines = lines_after(name, fact_type)
    assert lines["now"].startswith(now)
    assert lines["next"].startswith(coming)


def test_after_a_forced_delete_it_says_that_kubectl_has_lost_the_pod() -> None:
    assert "kubectl does not find the pod any more" in lines_after("forced", HookStarted)["now"]


def test_while_the_grace_period_runs_the_line_counts_and_then_no_more() -> None:
    life = Life(grace=5)
    life.start()
    life.delete(10.0)
    life.kill(10.0, 5)
    assert [line.counts for line in life.headline.lines if line.name == "left"] == [True]
    life.exits(0, at=11.0)
    assert [line.counts for line in life.headline.lines if line.name == "left"] == [False]


def test_what_was_left_of_the_floor_is_not_called_a_part_of_the_grace_period() -> None:
    life = Life(grace=1)
    life.start()
    life.kill(10.0, 1)
    life.stop_signal(10.0, 2)
    life.exits(0, at=10.1)
    assert life.lines()["left"] == "1.9 s were not needed, of the 2 s that a process gets at least."


@pytest.mark.parametrize(
    ("grace", "took", "left"),
    [
        (6, 3.8, "Of 6 s the hook has used 3.8 s, which count as 3 s."),
        (6, 3.0, "Of 6 s the hook has used 3.0 s."),
        (1, 0.9, "Of 1 s the hook has used 0.9 s; the process gets 2 s all the same."),
    ],
)
def test_what_the_hook_has_used_is_said_with_what_counts_of_it(grace: int, took: float, left: str) -> None:
    life = Life(grace=grace, lifecycle=PRE_STOP)
    life.start()
    life.kill(10.0, grace, hook=True)
    life.hook("preStop", "x", at=10.0)
    life.hook_ends("preStop", 10.0 + took, took)
    assert life.lines()["left"] == left


def test_a_kill_after_the_floor_is_not_said_to_come_when_the_grace_period_was_over() -> None:
    life = Life(grace=1)
    life.start()
    life.kill(10.0, 1)
    assert life.lines()["left"] == "1 s in all, but no process gets less than 2 s."
    life.stop_signal(10.0, 2)
    life.sigkill(12.0)
    life.exits(137, signal=9, at=12.1)
    assert life.lines()["left"] == "Nothing: the process was killed after the 2 s that it gets at least."


def test_a_start_held_back_does_not_make_it_forget_what_ran_and_runs() -> None:
    life = Life()
    life.start()
    life.exits(3, at=2.0)
    life.add(BackingOff(attempt=1, reason="CrashLoopBackOff", message="", delay_seconds=10.0, remaining_seconds=9.0), 3.0)
    assert life.lines()["now"].startswith("PID 1 has ended with exit code 3.")
    assert life.lines()["exit"].startswith("3: the program came to an end of its own")
    life.delete(4.0)
    life.write("remove", "kubelet", 5.0)
    assert "nothing of it ever ran" not in life.lines()["now"]
    assert life.lines()["exit"].startswith("3: the program came to an end of its own")


def test_an_image_looked_up_for_one_container_leaves_the_eye_on_another_that_runs() -> None:
    life = Life()
    life.start()
    life.add(ImageLookedUp(image="busybox", image_id="i", size_bytes=1, took_seconds=0.1), 2.0, container="other")
    assert life.lines()["now"].startswith("The process runs")


def test_an_exit_code_that_nothing_explains_stands_alone() -> None:
    life = Life()
    life.start()
    life.delete(5.0)
    life.exits(3, at=5.1)
    assert life.lines()["exit"] == "3."


def test_a_program_that_ended_by_itself_says_that_prestop_did_not_run() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start()
    life.exits(0, at=5.0)
    life.add(HookSkipped(hook="preStop", attempt=0, why="container-exited"))
    assert life.lines()["exit"] == "0: the program came to an end of its own, so preStop did not run."


def test_without_a_witness_no_sender_is_named() -> None:
    life = Life(grace=5)
    life.start()
    life.kill(10.0, 5)
    life.stop_signal(10.0, 5)
    assert life.lines()["order"] == "SIGTERM (15) to PID 1. No preStop hook ran before."
    assert life.lines()["now"] == "SIGTERM is sent to PID 1."


def test_while_the_kubelet_is_held_the_headline_says_so_and_no_longer() -> None:
    life = Life()
    life.start()
    held = life.add(KubeletHeld(point="before-pre-stop", attempt=0), 2.0)
    assert life.lines()["now"].startswith("The lab holds the kubelet here until you press Continue.")
    life.add(KubeletContinued(point="before-pre-stop", attempt=0, held_seq=held.seq, held_seconds=3, why="learner"), 5.0)
    assert life.lines()["now"].startswith("The process runs")


def test_a_run_that_created_nothing_says_so() -> None:
    life = Life()
    life.known.pods.clear()
    life.add(RunClosed(run_id="r", why=""), 1.0, container=None)
    assert life.lines() == {"now": "The run is over. Nothing was created."}


def test_a_run_that_the_lab_ended_does_not_call_it_kubernetes_doing() -> None:
    life = Life()
    life.start()
    life.add(RunAborted(run_id="r", why="", by="limit"), 1.0, container=None)
    assert "That limit is the lab’s, outside Kubernetes" in life.lines()["now"]


def test_a_pod_of_one_container_needs_no_name() -> None:
    life = Life(grace=5)
    life.start()
    life.kill(10.0, 5)
    life.exits(0, at=11.0)
    assert {line.container for line in life.headline.lines} == {""}


def test_of_several_containers_each_stop_is_told_with_its_name_and_the_pods_affairs_without() -> None:
    life = Life(grace=5)
    life.known.pods["u1"].spec["containers"].append({"name": "side"})
    life.start()
    life.add(ContainerStarted(container_id="s", attempt=0, pid=8, started_at=""), container="side")
    life.delete(10.0)
    for name in ("app", "side"):
        kill = KillStarted(attempt=0, reason="Stopping", grace_period_seconds=5, has_pre_stop=False)
        life.add(kill, 10.0, container=name)
    life.exits(0, at=11.0)
    assert [(line.name, line.container) for line in life.headline.lines] == [
        ("now", "app"),
        ("left", "app"),
        ("left", "side"),
        ("exit", "app"),
        ("next", ""),
    ]
    life.add(RunClosed(run_id="r", why=""), 12.0, container=None)
    assert life.headline.lines[0].container == ""


def test_a_run_that_waits_for_its_turn_says_how_many_are_before_it_and_what_comes() -> None:
    known = Knowledge()

    def after(fact: Fact, seq: int) -> dict[str, str]:
        entry = Entry(seq=seq, at=datetime.now(UTC), elapsed_seconds=0.0, pod_uid=None, container=None, fact=fact)
        known.add(entry)
        return {line.name: text(line.text) for line in headline_of(known, entry).lines}

    after(RunOpened(run_id="r", example="x/y", manifest=""), 1)
    for seq, ahead, words in ((2, 2, "waits for its turn: 2 before it"), (3, 0, "is the next one")):
        lines = after(RunQueued(run_id="r", ahead=ahead), seq)
        assert words in lines["now"]
        assert "as soon as there is room" in lines["next"]
    assert after(RunAdmitted(run_id="r", waited_seconds=3.0), 4) == {"now": "The manifest goes to the API server."}
