"""How a container that could not be brought up is reported: one fact, one event, one exception that ends its start."""

from __future__ import annotations

from typing import Literal

from lab.kubelet.node_services import PodOnNode
from lab.pods.model import Container
from lab.timeline.facts import ContainerFailed


class StartFailed(Exception):
    """A container was not brought up; the facts say why. ``retry_seconds`` is when a back-off ends, if one holds it back."""

    def __init__(self, container: str, *, retry_seconds: float | None = None) -> None:
        super().__init__(f"cannot start container {container}: the pod's facts say why")
        self.retry_seconds = retry_seconds


def start_failed(
    on: PodOnNode,
    container: Container,
    number: int,
    stage: Literal["image", "config", "create", "start"],
    reason: str,
    message: str,
) -> StartFailed:
    """Append ContainerFailed, record the event ``Failed`` with the message (an image's with its reason), and return the
    exception."""
    on.note(ContainerFailed(attempt=number, stage=stage, reason=reason, message=message), container)
    on.event("Warning", "Failed", f"Error: {reason if stage == 'image' else message}", container)
    return StartFailed(container.name)
