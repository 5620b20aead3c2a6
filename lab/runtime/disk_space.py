"""How much disk is free where learners' containers and the lab itself write."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def free_bytes(*places: Path) -> int | None:
    """Return what is free on the fullest of the places' file systems, reserves left out; None where that cannot be told."""
    free = []
    for place in places:
        with suppress(OSError):
            found = os.statvfs(place)
            free.append(found.f_bavail * found.f_frsize)
    return min(free, default=None)
