"""A container's termination message: the end of the file at terminationMessagePath, or of its log.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go getTerminationMessage (v1.36).
"""

from __future__ import annotations

import os

from lab.kubelet.node_services import PodOnNode
from lab.kubelet.volumes import TERMINATION_LOG, PodVolumes
from lab.pods.model import Container
from lab.timeline.pod_record import Attempt

MESSAGE_LIMIT_BYTES = 4096  # kubecontainer.MaxContainerTerminationMessageLength
LOG_LIMIT_BYTES = 2048  # kubecontainer.MaxContainerTerminationMessageLogLength


def of_pod(on: PodOnNode, volumes: PodVolumes | None) -> tuple[tuple[str, str], ...]:
    """Return the messages of the pod's ended containers as (container id, message); each is read once."""
    if volumes is not None:
        for container in on.pod.all_containers:
            for attempt in on.record.of(container.name).attempts:
                if attempt.exited is not None and attempt.container_id not in on.termination_messages:
                    on.termination_messages[attempt.container_id] = _message(on, container, attempt, volumes)
    return tuple((key, message) for key, message in on.termination_messages.items() if message)


def _message(on: PodOnNode, container: Container, attempt: Attempt, volumes: PodVolumes) -> str:
    directory = volumes.termination.get((container.name, attempt.number))
    text = ""
    if directory is not None and (directory / TERMINATION_LOG).is_file():
        with (directory / TERMINATION_LOG).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MESSAGE_LIMIT_BYTES))
            text = file.read(MESSAGE_LIMIT_BYTES).decode(errors="replace")
    failed = attempt.exited is not None and attempt.exited.exit_code != 0
    if not text and failed and container.termination_message_policy == "FallbackToLogsOnError":
        log = "".join(on.log_tails.get(attempt.container_id, ())).encode()
        text = log[-LOG_LIMIT_BYTES:].decode(errors="replace")
    return text
