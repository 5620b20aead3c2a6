"""A whole lab's cluster side in virtual time: real runs, a real store in a file, real node files, scripted containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from lab.clock import VirtualClock
from lab.cluster.runs import RunParts, Runs
from lab.runtime.node_files import NodeFiles
from lab.runtime.scripted import ContainerScript, ScriptedRuntime
from lab.store.store import Store
from lab.timeline.facts import CommandAnswered, Entry, ObjectWritten
from lab.timeline.run import Run
from tests.kubelet.stage import container, pod

F = TypeVar("F")


class Lab:
    """A lab whose containers play ``scripts``, by container name, which is the pod's."""

    def __init__(self, root: Path, scripts: dict[str, ContainerScript]) -> None:
        self._root = root
        self.clock = VirtualClock()
        self.runtime = ScriptedRuntime(self.clock, scripts)
        self.files = NodeFiles(root / "nodes", plain=True)
        self.store = Store.open(f"sqlite:///{root}/lab.sqlite", self.clock)
        self.parts: dict[str, Any] = {"journal": self.store.journal}
        self._runs: Runs | None = None

    @property
    def runs(self) -> Runs:
        """The runs, opened when first asked for with ``parts`` as they are then."""
        if self._runs is None:
            self._runs = Runs(
                RunParts(clock=self.clock, index=self.store, runtime=self.runtime, files=self.files, **self.parts),
            )
        return self._runs

    def manifest(self, *names: str, **spec: Any) -> str:
        """Return pods of one container each, named as they are."""
        return "".join(f"---\n{pod(container(name), name=name, **spec)}\n" for name in names)

    def open(self, *names: str, example: str = "lesson/one", cluster: str = "c1", seconds: float = 3.0, **more: Any) -> Run:
        """Open a run of a manifest of such pods and let it live for ``seconds``."""
        run = self.runs.open(cluster, example, self.manifest(*names), **more)
        self.clock.sleep(seconds)
        return run

    def entries(self, run: Run) -> tuple[Entry, ...]:
        return self.runs.entries(run.id)

    def facts(self, run: Run, kind: type[F]) -> list[F]:
        """Return a run's facts of a kind."""
        return [e.fact for e in self.entries(run) if isinstance(e.fact, kind)]

    def answers(self, run: Run) -> list[str]:
        """Return what kubectl printed, standard output before errors, command by command."""
        return [answer.stdout + answer.stderr for answer in self.facts(run, CommandAnswered)]

    def pods(self, cluster: str = "c1") -> list[str]:
        """Return the names of the pods in the API."""
        return [o["metadata"]["name"] for o in self.runs.timeline(cluster).view().list("Pod")]

    def last_write(self, run: Run, name: str) -> ObjectWritten:
        """Return the last write of one of a run's pods."""
        return [w for w in self.facts(run, ObjectWritten) if w.kind == "Pod" and w.name == name][-1]

    def restart(self) -> Runs:
        """Stop in the middle of everything, and let another lab take over the store on a swept engine."""
        self.store.close()
        self.clock.close()
        self.__init__(self._root, {})  # type: ignore[misc]  # a new process, as it were
        return self.runs

    def close(self) -> None:
        """End everything; nothing may be left on the engine."""
        if self._runs is not None:
            self._runs.close()
        self.store.close()
        self.clock.close()
        assert self.runtime.left == ()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Return a function that opens the test's lab: scripts by container name."""
    labs: list[Lab] = []

    def open_lab(**scripts: ContainerScript) -> Lab:
        labs.append(Lab(tmp_path, scripts))
        return labs[-1]

    yield open_lab
    for opened in labs:
        opened.close()
