"""Start one container, and stop one container: the two stories that everything else serves.

Both read top to bottom as the documentation tells them. They append facts, record events and block until done; status is the
worker's affair. Source: pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer and killContainer (v1.36).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

from lab.errors import ContainerGone, EngineError, EngineUnavailable
from lab.kubelet.backoff import Backoff, go_duration
from lab.kubelet.container_config import container_config
from lab.kubelet.holds import hold, wait_unheld
from lab.kubelet.hooks import run_hook, run_pre_stop
from lab.kubelet.image_pull import ensure_image
from lab.kubelet.listener import AttemptListener
from lab.kubelet.node_services import PodOnNode, seconds_since
from lab.kubelet.process_looks import look_before_stop
from lab.kubelet.start_failed import StartFailed, start_failed
from lab.kubelet.volumes import PodVolumes
from lab.pods.model import Container
from lab.runtime.runtime import ContainerConfig, Image, Sandbox
from lab.timeline.facts import (
    BackingOff,
    ContainerCreated,
    ContainerStarted,
    HookSkipped,
    KillStarted,
    SignalSent,
)
from lab.timeline.pod_record import Attempt
from lab.timeline.signal_names import signal_number

MINIMUM_GRACE_SECONDS = 2  # kuberuntime_manager.go: minimumGracePeriodInSeconds
DEFAULT_STOP_SIGNAL = "SIGTERM"
TIMER_SECONDS = 0.0001  # a timer may seem to have ended a moment early: seconds here are not Go's whole nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Why and how a container is stopped. ``message`` is the Killing event's; ``grace_override`` the pod's effective grace
    when the whole pod goes; ``probe`` names the probe whose failure it was; ``after`` the containers that must have ended
    before the stop signal."""

    message: str
    grace_override: int | None = None
    probe: Literal["liveness", "startup"] | None = None
    after: tuple[str, ...] = ()


def start_container(on: PodOnNode, container: Container, sandbox: Sandbox, backoff: Backoff, volumes: PodVolumes) -> None:
    """Bring up the container's next instance and run its postStart hook. Blocks until the hook has ended. Raises StartFailed."""
    latest = on.of(container).latest
    number = latest.number + 1 if latest else 0

    _hold_back(on, container, backoff)
    image = ensure_image(on, container, number, backoff)
    instance = _create(on, container, number, container_config(on, container, number, image, volumes), sandbox, image)
    hold(on, container, number, "before-start")
    _start(on, container, instance)
    hold(on, container, number, "after-start")

    if container.lifecycle is None or container.lifecycle.post_start is None:
        return
    attempt = on.of(container).attempts[-1]
    succeeded = run_hook(on, container, attempt, "postStart")
    hold(on, container, number, "before-post-start-result")
    if not succeeded:
        on.event("Warning", "FailedPostStartHook", "PostStartHook failed", container)
        kill_container(on, container, Kill(message="FailedPostStartHook"))
        raise StartFailed(container.name)


def kill_container(on: PodOnNode, container: Container, kill: Kill) -> None:
    """Stop a container as Kubernetes does, also one that has ended by itself in between. Blocks until PID 1 has ended."""
    attempt = on.of(container).latest
    if attempt is None or attempt.started is None:
        return
    grace = _grace_period(on, container, kill)
    pre_stop = container.lifecycle.pre_stop if container.lifecycle else None
    on.stopping.add(attempt.container_id)
    on.event("Normal", "Killing", kill.message, container)
    on.note(
        KillStarted(attempt=attempt.number, reason=kill.message, grace_period_seconds=grace, has_pre_stop=pre_stop is not None),
        container,
    )

    if pre_stop is not None and grace > 0:
        hold(on, container, attempt.number, "before-pre-stop")
        grace -= whole_seconds(run_pre_stop(on, container, attempt, grace))
    elif pre_stop is not None:
        on.note(HookSkipped(hook="preStop", attempt=attempt.number, why="grace-period-zero"), container)
    if kill.after:
        grace -= whole_seconds(_wait_for_turn(on, kill.after, grace))
    grace = max(grace, MINIMUM_GRACE_SECONDS)

    stop_container(on, container, attempt, grace)


def whole_seconds(took_seconds: float) -> int:
    """Return the whole seconds that something took, as the kubelet subtracts them from a grace period."""
    return int(took_seconds + TIMER_SECONDS)


def stop_container(on: PodOnNode, container: Container, attempt: Attempt, grace_seconds: int) -> None:
    """Send the stop signal to PID 1, wait up to ``grace_seconds`` for its end, then send SIGKILL and wait."""

    def ended() -> bool:
        return on.record.of(container.name).attempts[attempt.number].exited is not None

    if on.wait_until(ended, 0):
        return
    hold(on, container, attempt.number, "before-stop-signal", over=ended)
    if on.wait_until(ended, 0):
        return
    signal, source = stop_signal_of(container, attempt.stop_signal)
    look_before_stop(on, container, attempt)
    deadline = on.clock.monotonic() + grace_seconds  # the engine's own time to send a signal is not the container's
    _send(on, container, attempt, signal, why="stop-signal", source=source, timeout_seconds=grace_seconds)
    if on.wait_until(ended, max(0.0, deadline - on.clock.monotonic())):
        return
    hold(on, container, attempt.number, "before-sigkill", over=ended)
    if on.wait_until(ended, 0):
        return
    _send(on, container, attempt, "SIGKILL", why="grace-period-over", source="kill", timeout_seconds=0)
    on.wait_until(ended)


def stop_signal_of(container: Container, image_signal: str) -> tuple[str, Literal["lifecycle", "image", "default"]]:
    """Return the stop signal and where it comes from: lifecycle.stopSignal, the image's STOPSIGNAL, or SIGTERM."""
    if container.lifecycle and container.lifecycle.stop_signal:
        return container.lifecycle.stop_signal, "lifecycle"
    if image_signal:
        return image_signal, "image"
    return DEFAULT_STOP_SIGNAL, "default"


# --- start --------------------------------------------------------------------------------------------------------


def _hold_back(on: PodOnNode, container: Container, backoff: Backoff) -> None:
    """Let a restart go on or raise StartFailed while it is backing off, counted from the last end that was known when the pass
    began (kuberuntime_manager.go: doBackOff)."""
    ends = [a.exited for a in on.of(container).attempts if a.exited and a.container_id not in on.stopped_in_pass]
    if not ends:
        return
    now = on.clock.monotonic()
    ended = now - seconds_since(ends[-1].finished_at, on.clock.now())
    key = f"{container.name}/{container.image}"
    remaining = backoff.remaining_seconds(key, ended, now)
    if remaining == 0.0:
        backoff.next(key, ended, now)
        return
    delay = backoff.delay_seconds(key)
    on.event("Warning", "BackOff", f"Back-off restarting failed container {container.name} in pod {on.pod.full_name}", container)
    message = f"back-off {go_duration(delay)} restarting failed container={container.name} pod={on.pod.full_name}"
    held = BackingOff(
        attempt=len(on.of(container).attempts),
        reason="CrashLoopBackOff",
        message=message,
        delay_seconds=delay,
        remaining_seconds=remaining,
    )
    on.note(held, container)
    raise StartFailed(container.name, retry_seconds=remaining)


def _create(
    on: PodOnNode, container: Container, number: int, config: ContainerConfig, sandbox: Sandbox, image: Image
) -> AttemptListener:
    listener = AttemptListener(on, container, number)
    try:
        listener.container_id = on.node.runtime.create_container(sandbox, config, listener)
    except EngineUnavailable:
        raise
    except EngineError as error:
        on.left_behind = True  # a slow engine may yet make it
        raise start_failed(on, container, number, "create", "CreateContainerError", error.runtime_message) from error
    entrypoint = image.entrypoint if config.entrypoint is None else config.entrypoint
    command = image.command if config.command is None else config.command
    created = ContainerCreated(
        container_id=listener.container_id,
        attempt=number,
        image=container.image,
        argv=(*entrypoint, *command),
        stop_signal=image.stop_signal,
    )
    on.note(created, container)
    on.event("Normal", "Created", "Container created", container)
    return listener


def _start(on: PodOnNode, container: Container, instance: AttemptListener) -> None:
    try:
        started = on.node.runtime.start_container(instance.container_id)
    except EngineUnavailable:
        raise
    except EngineError as error:
        raise start_failed(on, container, instance.number, "start", "RunContainerError", error.runtime_message) from error
    fact = ContainerStarted(
        container_id=instance.container_id, attempt=instance.number, pid=started.pid, started_at=started.started_at
    )
    on.note(fact, container)
    instance.release()
    on.wait_until(lambda: True)  # an abort that came before the start was noted has not seen the container: leave, it is cleared
    on.event("Normal", "Started", "Container started", container)


# --- stop ---------------------------------------------------------------------------------------------------------


def _grace_period(on: PodOnNode, container: Container, kill: Kill) -> int:
    if kill.grace_override is not None:
        return kill.grace_override
    probe = {"liveness": container.liveness_probe, "startup": container.startup_probe}.get(kill.probe or "")
    if probe is not None and probe.termination_grace_period_seconds is not None:
        return probe.termination_grace_period_seconds
    return on.pod.spec.termination_grace_period_seconds


def _wait_for_turn(on: PodOnNode, names: tuple[str, ...], grace_seconds: int) -> float:
    """Wait until the named containers have ended, at most ``grace_seconds``; return the seconds waited, without those in which
    one of them was held."""
    return wait_unheld(on, lambda: not any(on.record.of(name).running for name in names), names, max(0, grace_seconds))


def _send(
    on: PodOnNode,
    container: Container,
    attempt: Attempt,
    signal: str,
    *,
    why: Literal["stop-signal", "grace-period-over"],
    source: Literal["lifecycle", "image", "default", "kill"],
    timeout_seconds: float,
) -> None:
    sent = SignalSent(
        signal=signal,
        number=signal_number(signal),
        why=why,
        source=source,
        timeout_seconds=timeout_seconds,
        attempt=attempt.number,
    )
    on.note(sent, container)
    with contextlib.suppress(ContainerGone):  # it ended by itself in between; its exit is on the way
        on.node.runtime.signal_container(attempt.container_id, signal)
