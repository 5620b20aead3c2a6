"""Lifecycle hooks: run a handler, and bound a preStop hook by the grace period.

What a hook printed is kept as a fact; Kubernetes' event says only that it failed. A hook that outlives its time is abandoned,
never killed. Source: pkg/kubelet/lifecycle/handlers.go, pkg/kubelet/kuberuntime/kuberuntime_container.go executePreStopHook
(v1.36).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from lab.errors import ContainerGone, EngineError
from lab.kubelet import http_get
from lab.kubelet.node_services import PodOnNode
from lab.kubelet.process_looks import looking_during_hook
from lab.pods.model import Container, ExecAction, Handler, HTTPGetAction, NoAction, SleepAction, TCPSocketAction
from lab.timeline.facts import HandlerKind, Hook, HookFailed, HookFinished, HookStarted, HookTimedOut
from lab.timeline.pod_record import Attempt

OUTPUT_LIMIT_BYTES = 64 * 1024  # of each stream of a hook: it is on the page, in the store and, when it failed, in the status
KILLED_EXIT_CODE = 137  # an exec whose container dies with it
ABANDONED_SECONDS = 1.0  # how long a hook that has no end of its own outlives its time: its end is not the kubelet's deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a handler ended. ``error`` is the handler's message without its frame, or "" for success; ``printed`` both streams as
    they were, one after the other."""

    error: str = ""
    exit_code: int | None = None
    http_status: int | None = None
    stdout: str = ""
    stderr: str = ""
    printed: bytes = b""


def run_hook(on: PodOnNode, container: Container, attempt: Attempt, hook: Hook, *, limit_seconds: float | None = None) -> bool:
    """Run a container's hook to its end and return whether it succeeded. Appends HookStarted, then HookFinished or HookFailed.
    Blocks for as long as the handler takes; ``limit_seconds`` only ends what has no end of its own (a sleep, a silent server)."""
    assert container.lifecycle is not None  # noqa: S101  # the caller looked
    handler = container.lifecycle.post_start if hook == "postStart" else container.lifecycle.pre_stop
    assert handler is not None  # noqa: S101
    kind = kind_of(handler)
    started = HookStarted(hook=hook, handler=kind, action=_action(on, container, handler), attempt=attempt.number)
    on.note(started, container)
    began = on.clock.monotonic()
    with looking_during_hook(on, container, attempt) if kind == "exec" else nullcontext():
        outcome = _handle(on, container, attempt, handler, limit_seconds)
    if outcome is None:
        return True
    took = on.clock.monotonic() - began
    if outcome.error:
        message = _message(on, container, handler, outcome)
        failed = HookFailed(
            hook=hook,
            handler=kind,
            attempt=attempt.number,
            exit_code=outcome.exit_code,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            message=message,
            took_seconds=took,
        )
        on.note(failed, container)
        on.look(container, attempt)
        return False
    finished = HookFinished(
        hook=hook,
        handler=kind,
        attempt=attempt.number,
        exit_code=outcome.exit_code,
        http_status=outcome.http_status,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        took_seconds=took,
    )
    on.note(finished, container)
    on.look(container, attempt)
    return True


def run_pre_stop(on: PodOnNode, container: Container, attempt: Attempt, grace_seconds: int) -> float:
    """Run the preStop hook for at most ``grace_seconds`` and return the seconds it used. A hook that is still running then
    goes on by itself; its failure is recorded when it comes."""
    ended = False

    def hook() -> None:
        nonlocal ended
        try:
            if not run_hook(on, container, attempt, "preStop", limit_seconds=grace_seconds):
                on.event("Warning", "FailedPreStopHook", "PreStopHook failed", container)
        finally:
            with on.changed:
                ended = True
                on.changed.notify_all()

    began = on.clock.monotonic()
    on.hooks.append(on.spawn(f"preStop of {container.name} in", hook))
    if not on.wait_until(lambda: ended, grace_seconds):
        on.note(HookTimedOut(hook="preStop", attempt=attempt.number, grace_period_seconds=grace_seconds), container)
    return on.clock.monotonic() - began


def kind_of(handler: Handler) -> HandlerKind:
    """Return the handler's field name."""
    match handler:
        case ExecAction():
            return "exec"
        case HTTPGetAction():
            return "httpGet"
        case TCPSocketAction():
            return "tcpSocket"
        case SleepAction():
            return "sleep"
        case NoAction():
            return "none"


def go_quote(text: str) -> str:
    r"""Return text as Go's ``%q`` prints it: ``"out\nerr\n"``."""
    named = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", '"': r"\"", "\\": r"\\"}
    return '"' + "".join(named.get(c) or _go_escaped(c) for c in text) + '"'


def _go_escaped(character: str) -> str:
    """Return a character as it is when it can be printed; a byte that is no UTF-8 comes as a surrogate escape."""
    code = ord(character)
    if character.isprintable():
        return character
    if code <= 0x7F or 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _handle(
    on: PodOnNode, container: Container, attempt: Attempt, handler: Handler, limit_seconds: float | None
) -> Outcome | None:
    """Return how the handler ended; None when it was given up while it goes on, and nothing more will be heard of it."""
    match handler:
        case ExecAction():
            return _exec(on, attempt, handler)
        case HTTPGetAction():
            return _http_get(on, container, handler, limit_seconds)
        case SleepAction():
            # The kubelet's own timer: it does not end with the container.
            if limit_seconds is not None and handler.seconds > limit_seconds:
                on.wait_until(lambda: False, limit_seconds + ABANDONED_SECONDS)
                return None
            on.wait_until(lambda: False, handler.seconds)
            return Outcome()
        case TCPSocketAction() | NoAction():
            return Outcome(error="invalid handler")


def _exec(on: PodOnNode, attempt: Attempt, handler: ExecAction) -> Outcome:
    try:
        result = on.node.runtime.exec(attempt.container_id, handler.command)
    except ContainerGone as error:
        return Outcome(error=error.runtime_message, exit_code=KILLED_EXIT_CODE)
    except EngineError as error:
        return Outcome(error=error.runtime_message, exit_code=error.code)
    stdout, stderr = _kept(result.stdout), _kept(result.stderr)
    words = stderr.decode(errors="replace")
    error_text = f"command '{' '.join(handler.command)}' exited with {result.exit_code}: {words}" if result.exit_code else ""
    return Outcome(
        error=error_text,
        exit_code=result.exit_code,
        stdout=stdout.decode(errors="replace"),
        stderr=words,
        printed=stdout + stderr,
    )


def _kept(output: bytes) -> bytes:
    """Return what is kept of a stream. Differs from the kubelet, which takes 16 MiB into a status that the API then refuses."""
    if len(output) <= OUTPUT_LIMIT_BYTES:
        return output
    return output[:OUTPUT_LIMIT_BYTES] + f"\n[pod-hook-lab: {len(output) - OUTPUT_LIMIT_BYTES} more bytes not kept]\n".encode()


def _http_get(on: PodOnNode, container: Container, handler: HTTPGetAction, limit_seconds: float | None) -> Outcome:
    ip = on.refresh().sandbox_ip
    try:
        url = http_get.url_of(handler, ip, http_get.resolve_port(handler.port, container))
        answer = http_get.get(url, handler, ip, timeout_seconds=limit_seconds and limit_seconds + ABANDONED_SECONDS)
    except http_get.TransportError as error:
        return Outcome(error=str(error))
    return Outcome(http_status=answer.status)


def _action(on: PodOnNode, container: Container, handler: Handler) -> tuple[str, ...]:
    match handler:
        case ExecAction():
            return handler.command
        case HTTPGetAction():
            try:
                return (http_get.url_of(handler, on.refresh().sandbox_ip, http_get.resolve_port(handler.port, container)),)
            except http_get.TransportError:
                return (f"{handler.scheme.lower()}://{handler.host or on.record.sandbox_ip}:{handler.port}{handler.path}",)
        case SleepAction():
            return (str(handler.seconds),)
        case TCPSocketAction():
            return (f"{handler.host}:{handler.port}",)
        case NoAction():
            return ()


def _message(on: PodOnNode, container: Container, handler: Handler, outcome: Outcome) -> str:
    """Return the handler's full message, as the kubelet logs it and, for postStart, puts it into the pod's status."""
    frame = f'for Container "{container.name}" in Pod "{on.pod.full_name}" failed - error: {outcome.error}'
    match handler:
        case ExecAction():
            output = go_quote(outcome.printed.decode(errors="surrogateescape"))
            return f"Exec lifecycle hook ([{' '.join(handler.command)}]) {frame}, message: {output}"
        case HTTPGetAction():
            return f"HTTP lifecycle hook ({handler.path}) {frame}"
        case SleepAction():
            return f"Sleep lifecycle hook ({handler.seconds}) {frame}"
        case TCPSocketAction() | NoAction():
            return f"Cannot run handler: invalid handler: {_go_value(handler)}"


def _go_value(handler: TCPSocketAction | NoAction) -> str:
    """Return a handler that the kubelet does not know as Go's ``%v`` prints it."""
    socket = "nil"
    if isinstance(handler, TCPSocketAction):
        port = f"{{0 {handler.port} }}" if isinstance(handler.port, int) else f"{{1 0 {handler.port}}}"
        socket = f"&TCPSocketAction{{Port:{port},Host:{handler.host},}}"
    return f"&LifecycleHandler{{Exec:nil,HTTPGet:nil,TCPSocket:{socket},Sleep:nil,}}"
