"""A repeat: one manifest run several times on clusters of its own, to see how an interval varies.

It names its runs; what happened in them is on their timelines, and the intervals are computed from those.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

JSON = dict[str, Any]
RepeatEnd = Literal["done", "cancelled", "refused", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """``count`` runs of an example's manifest for a learner's cluster. ``grace_period_seconds`` and ``force`` are the delete's.
    ``runs`` are the ids of those begun, in order. ``ended``: done · cancelled (by the learner) · refused (the API took no pod) ·
    stopped (the lab could not go on), with ``why`` as a sentence; None while it goes on."""

    id: str
    cluster: str
    example: str
    manifest: str
    verb: Literal["apply", "create"]
    count: int
    grace_period_seconds: int | None
    force: bool
    opened_at: datetime
    runs: tuple[str, ...] = ()
    ended: RepeatEnd | None = None
    why: str = ""


def repeat_to_json(repeat: Repeat) -> JSON:
    """Return the repeat as plain JSON."""
    return {**asdict(repeat), "opened_at": repeat.opened_at.isoformat(), "runs": list(repeat.runs)}


def repeat_from_json(value: JSON) -> Repeat:
    """Rebuild a repeat from `repeat_to_json`."""
    return Repeat(**{**value, "opened_at": datetime.fromisoformat(value["opened_at"]), "runs": tuple(value["runs"])})
