"""The Signals tab: what was sent, what arrived, and what PID 1 was prepared for.

``sent`` is the kubelet's act, ``received`` the kernel's word. PID 1's masks only explain beforehand: a process that blocks a
signal and waits for it shows no handler and still acts, so nothing here ever concludes from a mask that a signal was dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.timeline.facts import Entry, ObserverUnavailable, ProcessObserved, SignalReceived, SignalSent
from lab.timeline.signal_names import NOISE, in_mask, signal_name
from lab.web.story import Story

STOP_SIGNALS = (1, 2, 3, 10, 12, 15)  # HUP INT QUIT USR1 USR2 TERM: those one asks of before a stop


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskBit:
    """What PID 1 does with a signal, by its masks alone: caught, ignored, blocked, or nothing of these."""

    number: int
    name: str
    state: Literal["caught", "ignored", "blocked", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRow:
    """A line of the Signals tab; ``bits`` belong to a `ProcessObserved`."""

    since_run_seconds: float
    since_delete_seconds: float | None
    container: str
    fact: SignalSent | SignalReceived | ProcessObserved | ObserverUnavailable
    bits: tuple[MaskBit, ...]


def signal_row_of(story: Story, entry: Entry) -> SignalRow | None:
    """Return the line of a signal sent or received, or of PID 1's masks before a stop."""
    fact = entry.fact
    if not isinstance(fact, SignalSent | SignalReceived | ProcessObserved | ObserverUnavailable):
        return None
    return SignalRow(
        since_run_seconds=story.since_run_seconds(entry),
        since_delete_seconds=story.since_delete_seconds(entry),
        container=entry.container or "",
        fact=fact,
        bits=mask_bits(fact) if isinstance(fact, ProcessObserved) else (),
    )


def mask_bits(process: ProcessObserved) -> tuple[MaskBit, ...]:
    """Return what the masks say of the signals one stops a process with, and of every other that is caught."""
    caught, ignored, blocked = (int(m, 16) for m in (process.sig_caught, process.sig_ignored, process.sig_blocked))
    numbers = sorted({*STOP_SIGNALS, *(n for n in range(1, 32) if in_mask(caught, n) and n not in NOISE)})
    bits = []
    for number in numbers:
        state: Literal["caught", "ignored", "blocked", "none"] = "none"
        if in_mask(blocked, number):
            state = "blocked"
        elif in_mask(caught, number):
            state = "caught"
        elif in_mask(ignored, number):
            state = "ignored"
        bits.append(MaskBit(number=number, name=signal_name(number).removeprefix("SIG"), state=state))
    return tuple(bits)
