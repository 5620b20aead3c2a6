"""A run: one press of Run, as a span of its cluster's timeline.

It is what `RunOpened`, `RunClosed` and `RunAborted` say, gathered; the entries are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lab.timeline.facts import RunAborted, RunClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """From ``first_seq``, its `RunOpened`, to ``last_seq``, which ended it. That and ``ended`` are None while it is live."""

    id: str
    cluster: str
    example: str
    manifest: str
    first_seq: int
    opened_at: datetime
    last_seq: int | None = None
    ended: RunClosed | RunAborted | None = None
