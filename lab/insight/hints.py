"""What a run is worth telling its learner, each hint with the step that proves it and the line of the manifest that it is about.

A fold over the run's entries: a hint appears with the fact that makes it certain and stays. What the lint said of the manifest
beforehand stands beside them until a fact proves it. The rules are in `lab.insight.hint_stopping` and
`hint_hooks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from lab.insight.lint import Tone
from lab.insight.lint_rules import lint_review
from lab.insight.phrase import Phrase
from lab.pods.review import Review, ReviewedDocument, review
from lab.timeline.facts import (
    JSON,
    ContainerExited,
    ContainerStarted,
    Entry,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    KillStarted,
    ObjectWritten,
    RunOpened,
    SignalReceived,
    SignalSent,
)

PID_1 = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """``seq`` is the entry that proves it, None for what only the manifest says. ``line`` is 1-based in the run's manifest;
    ``cause`` is what the manifest had let expect."""

    rule: str
    phrase: Phrase
    tone: Tone
    line: int | None
    seq: int | None
    container: str
    cause: Phrase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a rule found at an entry. ``path`` is below the container's; ``proves`` are rules of the lint that it makes certain,
    and with ``repeats_them`` that say no more than this does; ``seq`` is another entry than the one at hand."""

    rule: str
    phrase: Phrase
    path: str = ""
    tone: Tone = "warning"
    proves: tuple[str, ...] = ()
    repeats_them: bool = False
    seq: int | None = None


@dataclass(slots=True, kw_only=True)
class Life:
    """One attempt of a container as far as it has come: the entry of each thing that can happen once."""

    spec: JSON
    started: Entry | None = None
    exited: Entry | None = None
    kill: Entry | None = None
    stop: Entry | None = None
    taken: Entry | None = None  # the stop signal, as the kernel saw it arrive at PID 1
    sigkill: Entry | None = None
    hooks: dict[str, Entry] = field(default_factory=dict)
    hook_ends: dict[str, Entry] = field(default_factory=dict)
    overrun: Entry | None = None

    def handler(self, hook: str) -> JSON | None:
        """Return a hook as the API has it."""
        handler: JSON | None = self.spec.get("lifecycle", {}).get(hook)
        return handler


@dataclass(slots=True, kw_only=True)
class PodPast:
    """A pod as far as its story has come."""

    object: JSON
    deletions: list[Entry] = field(default_factory=list)
    removed: Entry | None = None
    lives: dict[tuple[str, int], Life] = field(default_factory=dict)

    @property
    def grace_seconds(self) -> float:
        """The grace period of the manifest."""
        return float(self.object["spec"].get("terminationGracePeriodSeconds", 30))

    def container(self, name: str) -> tuple[str, JSON]:
        """Return a container's path and spec; an empty path when there is none of that name."""
        for group in ("initContainers", "containers"):
            for index, spec in enumerate(self.object["spec"].get(group, ())):
                if spec["name"] == name:
                    return f"spec.{group}[{index}]", spec
        return "", {}


HintRule = Callable[[Entry, Life, PodPast], Iterator[Told]]


class Hints:
    """The fold. Read `found`; change it only through `add`. Not thread-safe."""

    def __init__(self, rules: Sequence[HintRule]) -> None:
        self.found: tuple[Hint, ...] = ()
        self._rules = rules
        self._pods: dict[str, PodPast] = {}
        self._review: Review = Review(documents=())

    def add(self, entry: Entry) -> None:
        """Take the next entry in."""
        fact = entry.fact
        if isinstance(fact, RunOpened):
            self._open(fact.manifest)
            return
        if isinstance(fact, ObjectWritten) and fact.kind == "Pod":
            self._write(entry, fact)
        pod = self._pods.get(entry.pod_uid or "")
        if pod is None:
            return
        for container, life in self._lives(entry, pod):
            _remember(entry, life)
            for rule in self._rules:
                for told in rule(entry, life, pod):
                    self._tell(told, entry, container, pod)

    def _open(self, manifest: str) -> None:
        self._review = review(manifest)
        self.found = tuple(
            Hint(rule=note.rule, phrase=note.phrase, tone=note.tone, line=note.line, seq=None, container=note.path)
            for note in lint_review(manifest, self._review)
        )

    def _write(self, entry: Entry, fact: ObjectWritten) -> None:
        pod = self._pods.get(fact.uid)
        if pod is None:
            self._pods[fact.uid] = pod = PodPast(object=fact.object)
        pod.object = fact.object
        if fact.verb == "delete" and fact.writer == "user":
            pod.deletions.append(entry)
        if fact.verb == "remove":
            pod.removed = entry

    def _lives(self, entry: Entry, pod: PodPast) -> Iterator[tuple[str, Life]]:
        """Yield the lives that an entry concerns: its container's present one, or all present ones for a write of the pod."""
        attempt: int | None = getattr(entry.fact, "attempt", None)
        if entry.container is not None and attempt is not None:
            key = (entry.container, attempt)
            if key not in pod.lives:
                pod.lives[key] = Life(spec=pod.container(entry.container)[1])
            yield entry.container, pod.lives[key]
        elif isinstance(entry.fact, ObjectWritten) and entry.fact.kind == "Pod":
            latest = {container: life for (container, _), life in pod.lives.items()}
            yield from latest.items()

    def _tell(self, told: Told, entry: Entry, container: str, pod: PodPast) -> None:
        path = pod.container(container)[0]
        if any(hint.rule == told.rule and hint.container == path and hint.seq is not None for hint in self.found):
            return
        document = self._document(pod)
        line = document.lines.line(f"{path}.{told.path}" if told.path else path) if document and path else None
        hint = Hint(rule=told.rule, phrase=told.phrase, tone=told.tone, line=line, seq=told.seq or entry.seq, container=path)
        proved = next((h for h in self.found if h.seq is None and h.rule in told.proves and h.container.startswith(path)), None)
        if proved is not None:
            self.found = tuple(other for other in self.found if other is not proved)
            hint = replace(hint, line=proved.line, cause=None if told.repeats_them else proved.phrase)
        self.found = (*self.found, hint)

    def _document(self, pod: PodPast) -> ReviewedDocument | None:
        name = pod.object["metadata"]["name"]
        documents = [d for d in self._review.documents if d.kind == "Pod" and d.object is not None and d.name == name]
        return documents[0] if documents else None


def _remember(entry: Entry, life: Life) -> None:
    match entry.fact:
        case ContainerStarted():
            life.started = entry
        case ContainerExited():
            life.exited = entry
        case KillStarted():
            life.kill = entry
        case HookStarted(hook=hook):
            life.hooks[hook] = entry
        case HookFinished(hook=hook) | HookFailed(hook=hook) | HookSkipped(hook=hook):
            life.hook_ends[hook] = entry
        case HookTimedOut():
            life.overrun = entry
        case SignalSent(why="stop-signal"):
            life.stop = entry
        case SignalSent():
            life.sigkill = entry
        case SignalReceived(target_pid=pid, signal=signal) if pid == PID_1 and life.kill and life.taken is None:
            sent = life.stop.fact.signal if life.stop and isinstance(life.stop.fact, SignalSent) else signal
            life.taken = entry if signal == sent else None
