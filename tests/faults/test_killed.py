"""kill -9 of the server in mid-run: nothing that was shown is lost, nothing that ran is left, and the lab goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.pods import EXAMPLE, pod, running
from tests.served_lab import ServedLab, Stream, Visitor, await_removal, facts_of, left_on_the_engine, left_on_the_host

pytestmark = pytest.mark.engine


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ServedLab]:
    lab = ServedLab(tmp_path)
    yield lab
    lab.close()


def run_until(visitor: Visitor, moment: str) -> tuple[str, Stream]:
    """Run a pod up to a moment of its life, and return its run and what was shown of it."""
    held = {"in postStart": pod(post_start=20), "in preStop": pod(pre_stop=20)}
    run_id = visitor.run(EXAMPLE, held.get(moment, pod()))
    if moment == "in preStop":
        visitor.watch(run_id, running)
        visitor.delete(run_id, mode="graceful")
    return run_id, visitor.watch(run_id, MOMENTS[moment])


MOMENTS: dict[str, Callable[[Stream], bool]] = {
    "as the pod is created": lambda stream: "CommandAnswered" in stream.facts(),
    "as the sandbox is there": lambda stream: "SandboxStarted" in stream.facts(),
    "in postStart": lambda stream: "HookStarted" in stream.facts(),
    "in preStop": lambda stream: "KillStarted" in stream.facts() and stream.facts().count("HookStarted") == 2,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_lab_keeps_what_it_showed_and_clears_what_it_ran(moment: str, lab: ServedLab, docker_client: Any) -> None:
    visitor = Visitor(lab)
    run_id, shown = run_until(visitor, moment)
    lab.kill()
    lab.start()

    rows = visitor.rows(run_id)
    assert {seq: rows.get(seq) for seq in shown.rows} == shown.rows
    assert facts_of(rows)[-1] == "RunAborted"
    assert "<code>restart</code>" in rows[max(rows)]
    assert "RunClosed" not in facts_of(rows)
    assert visitor.watch(run_id, lambda stream: stream.ended).rows == rows
    assert left_on_the_host(lab.data) == []
    await_removal(docker_client, lab.instance)
    assert left_on_the_engine(docker_client, lab.instance) == []

    again = visitor.run(EXAMPLE, pod())
    visitor.watch(again, running)
    visitor.delete(again, mode="graceful")
    assert facts_of(visitor.watch(again, lambda stream: stream.ended).rows)[-1] == "RunClosed"
    assert lab.stop() == 0
    assert left_on_the_engine(docker_client, lab.instance) == []
    assert left_on_the_host(lab.data) == []


def test_a_lab_killed_as_it_recovers_recovers_the_next_time(lab: ServedLab, docker_client: Any) -> None:
    visitor = Visitor(lab)
    run_id, shown = run_until(visitor, "in postStart")
    for _ in range(3):
        lab.kill()
        lab.start()
    rows = visitor.rows(run_id)
    assert {seq: rows.get(seq) for seq in shown.rows} == shown.rows
    assert facts_of(rows).count("RunAborted") == 1
    await_removal(docker_client, lab.instance)
    assert left_on_the_engine(docker_client, lab.instance) == []
