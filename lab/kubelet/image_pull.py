"""Make sure that a container's image is there, with the events of a pull.

The engine's local store is the node's registry: a pull is a look-up in it, and what it does not hold cannot be pulled. Differs
from the kubelet: policy Always reports the look-up's time. Source: pkg/kubelet/images/image_manager.go (v1.36).
"""

from __future__ import annotations

import re

from lab.kubelet.backoff import Backoff, go_duration
from lab.kubelet.node_services import PodOnNode
from lab.kubelet.start_failed import StartFailed, start_failed
from lab.pods.model import Container
from lab.runtime.runtime import Image
from lab.timeline.facts import BackingOff, ImageLookedUp

# github.com/distribution/reference: ReferenceRegexp
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REFERENCE = re.compile(rf"{_DOMAIN}{_PATH}(?:/{_PATH})*(?::[\w][\w.-]{{0,127}})?(?:@[A-Za-z0-9+.-]+:[0-9a-fA-F]{{32,}})?")


def look_for_pull_secrets(on: PodOnNode) -> None:
    """Say so when a Secret that is to pull images is missing (pkg/kubelet/kubelet_pods.go, getPullSecretsForPod)."""
    missing = [name for name in on.pod.spec.image_pull_secrets if on.node.api.get("Secret", on.pod.namespace, name) is None]
    if missing:
        message = (
            f"Unable to retrieve some image pull secrets ({', '.join(missing)}); attempting to pull the image may not succeed."
        )
        on.event("Warning", "FailedToRetrieveImagePullSecret", message)


def ensure_image(on: PodOnNode, container: Container, number: int, backoff: Backoff) -> Image:
    """Return the container's image by its pull policy, recording the kubelet's events. Raises StartFailed."""
    name = container.image
    _require_name(on, container, number)
    policy = container.image_pull_policy
    image, took = None, 0.0
    if policy != "Always":
        image, took = _look_up(on, container)
        if image is not None:
            present = f'Container image "{name}" already present on machine and can be accessed by the pod'
            on.event("Normal", "Pulled", present, container)
            return image
    if policy == "Never":
        absent = f'Container image "{name}" is not present with pull policy of Never'
        on.event("Warning", "ErrImageNeverPull", absent, container)
        raise start_failed(on, container, number, "image", "ErrImageNeverPull", absent)
    _hold_back(on, container, number, backoff)
    on.event("Normal", "Pulling", f'Pulling image "{name}"', container)
    if policy == "Always":
        image, took = _look_up(on, container)
    if image is None:
        now = on.clock.monotonic()
        backoff.next(_key(name), now, now)
        missing = (
            f'failed to resolve image "{name}": it is not in this lab\'s image store, and the lab downloads nothing while it '
            "runs; use an image of `lab images list`, or ask whoever runs the lab to add it (LAB_IMAGES)"
        )
        on.event("Warning", "Failed", f'Failed to pull image "{name}": {missing}', container)
        raise start_failed(on, container, number, "image", "ErrImagePull", missing)
    lasted = go_duration(took)
    pulled = f'Successfully pulled image "{name}" in {lasted} ({lasted} including waiting). Image size: {image.size_bytes} bytes.'
    on.event("Normal", "Pulled", pulled, container)
    return image


def _look_up(on: PodOnNode, container: Container) -> tuple[Image | None, float]:
    began = on.clock.monotonic()
    image = on.node.runtime.find_image(container.image)
    took = on.clock.monotonic() - began
    fact = ImageLookedUp(
        image=container.image,
        image_id=image.id if image else "",
        size_bytes=image.size_bytes if image else 0,
        took_seconds=took,
    )
    on.note(fact, container)
    return image, took


def _hold_back(on: PodOnNode, container: Container, number: int, backoff: Backoff) -> None:
    remaining = backoff.remaining_since_update_seconds(_key(container.image), on.clock.monotonic())
    if remaining == 0.0:
        return
    waiting = f'Back-off pulling image "{container.image}"'
    on.event("Normal", "BackOff", waiting, container)
    error = on.of(container).start_error
    held = BackingOff(
        attempt=number,
        reason="ImagePullBackOff",
        message=f"{waiting}: ErrImagePull: {error.message}" if error and error.reason == "ErrImagePull" else waiting,
        delay_seconds=backoff.delay_seconds(_key(container.image)),
        remaining_seconds=remaining,
    )
    on.note(held, container)
    on.event("Warning", "Failed", "Error: ImagePullBackOff", container)
    raise StartFailed(container.name)


def _require_name(on: PodOnNode, container: Container, number: int) -> None:
    """Refuse a name that is no image reference (image_manager.go: applyDefaultImageTag)."""
    name = container.image
    if REFERENCE.fullmatch(name):
        return
    path = name.partition("@")[0].rpartition(":")[0] or name
    upper = [part for part in path.split("/")[1:] or [path] if part != part.lower()]
    why = f": repository name ({'/'.join(upper)}) must be lowercase" if upper else ""
    message = f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": invalid reference format{why}'
    on.event("Warning", "InspectFailed", message, container)
    raise start_failed(on, container, number, "image", "InvalidImageName", message)


def _key(image: str) -> str:
    return f"pull/{image}"
