"""The grace ruler: how a container's grace period is spent, from the moment the kubelet begins to stop it.

One bar per stop of a container: the hook's slice, the process's slice, the two-second floor, SIGKILL, what was left over. Times
are seconds since the timeline began, as in `Entry.elapsed_seconds`.
Source of the arithmetic: pkg/kubelet/kuberuntime/kuberuntime_container.go, killContainer (v1.36).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lab.timeline.facts import (
    ContainerExited,
    Entry,
    HookFailed,
    HookFinished,
    HookStarted,
    HookTimedOut,
    KillStarted,
    KubeletContinued,
    KubeletHeld,
    ObjectWritten,
    SignalSent,
)

MINIMUM_GRACE_SECONDS = 2  # kuberuntime_manager.go: minimumGracePeriodInSeconds

Cause = Literal["deletion", "liveness", "startup", "postStart", "change", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
    """One stop of one container. ``deleted_at`` is when its grace period of ``grace_seconds`` began; ``kill_due_at`` when SIGKILL
    is due as far as is known then, None once the process has ended; ``forced`` says that the API forgot the pod at once."""

    pod: str
    container: str
    attempt: int
    deleted_at: float
    grace_seconds: float
    cause: Cause
    forced: bool
    kill_due_at: float | None
    hook_began_at: float | None = None
    hook_ended_at: float | None = None
    hook_timed_out: bool = False
    signal_at: float | None = None
    signal_name: str = ""
    killed_at: float | None = None
    exited_at: float | None = None
    exit_code: int | None = None
    holds: tuple[tuple[float, float | None], ...] = ()  # when the lab held the kubelet; no grace period counts that time

    @property
    def held_seconds(self) -> float:
        """How long the kubelet was held, as far as the holds have ended."""
        return sum(until - since for since, until in self.holds if until is not None)

    @property
    def ends_at(self) -> float:
        """When the grace period alone is over, without the floor."""
        return self.deleted_at + self.grace_seconds + self.held_seconds

    @property
    def spent_seconds(self) -> float:
        """What the hook has used of it, once it has ended or was given up; 0 without a hook."""
        return 0.0 if self.hook_ended_at is None else self.hook_ended_at - self.deleted_at - self._held_until(self.hook_ended_at)

    @property
    def counted_seconds(self) -> int:
        """What the kubelet takes off for the hook: whole seconds only."""
        return int(self.spent_seconds)

    @property
    def counts_less_than_spent(self) -> bool:
        """Whether that differs from what the hook has used, in tenths of a second."""
        return round(self.spent_seconds, 1) != self.counted_seconds

    @property
    def is_at_floor(self) -> bool:
        """Whether less than the floor was left for the process, so that it got the floor."""
        return self.grace_seconds - self.counted_seconds < MINIMUM_GRACE_SECONDS

    def left_seconds(self, at: float) -> float:
        """Return what is left at a moment until SIGKILL; what was left unused when the process has ended by itself. It stands
        still while the kubelet is held."""
        if self.killed_at is not None or self.kill_due_at is None:
            return 0.0
        until = self.exited_at if self.exited_at is not None else at
        if self.holds and self.holds[-1][1] is None:
            until = min(until, self.holds[-1][0])
        return max(0.0, self.kill_due_at - until)

    def _held_until(self, at: float) -> float:
        return sum(until - since for since, until in self.holds if until is not None and until <= at)


class Rulers:
    """The fold. ``add`` every entry of a run, in order; ``current`` holds the rulers, oldest first."""

    def __init__(self) -> None:
        self.current: dict[tuple[str, str, int], Ruler] = {}
        self._names: dict[str, str] = {}
        self._forced: set[str] = set()
        self._deleted: set[str] = set()

    def add(self, entry: Entry) -> Ruler | None:
        """Return the new state of the ruler that an entry changes."""
        fact, uid, name = entry.fact, entry.pod_uid or "", entry.container or ""
        if isinstance(fact, ObjectWritten):
            self._write(fact)
            return None
        if isinstance(fact, KillStarted):
            return self._keep(uid, self._began(entry, fact))
        attempt = getattr(fact, "attempt", None)
        ruler = self.current.get((uid, name, attempt)) if attempt is not None else None
        changed = _after(ruler, entry) if ruler is not None else None
        return self._keep(uid, changed) if changed is not None else None

    def of(self, pod_uid: str | None, container: str | None) -> Ruler | None:
        """Return the newest ruler of a container."""
        found = [ruler for (uid, name, _), ruler in self.current.items() if (uid, name) == (pod_uid, container)]
        return found[-1] if found else None

    def _keep(self, uid: str, ruler: Ruler) -> Ruler:
        self.current[uid, ruler.container, ruler.attempt] = ruler
        return ruler

    def _write(self, fact: ObjectWritten) -> None:
        if fact.kind != "Pod":
            return
        self._names[fact.uid] = fact.name
        if fact.verb == "delete" or fact.object["metadata"].get("deletionTimestamp"):
            self._deleted.add(fact.uid)
        if (
            fact.verb in ("delete", "remove")
            and fact.writer == "user"
            and not fact.object["metadata"].get("deletionGracePeriodSeconds")
        ):
            self._deleted.add(fact.uid)
            self._forced.add(fact.uid)

    def _began(self, entry: Entry, fact: KillStarted) -> Ruler:
        uid, grace = entry.pod_uid or "", fact.grace_period_seconds
        due = entry.elapsed_seconds + max(MINIMUM_GRACE_SECONDS, grace)
        return Ruler(
            pod=self._names.get(uid, ""),
            container=entry.container or "",
            attempt=fact.attempt,
            deleted_at=entry.elapsed_seconds,
            grace_seconds=grace,
            cause=cause_of(fact, deleted=uid in self._deleted),
            forced=uid in self._forced,
            kill_due_at=due,
        )


def _after(ruler: Ruler, entry: Entry) -> Ruler | None:
    at = entry.elapsed_seconds
    match entry.fact:
        case HookStarted(hook="preStop"):
            return replace(ruler, hook_began_at=at)
        case HookFinished(hook="preStop") | HookFailed(hook="preStop") if ruler.hook_ended_at is None:
            ended = replace(ruler, hook_ended_at=at)
            return replace(ended, kill_due_at=at + max(MINIMUM_GRACE_SECONDS, ruler.grace_seconds - int(ended.spent_seconds)))
        case HookTimedOut():
            return replace(ruler, hook_ended_at=at, hook_timed_out=True, kill_due_at=at + MINIMUM_GRACE_SECONDS)
        case SignalSent(why="stop-signal") as sent:
            return replace(ruler, signal_at=at, signal_name=sent.signal, kill_due_at=at + sent.timeout_seconds)
        case SignalSent():
            return replace(ruler, killed_at=at)
        case KubeletHeld():
            return replace(ruler, holds=(*ruler.holds, (at, None)))
        case KubeletContinued() if ruler.holds:
            stood_until = at if ruler.exited_at is None else min(at, ruler.exited_at)
            due = None if ruler.kill_due_at is None else ruler.kill_due_at + max(0.0, stood_until - ruler.holds[-1][0])
            return replace(ruler, holds=(*ruler.holds[:-1], (ruler.holds[-1][0], at)), kill_due_at=due)
        case ContainerExited(exit_code=code):
            return replace(ruler, exited_at=at, exit_code=code)
    return None


def cause_of(fact: KillStarted, *, deleted: bool) -> Cause:
    """Return why the kubelet stops a container, by the message of its Killing event."""
    if "failed liveness probe" in fact.reason:
        return "liveness"
    if "failed startup probe" in fact.reason:
        return "startup"
    if fact.reason == "FailedPostStartHook":
        return "postStart"
    if "definition changed" in fact.reason:
        return "change"
    return "deletion" if deleted else "other"
