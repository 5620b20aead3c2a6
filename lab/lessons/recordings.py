"""Recordings of examples: runs that happened, kept beside the manifests, for whoever has no engine or has not pressed Run.

``recording.json`` is a bundle (`lab.timeline.bundle`). It counts only for the manifest that it was recorded with.
"""

from __future__ import annotations

from pathlib import Path

from lab.errors import BundleError
from lab.lessons.example import Example
from lab.timeline.bundle import Bundle, read_bundle

FILE_NAME = "recording.json"


def read_recording(root: Path, example: Example) -> Bundle | None:
    """Return an example's recording from the content folder ``root``; None when there is none of this manifest."""
    try:
        bundle = read_bundle((root / example.folder / FILE_NAME).read_bytes())
    except (OSError, BundleError):
        return None
    return bundle if bundle.manifest == example.manifest else None
