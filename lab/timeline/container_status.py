"""A container's API status, computed from what happened to it: pure.

Source: pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), pkg/kubelet/status/status_manager.go (TerminatePod,
normalizeStatus), v1.36.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.pods.model import Container, Pod
from lab.timeline.facts import JSON, ContainerExited
from lab.timeline.pod_record import Attempt, PodRecord
from lab.timeline.restart_policy import is_sidecar, should_be_restarted

RUNTIME_SCHEME = "docker://"
MESSAGES_LIMIT_BYTES = 12 * 1024  # of all containers of a pod; kubecontainer.MaxPodTerminationMessageLogLength
UNKNOWN_EXIT_CODE = 137  # status_manager.go: ContainerStatusUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInput:
    """Everything a status depends on. ``previous`` is the status last published (or {}), ``terminal`` whether the pod has
    been torn down, ``deadline_exceeded`` whether activeDeadlineSeconds ended it, ``messages`` the termination messages by
    container id."""

    pod: Pod
    record: PodRecord
    previous: JSON
    now: datetime
    terminal: bool = False
    deadline_exceeded: bool = False
    messages: tuple[tuple[str, str], ...] = ()


def container_status(given: StatusInput, container: Container, *, waiting: str) -> JSON:
    """Return a container's status; ``waiting`` is the reason of one that nothing has happened to yet."""
    record = given.record.of(container.name)
    old = named(given.previous, container.name)
    latest = record.latest
    state: JSON = {"waiting": {"reason": waiting}}
    last: JSON = old.get("lastState", {})
    exited = [a for a in record.attempts[:-1] if a.exited is not None]
    if exited:
        last = {"terminated": _terminated(given, exited[-1])}
    if latest is not None and latest.exited is not None:
        state = {"terminated": _terminated(given, latest)}
    elif latest is not None and latest.started is not None:
        state = {"running": {"startedAt": latest.started.started_at[:19] + "Z"}}
    finished = record.exited is not None and record.exited.exit_code == 0
    done_init = given.pod.is_init(container) and finished
    if record.start_error and not done_init and should_be_restarted(given.pod, container, record):
        if "terminated" in state:
            last = state
        state = {"waiting": {"reason": record.start_error.reason, "message": record.start_error.message}}
    running = "running" in state
    started = running and (container.startup_probe is None or record.startup is True)
    ready = started and (container.readiness_probe is None or record.ready is True)
    if given.pod.is_init(container) and not is_sidecar(given.pod, container):
        ready = done_init and "terminated" in state
    status: JSON = {
        "name": container.name,
        "state": state,
        "lastState": last,
        "ready": ready,
        "started": started,
        "restartCount": latest.number if latest else 0,
        "image": qualified_image(container.image),
        "imageID": latest.image_id if latest else "",
    }
    if latest is not None:
        status["containerID"] = RUNTIME_SCHEME + latest.container_id
    return status


def qualified_image(image: str) -> str:
    """Return the image as the runtime names it: with its tag, and docker.io where no registry is given."""
    name, _, digest = image.partition("@")
    head, _, rest = name.partition("/")
    if not rest:
        name = f"docker.io/library/{name}"
    elif "." not in head and ":" not in head and head != "localhost":
        name = f"docker.io/{name}"
    if digest:
        return f"{name}@{digest}"
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


def _terminated(given: StatusInput, attempt: Attempt) -> JSON:
    ended = attempt.exited
    assert ended is not None  # noqa: S101  # callers chose an attempt that ended
    terminated: JSON = {
        "exitCode": ended.exit_code,
        "reason": "StartError" if attempt.start_error else exit_reason(ended),
        "startedAt": ended.started_at[:19] + "Z",
        "finishedAt": ended.finished_at[:19] + "Z",
        "containerID": RUNTIME_SCHEME + attempt.container_id,
    }
    if message := attempt.start_error or dict(given.messages).get(attempt.container_id):
        limit = MESSAGES_LIMIT_BYTES // len(given.pod.all_containers)
        terminated["message"] = message.encode()[:limit].decode(errors="ignore")
    return terminated


def exit_reason(ended: ContainerExited) -> str:
    """Return Completed, Error or OOMKilled, as the runtime reports an exit."""
    if ended.oom_killed:
        return "OOMKilled"
    return "Completed" if ended.exit_code == 0 else "Error"


def located(statuses: Sequence[JSON]) -> list[JSON]:
    """Give every container of a torn down pod a terminated state."""
    unknown = {
        "exitCode": UNKNOWN_EXIT_CODE,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
    return [s if "terminated" in s["state"] else {**s, "state": {"terminated": unknown}} for s in statuses]


def named(status: JSON, name: str) -> JSON:
    """Return a container's entry in a pod's status; {} when there is none."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(kind, []):
            if entry["name"] == name:
                return dict(entry)
    return {}
