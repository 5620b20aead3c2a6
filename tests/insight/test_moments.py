from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.insight.moments import first, moments
from lab.timeline.facts import LogChunk
from tests.kubelet.stage import Stage, container, deaf, pod, takes


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, {"app": deaf(hook=takes(3.0))}, ClusterOptions(), None)
    with stage.clock:
        yield stage
        stage.close()


def test_a_pods_life_is_told_in_the_words_of_a_lesson(stage: Stage) -> None:
    stage.run(pod(container(pre_stop="hook"), grace=6)).delete_to_the_end()
    told = [moment.text for moment in moments(stage.timeline.read(0)) if not moment.what.startswith("event")]
    assert told == [
        "status Pending",
        "status ContainerCreating",
        "app started",
        "status Running",
        "status Terminating",
        "deleted 6",
        "app killing Stopping container app",
        "app preStop began",
        "app preStop finished 0",
        "app SIGTERM sent 3",
        "app SIGTERM received dropped",
        "app SIGKILL sent 0",
        "app SIGKILL received default",
        "app exited 137",
        "status Error",
        "removed",
    ]


def test_a_wanted_moment_may_leave_out_its_last_words_and_the_container(stage: Stage) -> None:
    stage.run(pod(container(pre_stop="hook"), grace=6)).delete_to_the_end()
    told = tuple(moments(stage.timeline.read(0)))
    sent = first(told, "app SIGTERM")
    assert sent is not None
    assert sent.what == "SIGTERM sent 3"
    assert [first(told, wanted) for wanted in ("SIGTERM sent", "SIGTERM sent 3", "app SIGTERM sent 3")] == [sent] * 3
    assert first(told, "SIGTERM sent 30") is None
    assert first(told, "other SIGTERM") is None


def test_a_part_of_a_logged_line_is_enough(stage: Stage) -> None:
    stage.run(pod(container(), grace=1))
    entry = stage.timeline.read(0)[-1]
    line = ("2026-01-01T00:00:00.000000000Z", "stdout", "12.34 entrypoint: up")
    (moment,) = moments([replace(entry, container="app", fact=LogChunk(attempt=0, offset=0, lines=(line,)))])
    assert [moment.is_a(wanted) for wanted in ("app log entrypoint", "log up", "web log up", "app log down")] == [
        True,
        True,
        False,
        False,
    ]
