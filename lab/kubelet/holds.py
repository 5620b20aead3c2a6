"""Hold points: where the kubelet stops by the learner's wish, until they press Continue.

Differs from the kubelet, which has nothing like it. Only the kubelet's own work on a container stands still: processes, hooks,
probes and the API go on. No grace period counts held time, because a hold never lies inside of what is measured: it comes before
the preStop hook is timed, before the stop signal starts the countdown, and after the countdown is over. Where one container waits
for others, `wait_unheld` leaves their holds out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.pods.model import Container
from lab.timeline.facts import HoldPoint, KubeletContinued, KubeletHeld

if TYPE_CHECKING:
    from lab.kubelet.node_services import PodOnNode


@dataclass(slots=True, kw_only=True)
class _Hold:
    container: str
    point: HoldPoint
    released: bool = False


class Holds:
    """Where one pod's kubelet is to stop, and where it stands now. Every method wants the timeline's condition to be held, or
    takes a snapshot."""

    def __init__(self, points: frozenset[HoldPoint] = frozenset()) -> None:
        self.points = points
        self._open: dict[int, _Hold] = {}

    def now(self) -> tuple[tuple[int, str, HoldPoint], ...]:
        """Return the seq, container and point of every hold in force."""
        return tuple((seq, hold.container, hold.point) for seq, hold in self._open.items())

    def holds_any(self, containers: tuple[str, ...]) -> bool:
        """Whether one of these containers is held now."""
        return any(hold.container in containers for hold in self._open.values())

    def release(self, seq: int | None = None) -> bool:
        """Let the hold of entry ``seq``, or every hold, end; return whether there was one. Notify the condition afterwards."""
        found = [hold for key, hold in self._open.items() if seq in (None, key) and not hold.released]
        for hold in found:
            hold.released = True
        return bool(found)

    def begin(self, seq: int, container: str, point: HoldPoint) -> Callable[[], bool]:
        """Note a hold; return what tells whether it was released."""
        self._open[seq] = hold = _Hold(container=container, point=point)
        return lambda: hold.released

    def end(self, seq: int) -> None:
        """Forget a hold."""
        self._open.pop(seq, None)


def hold(
    on: PodOnNode, container: Container, attempt: int, point: HoldPoint, *, over: Callable[[], bool] = lambda: False
) -> None:
    """Stop here if the learner wants it, until Continue, a deletion of the pod, or ``over()``. Raises PodAborted."""
    if point not in on.holds.points:
        return
    with on.changed:
        on.refresh()
        if over():
            return
        deletion = _deletion(on)
        began = on.clock.monotonic()
        entry = on.note(KubeletHeld(point=point, attempt=attempt), container)
        released = on.holds.begin(entry.seq, container.name, point)
    try:
        on.wait_until(lambda: released() or over() or _deletion(on) != deletion)
    finally:
        with on.changed:
            on.holds.end(entry.seq)
            on.changed.notify_all()
    why: Literal["learner", "deletion", "exit"] = "learner" if released() else "exit" if over() else "deletion"
    held_seconds = on.clock.monotonic() - began
    on.note(KubeletContinued(point=point, attempt=attempt, held_seq=entry.seq, held_seconds=held_seconds, why=why), container)


def wait_unheld(on: PodOnNode, predicate: Callable[[], bool], containers: tuple[str, ...], timeout_seconds: float) -> float:
    """Wait until ``predicate()``, for at most ``timeout_seconds`` of the time in which none of the containers is held; return
    those seconds. Raises PodAborted."""
    waited = 0.0
    while True:
        held = on.holds.holds_any(containers)
        began = on.clock.monotonic()
        limit = None if held else max(0.0, timeout_seconds - waited)
        on.wait_until(lambda held=held: predicate() or on.holds.holds_any(containers) != held, limit)  # type: ignore[misc]
        if not held:
            waited += on.clock.monotonic() - began
        if on.wait_until(predicate, 0) or (not held and waited >= timeout_seconds):
            return waited


def _deletion(on: PodOnNode) -> tuple[bool, bool, int | None]:
    return on.deleted, on.gone_from_api, on.pod.deletion_grace_period_seconds
