"""What the kubelet asks of a container engine: the CRI's verbs, as one protocol.

`docker_runtime.DockerRuntime` is the real one, `scripted.ScriptedRuntime` plays scripts in virtual time for tests. Every call
blocks until done and raises `lab.errors.EngineError` (or a subclass) with the engine's own words in ``runtime_message``.
What happens by itself (exits, log lines, signals) comes through the `ContainerListener` given at creation, from any thread.
Source: staging/src/k8s.io/cri-api/pkg/apis/services.go (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in the node's store. ``stop_signal`` is the image's STOPSIGNAL or ""."""

    id: str
    size_bytes: int
    stop_signal: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """Whose sandbox it is. ``cluster`` chooses the network."""

    cluster: str
    namespace: str
    pod_name: str
    pod_uid: str
    hostname: str
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A started pause container and the pod IP it holds."""

    id: str
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host directory or file (already resolved inside the lab's data directory) seen in the container."""

    volume: str
    source: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """A container to create, after all kubelet-side expansion. ``entrypoint`` and ``command`` override the image's when not
    None."""

    cluster: str
    namespace: str
    pod_name: str
    pod_uid: str
    name: str
    attempt: int
    image: str
    entrypoint: tuple[str, ...] | None
    command: tuple[str, ...] | None
    env: tuple[tuple[str, str], ...]
    working_dir: str
    mounts: tuple[Mount, ...]
    run_as_user: int | None = None
    run_as_group: int | None = None
    read_only_root_filesystem: bool = False
    supplemental_groups: tuple[int, ...] = ()
    added_capabilities: tuple[str, ...] = ()
    dropped_capabilities: tuple[str, ...] = ()
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    stdin: bool = False
    tty: bool = False
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How PID 1 ended; times RFC 3339 with fraction, UTC, the engine's own."""

    exit_code: int
    oom_killed: bool
    started_at: str
    finished_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """PID 1 as the host numbers it (0 when it has already ended) and its start time, RFC 3339 with fraction, UTC."""

    pid: int
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """A finished exec. ``abandoned`` means the caller's timeout passed first; the process then still runs, or was killed
    for it, and ``exit_code`` is None."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    abandoned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """PID 1's command and signal masks (16 hex digits), the other processes as (pid in the container, command line), and all of
    them as a ``tree``: (pid, parent's pid or 0 for a parent outside, command line), PID 1 first."""

    command: str
    sig_blocked: str
    sig_ignored: str
    sig_caught: str
    others: tuple[tuple[int, str], ...]
    tree: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSignal:
    """A signal as the kernel saw it; fields as in `lab.timeline.facts.SignalReceived`."""

    signal: str
    number: int
    sender: str
    sender_pid: int
    target: str
    target_pid: int
    result: Literal["delivered", "default", "ignored", "pending"]
    witness: Literal["tracepoint", "ptrace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A difference between the container's file system and its image (volumes not included)."""

    path: str
    change: Literal["added", "modified", "deleted"]
    size_bytes: int
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How much a container has written to its own file system, volumes not included."""

    cluster: str
    run_id: str
    size_bytes: int


LogLine = tuple[str, str, str]  # (time RFC 3339 with fraction, "stdout" | "stderr", text without newline)


class ContainerListener(Protocol):
    """Receives what a container does by itself. Calls come from the runtime's threads and must return quickly."""

    def exited(self, exit: Exit) -> None:
        """PID 1 ended. Called exactly once per started container, after the last `logged`."""
        ...

    def logged(self, lines: tuple[LogLine, ...], *, unfinished: bool = False) -> None:
        """The container wrote lines, in order. ``unfinished``: its output has ended without a newline after the last."""
        ...

    def signalled(self, signal: ObservedSignal) -> None:
        """The kernel saw a signal to a process of the container."""
        ...

    def engine_lost(self, message: str) -> None:
        """The engine stopped answering; nothing more is known of the container."""
        ...


class Runtime(Protocol):
    """A container engine on this host. Thread-safe."""

    def prepare_cluster(self, cluster: str) -> None:
        """Create what a cluster's first sandbox would wait for (its network). Idempotent."""
        ...

    def remove_cluster(self, cluster: str) -> None:
        """Remove every container and network of the cluster."""
        ...

    def find_image(self, image: str) -> Image | None:
        """Return the image as the local store has it, or None. Never pulls. ``image`` is a reference as written in a manifest."""
        ...

    def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        """Create and start the pod's pause container on its cluster's network."""
        ...

    def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Stop and remove the pause container. Not found is success."""
        ...

    def create_container(self, sandbox: Sandbox, config: ContainerConfig, listener: ContainerListener) -> str:
        """Create (not start) a hardened container in the sandbox's network namespace; return its id. Raises ImageNotFound."""
        ...

    def start_container(self, container_id: str) -> Started:
        """Start PID 1. Raises EngineError with the engine's words when the command cannot be run."""
        ...

    def signal_container(self, container_id: str, signal: str) -> None:
        """Send a signal (name such as SIGTERM) to PID 1. Returns once sent; raises ContainerGone when it has ended."""
        ...

    def exec(
        self, container_id: str, command: tuple[str, ...], *, timeout_seconds: float | None = None, kill_on_timeout: bool = False
    ) -> ExecResult:
        """Run a command in the container: its env, user, working directory; no stdin, no TTY. Finished when stdout and stderr
        are closed. Output is kept to 1 MiB of each stream. ``kill_on_timeout`` ends the command's first process then, where this
        host allows it. Raises EngineError when the command cannot be started, ContainerGone when PID 1 has ended."""
        ...

    def process_state(self, container_id: str) -> ProcessState | None:
        """Return PID 1's signal masks and the process list now, or None when it has ended or cannot be read on this host."""
        ...

    def changed_files(self, container_id: str, *, limit_bytes: int = 4096) -> tuple[ChangedFile, ...]:
        """Return differences to the image, noise left out (unchanged directories, /proc, /sys, /dev, /run/*.pid, caches), regular
        files with up to ``limit_bytes`` of content. Takes 0.05–0.3 s; keep it off the critical path."""
        ...

    def read_file(self, container_id: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a regular file's content from the container's file system, running or dead; None when it is not there."""
        ...

    def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it still runs. Not found is success."""
        ...
