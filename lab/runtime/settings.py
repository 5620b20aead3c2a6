"""What a runtime has to know of the lab it works for."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.limits import Limits

PAUSE_IMAGE = "pod-hook-lab/pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """Which lab this is on the engine, where its pods' addresses come from, what each container may use, and how many sandboxes
    are kept warm at most. ``images`` are the tags and digests that containers may be made of; None: whatever the engine has."""

    instance: str
    pod_cidr: str
    pause_image: str = PAUSE_IMAGE
    limits: Limits = field(default_factory=Limits)
    warm_sandboxes: int = 0
    images: frozenset[str] | None = None
