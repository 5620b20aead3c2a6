"""What is known of a run's pods and of each instance of their containers, as of an entry: the fold that explanations read.

It keeps the entries themselves, so that whoever explains something can point at its evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.insight.ruler import Ruler, Rulers
from lab.timeline.facts import (
    JSON,
    ContainerCreated,
    ContainerExited,
    ContainerStarted,
    Entry,
    FileChanged,
    Hook,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    KillStarted,
    KubeletContinued,
    KubeletHeld,
    ObjectWritten,
    ProcessesSeen,
    ProcessObserved,
    RunAborted,
    RunAdmitted,
    RunClosed,
    RunOpened,
    RunQueued,
    SignalReceived,
    SignalSent,
)
from lab.timeline.tables import pod_status_column


@dataclass(slots=True, kw_only=True)
class HookKnown:
    """A hook of one instance, as far as it has got. ``ended`` is set however it ended, also when it was skipped."""

    started: Entry | None = None
    ended: Entry | None = None
    timed_out: Entry | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended, waited for or not."""
        return self.started is not None and self.ended is None

    @property
    def is_awaited(self) -> bool:
        """Whether the kubelet waits for it."""
        return self.is_running and self.timed_out is None

    @property
    def action(self) -> tuple[str, ...]:
        """What it runs."""
        return self.started.fact.action if self.started and isinstance(self.started.fact, HookStarted) else ()


@dataclass(slots=True, kw_only=True)
class Instance:
    """One instance of a container."""

    pod_uid: str
    container: str
    attempt: int
    created: ContainerCreated | None = None
    started: Entry | None = None
    exited: Entry | None = None
    kill: KillStarted | None = None
    observed: ProcessObserved | None = None
    seen: ProcessesSeen | None = None
    hooks: dict[Hook, HookKnown] = field(default_factory=dict)
    stop_signal: SignalSent | None = None
    kill_signal: SignalSent | None = None
    received: list[Entry] = field(default_factory=list)

    @property
    def is_made(self) -> bool:
        """Whether there is a container of it, and not only an image looked up or a start held back."""
        return self.created is not None or self.started is not None

    @property
    def is_running(self) -> bool:
        """Whether PID 1 has started and not ended."""
        return self.started is not None and self.exited is None

    @property
    def exit(self) -> ContainerExited | None:
        """How PID 1 ended."""
        return self.exited.fact if self.exited and isinstance(self.exited.fact, ContainerExited) else None

    def reached_first_process(self, number: int | None = None) -> SignalReceived | None:
        """Return the last signal (with this number) that arrived at PID 1."""
        facts = [entry.fact for entry in self.received if isinstance(entry.fact, SignalReceived)]
        found = [fact for fact in facts if fact.target_pid == 1 and number in (None, fact.number)]
        return found[-1] if found else None

    def hook(self, hook: Hook) -> HookKnown:
        """Return what is known of a hook; nothing, when it has not begun."""
        return self.hooks.get(hook) or HookKnown()


@dataclass(slots=True, kw_only=True)
class PodKnown:
    """A pod of the run. ``object`` is its last stored state; ``status`` and ``previous_status`` are kubectl's STATUS now and
    before the last write; ``forced`` says that it left the API without waiting for the node."""

    uid: str
    object: JSON
    status: str = ""
    previous_status: str = ""
    deleted: Entry | None = None
    removed: Entry | None = None
    forced: bool = False

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.object["metadata"]["name"])

    @property
    def spec(self) -> JSON:
        """Its spec, with defaults."""
        spec: JSON = self.object.get("spec") or {}
        return spec

    def container(self, name: str) -> JSON:
        """Return a container of the spec; empty when there is none of that name."""
        every = (*(self.spec.get("initContainers") or ()), *(self.spec.get("containers") or ()))
        found: JSON = next((container for container in every if container.get("name") == name), {})
        return found

    def has_hook(self, container: str, hook: Hook) -> bool:
        """Whether a container defines a hook."""
        return bool((self.container(container).get("lifecycle") or {}).get(hook))


class Knowledge:
    """The fold. ``add`` every entry of a run, in order; the rest reads."""

    def __init__(self) -> None:
        self.opened: Entry | None = None
        self.ended: Entry | None = None
        self.queued: Entry | None = None  # while the run waits for its turn
        self.pods: dict[str, PodKnown] = {}
        self.instances: dict[tuple[str, str, int], Instance] = {}
        self.files: dict[tuple[str, str], Entry] = {}
        self.held: dict[int, Entry] = {}  # where the lab holds the kubelet now
        self.rulers = Rulers()
        self.ruler: Ruler | None = None  # changed by the last entry
        self._last_pod_uid = ""

    def add(self, entry: Entry) -> None:
        """Take the next entry in."""
        self.ruler = self.rulers.add(entry)
        match entry.fact:
            case RunOpened():
                self.opened = entry
            case RunQueued():
                self.queued = entry
            case RunAdmitted():
                self.queued = None
            case RunClosed() | RunAborted():
                self.ended, self.queued = entry, None
            case ObjectWritten(kind="Pod"):
                self._write(entry, entry.fact)
            case KubeletHeld():
                self.held[entry.seq] = entry
            case KubeletContinued(held_seq=seq):
                self.held.pop(seq, None)
            case FileChanged(path=path):
                self.files[entry.pod_uid or "", path] = entry
            case _:
                instance = self.instance(entry)
                if instance is not None:
                    _note(instance, entry)
        if (pod := self.pod(entry)) is not None:
            self._last_pod_uid = pod.uid

    @property
    def last_pod(self) -> PodKnown | None:
        """The pod that something happened to last."""
        return self.pods.get(self._last_pod_uid)

    def instance(self, entry: Entry) -> Instance | None:
        """Return the instance that an entry is about, making it known when it is the first to speak of it."""
        attempt = getattr(entry.fact, "attempt", None)
        if entry.pod_uid is None or entry.container is None or attempt is None:
            return None
        key = (entry.pod_uid, entry.container, attempt)
        if key not in self.instances:
            self.instances[key] = Instance(pod_uid=entry.pod_uid, container=entry.container, attempt=attempt)
        return self.instances[key]

    def pod(self, entry: Entry) -> PodKnown | None:
        """Return the pod that an entry is about."""
        fact = entry.fact
        return self.pods.get(fact.uid if isinstance(fact, ObjectWritten) and fact.kind == "Pod" else entry.pod_uid or "")

    def latest(self, pod_uid: str, container: str) -> Instance | None:
        """Return the newest instance of a container."""
        found = [known for (uid, name, _), known in self.instances.items() if (uid, name) == (pod_uid, container)]
        return found[-1] if found else None

    def of_pod(self, pod_uid: str) -> Iterator[Instance]:
        """Yield the instances of a pod's containers, in the order in which they became known."""
        return (known for (uid, _, _), known in self.instances.items() if uid == pod_uid)

    def ruler_of(self, instance: Instance) -> Ruler | None:
        """Return the grace ruler of an instance."""
        return self.rulers.current.get((instance.pod_uid, instance.container, instance.attempt))

    def _write(self, entry: Entry, fact: ObjectWritten) -> None:
        pod = self.pods.get(fact.uid)
        if pod is None:
            pod = self.pods[fact.uid] = PodKnown(uid=fact.uid, object=fact.object)
        pod.object, pod.previous_status, pod.status = fact.object, pod.status, pod_status_column(fact.object)
        if fact.verb == "remove":
            pod.removed = entry
            pod.forced = pod.forced or fact.writer == "user"
        if fact.verb in ("delete", "remove") and fact.writer == "user" and (pod.deleted is None or fact.verb == "delete"):
            pod.deleted = entry


def _note(instance: Instance, entry: Entry) -> None:
    match entry.fact:
        case ContainerCreated() as created:
            instance.created = created
        case ContainerStarted():
            instance.started = entry
        case ContainerExited():
            instance.exited = entry
        case KillStarted() as kill:
            instance.kill = kill
        case ProcessObserved() as observed:
            instance.observed = observed
        case ProcessesSeen() as seen:
            instance.seen = seen
        case HookStarted(hook=hook):
            instance.hooks[hook] = HookKnown(started=entry)
        case HookTimedOut(hook=hook):
            instance.hooks.setdefault(hook, HookKnown()).timed_out = entry
        case HookFinished(hook=hook) | HookFailed(hook=hook) | HookSkipped(hook=hook):
            instance.hooks.setdefault(hook, HookKnown()).ended = entry
        case SignalSent(why="stop-signal") as sent:
            instance.stop_signal = sent
        case SignalSent() as sent:
            instance.kill_signal = sent
        case SignalReceived():
            instance.received.append(entry)
