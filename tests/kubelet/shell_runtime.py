"""A runtime in virtual time whose containers run the manifests' own scripts (`shell`), with an engine's latencies.

It keeps the contract of `lab.runtime.runtime.Runtime`. Files are those of the virtual node where a volume is mounted, else the
container's own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lab.clock import Clock, Condition
from lab.errors import ContainerGone, EngineError, ImageNotFound
from lab.runtime.runtime import (
    ChangedFile,
    ContainerConfig,
    ContainerListener,
    ExecResult,
    Exit,
    Image,
    LogLine,
    ProcessState,
    Sandbox,
    SandboxConfig,
    Started,
)
from tests.kubelet import shell_programs
from tests.kubelet.shell import CannotWrite, Process, Sink

SANDBOX_SECONDS = 0.25  # what an engine takes on a machine with two processors
CREATE_SECONDS = 0.02
START_SECONDS = 0.06
STARTED_SECONDS = 0.005  # until the engine says so
EXEC_SECONDS = 0.03
SIGNAL_SECONDS = 0.01
EXIT_SECONDS = 0.01
KILLED = 137
LOG_PATHS = ("/proc/1/fd/1", "/dev/stdout")
SHELLS = ("/bin/sh", "sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

IMAGES = {
    "busybox": Image(id="sha256:b", size_bytes=1_982_704, stop_signal="", entrypoint=(), command=("sh",), user=""),
    "nginx": Image(
        id="sha256:n",
        size_bytes=187_000_000,
        stop_signal="SIGQUIT",
        entrypoint=(),
        command=("nginx", "-g", "daemon off;"),
        user="",
    ),
}


@dataclass
class Instance:
    """A container: its processes, its files, and what it has printed."""

    config: ContainerConfig
    listener: ContainerListener
    clock: Clock
    changed: Condition
    environment: dict[str, str]
    pod_ip: str
    files: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    started_at: str = ""
    ended: bool = False
    partial: str = ""

    def process(self, out: Sink, err: Sink, parent: Process | None = None) -> Process:
        """Make a process."""
        self.processes.append(Process(self, len(self.processes) + 1, out, err, parent))
        return self.processes[-1]

    def spawn(self, process: Process, body: Callable[[], None]) -> None:
        """Let a process run."""
        self.clock.spawn(f"process {process.pid} of {self.config.name}", body)

    def signal(self, name: str) -> None:
        """Send a signal to PID 1."""
        with self.changed:
            self.processes[0].signal(name)

    def log(self, text: str) -> None:
        """Print on PID 1's standard output."""
        *lines, self.partial = (self.partial + text).split("\n")
        if lines:
            at = nano(self.clock.now())
            told: tuple[LogLine, ...] = tuple((at, "stdout", line) for line in lines)
            self.listener.logged(told)

    def sink(self, path: str, *, append: bool) -> Sink:
        """Open a file for writing. Raises CannotWrite."""
        if path in LOG_PATHS:
            return self.log
        host = self._host_path(path)
        if host is None and self.config.read_only_root_filesystem:
            raise CannotWrite(f"can't create {path}: Read-only file system")
        if host is None and self.config.run_as_user and not path.startswith("/tmp/"):
            raise CannotWrite(f"can't create {path}: Permission denied")
        if not append:
            self._write(path, host, "")
        return lambda text: self._write(path, host, (self.read(path) or "") + text)

    def read(self, path: str) -> str | None:
        """Return a file's text; None when it is not there."""
        host = self._host_path(path)
        if host is None:
            return self.files.get(path)
        return host.read_text() if host.is_file() else None

    def end(self) -> None:
        """PID 1 has ended: so does everything beside it."""
        with self.changed:
            self.ended = True
            for process in self.processes:
                if process.code is None:
                    process.killed_by = 9
            self.changed.notify_all()

    def _write(self, path: str, host: Path | None, text: str) -> None:
        if host is None:
            self.files[path] = text
        else:
            host.write_text(text)

    def _host_path(self, path: str) -> Path | None:
        for mount in self.config.mounts:
            if path == mount.target or path.startswith(mount.target.rstrip("/") + "/"):
                return Path(mount.source) / posixpath.relpath(path, mount.target) if path != mount.target else Path(mount.source)
        return None


class ShellRuntime:
    """A runtime for one cluster whose pods all have the address ``pod_ip``, on an engine ``slowness`` times as slow as usual."""

    def __init__(self, clock: Clock, *, pod_ip: str = "127.0.0.1", slowness: float = 1.0) -> None:
        self._clock = clock
        self._slowness = slowness
        self._changed = clock.condition()
        self._pod_ip = pod_ip
        self._instances: dict[str, Instance] = {}
        self._count = 0

    def prepare_cluster(self, cluster: str) -> None:
        """Do nothing: there is no network."""

    def remove_cluster(self, cluster: str) -> None:
        """Do nothing: the test's cluster has removed what it made."""

    def find_image(self, image: str) -> Image | None:
        """Return one of the two images that scenarios use."""
        return IMAGES.get(image)

    def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        """Give the pod its address."""
        self._work(SANDBOX_SECONDS)
        return Sandbox(id=f"sandbox-{config.pod_uid}", ip=self._pod_ip)

    def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Do nothing."""

    def create_container(self, sandbox: Sandbox, config: ContainerConfig, listener: ContainerListener) -> str:
        """Make a container that has not been started."""
        self._work(CREATE_SECONDS)
        if config.image not in IMAGES:
            raise ImageNotFound(f"cannot create container {config.name}: no image {config.image}")
        environment = {"PATH": PATH, "HOME": "/root", "HOSTNAME": config.pod_name, **dict(config.env)}
        self._count += 1
        container_id = f"{self._count:064x}"
        self._instances[container_id] = Instance(config, listener, self._clock, self._changed, environment, self._pod_ip)
        return container_id

    def start_container(self, container_id: str) -> Started:
        """Start PID 1."""
        instance = self._instances[container_id]
        config, image = instance.config, IMAGES[instance.config.image]
        entrypoint = image.entrypoint if config.entrypoint is None else config.entrypoint
        argv = (*entrypoint, *(image.command if config.command is None else config.command))
        self._work(START_SECONDS)
        if argv[0] not in SHELLS and not shell_programs.exists(argv[0]):
            message = f'OCI runtime create failed: exec: "{argv[0]}": no such file or directory'
            raise EngineError(f"cannot start {container_id}", runtime_message=message, code=128)
        instance.started_at = nano(self._clock.now())
        first = instance.process(instance.log, instance.log)
        self._clock.spawn(f"container {config.name}", self._live, instance, first, argv)
        self._work(STARTED_SECONDS)
        return Started(pid=1000 + self._count, started_at=instance.started_at)

    def signal_container(self, container_id: str, signal: str) -> None:
        """Send a signal to PID 1."""
        instance = self._running(container_id)
        self._work(SIGNAL_SECONDS)
        instance.signal(signal.removeprefix("SIG"))

    def exec(
        self, container_id: str, command: tuple[str, ...], *, timeout_seconds: float | None = None, kill_on_timeout: bool = False
    ) -> ExecResult:
        """Run a command; it has ended when nobody holds its output any more."""
        instance = self._running(container_id)
        self._work(EXEC_SECONDS)
        if instance.ended:
            raise ContainerGone(f"cannot exec in {container_id}: it has ended")
        if command[0] not in SHELLS and not shell_programs.exists(command[0]):
            message = f'OCI runtime exec failed: exec: "{command[0]}": no such file or directory'
            raise EngineError(f"cannot exec in {container_id}", runtime_message=message, code=126)
        stdout: list[str] = []
        stderr: list[str] = []
        process = instance.process(stdout.append, stderr.append)
        instance.spawn(process, lambda: process.run(command))
        with self._changed:
            ended = self._changed.wait_for(lambda: not process.holds_its_output, timeout_seconds)
            if not ended and kill_on_timeout:
                process.signal("KILL")
        if not ended:
            return ExecResult(exit_code=None, stdout=b"", stderr=b"", abandoned=True)
        return ExecResult(exit_code=process.code, stdout="".join(stdout).encode(), stderr="".join(stderr).encode())

    def process_state(self, container_id: str) -> ProcessState | None:
        """Say nothing of PID 1."""
        return None

    def changed_files(self, container_id: str, *, limit_bytes: int = 4096) -> tuple[ChangedFile, ...]:
        """Return the container's own files."""
        files = self._instances[container_id].files if container_id in self._instances else {}
        return tuple(
            ChangedFile(path=path, change="added", size_bytes=len(text), content=text.encode()) for path, text in files.items()
        )

    def read_file(self, container_id: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a file, of a volume or the container's own."""
        text = self._instances[container_id].read(path) if container_id in self._instances else None
        return None if text is None else text.encode()

    def remove_container(self, container_id: str) -> None:
        """Kill and forget a container."""
        instance = self._instances.pop(container_id, None)
        if instance is not None and instance.started_at and not instance.ended:
            instance.signal("KILL")
            with self._changed:
                self._changed.wait_for(lambda: instance.ended)

    def _work(self, seconds: float) -> None:
        self._clock.sleep(seconds * self._slowness)

    def _live(self, instance: Instance, first: Process, argv: tuple[str, ...]) -> None:
        first.run(argv)
        finished_at = nano(self._clock.now())
        instance.end()
        self._work(EXIT_SECONDS)
        assert first.code is not None
        instance.listener.exited(
            Exit(exit_code=first.code, oom_killed=False, started_at=instance.started_at, finished_at=finished_at)
        )

    def _running(self, container_id: str) -> Instance:
        instance = self._instances.get(container_id)
        if instance is None or instance.ended or not instance.started_at:
            raise ContainerGone(f"cannot reach {container_id}: it does not run")
        return instance


def nano(moment: datetime) -> str:
    """Return a time as an engine writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
