"""A whole lab without its pages, on the real engine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from lab.clock import SystemClock
from lab.cluster.repeats import RepeatOrder
from lab.config import read_settings
from lab.laboratory import Laboratory
from lab.timeline.facts import Entry, ObjectWritten, ProcessesSeen, RunAborted, SandboxStarted
from lab.timeline.run import Run

pytestmark = pytest.mark.engine

CLUSTER = "learner"
PATIENCE_SECONDS = 60.0
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "trap 'exit 0' TERM; echo begin; while :; do sleep 60 & wait; done"]
    lifecycle:
      postStart: {exec: {command: [sh, -c, "echo hello > /tmp/message"]}}
      preStop: {exec: {command: [sh, -c, "hostname > /tmp/name"]}}
"""


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(replace(read_settings({"LAB_DATA": str(tmp_path)}), warm_sandboxes=2), SystemClock())
    yield laboratory
    laboratory.close()


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)  # noqa: TID251 - a real engine has its own time


def warm_sandboxes(laboratory: Laboratory) -> list[str]:
    """Return the ids of the sandboxes that run without a pod."""
    wanted = {"label": [f"pod-hook-lab.instance={laboratory.settings.data_directory.instance_id}"], "status": ["running"]}
    with closing(docker.APIClient(version="auto")) as api:
        return [found["Id"] for found in api.containers(filters=wanted) if "_warm_" in found["Names"][0]]


def test_nothing_goes_on_for_who_is_discarded(laboratory: Laboratory) -> None:
    laboratory.prepare(CLUSTER)
    eventually(lambda: CLUSTER in laboratory.prepared())
    run = laboratory.runs.open(CLUSTER, "an-example", MANIFEST)
    repeat = laboratory.repeats.start(RepeatOrder(cluster=CLUSTER, example="an-example", manifest=MANIFEST, count=5))
    laboratory.discard(CLUSTER)
    assert CLUSTER not in laboratory.prepared()
    assert not laboratory.runs.is_live(run.id)
    ended = laboratory.repeats.get(repeat.id)
    assert ended is not None
    assert ended.ended == "cancelled"


def run_to_the_end(laboratory: Laboratory) -> tuple[Entry, ...]:
    """Run the pod until its hook has ended, delete it, and return all entries of its run."""
    run = laboratory.runs.open(CLUSTER, "an-example", MANIFEST)
    eventually(lambda: "FileChanged" in facts(laboratory, run))
    laboratory.runs.delete(run.id)
    eventually(lambda: "RunClosed" in facts(laboratory, run))
    return laboratory.runs.entries(run.id)


def facts(laboratory: Laboratory, run: Run) -> list[str]:
    return [type(entry.fact).__name__ for entry in laboratory.runs.entries(run.id)]


def writes(entries: tuple[Entry, ...]) -> list[tuple[str, str, str]]:
    """Return what the API server was told, in order: kind, verb, and the status or the event's reason."""
    found = [entry.fact for entry in entries if isinstance(entry.fact, ObjectWritten)]
    return [(f.kind, f.verb, f.object.get("reason") or f.object["status"].get("phase", "")) for f in found]


def test_a_pod_in_a_warm_sandbox_has_the_story_of_one_in_a_cold_sandbox(laboratory: Laboratory) -> None:
    cold = run_to_the_end(laboratory)
    laboratory.prepare(CLUSTER, (MANIFEST,))
    eventually(lambda: warm_sandboxes(laboratory))
    kept = warm_sandboxes(laboratory)
    warm = run_to_the_end(laboratory)
    assert [entry.fact.sandbox_id for entry in warm if isinstance(entry.fact, SandboxStarted)] == kept
    assert writes(warm) == writes(cold)
    kinds = [Counter(type(entry.fact).__name__ for entry in entries if not is_of_a_slow_hook(entry)) for entries in (warm, cold)]
    assert kinds[0] == kinds[1]


def is_of_a_slow_hook(entry: Entry) -> bool:
    """Whether it was noted because a hook took a moment, as any hook may on a busy machine."""
    return isinstance(entry.fact, ProcessesSeen) and entry.fact.moment == "hook-running"


def test_a_lab_that_stops_leaves_no_warm_sandbox(tmp_path: Path) -> None:
    laboratory = Laboratory(read_settings({"LAB_DATA": str(tmp_path)}), SystemClock())
    laboratory.prepare(CLUSTER, ("kind: nonsense\n", MANIFEST))
    eventually(lambda: warm_sandboxes(laboratory))
    laboratory.close()
    assert warm_sandboxes(laboratory) == []


FILLER = """\
apiVersion: v1
kind: Pod
metadata: {name: filler}
spec:
  containers:
  - name: app
    image: busybox
    command: [sh, -c, "i=0; while :; do dd if=/dev/zero of=/$i bs=1M count=4 2>/dev/null; i=$((i+1)); sleep 0.1; done"]
"""


def test_a_learner_who_fills_the_disk_loses_the_run_and_others_do_not(tmp_path: Path) -> None:
    settings = read_settings({"LAB_DATA": str(tmp_path), "LAB_LEARNER_DISK_BYTES": "16Mi", "LAB_WARM_SANDBOXES": "0"})
    with closing(Laboratory(settings, SystemClock())) as laboratory:
        other = laboratory.runs.open("another", "an-example", MANIFEST)
        filler = laboratory.runs.open(CLUSTER, "an-example", FILLER)
        eventually(lambda: "RunAborted" in facts(laboratory, filler))
        (aborted,) = [e.fact for e in laboratory.runs.entries(filler.id) if isinstance(e.fact, RunAborted)]
        assert aborted.by == "disk"
        assert "the lab's limit for all containers of a learner is 16Mi" in aborted.why
        assert laboratory.runs.is_live(other.id)
        eventually(lambda: all(written.run_id != filler.id for written in laboratory.node_side.runtime.written()))
        assert CLUSTER not in laboratory.runs.usage().learners


def test_an_unused_cluster_gives_its_network_back_and_has_one_again_when_it_is_used(tmp_path: Path) -> None:
    settings = read_settings({"LAB_DATA": str(tmp_path), "LAB_IDLE_CLUSTER_SECONDS": "1", "LAB_WARM_SANDBOXES": "0"})
    instance = f"pod-hook-lab.instance={settings.data_directory.instance_id}"

    def networks() -> list[str]:
        with closing(docker.APIClient(version="auto")) as api:
            return [found["Name"] for found in api.networks(filters={"label": [instance]})]

    with closing(Laboratory(settings, SystemClock())) as laboratory:
        run_to_the_end(laboratory)
        assert len(networks()) == 1
        eventually(lambda: laboratory.runs.give_back_unused() == (CLUSTER,))
        assert networks() == []
        assert not (tmp_path / "nodes" / CLUSTER).exists()
        run_to_the_end(laboratory)


def test_no_more_pods_are_on_the_engine_than_there_is_room_for_and_everybody_has_their_turn(tmp_path: Path) -> None:
    settings = read_settings({"LAB_DATA": str(tmp_path), "LAB_ALL_PODS": "2", "LAB_WARM_SANDBOXES": "0"})
    instance = f"pod-hook-lab.instance={settings.data_directory.instance_id}"
    with closing(Laboratory(settings, SystemClock())) as laboratory, closing(docker.APIClient(version="auto")) as api:
        runs = [laboratory.runs.open(f"learner-{n}", "an-example", MANIFEST) for n in range(5)]
        deleted: set[str] = set()

        def have_all_ended() -> bool:
            pods = {found["Labels"]["pod-hook-lab.pod-uid"] for found in api.containers(all=True, filters={"label": [instance]})}
            assert len(pods) <= 2
            for run in runs:
                if run.id not in deleted and "ContainerStarted" in facts(laboratory, run):
                    deleted.add(run.id)
                    laboratory.runs.delete(run.id, grace_period_seconds=1)
            return all("RunClosed" in facts(laboratory, run) for run in runs)

        eventually(have_all_ended)
        assert ["RunQueued" in facts(laboratory, run) for run in runs] == [False, False, True, True, True]
