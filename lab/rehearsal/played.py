"""What a stream of events has shown, taken from the bytes as they come: as little work as possible for each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

_RUN = re.compile(rb'data: \{"run": "([0-9a-f]+)"')
_SEQ = re.compile(rb'\{"seq":(\d+),"t":')
_RUNNING = b'class=\\"chip live\\"'  # the status chip of a pod that runs
_LIVE = re.compile(rb'"live": (true|false)')
_HEAD_BYTES = 400  # of a message, before its frames


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a stream has shown: when each fact came, by run and seq; the runs with a pod that runs, and those that have ended.
    What happened before ``since``, the stream's first event, was not waited for."""

    since: datetime | None = None
    arrivals: dict[tuple[str, int], datetime] = field(default_factory=dict)
    running: dict[str, datetime] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    is_ready: bool = False


def take(seen: Seen, data: bytes, now: datetime) -> bytes:
    """Take the events that are complete and return the rest; an event ends with an empty line."""
    end = data.rfind(b"\n\n")
    if end < 0:
        return data
    for event in data[: end + 2].split(b"\n\n"):
        _take(seen, event, now)
    return data[end + 2 :]


def _take(seen: Seen, event: bytes, now: datetime) -> None:
    seen.since = seen.since or now
    seen.is_ready = seen.is_ready or b"event: ready" in event
    found = _RUN.search(event)
    if found is None:
        return
    seen.is_ready = True  # a run's own stream has no such event
    run_id = found[1].decode()
    for seq in _SEQ.findall(event):
        seen.arrivals.setdefault((run_id, int(seq)), now)
    if _RUNNING in event:
        seen.running.setdefault(run_id, now)
    live = _LIVE.search(event, found.end(), found.end() + _HEAD_BYTES)
    if live is not None and live[1] == b"false":
        seen.ended.setdefault(run_id, now)
