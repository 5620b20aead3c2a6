"""The Signals tab: what was sent and what arrived. ``sent`` is the kubelet's act, ``received`` the kernel's word."""

from __future__ import annotations

from dataclasses import dataclass

from lab.insight.phrase import Phrase
from lab.insight.why import why
from lab.timeline.facts import Entry, ObserverUnavailable, SignalReceived, SignalSent
from lab.web.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A line of the Signals tab; ``why`` is None when nothing is sure."""

    since_run_seconds: float
    since_delete_seconds: float | None
    container: str
    fact: SignalSent | SignalReceived | ObserverUnavailable
    why: Phrase | None


def signal_row_of(story: Story, entry: Entry) -> SignalRow | None:
    """Return the line of a signal sent or received."""
    fact = entry.fact
    if not isinstance(fact, SignalSent | SignalReceived | ObserverUnavailable):
        return None
    return SignalRow(
        since_run_seconds=story.since_run_seconds(entry),
        since_delete_seconds=story.since_delete_seconds(entry),
        container=entry.container or "",
        fact=fact,
        why=why(entry, story.known),
    )
