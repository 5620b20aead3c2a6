"""What a picture of a run is made of: lanes, bars, points and arrows, as values without a place on a screen.

A `Mark` says what stands where in time; the time is its entry's. Words are `Phrase` values or text that reads the same in every
language. Every mark stands for something that a step says too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.insight.phrase import Phrase

Words = Phrase | str
Family = Literal["cluster", "node"]
Tone = Literal["creating", "running", "terminating", "done", "error", "process", "hook", "probe", "held", "init"]
PointKind = Literal["event", "file", "probe", "log", "exit", "api"]
Effect = Literal["caught", "dropped", "default", "killed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane, told once, before anything stands in it. Lanes are shown by ``order``."""

    key: str
    title: Words
    order: int
    family: Family


@dataclass(frozen=True, slots=True, kw_only=True)
class BarOpened:
    """A bar begins."""

    lane: str
    id: str
    tone: Tone
    label: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class BarClosed:
    """A bar ends. What is None stays as it was."""

    id: str
    tone: Tone | None = None
    label: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Something that takes no time."""

    lane: str
    kind: PointKind
    label: Words
    tone: Tone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A signal that reaches the process of a lane. ``sender`` is empty when nobody saw who sent it."""

    lane: str
    name: str
    effect: Effect
    label: Words
    sender: str


Mark = Lane | BarOpened | BarClosed | Point | Arrow
