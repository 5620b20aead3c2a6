"""A lab on the real engine, for whole modules, and the ways in which their learners use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from lab.clock import SystemClock
from lab.config import read_settings
from lab.laboratory import Laboratory
from lab.timeline.facts import ContainerStarted, Entry, ObjectWritten
from lab.timeline.run import Run

PATIENCE_SECONDS = 240.0  # a deadline for what must come, not a measure of how fast
NAMESPACE = "default"

F = TypeVar("F")


class Ground:
    """A lab in which learners run what they should not."""

    def __init__(self, data: Path) -> None:
        self.laboratory = Laboratory(read_settings({"LAB_DATA": str(data), "LAB_WARM_SANDBOXES": "0"}), SystemClock())

    def run(self, cluster: str, manifest: str) -> Run:
        """Open a run; its example is its own, so that runs stand beside each other."""
        return self.laboratory.runs.open(cluster, f"attack-{time.monotonic_ns()}", manifest)

    def running(self, cluster: str, manifest: str, containers: int = 1) -> Run:
        """Open a run and return it once so many containers have started."""
        run = self.run(cluster, manifest)
        self.eventually(lambda: len(self.facts(run, ContainerStarted)) >= containers)
        return run

    def sh(self, run: Run, pod: str, script: str, container: str = "app") -> str:
        """Run a shell script in a container of a live run; return what it printed on either stream."""
        node = self.laboratory.runs.node(run.id)
        assert node is not None, "the run has ended"
        result = node.exec(NAMESPACE, pod, container, ("sh", "-c", script))
        return (result.stdout + result.stderr).decode(errors="replace").strip()

    def entries(self, run: Run) -> tuple[Entry, ...]:
        """Return the run's entries up to now."""
        return self.laboratory.runs.entries(run.id)

    def facts(self, run: Run, kind: type[F], container: str | None = None) -> list[F]:
        """Return its facts of a kind, of one container or of all."""
        return [
            entry.fact for entry in self.entries(run) if isinstance(entry.fact, kind) and container in (None, entry.container)
        ]

    def events(self, run: Run) -> list[str]:
        """Return its events, as REASON: message."""
        written = [fact.object for fact in self.facts(run, ObjectWritten) if fact.kind == "Event"]
        return [f"{event['reason']}: {event['message']}" for event in written]

    def pod_ip(self, run: Run) -> str:
        """Return the address of the run's pod, once it is published."""
        found: list[str] = []

        def look() -> bool:
            pods = [fact.object for fact in self.facts(run, ObjectWritten) if fact.kind == "Pod"]
            found.extend(pod["status"]["podIP"] for pod in pods if pod.get("status", {}).get("podIP"))
            return bool(found)

        self.eventually(look)
        return found[-1]

    def eventually(self, holds: Callable[[], object]) -> None:
        """Return once it holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)  # noqa: TID251 - a real engine has its own time

    def end(self, cluster: str) -> None:
        """End a learner's runs."""
        for run in self.laboratory.runs.live(cluster):
            self.laboratory.runs.abort(run.id, why="The test is over.", by="stop")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A lab for a module; everything it made is removed at the end."""
    ground = Ground(tmp_path_factory.mktemp("security"))
    yield ground
    ground.laboratory.close()
