"""Which threads go first. Where the kernel grants it to nobody, everybody stays an ordinary thread, and nothing fails."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from lab.clock import SystemClock
from lab.commands.serve import THREADS
from lab.connections import PAGE_THREADS, asks_for_a_page
from lab.precedence import go_first
from tests.served_lab import ServedLab

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


def test_a_lab_has_pages_answered_by_threads_that_go_first_and_streams_by_others(tmp_path: Path, first: int) -> None:
    def policies() -> Counter[int]:
        return Counter(os.sched_getscheduler(int(task)) for task in os.listdir(f"/proc/{lab.worker}/task"))

    lab = ServedLab(tmp_path, LAB_DOCKER_HOST=NO_ENGINE)
    try:
        found = policies()
        if first != ORDINARY:
            assert found[first] == PAGE_THREADS + 2  # the one that accepts connections, and the store's writer
        assert found[ORDINARY] > THREADS
    finally:
        lab.close()


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        (b"GET /lessons/pre-stop?lang=zh HTTP/1.1\r\nHost: lab\r\n\r\n", True),
        (b"HEAD / HTTP/1.1\r\nHost: lab\r\n\r\n", True),
        (b"GET /lessons/pre-stop HTTP/1.1\r\nHost: lab\r\n", False),  # it may take half a minute to come
        (b"GET /lessons/pre-stop/stream?after=3 HTTP/1.1\r\nHost: lab\r\n\r\n", False),
        (b"GET http://lab/stream HTTP/1.1\r\nHost: lab\r\n\r\n", False),
        (b"POST /examples/post-start/race/run HTTP/1.1\r\nHost: lab\r\n\r\n", False),
        (b"", False),
    ],
)
def test_a_page_is_what_is_asked_for_as_a_whole_and_shown_at_once(request_: bytes, is_one: bool) -> None:
    assert asks_for_a_page(request_) == is_one
