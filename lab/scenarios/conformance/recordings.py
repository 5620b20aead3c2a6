"""Recorded scenarios as they lie in directories, and beside them what is known of them.

A scenario's directory holds ``scenario.json``, its manifests and ``trace.json``. The directory of many may hold ``noisy.txt``, a
line ``ID PART…`` for the parts in which two recordings of one scenario differ, and ``known.toml``: the differences that stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ScenarioError
from lab.scenarios.conformance.comparison import COMPARED, UNREADABLE, compare
from lab.scenarios.conformance.known import Known, read_known
from lab.scenarios.scenario import SCENARIO_FILE, read_scenario, read_text
from lab.timeline.facts import JSON

TRACE_FILE = "trace.json"
NOISY_FILE = "noisy.txt"
KNOWN_FILE = "known.toml"

_NAME = re.compile(r"(\D*)(\d*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedScenario:
    """One scenario that has been recorded. Parts in ``noisy`` are not compared. ``seconds`` is how long the recording is."""

    id: str
    title: str
    directory: Path
    trace: JSON
    noisy: frozenset[str]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Scenarios in the order of their names, and what is known of them."""

    scenarios: tuple[RecordedScenario, ...]
    known: Known


def read_recordings(directories: Sequence[Path]) -> Recordings:
    """Read scenario directories, and directories of many. Raises ScenarioError for one that cannot be played or compared."""
    found: dict[str, RecordedScenario] = {}
    known = Known()
    for root, places in (_places(directory) for directory in directories):
        noisy = _noisy_parts(root / NOISY_FILE)
        known = known.joined(read_known(root / KNOWN_FILE))
        for place in places:
            scenario = _recorded(place, noisy.get(place.name, frozenset()))
            if scenario.id in found and found[scenario.id].directory != scenario.directory:
                raise ScenarioError(
                    f"cannot compare two scenarios named {scenario.id}: {found[scenario.id].directory} and {place}"
                )
            found[scenario.id] = scenario
    return Recordings(scenarios=tuple(sorted(found.values(), key=lambda s: name_order(s.id))), known=known)


def name_order(name: str) -> tuple[str | int, ...]:
    """Return a sort key by which C2 comes before C10."""
    letters, digits, rest = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
    return (letters, int(digits or 0), rest)


def _places(directory: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return the directory of many, and the scenario directories in it that are meant."""
    directory = directory.resolve()
    if (directory / SCENARIO_FILE).exists():
        return directory.parent, (directory,)
    places = tuple(sorted(place.parent for place in directory.glob(f"*/{SCENARIO_FILE}")))
    if not places:
        raise ScenarioError(
            f"cannot find a recorded scenario in {directory}: name a directory that holds scenario.json and trace.json"
        )
    return directory, places


def _recorded(place: Path, noisy: frozenset[str]) -> RecordedScenario:
    scenario = read_scenario(place)
    if not (place / TRACE_FILE).exists():
        raise ScenarioError(
            f"cannot compare {place}: it has no {TRACE_FILE} of a real node; play it with `lab run {place}`, or leave it out"
        )
    trace = _trace(place / TRACE_FILE)
    return RecordedScenario(
        id=place.name, title=scenario.title, directory=place, trace=trace, noisy=noisy, seconds=_length_seconds(trace)
    )


def _trace(place: Path) -> JSON:
    try:
        trace = json.loads(read_text(place))
    except json.JSONDecodeError as error:
        raise ScenarioError(f"cannot read {place}: line {error.lineno}: {error.msg}; record it again") from error
    if not isinstance(trace, dict):
        raise ScenarioError(f"cannot read {place}: it must hold a JSON object; record it again")
    for difference in compare(trace, trace):
        if difference.part == UNREADABLE:
            raise ScenarioError(f"cannot compare with {place}: {difference.lab[0]}; record it again")
    return trace


def _length_seconds(trace: JSON) -> float:
    """Return the last moment of a trace."""
    rows = (row for part in ("events", "podStates", "getTable", "cli") for row in trace.get(part) or ())
    return max((float(row.get("t_end") or row["t"]) for row in rows), default=0.0)


def _noisy_parts(place: Path) -> dict[str, frozenset[str]]:
    if not place.exists():
        return {}
    rows = [line.split() for line in read_text(place).splitlines() if line and not line.startswith("#")]
    for name, *parts in rows:
        if unknown := sorted(set(parts) - set(COMPARED)):
            raise ScenarioError(f"cannot read {place}: {name} names {', '.join(unknown)}; the parts are {', '.join(COMPARED)}")
    return {name: frozenset(parts) for name, *parts in rows}
