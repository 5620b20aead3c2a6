"""A lab of its own on the real engine, for the tests of `DockerRuntime`."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lab.clock import SystemClock
from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
from lab.runtime.engine import EngineAddress
from lab.runtime.engine_client import EngineClient
from lab.runtime.runtime import ContainerConfig, Exit, LogLine, ObservedSignal, Sandbox, SandboxConfig

PATIENCE_SECONDS = 60  # a deadline for what must come, not a measure of how fast


@dataclass
class Recorder:
    """A listener that keeps what it was told and lets a test wait for it."""

    exits: list[Exit] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    lines_after_exit: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def exited(self, exit: Exit) -> None:
        with self._changed:
            self.exits.append(exit)
            self._changed.notify_all()

    def logged(self, lines: tuple[LogLine, ...], *, unfinished: bool = False) -> None:
        with self._changed:
            self.lines.extend(lines)
            self.lines_after_exit += len(lines) if self.exits else 0
            self._changed.notify_all()

    def signalled(self, signal: ObservedSignal) -> None:
        """Signals are `tests/runtime/test_signals.py`'s subject."""

    def engine_lost(self, message: str) -> None:
        with self._changed:
            self.losses.append(message)
            self._changed.notify_all()

    def wait(self, predicate: Callable[[Recorder], object]) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: bool(predicate(self)), PATIENCE_SECONDS):
                pytest.fail(f"waited in vain; heard: {self}")

    def exit(self) -> Exit:
        """Return the exit, once it has been told."""
        self.wait(lambda recorder: recorder.exits)
        return self.exits[0]

    def texts(self, stream: str | None = None) -> list[str]:
        return [text for _, from_stream, text in self.lines if stream in (None, from_stream)]


class DockerLab:
    """A runtime with its own instance label, subnets of its own, and one sandbox that its containers join."""

    def __init__(self, pod_cidr: str, address: EngineAddress | None = None) -> None:
        self.instance = f"test-{uuid.uuid4().hex[:8]}"
        self.runtime = DockerRuntime(
            EngineClient(address), RuntimeSettings(instance=self.instance, pod_cidr=pod_cidr), SystemClock()
        )
        self._sandbox: Sandbox | None = None

    @property
    def sandbox(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = self.runtime.run_pod_sandbox(self.sandbox_config())
        return self._sandbox

    def sandbox_config(self, cluster: str = "one") -> SandboxConfig:
        uid = str(uuid.uuid4())
        return SandboxConfig(cluster=cluster, namespace="default", pod_name="web", pod_uid=uid, hostname="web", run_id="run-1")

    def config(self, *command: str, image: str = "busybox", **changes: object) -> ContainerConfig:
        """Return a container that runs ``command`` (the image's own when empty)."""
        config = ContainerConfig(
            cluster="one",
            namespace="default",
            pod_name="web",
            pod_uid=str(uuid.uuid4()),
            name="app",
            attempt=0,
            image=image,
            entrypoint=command or None,
            command=None,
            env=(),
            working_dir="",
            mounts=(),
            run_id="run-1",
        )
        return replace(config, **changes)  # type: ignore[arg-type]  # any field of the config

    def create(self, config: ContainerConfig) -> tuple[str, Recorder]:
        recorder = Recorder()
        return self.runtime.create_container(self.sandbox, config, recorder), recorder

    def run(self, *command: str, **changes: object) -> tuple[str, Recorder]:
        """Create and start a container; return its id and what it does."""
        container_id, recorder = self.create(self.config(*command, **changes))
        self.runtime.start_container(container_id)
        return container_id, recorder

    def close(self) -> None:
        self.runtime.sweep(self.instance)
        self.runtime.close()


@pytest.fixture(scope="session")
def test_pod_cidr(worker_id: str) -> str:
    """Subnets of this test process, so that parallel ones do not compete."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    return f"10.246.{number * 16}.0/20"


@pytest.fixture(scope="module")
def docker_lab(test_pod_cidr: str) -> Iterator[DockerLab]:
    """A lab on the real engine; everything it made is removed at the end."""
    lab = DockerLab(test_pod_cidr)
    yield lab
    lab.close()


@pytest.fixture
def docker_lab_without_engine(tmp_path: Path) -> DockerLab:
    """A lab whose engine's socket is not there."""
    return DockerLab("10.246.0.0/16", EngineAddress(url=f"unix://{tmp_path}/absent.sock", named_by="the test"))
