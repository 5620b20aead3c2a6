"""Two runs side by side: which steps of one are those of the other, and what came out differently.

Steps are the same when they mean the same: the third container's exit is the third container's exit, whatever it is called and
whatever its code; a code that differs makes the pair *changed*. Containers and pods are told apart by their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from lab.timeline.facts import (
    BackingOff,
    CommandAnswered,
    CommandExecuted,
    ContainerExited,
    ContainerFailed,
    Entry,
    Fact,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ImageLookedUp,
    KillStarted,
    ObjectWritten,
    ProbeChanged,
    RunAborted,
    RunClosed,
    SignalReceived,
    SignalSent,
)
from lab.timeline.tables import pod_row

Anchor = Literal["run", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """A step to be aligned: ``kind`` is what it is, ``detail`` what of it may differ."""

    seq: int
    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Steps that belong together, by their index in each run; None where the other run has no such step."""

    left: int | None
    right: int | None
    changed: bool = False


class Places:
    """The fold that knows pods and containers by their places: ``pod 1``, ``container 2``. Not thread-safe."""

    def __init__(self) -> None:
        self._pods: list[str] = []
        self._containers: dict[tuple[str, str], int] = {}
        self.names: dict[str, str] = {}  # of pods and containers, by place

    def add(self, entry: Entry) -> None:
        """Take an entry in."""
        fact = entry.fact
        if not isinstance(fact, ObjectWritten) or fact.kind != "Pod" or fact.uid in self._pods:
            return
        self._pods.append(fact.uid)
        self.names[self.of(fact.uid, None)] = fact.name
        spec = fact.object["spec"]
        for number, container in enumerate((*spec.get("initContainers", ()), *spec.get("containers", ()))):
            self._containers[fact.uid, container["name"]] = number
            self.names[self.of(fact.uid, container["name"])] = container["name"]

    def of(self, pod_uid: str | None, container: str | None) -> str:
        """Return the place of a pod or of one of its containers."""
        pod = f"pod {self._pods.index(pod_uid)}" if pod_uid in self._pods else ""
        return f"{pod} container {self._containers.get((pod_uid or '', container), container)}" if container else pod


def aligned(entries: Iterable[Entry]) -> tuple[Aligned, ...]:
    """Return what each entry is for the alignment."""
    places = Places()
    found = []
    for entry in entries:
        places.add(entry)
        kind, detail = _of(entry)
        container = entry.container or _container_of_event(entry.fact)
        found.append(Aligned(seq=entry.seq, kind=f"{places.of(entry.pod_uid, container)} {kind}", detail=detail))
    return tuple(found)


def align(left: Sequence[Aligned], right: Sequence[Aligned], cuts: tuple[int, int] | None = None) -> tuple[Pair, ...]:
    """Pair two lists of steps. ``cuts`` are the indexes, one in each list, that must meet: what is before one of them is never
    paired with what is behind the other."""
    if cuts is None:
        return tuple(_pairs(left, right, 0, 0))
    a, b = cuts
    return (*_pairs(left[:a], right[:b], 0, 0), *_pairs(left[a:], right[b:], a, b))


def _pairs(left: Sequence[Aligned], right: Sequence[Aligned], a: int, b: int) -> Iterable[Pair]:
    matcher = SequenceMatcher(None, [s.kind for s in left], [s.kind for s in right], autojunk=False)
    for tag, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        if tag == "equal":
            for one, other in zip(range(left_from, left_to), range(right_from, right_to), strict=True):
                yield Pair(left=a + one, right=b + other, changed=left[one].detail != right[other].detail)
        else:
            yield from (Pair(left=a + one, right=None) for one in range(left_from, left_to))
            yield from (Pair(left=None, right=b + other) for other in range(right_from, right_to))


def _of(entry: Entry) -> tuple[str, str]:
    """Return an entry's kind and detail."""
    fact = entry.fact
    match fact:
        case ObjectWritten(kind="Event", object=event):
            return f"event {event['reason']}", str(event["type"])
        case ObjectWritten(kind="Pod", verb="status", writer="kubelet"):
            status = pod_row(fact.object, now=entry.at).status
            return f"status {status}", ""
        case ObjectWritten(verb=verb, writer=writer, kind=kind):
            grace = fact.object["metadata"].get("deletionGracePeriodSeconds", "") if verb == "delete" else ""
            return f"{writer} {verb} {kind}", str(grace)
        case CommandAnswered(argv=argv, rc=rc):
            return f"command {argv[1] if len(argv) > 1 else ''}", f"{rc} {' '.join(argv[2:])}"
        case RunClosed() | RunAborted():
            return "end of the run", type(fact).__name__
        case _:
            return _of_node(fact)


def _of_node(fact: Fact) -> tuple[str, str]:
    match fact:
        case HookStarted(hook=hook, action=action):
            return f"{hook} began", " ".join(action)
        case HookFinished(hook=hook, exit_code=code, http_status=status):
            return f"{hook} ended", f"finished {code} {status} {fact.stdout} {fact.stderr}"
        case HookFailed(hook=hook, exit_code=code):
            return f"{hook} ended", f"failed {code} {fact.stdout} {fact.stderr}"
        case HookTimedOut(hook=hook) | HookSkipped(hook=hook):
            return f"{hook} {type(fact).__name__}", getattr(fact, "why", "")
        case KillStarted(grace_period_seconds=grace, reason=reason):
            return "killing", f"{grace:g} {reason}"
        case SignalSent(why=why, signal=signal, timeout_seconds=seconds):
            return f"sent {why}", f"{signal} {seconds:g}"
        case SignalReceived(number=9):
            return "SIGKILL received", fact.sender
        case SignalReceived(signal=signal, result=result, target_pid=pid):
            return f"signal received by {'PID 1' if pid == 1 else 'another process'}", f"{signal} {result} {fact.sender}"
        case ContainerExited(exit_code=code, oom_killed=oom):
            return "exited", f"{code} {oom}"
        case FileChanged(path=path, change=change, text=text):
            return f"file {path}", f"{change} {text}"
        case ContainerFailed(reason=reason) | BackingOff(reason=reason):
            return f"{type(fact).__name__} {reason}", ""
        case ImageLookedUp(image=image):
            return "image", image
        case ProbeChanged(probe=probe, result=result):
            return f"probe {probe}", result
        case CommandExecuted(command=command, exit_code=code):
            return "executed", f"{' '.join(command)} {code}"
        case _:
            return type(fact).__name__, ""


def _container_of_event(fact: Fact) -> str | None:
    if not isinstance(fact, ObjectWritten) or fact.kind != "Event":
        return None
    return str(fact.object["involvedObject"].get("fieldPath", "")).partition("{")[2].rstrip("}") or None
