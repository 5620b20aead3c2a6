"""`lab run --hold`: stops of the kubelet that a line on stdin ends, and the end of stdin for all that come after.

A line is read only while the kubelet is held, so that lines from a pipe end one hold each.
"""

from __future__ import annotations

from typing import TextIO, get_args

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.timeline.facts import HoldPoint, HoldPointsChosen

HOLD_POINTS: tuple[HoldPoint, ...] = get_args(HoldPoint)
EVERY_POINT = "all"


def hold_points(text: str) -> tuple[HoldPoint, ...]:
    """Read ``all`` or names of points with commas between them. Raises ValueError that names what is none."""
    if text == EVERY_POINT:
        return HOLD_POINTS
    wanted = {name.strip() for name in text.split(",")}
    unknown = sorted(wanted - set(HOLD_POINTS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no hold point; choose from {', '.join(HOLD_POINTS)}, or {EVERY_POINT}")
    return tuple(point for point in HOLD_POINTS if point in wanted)


class HoldPrompt:
    """Holds one run's kubelet, and lets it go on for each line of ``source``; ``prompt`` is told what to do."""

    def __init__(self, cluster: Cluster, clock: Clock, run_id: str, *, source: TextIO, prompt: TextIO | None) -> None:
        self._cluster = cluster
        self._clock = clock
        self._run_id = run_id
        self._source = source
        self._prompt = prompt
        self._ended = False

    def start(self, points: tuple[HoldPoint, ...]) -> None:
        """Choose the points, before the run's pods are created, and listen."""
        self._cluster.timeline.append(HoldPointsChosen(run_id=self._run_id, points=points))
        self._clock.spawn(f"holds of {self._run_id}", self._listen)

    def close(self) -> None:
        """Listen no more."""
        with self._cluster.timeline.changed:
            self._ended = True
            self._cluster.timeline.changed.notify_all()

    def _listen(self) -> None:
        node, changed = self._cluster.node, self._cluster.timeline.changed
        while True:
            with changed:
                changed.wait_for(lambda: self._ended or bool(node.held(self._run_id)))
                if self._ended:
                    return
                seq = node.held(self._run_id)[0][0]
            if self._prompt is not None:
                print("Press Enter to continue.", file=self._prompt, flush=True)
            if self._source.readline():
                node.proceed(self._run_id, seq)
            else:
                node.proceed(self._run_id, to_the_end=True)
            with changed:
                changed.wait_for(lambda seq=seq: self._ended or all(held != seq for held, _, _ in node.held(self._run_id)))  # type: ignore[misc]
