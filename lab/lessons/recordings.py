"""Recordings of examples: runs that happened, kept beside the manifests, for whoever has no engine or has not pressed Run.

``recording.json`` is a bundle (`lab.timeline.bundle`); beside a challenge, ``solved.json`` is one of its solution, which no page
shows: checks are tested on it. A recording counts only for the manifest that it was recorded with.
"""

from __future__ import annotations

from pathlib import Path

from lab.errors import BundleError
from lab.lessons.example import Example
from lab.timeline.bundle import Bundle, read_bundle

FILE_NAME = "recording.json"
SOLVED_FILE_NAME = "solved.json"


def read_recording(root: Path, example: Example) -> Bundle | None:
    """Return an example's recording from the content folder ``root``; None when there is none of this manifest."""
    return _read(root / example.folder / FILE_NAME, example.manifest)


def read_solved(root: Path, example: Example) -> Bundle | None:
    """Return the recording of a challenge's solution; None when there is none of this solution."""
    return _read(root / example.folder / SOLVED_FILE_NAME, example.challenge.solution) if example.challenge else None


def _read(file: Path, manifest: str) -> Bundle | None:
    try:
        bundle = read_bundle(file.read_bytes())
    except (OSError, BundleError):
        return None
    return bundle if bundle.manifest == manifest else None
