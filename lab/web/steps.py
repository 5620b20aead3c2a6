"""Which facts are steps of a run, who acted in them, and what a row of the list needs.

One table decides: a fact that is not listed only feeds a panel. Rows of the *cluster* family are what kubectl shows,
those of the *node* family are the truth behind it, those of the *lab* family are about the lab itself. What a row says
stands in the fact's template, ``templates/facts/_<name>.html``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab.insight.phrase import Phrase
from lab.insight.visibility import IN_KUBECTL
from lab.insight.why import why
from lab.timeline.facts import (
    BackingOff,
    CommandAnswered,
    CommandExecuted,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerRemoved,
    ContainerStarted,
    Entry,
    Fact,
    FileChanged,
    HoldPointsChosen,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ImageLookedUp,
    KillStarted,
    KubeletContinued,
    KubeletHeld,
    LogChunk,
    LogTruncated,
    ObjectWritten,
    ObserverUnavailable,
    ProbeChanged,
    ProcessesSeen,
    ProcessObserved,
    RunAborted,
    RunAdmitted,
    RunClosed,
    RunOpened,
    RunQueued,
    SandboxStarted,
    SandboxStopped,
    SignalReceived,
    SignalSent,
    SignalsTruncated,
    VolumeFailed,
    WorkerFailed,
)
from lab.timeline.tables import PodRow
from lab.web.story import PodStory, Story

Actor = Literal["lab", "kubectl", "api", "scheduler", "kubelet", "runtime", "hook", "signal", "process", "file"]
Family = Literal["cluster", "node", "lab"]
Write = Literal["created", "bound", "updated", "status", "deletion", "confirmation", "removal", "event", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A fact's place in the list: who acts, which family it belongs to, whether it is a row, and whether it is read aloud."""

    actor: Actor
    family: Family = "node"
    listed: bool = True
    announced: bool = False


PLACES: dict[type, Place] = {
    ObjectWritten: Place(actor="api", family="cluster"),
    CommandAnswered: Place(actor="kubectl", family="cluster"),
    RunOpened: Place(actor="lab", family="lab"),
    RunQueued: Place(actor="lab", family="lab", announced=True),
    RunAdmitted: Place(actor="lab", family="lab", announced=True),
    HoldPointsChosen: Place(actor="lab", family="lab"),
    KubeletHeld: Place(actor="lab", family="lab", announced=True),
    KubeletContinued: Place(actor="lab", family="lab", announced=True),
    CommandExecuted: Place(actor="kubectl", family="cluster", announced=True),
    RunClosed: Place(actor="lab", family="lab", announced=True),
    RunAborted: Place(actor="lab", family="lab", announced=True),
    SandboxStarted: Place(actor="runtime"),
    SandboxStopped: Place(actor="runtime"),
    VolumeFailed: Place(actor="kubelet", announced=True),
    ImageLookedUp: Place(actor="kubelet"),
    ContainerCreated: Place(actor="runtime"),
    ContainerStarted: Place(actor="runtime", announced=True),
    ContainerFailed: Place(actor="kubelet", announced=True),
    BackingOff: Place(actor="kubelet", announced=True),
    ContainerExited: Place(actor="process", announced=True),
    ContainerRemoved: Place(actor="kubelet", listed=False),
    HookStarted: Place(actor="hook", announced=True),
    HookFinished: Place(actor="hook", announced=True),
    HookFailed: Place(actor="hook", announced=True),
    HookTimedOut: Place(actor="hook", announced=True),
    HookSkipped: Place(actor="hook", announced=True),
    ProbeChanged: Place(actor="kubelet"),
    KillStarted: Place(actor="kubelet"),
    ProcessObserved: Place(actor="process", listed=False),
    ProcessesSeen: Place(actor="process", listed=False),
    SignalSent: Place(actor="kubelet"),
    SignalReceived: Place(actor="signal", announced=True),
    SignalsTruncated: Place(actor="lab", family="lab", announced=True),
    ObserverUnavailable: Place(actor="lab", family="lab"),
    FileChanged: Place(actor="file", announced=True),
    LogChunk: Place(actor="process", listed=False),
    LogTruncated: Place(actor="process"),
    WorkerFailed: Place(actor="lab", family="lab", announced=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A row. Offsets are seconds since Run and, once there was a delete, since that; ``row`` and ``previous`` are kubectl's row
    of the pod after and before a write. ``among_several`` asks to say whose step it is. ``why`` is derived from the facts, None
    when nothing is sure; ``in_kubectl`` says what Kubernetes shows of a node fact; ``moments`` are what checks call it."""

    seq: int
    actor: Actor
    family: Family
    announced: bool
    fact: Fact
    pod: str
    container: str
    since_run_seconds: float
    since_delete_seconds: float | None
    write: Write | None
    row: PodRow | None
    previous: PodRow | None
    among_several: bool
    why: Phrase | None
    in_kubectl: Phrase | None
    moments: tuple[str, ...]

    @property
    def fact_name(self) -> str:
        """The fact's type, for whoever wants to look it up."""
        return type(self.fact).__name__

    @property
    def template(self) -> str:
        """The partial that words this step."""
        return partial_of(type(self.fact))


def partial_of(fact_type: type) -> str:
    """Return the template of a fact: ``facts/_hook_finished.html`` for `HookFinished`."""
    return f"facts/_{re.sub(r'(?<!^)(?=[A-Z])', '_', fact_type.__name__).lower()}.html"


def step_of(entry: Entry, story: Story) -> Step | None:
    """Return the row of an entry that ``story`` has just taken in, or None when it is none."""
    place = PLACES[type(entry.fact)]
    fact, pod = entry.fact, story.pods.get(entry.pod_uid or "")
    write = write_of(fact) if isinstance(fact, ObjectWritten) else None
    if not place.listed or not _LISTED.get(write, _always)(story, pod):
        return None
    return Step(
        seq=entry.seq,
        actor=_actor(fact, write) or place.actor,
        family=place.family,
        announced=place.announced or write in ("status", "deletion", "removal"),
        fact=fact,
        pod=pod.name if pod else "",
        container=entry.container or "",
        since_run_seconds=story.since_run_seconds(entry),
        since_delete_seconds=story.since_delete_seconds(entry),
        write=write,
        row=pod.row if pod else None,
        previous=story.previous_row,
        among_several=len(story.pods) > 1 or _containers(pod) > 1,
        why=why(entry, story.known),
        in_kubectl=IN_KUBECTL.get(type(fact)),
        moments=story.told,
    )


def write_of(fact: ObjectWritten) -> Write:
    """Say what a write meant."""
    if fact.kind != "Pod":
        return "event" if fact.kind == "Event" else "other"
    match fact.verb:
        case "create":
            return "created"
        case "update":
            return "updated"
        case "remove":
            return "removal"
        case "delete":
            return "confirmation" if fact.writer == "kubelet" else "deletion"
        case "status":
            return "bound" if fact.writer == "scheduler" else "status"


def _row_changed(story: Story, pod: PodStory | None) -> bool:
    """Whether ``kubectl get pods`` prints something new: a status that changes nothing there is no step."""
    old, new = story.previous_row, pod.row if pod else None
    return old is None or new is None or (old.status, old.ready, old.restarts) != (new.status, new.ready, new.restarts)


def _always(story: Story, pod: PodStory | None) -> bool:
    return True


_LISTED: dict[Write | None, Callable[[Story, PodStory | None], bool]] = {"status": _row_changed}


def _actor(fact: Fact, write: Write | None) -> Actor | None:
    if write == "bound":
        return "scheduler"
    if write == "event" and isinstance(fact, ObjectWritten):
        return "scheduler" if fact.writer == "scheduler" else "kubelet"
    return None


def _containers(pod: PodStory | None) -> int:
    spec = pod.object.get("spec", {}) if pod else {}
    return len(spec.get("containers", ())) + len(spec.get("initContainers", ()))
