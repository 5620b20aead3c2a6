"""``lab serve`` as a person meets it: how it starts, refuses to start, and stops."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from lab.commands.serve import AGAIN_SECONDS
from lab.data_directory import DataDirectory
from tests.served_lab import (
    PATIENCE_SECONDS,
    ServedLab,
    Visitor,
    await_removal,
    facts_of,
    left_on_the_engine,
    left_on_the_host,
)

NO_ENGINE = "unix:///nonexistent/docker.sock"
EXAMPLE = "post-start-failures/hung-post-start"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: held}
spec:
  containers:
  - name: app
    image: busybox
    command: [sleep, "600"]
    lifecycle:
      postStart:
        exec: {command: [sleep, "600"]}
"""


def serve(data: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``lab serve`` where it cannot start."""
    command = [str(Path(sys.executable).with_name("lab")), "serve", *arguments]
    environment = {**os.environ, "LAB_DATA": str(data), "LAB_DOCKER_HOST": NO_ENGINE, **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


@pytest.fixture
def lab_without_engine(tmp_path: Path) -> Iterator[ServedLab]:
    lab = ServedLab(tmp_path, LAB_DOCKER_HOST=NO_ENGINE)
    yield lab
    lab.close()


def test_a_second_lab_of_a_data_directory_is_refused_with_the_process_to_stop(lab_without_engine: ServedLab) -> None:
    second = serve(lab_without_engine.data, "--port", "0")
    assert second.returncode == 2
    assert f"the lab of process {lab_without_engine.process.pid} uses it" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_in_use_is_refused_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = serve(tmp_path, "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr == (
        f"lab: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "choose another with --host and --port, or LAB_HOST and LAB_PORT\n"
    )


def test_a_number_that_is_no_port_is_refused(tmp_path: Path) -> None:
    refused = serve(tmp_path, "--port", "70000")
    assert refused.returncode == 2
    assert "cannot use '70000' as a port: give a number from 0 to 65535" in refused.stderr


def test_a_lab_that_cannot_open_its_store_says_why_and_ends(tmp_path: Path) -> None:
    (tmp_path / "lab.sqlite").write_text("this is no database")
    failed = serve(tmp_path, "--port", "0")
    assert failed.returncode == 1
    assert "lab: cannot " in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_data_directory_is_free_as_soon_as_a_killed_master_is_gone(lab_without_engine: ServedLab) -> None:
    lab_without_engine.kill()
    DataDirectory(lab_without_engine.data).lock().close()


def test_a_killed_worker_is_replaced_by_one_that_recovers(lab_without_engine: ServedLab) -> None:
    worker = os.pidfd_open(lab_without_engine.worker)
    signal.pidfd_send_signal(worker, signal.SIGKILL)
    select.select([worker], [], [], PATIENCE_SECONDS)
    os.close(worker)
    assert "PostStart" in Visitor(lab_without_engine).get("/")


def test_pages_that_follow_are_told_that_the_lab_stops(lab_without_engine: ServedLab) -> None:
    visitor = Visitor(lab_without_engine)
    visitor.get("/")
    with visitor.following("/lessons/what-hooks-are/stream") as events:
        next(events)
        lab_without_engine.tell(signal.SIGTERM)
        assert deque(events, maxlen=1).pop().stopping
    assert lab_without_engine.end() == 0


@pytest.mark.engine
def test_a_lab_told_a_second_time_ends_at_once_and_the_next_one_clears_up(tmp_path: Path, docker_client: Any) -> None:
    lab, clock = ServedLab(tmp_path), SystemClock()
    visitor = Visitor(lab)
    run_id = visitor.run(EXAMPLE, POD)
    visitor.watch(run_id, lambda stream: "HookStarted" in stream.facts())
    worker = os.pidfd_open(lab.worker)
    signal.pidfd_send_signal(worker, signal.SIGSTOP)  # it cannot stop in order, however long one waits
    while lab.process.poll() is None:  # until it has heard it twice: a busy machine tells it late
        lab.tell(signal.SIGTERM)
        clock.sleep(AGAIN_SECONDS)
    assert lab.end() == 1
    assert select.select([worker], [], [], PATIENCE_SECONDS)[0]
    os.close(worker)
    assert "stopped at once; what was running is removed when the lab starts again" in "".join(lab.said)
    lab.start()
    await_removal(docker_client, lab.instance)
    assert facts_of(visitor.rows(run_id))[-1] == "RunAborted"
    assert lab.stop() == 0
    assert left_on_the_engine(docker_client, lab.instance) == []
    assert left_on_the_host(lab.data) == []


@pytest.mark.engine
@pytest.mark.parametrize(("number", "group"), [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGINT, True)])
def test_a_lab_told_to_stop_ends_its_runs_and_streams_and_leaves_nothing(
    number: signal.Signals, group: bool, tmp_path: Path, docker_client: Any
) -> None:
    lab = ServedLab(tmp_path)
    visitor = Visitor(lab)
    run_id = visitor.run(EXAMPLE, POD)
    visitor.watch(run_id, lambda stream: "HookStarted" in stream.facts())
    with ExitStack() as open_streams:
        of_run = open_streams.enter_context(visitor.following(f"/runs/{run_id}/stream"))
        of_lesson = open_streams.enter_context(visitor.following(f"/lessons/{EXAMPLE.partition('/')[0]}/stream"))
        next(of_run), next(of_lesson)
        lab.tell(number, group=group)
        shown, lesson = deque(of_run, maxlen=1).pop(), deque(of_lesson, maxlen=1).pop()
    assert lab.end() == 0
    assert facts_of(shown.rows)[-1] == "RunAborted"
    assert shown.ended
    assert lesson.stopping
    assert shown.rows.items() <= lesson.rows.items()
    assert "SIGKILL" not in "".join(lab.said)
    assert "Traceback" not in "".join(lab.said)
    assert left_on_the_engine(docker_client, lab.instance) == []
    assert left_on_the_host(lab.data) == []
    lab.start()
    rows = visitor.rows(run_id)
    assert {seq: rows.get(seq) for seq in shown.rows} == shown.rows
    assert facts_of(rows).count("RunAborted") == 1
    assert lab.stop() == 0
