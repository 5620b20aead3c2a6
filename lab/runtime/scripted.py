"""A runtime that plays scripts in a clock's time: for the fast suite, without an engine.

It keeps the contract of `lab.runtime.runtime.Runtime` to the letter; what a container or a hook does is said by a
`ContainerScript`. Nothing here is used outside of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lab.clock import Clock
from lab.errors import ContainerGone, EngineError, ImageNotFound
from lab.runtime.runtime import (
    ChangedFile,
    ContainerConfig,
    ContainerListener,
    ExecResult,
    Exit,
    Image,
    LogLine,
    ObservedSignal,
    ProcessState,
    Sandbox,
    SandboxConfig,
    Started,
)
from lab.timeline.signal_names import signal_name, signal_number

KILLED = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecScript:
    """What a command does: after ``seconds`` it exits with ``exit_code``. ``signals`` are sent to PID 1 at its start;
    ``error`` makes it fail to start with the engine's words."""

    seconds: float = 0.0
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    signals: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerScript:
    """What a container does. ``exits`` is (seconds, exit code) of an end by itself, per attempt, the last repeating;
    ``on_signal`` maps a signal to (seconds until the end, exit code); others are ignored. ``execs`` maps a command's last
    word to its script. ``logs`` are lines, ``last_words`` are logged without a newline. ``start_error`` are the engine's words
    when it cannot be started."""

    exits: tuple[tuple[float, int] | None, ...] = (None,)
    on_signal: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    execs: Mapping[str, ExecScript] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    last_words: str = ""
    files: tuple[ChangedFile, ...] = ()
    start_error: str = ""


@dataclass(slots=True)
class _Instance:
    config: ContainerConfig
    script: ContainerScript
    listener: ContainerListener
    started_at: str = ""
    ends_at: float | None = None  # monotonic
    exit_code: int = 0
    ended: bool = False


class ScriptedRuntime:
    """Plays scripts by container name."""

    def __init__(
        self,
        clock: Clock,
        scripts: Mapping[str, ContainerScript] | None = None,
        *,
        images: tuple[str, ...] = ("busybox", "nginx"),
        pod_ip: str | None = None,
    ) -> None:
        """``images`` are those in its store; ``pod_ip`` is every pod's address (default: each gets one of its own that nobody
        answers at). While ``failures`` holds an error under a method's name, that method raises it."""
        self.calls: list[tuple[str, ...]] = []
        self.created: list[ContainerConfig] = []
        self.failures: dict[str, Exception] = {}
        self._clock = clock
        self._changed = clock.condition()
        self._scripts = dict(scripts or {})
        self._images = images
        self._pod_ip = pod_ip
        self._instances: dict[str, _Instance] = {}
        self._sandboxes: dict[str, SandboxConfig] = {}
        self._count = 0

    @property
    def left(self) -> tuple[str, ...]:
        """What has not been removed: ids of containers and sandboxes."""
        return (*self._instances, *self._sandboxes)

    def lose_engine(self, message: str) -> None:
        """Let the engine stop answering, and every container's listener hear of it."""
        for instance in list(self._instances.values()):
            instance.listener.engine_lost(message)

    def prepare_cluster(self, cluster: str) -> None:
        """Do nothing: there is no network."""

    def remove_cluster(self, cluster: str) -> None:
        """Remove everything of a cluster."""
        for key, instance in list(self._instances.items()):
            if instance.config.cluster == cluster:
                self.remove_container(key)

    def find_image(self, image: str) -> Image | None:
        """Return an image with nginx's STOPSIGNAL for nginx."""
        self._fail("find_image")
        name = image.partition(":")[0]
        if name not in self._images:
            return None
        stop_signal = "SIGQUIT" if name == "nginx" else ""
        return Image(id=f"sha256:{name}", size_bytes=1000, stop_signal=stop_signal, entrypoint=(), command=("sh",), user="")

    def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        """Give the pod an id and an address."""
        self._fail("run_pod_sandbox")
        self._count += 1
        sandbox = Sandbox(id=f"sandbox-{self._count}", ip=self._pod_ip or f"10.231.0.{self._count + 1}")
        self._sandboxes[sandbox.id] = config
        return sandbox

    def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Forget a sandbox."""
        self._fail("remove_pod_sandbox")
        self._sandboxes.pop(sandbox_id, None)

    def create_container(self, sandbox: Sandbox, config: ContainerConfig, listener: ContainerListener) -> str:
        """Make an instance with its container's script."""
        self._fail("create_container")
        if self.find_image(config.image) is None:
            raise ImageNotFound(f"cannot create container {config.name}: no image {config.image}")
        container_id = f"{config.name}-{config.attempt}-{config.pod_uid}"
        script = self._scripts.get(config.name, ContainerScript())
        self._instances[container_id] = _Instance(config, script, listener)
        self.created.append(config)
        return container_id

    def start_container(self, container_id: str) -> Started:
        """Begin to play the script."""
        self._fail("start_container")
        with self._changed:
            instance = self._instances[container_id]
            if instance.script.start_error:
                message = instance.script.start_error
                raise EngineError(f"cannot start {container_id}", runtime_message=message, code=127)
            instance.started_at = _nano(self._clock.now())
            exits = instance.script.exits
            plan = exits[min(instance.config.attempt, len(exits) - 1)]
            if plan is not None:
                instance.ends_at, instance.exit_code = self._clock.monotonic() + plan[0], plan[1]
        self._clock.spawn(f"life {container_id}", self._live, instance)
        return Started(pid=1000 + self._count, started_at=instance.started_at)

    def signal_container(self, container_id: str, signal: str) -> None:
        """Let the script react to a signal; SIGKILL always ends it."""
        self._fail("signal_container")
        with self._changed:
            instance = self._running(container_id)
            self.calls.append(("signal", container_id, signal))
            name = signal_name(signal_number(signal))
            reaction = (0.0, KILLED) if name == "SIGKILL" else instance.script.on_signal.get(name)
            if reaction is not None:
                ends_at = self._clock.monotonic() + reaction[0]
                if instance.ends_at is None or ends_at < instance.ends_at:
                    instance.ends_at, instance.exit_code = ends_at, reaction[1]
            self._changed.notify_all()
        observed = ObservedSignal(
            signal=name,
            number=signal_number(name),
            sender="runc",
            sender_pid=1,
            target=container_id,
            target_pid=1,
            result="default" if name == "SIGKILL" else "delivered" if reaction else "ignored",
            witness="tracepoint",
        )
        instance.listener.signalled(observed)

    def exec(
        self, container_id: str, command: tuple[str, ...], *, timeout_seconds: float | None = None, kill_on_timeout: bool = False
    ) -> ExecResult:
        """Play the script of a command's last word; it is killed when its container ends."""
        self._fail("exec")
        instance = self._running(container_id)
        script = instance.script.execs.get(command[-1], ExecScript())
        self.calls.append(("exec", container_id, *command))
        if script.error:
            raise EngineError(f"cannot exec in {container_id}", runtime_message=script.error, code=126)
        for signal in script.signals:
            self.signal_container(container_id, signal)
        with self._changed:
            limit = script.seconds if timeout_seconds is None else min(script.seconds, timeout_seconds)
            died = self._changed.wait_for(lambda: instance.ended, limit)
        if died:
            return ExecResult(exit_code=KILLED, stdout=script.stdout.encode(), stderr=script.stderr.encode())
        if limit < script.seconds:
            return ExecResult(exit_code=None, stdout=b"", stderr=b"", abandoned=True)
        return ExecResult(exit_code=script.exit_code, stdout=script.stdout.encode(), stderr=script.stderr.encode())

    def process_state(self, container_id: str) -> ProcessState | None:
        """Say which signals the script reacts to."""
        instance = self._instances.get(container_id)
        if instance is None or instance.ended:
            return None
        caught = sum(1 << (signal_number(name) - 1) for name in instance.script.on_signal)
        zero = "0" * 16
        masks = {"sig_blocked": zero, "sig_ignored": zero, "sig_caught": f"{caught:016x}"}
        return ProcessState(command="sh", others=(), tree=((1, 0, "sh"),), **masks)

    def changed_files(self, container_id: str, *, limit_bytes: int = 4096) -> tuple[ChangedFile, ...]:
        """Return the script's files."""
        self._fail("changed_files")
        instance = self._instances.get(container_id)
        if instance is None:
            raise ContainerGone(f"cannot look at {container_id}: it is gone")
        return instance.script.files

    def read_file(self, container_id: str, path: str, *, limit_bytes: int = 1 << 20) -> bytes | None:
        """Return a script's file."""
        return next((f.content for f in self.changed_files(container_id) if f.path == path), None)

    def remove_container(self, container_id: str) -> None:
        """Kill and forget a container."""
        self._fail("remove_container")
        with self._changed:
            instance = self._instances.get(container_id)
            if instance and instance.started_at and not instance.ended:
                instance.ends_at, instance.exit_code = self._clock.monotonic(), KILLED
                self._changed.notify_all()
                self._changed.wait_for(lambda: instance.ended)
            self._instances.pop(container_id, None)

    def _fail(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method]

    def _live(self, instance: _Instance) -> None:
        if instance.script.logs:
            now = _nano(self._clock.now())
            lines: tuple[LogLine, ...] = tuple((now, "stdout", text) for text in instance.script.logs)
            instance.listener.logged(lines)
        if instance.script.last_words:
            instance.listener.logged(((_nano(self._clock.now()), "stdout", instance.script.last_words),), unfinished=True)
        with self._changed:
            self._wait_for_end(instance)
            instance.ended = True
            self._changed.notify_all()
        finished = _nano(self._clock.now())
        instance.listener.exited(
            Exit(exit_code=instance.exit_code, oom_killed=False, started_at=instance.started_at, finished_at=finished)
        )

    def _wait_for_end(self, instance: _Instance) -> None:
        """Wait until the planned end, which a signal may bring forward."""
        while True:
            planned = instance.ends_at
            left = None if planned is None else planned - self._clock.monotonic()
            if left is not None and left <= 0:
                return
            changed: Callable[[], bool] = lambda planned=planned: instance.ends_at != planned  # type: ignore[misc]  # noqa: E731
            self._changed.wait_for(changed, left)

    def _running(self, container_id: str) -> _Instance:
        instance = self._instances.get(container_id)
        if instance is None or instance.ended or not instance.started_at:
            raise ContainerGone(f"cannot reach {container_id}: it does not run")
        return instance


def _nano(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
