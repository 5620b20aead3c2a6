"""Two traces of one scenario → what differs. Pure.

The rules are those of the yardstick beside the recordings, `tests/conformance/compare.py`, and no looser; a test holds the two
against each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.scenarios.conformance.normal_text import are_clock_readings
from lab.scenarios.conformance.parts import PARTS, Row, is_of_generated_pods
from lab.scenarios.conformance.times import TIMES
from lab.timeline.facts import JSON

COMPARED = (*PARTS, *TIMES)  # the names of all parts
UNREADABLE = "trace"  # the part that is named when the lab's trace is not of the agreed form

# What access to a trace of another form raises.
_NOT_OF_THE_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where two traces differ: the part, the key in it (such as a pod's name), and what each has there. Times are in seconds."""

    part: str
    key: str
    recorded: tuple[Row | float, ...]
    lab: tuple[Row | float, ...]

    def to_json(self) -> JSON:
        """Return it as plain JSON."""
        return {"part": self.part, "key": self.key, "recorded": list(self.recorded), "lab": list(self.lab)}


def compare(recorded: JSON, lab: JSON, *, noisy: frozenset[str] = frozenset()) -> tuple[Difference, ...]:
    """Return every difference between a recorded trace and the lab's. Parts in ``noisy`` are left out: they differ between two
    recordings too."""
    try:
        return (*_in_rows(recorded, lab, noisy), *_in_times(recorded, lab, noisy))
    except _NOT_OF_THE_FORM as error:
        return (
            Difference(part=UNREADABLE, key="", recorded=(), lab=(f"not of the agreed form: {type(error).__name__}: {error}",)),
        )


def _in_rows(recorded: JSON, lab: JSON, noisy: frozenset[str]) -> Iterator[Difference]:
    generated = is_of_generated_pods(recorded)
    for part, of in PARTS.items():
        if part in noisy or (part == "cli" and not lab.get("cli")):
            continue
        theirs, ours = of(recorded), of(lab)
        for key in sorted(theirs.keys() | ours.keys()):
            want, have = theirs.get(key, []), ours.get(key, [])
            if generated:
                want, have = _in_no_order(want), _in_no_order(have)
            if want != have and not (part == "files" and _are_clock_readings(want, have)):
                yield Difference(part=part, key=key, recorded=tuple(want), lab=tuple(have))


def _in_times(recorded: JSON, lab: JSON, noisy: frozenset[str]) -> Iterator[Difference]:
    if is_of_generated_pods(recorded):
        return
    for part, timed in TIMES.items():
        if part in noisy:
            continue
        theirs, ours = timed.of(recorded), timed.of(lab)
        for key in sorted(theirs.keys() | ours.keys() if timed.both_ways else theirs.keys()):
            want, have = theirs.get(key, []), ours.get(key, [])
            if not timed.agrees(want, have):
                yield Difference(part=part, key=key, recorded=tuple(want), lab=tuple(have))


def _in_no_order(rows: list[Row]) -> list[Row]:
    distinct: set[Row] = set(rows)
    return sorted(distinct, key=str)


def _are_clock_readings(want: list[Row], have: list[Row]) -> bool:
    return bool(want and have) and are_clock_readings(str(want[0]), str(have[0]))
