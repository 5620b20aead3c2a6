"""The durations of a trace in which it is compared, in seconds, each with the difference that is allowed.

They are measured from what the node itself did (a Killing event, a start, an exit), never from a command, whose way to the node
takes what it takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from lab.scenarios.conformance.normal_text import normal_name
from lab.timeline.facts import JSON

EARLY_EXIT_SECONDS = 0.1  # an exit so long before the Killing event still belongs to it: two clocks
_CONTAINER_PATH = re.compile(r"spec\.(?:initC|c)ontainers\{(.+)\}")

Durations = dict[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPart:
    """What is measured; ``allowed`` gives the difference in seconds that is allowed for a recorded value. With ``may_be_faster``
    any shorter time agrees; with ``both_ways`` also what only the lab has is a difference."""

    of: Callable[[JSON], Durations]
    allowed: Callable[[float], float]
    may_be_faster: bool = False
    both_ways: bool = False

    def agrees(self, recorded: list[float], lab: list[float]) -> bool:
        """Return whether the lab's times are those that were recorded."""
        return len(recorded) == len(lab) and all(
            (self.may_be_faster and ours <= theirs) or abs(ours - theirs) <= self.allowed(theirs)
            for theirs, ours in zip(recorded, lab, strict=True)
        )


def _stops(trace: JSON) -> Durations:
    """Per container: from each Killing event to the exit that followed."""
    stops: Durations = {}
    taken: set[int] = set()
    for event in trace.get("events", ()):
        if event["reason"] != "Killing" or not event["object"].startswith("Pod/"):
            continue
        path = _CONTAINER_PATH.match(event.get("fieldPath") or "")
        if not path:
            continue
        pod = event["object"].split("/", 1)[1]
        following = [
            (_exited_at(ended), number)
            for number, ended in enumerate(trace.get("containerExit", ()))
            if number not in taken
            and ended["pod"] == pod
            and ended["container"] == path[1]
            and _exited_at(ended) >= event["t"] - EARLY_EXIT_SECONDS
        ]
        if following:
            at, number = min(following)
            taken.add(number)
            stops.setdefault(f"{normal_name(pod)}/{path[1]}", []).append(round(at - event["t"], 2))
    return stops


def _moments(trace: JSON) -> Durations:
    """The first Started and FailedPostStartHook after the pod's first Started, the first FailedPreStopHook after the container's
    first Killing."""
    moments: Durations = {}
    by_pod: dict[str, list[JSON]] = {}
    for event in trace.get("events", ()):
        by_pod.setdefault(event["object"], []).append(event)
    for pod, events in by_pod.items():
        started = next((event["t"] for event in events if event["reason"] == "Started"), None)
        killing: dict[str, float] = {}
        seen: set[str] = set()
        for event in events:
            path, reason = event.get("fieldPath") or "", event["reason"]
            key = f"{normal_name(pod)} {path} {reason}"
            if reason == "Killing":
                killing.setdefault(path, event["t"])
            if key in seen or reason not in ("Started", "FailedPostStartHook", "FailedPreStopHook"):
                continue
            seen.add(key)
            origin = killing.get(path) if reason == "FailedPreStopHook" else started
            if origin is not None:
                moments.setdefault(key, []).append(round(event["t"] - origin, 2))
    return moments


def _restarts(trace: JSON) -> Durations:
    """Per container: between its successive Started events."""
    starts: Durations = {}
    for event in trace.get("events", ()):
        if event["reason"] == "Started":
            starts.setdefault(f"{event['object']} {event.get('fieldPath') or ''}", []).append(event["t"])
    return {
        normal_name(key): [round(later - earlier, 2) for earlier, later in pairwise(times)]
        for key, times in starts.items()
        if len(times) > 1
    }


def _removals(trace: JSON) -> Durations:
    """Per pod: from its last container's exit until the object is gone."""
    removals: Durations = {}
    for pod, gone in (trace.get("gone_t") or {}).items():
        exits = [_exited_at(ended) for ended in trace.get("containerExit", ()) if ended["pod"] == pod]
        if exits and gone is not None:
            removals.setdefault(normal_name(pod), []).append(round(gone - max(exits), 2))
    return removals


def _exited_at(ended: JSON) -> float:
    """Return the runtime's own time of an exit, else the moment at which it was seen."""
    at: float = ended.get("exitedAt") or ended["t"]
    return at


TIMES: Mapping[str, TimedPart] = {
    "stop": TimedPart(of=_stops, allowed=lambda recorded: max(0.5, 0.07 * recorded), both_ways=True),
    "event-times": TimedPart(of=_moments, allowed=lambda recorded: max(1.0, 0.15 * recorded)),
    "restarts": TimedPart(of=_restarts, allowed=lambda recorded: max(4.0, 0.3 * recorded)),
    "gone": TimedPart(of=_removals, allowed=lambda _: 2.0, may_be_faster=True),
}
