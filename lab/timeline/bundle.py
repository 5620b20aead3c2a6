"""A run as one JSON file: manifest, what the learner did, every fact, and which versions it was made with.

Whoever has the file can step through the run as its own lab does, without an engine. What is read is somebody else's file:
every value is checked against the type of its field, nothing in it is believed, and a complaint names the place. A lab of another
version may know other facts; then it says so, instead of leaving something out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from lab.errors import BundleError
from lab.timeline.facts import (
    FACT_TYPES,
    JSON,
    CommandAnswered,
    CommandExecuted,
    Entry,
    HoldPointsChosen,
    KubeletContinued,
    ObjectWritten,
    RunAborted,
    RunAdmitted,
    RunClosed,
    RunOpened,
    RunQueued,
    entry_from_json,
    entry_to_json,
)
from lab.timeline.run import Run
from lab.timeline.shapes import misfit

FORMAT = "pod-hook-lab/run"
VERSION = 1
MAXIMUM_BYTES = 8 * 1024 * 1024  # a run of some ten thousand facts
MAXIMUM_ENTRIES = 20_000  # whose page takes some seconds to make

_EXAMPLE = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(/[a-z0-9]([a-z0-9-]*[a-z0-9])?)?")
_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_CONTAINER = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_BY_NAME = {fact_type.__name__: fact_type for fact_type in FACT_TYPES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What a bundle was written by: the lab's version, the engine's ("" without one), and the Kubernetes release whose rules the
    lab follows."""

    lab: str
    engine: str
    kubernetes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An ended run with all its entries."""

    example: str
    manifest: str
    entries: tuple[Entry, ...]
    versions: Versions

    @property
    def text(self) -> str:
        """The same bundle, written by this lab: without what it did not read."""
        return bundle_text(self.run(self.run_id), self.entries, self.versions, indent=None)

    @property
    def run_id(self) -> str:
        """The id that the run had where it was made."""
        opened = self.entries[0].fact
        return opened.run_id if isinstance(opened, RunOpened) else ""

    def run(self, run_id: str) -> Run:
        """Return the run under an id of its own, in no cluster."""
        first, last = self.entries[0], self.entries[-1]
        return Run(
            id=run_id,
            cluster="",
            example=self.example,
            manifest=self.manifest,
            first_seq=first.seq,
            last_seq=last.seq,
            opened_at=first.at,
            ended=last.fact if isinstance(last.fact, RunClosed | RunAborted) else None,
        )

    def entries_as(self, run_id: str) -> tuple[Entry, ...]:
        """Return the entries with the run's id in place of the one it was made with."""
        return tuple(_renamed(entry, run_id) for entry in self.entries)


def bundle_text(run: Run, entries: Sequence[Entry], versions: Versions, *, indent: int | None = 1) -> str:
    """Return an ended run as the text of a bundle, in ASCII."""
    value = {
        "format": FORMAT,
        "version": VERSION,
        "versions": {"lab": versions.lab, "engine": versions.engine, "kubernetes": versions.kubernetes},
        "run": {"id": run.id, "example": run.example, "opened_at": run.opened_at.isoformat().replace("+00:00", "Z")},
        "manifest": run.manifest,
        "actions": list(actions(entries)),
        "entries": [entry_to_json(entry) for entry in entries],
    }
    return json.dumps(value, indent=indent) + "\n"


def actions(entries: Iterable[Entry]) -> Iterator[JSON]:
    """Yield what the learner did, with seconds since Run. It is in the facts too; here it can be read at a glance."""
    opened: Entry | None = None
    for entry in entries:
        opened = opened or (entry if isinstance(entry.fact, RunOpened) else None)
        at = round(entry.elapsed_seconds - (opened.elapsed_seconds if opened else entry.elapsed_seconds), 3)
        match entry.fact:
            case RunOpened():
                yield {"t": at, "action": "run"}
            case CommandAnswered(argv=argv, rc=rc, took_seconds=took):
                yield {"t": round(at - took, 3), "action": "kubectl", "argv": list(argv), "rc": rc}
            case CommandExecuted(command=command, exit_code=code):
                yield {"t": at, "action": "exec", "container": entry.container, "argv": list(command), "rc": code}
            case KubeletContinued(why="learner", point=point):
                yield {"t": at, "action": "continue", "point": point}


def read_bundle(text: str | bytes) -> Bundle:
    """Read a bundle. Raises BundleError, which says where it is wrong and what to do."""
    if len(text) > MAXIMUM_BYTES:
        raise BundleError(f"cannot open this file: it is larger than {MAXIMUM_BYTES // 1024 // 1024} MiB")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"cannot open this file: it is not JSON ({error}); choose a file that “Download” has written"
        ) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BundleError("cannot open this file: it is not a run of this lab; choose a file that “Download” has written")
    if value.get("version") != VERSION:
        raise BundleError(
            f"cannot open this run: it is written in version {value.get('version')!r} of the format, and this lab reads version "
            f"{VERSION}; use the lab that wrote it, or a newer one"
        )
    entries = _entries(value.get("entries"))
    opened = entries[0].fact
    assert isinstance(opened, RunOpened)  # noqa: S101 - _entries has looked
    if not _EXAMPLE.fullmatch(opened.example):
        raise BundleError("cannot open this run: entries[0].example is not the name of an example")
    return Bundle(example=opened.example, manifest=opened.manifest, entries=entries, versions=_versions(value.get("versions")))


def _versions(value: Any) -> Versions:
    found = value if isinstance(value, dict) else {}
    texts = {name: found.get(name) if isinstance(found.get(name), str) else "" for name in ("lab", "engine", "kubernetes")}
    return Versions(lab=texts["lab"] or "", engine=texts["engine"] or "", kubernetes=texts["kubernetes"] or "")


def _entries(value: Any) -> tuple[Entry, ...]:
    if not isinstance(value, list) or not value:
        raise BundleError("cannot open this run: it has no entries")
    if len(value) > MAXIMUM_ENTRIES:
        raise BundleError(f"cannot open this run: it has more than {MAXIMUM_ENTRIES} entries")
    entries = tuple(_entry(number, item) for number, item in enumerate(value))
    if not isinstance(entries[0].fact, RunOpened):
        raise BundleError("cannot open this run: its first entry is not RunOpened")
    if not isinstance(entries[-1].fact, RunClosed | RunAborted):
        raise BundleError("cannot open this run: it has no end; download it again when the run is over")
    for before, after in pairwise(entries):
        if after.seq <= before.seq or after.elapsed_seconds < before.elapsed_seconds:
            raise BundleError(f"cannot open this run: entry {after.seq} comes after entry {before.seq}, out of order")
    return entries


def _entry(number: int, value: Any) -> Entry:
    place = f"entries[{number}]"
    if not isinstance(value, Mapping):
        raise BundleError(f"cannot open this run: {place} is not an entry")
    fact_type = _BY_NAME.get(str(value.get("fact")))
    if fact_type is None:
        raise BundleError(
            f"cannot open this run: this lab does not know the fact {str(value.get('fact'))[:60]!r} of {place}; "
            "open it in the version of the lab that wrote it, or a newer one"
        )
    problem = misfit(value, fact_type) or _misplaced(value)
    if problem:
        raise BundleError(f"cannot open this run: {place} ({fact_type.__name__}): {problem}")
    try:
        entry = entry_from_json(value)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise BundleError(f"cannot open this run: {place} ({fact_type.__name__}): {error}") from error
    return entry


def _misplaced(value: Mapping[str, Any]) -> str | None:
    """Say what is wrong with an entry's own fields."""
    if not isinstance(value.get("seq"), int) or isinstance(value.get("seq"), bool) or not 0 < value["seq"] < 2**53:
        return "seq is not a positive number"
    elapsed = value.get("elapsed")
    if isinstance(elapsed, bool) or not isinstance(elapsed, int | float) or not 0 <= elapsed < 1e12:
        return "elapsed is not a number of seconds"
    if not isinstance(value.get("at"), str):
        return "at is not a time"
    for name, form in (("pod", _UID), ("container", _CONTAINER)):
        named = value.get(name)
        if named is not None and not (isinstance(named, str) and form.fullmatch(named)):
            return f"{name} is not a name"
    return None


def _renamed(entry: Entry, run_id: str) -> Entry:
    match entry.fact:
        case RunOpened() | RunQueued() | RunAdmitted() | RunClosed() | RunAborted() | HoldPointsChosen():
            return replace(entry, fact=replace(entry.fact, run_id=run_id))
        case ObjectWritten() | CommandAnswered() if entry.fact.run_id is not None:
            return replace(entry, fact=replace(entry.fact, run_id=run_id))
    return entry
