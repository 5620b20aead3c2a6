"""How long a run may live, by the lab's own limits: in all, and without anybody who acts on it or looks at it."""

from __future__ import annotations

from lab.cluster.live_run import LiveRun
from lab.limits import Limits
from lab.timeline.facts import RunAborted

FOREVER = float("inf")


def deadlines(live: LiveRun, limits: Limits, unseen_since: float | None, now: float) -> dict[str, float]:
    """Return when a run is to end by each limit, in the clock's seconds, and when its start is over, however it went.
    ``unseen_since`` is None while a page shows it. Waiting for a turn is not counted; a repeat's run is nobody's to look at, and
    ends by its repeat."""
    idle_since = now if unseen_since is None else max(live.used, unseen_since)
    return {
        "start": live.starting_until,
        "limit": FOREVER if live.began is None else live.began + limits.max_run_seconds,
        "idle": FOREVER if live.is_passing else idle_since + limits.idle_run_seconds,
    }


def overdue(live: LiveRun, limits: Limits, by: str, *, held: bool) -> RunAborted:
    """Return the end of a run that a limit ends. ``held`` says that its kubelet is held now."""
    if by == "idle":
        why = f"Nobody acted on it or looked at it for {limits.idle_run_seconds / 60:.0f} minutes, the lab's limit."
    else:
        why = f"It was live for {limits.max_run_seconds / 60:.0f} minutes, the lab's limit."
    if held:
        why += " Its kubelet was held then; a hold does not stop that clock."
    return RunAborted(run_id=live.run.id, why=why, by=by)
