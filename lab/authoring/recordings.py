"""Records examples: the run of each as a bundle beside it, ``recording.json``, for whoever has no engine or has not pressed Run.

A recording is a run that really happened. It is taken only when the run shows what the example says (`content_check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.authoring.rehearsal import Rehearsed
from lab.insight.moments import moments
from lab.lessons import Example
from lab.lessons.recordings import FILE_NAME, read_recording
from lab.timeline.bundle import Versions, bundle_text
from lab.timeline.facts import Entry, RunClosed, RunOpened
from lab.timeline.run import Run

# First words of moments that may come anywhere between others, or more often or less.
VARYING = ("log", "file", "readiness", "liveness", "startup", "status", "event")


def write_recording(root: Path, example: Example, rehearsed: Rehearsed, versions: Versions, *, file: str = FILE_NAME) -> None:
    """Write the run of an example beside it."""
    first, last = rehearsed.entries[0], rehearsed.entries[-1]
    assert isinstance(first.fact, RunOpened)  # noqa: S101 - a rehearsal begins with it
    assert isinstance(last.fact, RunClosed)  # noqa: S101 - and ends with it when there was no trouble
    run = Run(
        id=first.fact.run_id,
        cluster="",
        example=example.id,
        manifest=example.manifest,
        first_seq=first.seq,
        last_seq=last.seq,
        opened_at=first.at,
        ended=last.fact,
    )
    (root / example.folder / file).write_text(bundle_text(run, rehearsed.entries, versions, indent=None), encoding="utf-8")


def outdated(root: Path, example: Example, rehearsed: Rehearsed) -> Iterator[str]:
    """Say in what an example's recording differs from a run that was played now: the order of what happened to each container,
    and what the pod and its events became. Times may differ, and so may what two parts of Kubernetes do at the same moment."""
    recording = read_recording(root, example)
    if recording is None:
        yield "has no recording of this manifest; run `lab content record`"
        return
    now, then = _told(rehearsed.entries), _told(recording.entries)
    for whose in sorted(now.keys() | then.keys()):
        if now.get(whose) != then.get(whose):
            yield f"does not go as recorded: {whose or 'the pod'}: {then.get(whose)} then, {now.get(whose)} now"


def _told(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """Return what happened to each container in order, and to the pod without order."""
    told: dict[str, list[str]] = {}
    seen: set[str] = set()
    for moment in moments(entries):
        word, _, rest = moment.what.partition(" ")
        if word == "event" and not moment.container:
            seen.add(moment.what)
        elif word not in VARYING and not rest.startswith("received"):
            told.setdefault(moment.container, []).append(moment.what)
    return {**told, "events": sorted(seen)}
