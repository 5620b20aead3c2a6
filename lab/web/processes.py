"""The process panel: what runs in each container as it was last looked at, and what PID 1 does with signals, by its masks.

PID 1's masks only explain beforehand: a process that blocks a signal and waits for it shows no handler and still acts, so
nothing here ever concludes from a mask that a signal was dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.insight.knowledge import Instance
from lab.timeline.facts import ProcessObserved
from lab.timeline.signal_names import NOISE, in_mask, signal_name
from lab.web.story import Story

DEEPEST_TREE = 20  # levels shown: far more than a container has
STOP_SIGNALS = (1, 2, 3, 10, 12, 15)  # HUP INT QUIT USR1 USR2 TERM: those one asks of before a stop


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskBit:
    """What PID 1 does with a signal, by its masks alone: caught, ignored, blocked, or nothing of these."""

    number: int
    name: str
    state: Literal["caught", "ignored", "blocked", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A process and those that it started."""

    pid: int
    command: str
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerProcesses:
    """The processes of a container's newest instance. ``roots`` are PID 1 and what the runtime started beside it, as last looked
    at; ``moment`` is when, "" before anybody looked. ``observed`` has PID 1's masks, once they were read."""

    container: str
    attempt: int
    running: bool
    command: tuple[str, ...]
    moment: Literal["", "hook-running", "before-stop-signal"]
    roots: tuple[Node, ...]
    observed: ProcessObserved | None
    bits: tuple[MaskBit, ...]


def processes_of(story: Story) -> tuple[ContainerProcesses, ...]:
    """Return the processes of every container that has been started, its newest instance."""
    newest: dict[tuple[str, str], Instance] = {}
    for (uid, name, _), instance in story.known.instances.items():
        if instance.started is not None:
            newest[uid, name] = instance
    return tuple(_of_instance(instance) for instance in newest.values())


def _of_instance(instance: Instance) -> ContainerProcesses:
    return ContainerProcesses(
        container=instance.container,
        attempt=instance.attempt,
        running=instance.exited is None,
        command=instance.created.argv if instance.created else (),
        moment=instance.seen.moment if instance.seen else "before-stop-signal" if instance.observed else "",
        roots=_roots(instance),
        observed=instance.observed,
        bits=mask_bits(instance.observed) if instance.observed else (),
    )


def _roots(instance: Instance) -> tuple[Node, ...]:
    if instance.seen is not None:
        return _nodes(0, instance.seen.processes, frozenset())
    if instance.observed is not None:  # of a lab that did not tell the parents
        first = Node(pid=1, command=instance.observed.command, children=())
        return (first, *(Node(pid=pid, command=command, children=()) for pid, command in instance.observed.others))
    return ()


def _nodes(parent: int, processes: tuple[tuple[int, int, str], ...], above: frozenset[int]) -> tuple[Node, ...]:
    """Return the children of a process; what claims to descend from itself is left out."""
    return tuple(
        Node(pid=pid, command=command, children=_nodes(pid, processes, above | {pid}) if len(above) < DEEPEST_TREE else ())
        for pid, own_parent, command in processes
        if own_parent == parent and pid not in above
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
