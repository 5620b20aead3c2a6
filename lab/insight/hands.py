"""The learner's hands: what is held in a run, and which containers run. What they can do something about, as a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from lab.timeline.facts import (
    CommandExecuted,
    ContainerExited,
    ContainerStarted,
    Entry,
    HoldPoint,
    HoldPointsChosen,
    KubeletContinued,
    KubeletHeld,
    ObjectWritten,
    RunAborted,
    RunClosed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """A hold in force: the seq of its `KubeletHeld`, whose container, and where."""

    seq: int
    pod: str
    container: str
    point: HoldPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningContainer:
    """A container whose process runs."""

    pod: str
    container: str


class Held(NamedTuple):
    """What is held now, and what may be: ``points`` are those chosen last; ``stepwise`` says whether the run was ever to be held;
    ``live`` says whether anything can be done yet."""

    holds: tuple[OpenHold, ...]
    points: tuple[HoldPoint, ...]
    stepwise: bool
    live: bool


class Hands:
    """The fold. ``add`` every entry of a run, in order. ``executed`` is the learner's last command."""

    def __init__(self) -> None:
        self._points: tuple[HoldPoint, ...] = ()
        self._stepwise = False
        self.executed: CommandExecuted | None = None
        self._live = True
        self._names: dict[str, str] = {}
        self._holds: dict[int, OpenHold] = {}
        self._running: dict[tuple[str, str], RunningContainer] = {}

    @property
    def held(self) -> Held:
        """What is held now, in the order in which it came to be held."""
        return Held(tuple(self._holds.values()), self._points, self._stepwise, self._live)

    @property
    def running(self) -> tuple[RunningContainer, ...]:
        """The containers whose process runs, in the order in which they were started."""
        return tuple(self._running.values())

    def add(self, entry: Entry) -> None:
        """Take an entry in."""
        pod, container = self._names.get(entry.pod_uid or "", ""), entry.container or ""
        key = (entry.pod_uid or "", container)
        match entry.fact:
            case ObjectWritten(kind="Pod") as written:
                self._names[written.uid] = written.name
            case HoldPointsChosen(points=points):
                self._points = points
                self._stepwise = self._stepwise or bool(points)
            case KubeletHeld(point=point):
                self._holds[entry.seq] = OpenHold(seq=entry.seq, pod=pod, container=container, point=point)
            case KubeletContinued(held_seq=seq):
                self._holds.pop(seq, None)
            case CommandExecuted() as executed:
                self.executed = executed
            case ContainerStarted():
                self._running.pop(key, None)
                self._running[key] = RunningContainer(pod=pod, container=container)
            case ContainerExited():
                self._running.pop(key, None)
            case RunClosed() | RunAborted():
                self._live = False
                self._holds.clear()
                self._running.clear()
