"""Predicates over a run, as data: composable, each a few words of YAML, true or false of what has happened so far.

    seen: app preStop finished          a moment occurred (`lab.insight.moments`)
    never: app SIGKILL                  it did not
    order: [app preStop finished, app SIGTERM sent, app exited 0]      these, in this order, others may stand between
    within: {from: app SIGTERM sent, to: app exited, seconds: 3}       both occurred, and no more time lies between them
    apart: {from: app killing, to: app SIGTERM sent, seconds: 2}       both occurred, and no less
    count: {of: app started, least: 1, most: 1}
    file: {path: /tmp/message, contains: saved}                        or ``equals``; its last text, in a container or on the node
    manifest: {path: "spec.containers[app].lifecycle.preStop"}         the pod as the API stored it has it; with ``equals``,
                                                                       ``contains``, ``least`` or ``most`` what it is
    all: […] · any: […] · not: …

A ``from`` takes the first such moment, a ``to`` the first one after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.insight.moments import Moment, Teller, first
from lab.timeline.facts import JSON, Entry, FileChanged, LogChunk, ObjectWritten

KEPT_LOG_LINES = 5_000  # of a run: those after them are no evidence, so that a flood of lines costs no time


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What predicates look at: a run's moments, the last text of its files by path, and its pod as it was created."""

    moments: Sequence[Moment] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)
    pod: JSON | None = None


class Gathering:
    """Gathers evidence, entry by entry in their order."""

    def __init__(self) -> None:
        self._teller = Teller()
        self._moments: list[Moment] = []
        self._lines = 0
        self._files: dict[str, str | None] = {}
        self._pod: JSON | None = None

    @property
    def evidence(self) -> Evidence:
        """What has been gathered; it grows with the gathering."""
        return Evidence(moments=self._moments, files=self._files, pod=self._pod)

    def add(self, entry: Entry) -> bool:
        """Take the next entry in, and return whether it brought evidence."""
        fact, before = entry.fact, len(self._moments)
        if isinstance(fact, LogChunk):
            if self._lines >= KEPT_LOG_LINES:
                return False
            self._lines += len(fact.lines)
        elif isinstance(fact, FileChanged):
            self._files |= dict.fromkeys((path for path in (fact.path, fact.node_path) if path), fact.text)
        elif isinstance(fact, ObjectWritten) and self._pod is None and _creates_a_pod(fact):
            self._pod = fact.object
        self._moments += self._teller.add(entry)
        return len(self._moments) > before


def _creates_a_pod(written: ObjectWritten) -> bool:
    return written.kind == "Pod" and written.verb == "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A moment occurred."""

    moment: str

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return first(evidence.moments, self.moment) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Moments occurred one after the other."""

    moments: tuple[str, ...]

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        rest = iter(evidence.moments)
        return all(first(rest, wanted) is not None for wanted in self.moments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Two moments occurred, the second ``least_seconds`` to ``most_seconds`` after the first."""

    start: str
    end: str
    least_seconds: float = 0.0
    most_seconds: float = float("inf")

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        rest = iter(evidence.moments)
        start = first(rest, self.start)
        end = first(rest, self.end) if start else None
        if start is None or end is None:
            return False
        return self.least_seconds <= end.elapsed_seconds - start.elapsed_seconds <= self.most_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A moment occurred so many times."""

    moment: str
    least: int
    most: float

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return self.least <= sum(moment.is_a(self.moment) for moment in evidence.moments) <= self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Is:
    """What a text or a value must be; all that is given must hold, and nothing given asks only that it is there."""

    equals: Any = None
    contains: str | None = None
    least: float | None = None
    most: float | None = None

    def admits(self, value: Any) -> bool:
        """Whether ``value``, None when there is none, is that."""
        if value is None or (self.equals is not None and value != self.equals):
            return False
        if self.contains is not None and self.contains not in (value if isinstance(value, str) else json.dumps(value)):
            return False
        if self.least is None and self.most is None:
            return True
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.least is None or self.least <= value) and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHolds:
    """A file's last text is such; ``path`` as in the container or on the node."""

    path: str
    text: Is

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return self.text.admits(evidence.files.get(self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestHolds:
    """The pod as the API stored it has ``path``: names with dots between, a list's item by its name or number in brackets."""

    path: str
    value: Is

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of the pod; of no pod it does not."""
        return self.value.admits(value_at(evidence.pod, self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """Every one holds."""

    of: tuple[Predicate, ...]

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return all(predicate.holds(evidence) for predicate in self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one holds."""

    of: tuple[Predicate, ...]

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return any(predicate.holds(evidence) for predicate in self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """It does not hold (so far)."""

    of: Predicate

    def holds(self, evidence: Evidence) -> bool:
        """Whether it holds of what has happened so far."""
        return not self.of.holds(evidence)


Predicate = Seen | Order | Span | Count | FileHolds | ManifestHolds | All | AnyOf | Not


def value_at(value: Any, path: str) -> Any:
    """Return what stands at ``path`` of an API object, None when nothing does."""
    for name, item in re.findall(r"([^.\[\]]+)|\[([^\]]+)\]", path):
        if name:
            value = value.get(name) if isinstance(value, dict) else None
        elif not isinstance(value, list):
            value = None
        elif item.isdigit():
            value = value[int(item)] if int(item) < len(value) else None
        else:
            value = next((entry for entry in value if isinstance(entry, dict) and entry.get("name") == item), None)
    return value
