"""Which threads go first. Where the kernel grants it to nobody, everybody stays an ordinary thread, and nothing fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from lab.clock import SystemClock
from lab.precedence import go_first, like_everybody
from tests.served_lab import ServedLab, Visitor

R = TypeVar("R")

ORDINARY = os.SCHED_OTHER
NO_ENGINE = "unix:///nonexistent/docker.sock"


def on_a_thread(work: Callable[[], R]) -> R:
    """Return what ``work`` returns on a thread of its own."""
    answers: list[R] = []
    SystemClock().spawn("work", lambda: answers.append(work())).join()
    return answers[0]


def policy() -> int:
    """The calling thread's."""
    return os.sched_getscheduler(0)


def asked_of_the_kernel() -> int:
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return ORDINARY
    return policy()


@pytest.fixture
def first() -> int:
    """The policy of a thread that goes first, on this machine."""
    return on_a_thread(asked_of_the_kernel)


def test_a_thread_goes_first_but_not_those_that_it_starts(first: int) -> None:
    def work() -> tuple[int, int]:
        go_first()
        return policy(), on_a_thread(policy)

    assert on_a_thread(work) == (first, ORDINARY)


def test_for_a_while_it_waits_with_the_others_whatever_happens_in_it(first: int) -> None:
    def work() -> tuple[int, int, int]:
        go_first()
        with suppress(RuntimeError), like_everybody():
            meanwhile, started = policy(), on_a_thread(policy)
            raise RuntimeError
        return meanwhile, started, policy()

    assert on_a_thread(work) == (ORDINARY, ORDINARY, first)


def test_a_lab_answers_pages_first_and_streams_with_everything_else(tmp_path: Path, first: int) -> None:
    def going_first() -> int:
        return [os.sched_getscheduler(int(task)) for task in os.listdir(f"/proc/{lab.worker}/task")].count(first)

    lab = ServedLab(tmp_path, LAB_DOCKER_HOST=NO_ENGINE)
    try:
        visitor = Visitor(lab)
        visitor.get("/lessons/pre-stop")
        before = going_first()
        with visitor.following("/lessons/pre-stop/stream") as one, visitor.following("/lessons/pre-stop/stream") as other:
            next(one), next(other)
            assert before - going_first() == (2 if first != ORDINARY else 0)
    finally:
        lab.close()
