"""Manifests on their way to the API server: at once where the machine has room for their pods, else when their turn comes.

Whatever makes room (`go_on`) may let others begin, on threads of their own. What a learner sees of the queue are facts:
`RunQueued` whenever the place changes, `RunAdmitted` when the wait is over.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from lab.clock import Clock
from lab.cluster import run_refused
from lab.cluster.admission import Admission, Usage
from lab.cluster.cluster import Cluster
from lab.cluster.clusters import learner_of
from lab.cluster.demand import NOTHING, Demand, demand_of, together
from lab.cluster.live_run import LiveRun
from lab.cluster.live_runs import LiveRuns
from lab.errors import StoreError
from lab.limits import Limits
from lab.timeline.facts import JSON, ObjectWritten, RunAdmitted, RunQueued

START_SECONDS = 20.0  # after which pods that were being started hold up nobody any more
TELL_SECONDS = 1.0  # between two places that a run is told: a class that presses Run at once moves up quickly
FOREVER, FOREVER_AGO = float("inf"), float("-inf")
NAMESPACE = "default"
FILENAME = "pod.yaml"

Verb = Literal["apply", "create"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A manifest for a run. ``arrived`` is when it was to be submitted, in the clock's seconds."""

    ticket: str
    live: LiveRun
    verb: Verb
    manifest: str
    demand: Demand
    arrived: float


class Submissions:
    """All submissions of all runs. The runs' lock is held in every call but `submit`; ``answered(live)`` is called without it
    when kubectl has answered."""

    def __init__(self, clock: Clock, limits: Limits, live: LiveRuns, answered: Callable[[LiveRun], None]) -> None:
        self._clock = clock
        self._limits = limits
        self._changed = live.changed
        self._live = live
        self._answered = answered
        self._admission = Admission(limits)
        self._waiting: dict[str, Submission] = {}
        self._told: dict[str, int] = {}  # by ticket: how many were before it when it was told
        self._told_at = FOREVER_AGO
        self._tells_later = False

    def usage(self) -> Usage:
        """Return what is held of the machine."""
        return self._admission.usage(self._counted())

    def needed(self, cluster: Cluster, pods: Iterable[tuple[str, Demand]]) -> Demand:
        """Return what those pods of a manifest need that are not there yet. Raises RunRefused when it is too much for its learner
        or for the machine."""
        stored = {o["metadata"]["name"] for o in cluster.registry.view().list("Pod", NAMESPACE)}
        demand = together(demand for name, demand in pods if name not in stored)
        if demand != NOTHING:
            self._admission.require(learner_of(cluster.id), demand)
        return demand

    def require_no_wait(self, live: LiveRun) -> None:
        """Raise RunRefused while the run waits for its turn."""
        if self._of(live):
            raise run_refused.is_waiting()

    def add(self, live: LiveRun, verb: Verb, manifest: str, demand: Demand) -> Submission | None:
        """Take a manifest. Return its submission when the caller is to submit it now; None when it waits."""
        submission = Submission(
            ticket=f"{live.run.id}/{secrets.token_hex(2)}",
            live=live,
            verb=verb,
            manifest=manifest,
            demand=demand,
            arrived=self._clock.monotonic(),
        )
        live.commands += 1
        if demand == NOTHING:
            self._begin(submission)
            return submission
        self._waiting[submission.ticket] = submission
        self._admission.join(submission.ticket, learner_of(live.run.cluster), demand)
        return submission if submission.ticket in self.go_on(besides=submission.ticket) else None

    def leave(self, live: LiveRun) -> bool:
        """Take what a run would still submit out of the queue; return whether there was something."""
        left = self._of(live)
        for submission in left:
            del self._waiting[submission.ticket]
            self._admission.leave(submission.ticket)
            live.commands -= 1
        return bool(left)

    def release(self, cluster: Cluster) -> None:
        """Let go of what the pods of a cluster held that are gone from its API and its node."""
        stored = {o["metadata"]["uid"] for o in cluster.registry.view().list("Pod")}
        self._admission.release(cluster.id, stored | cluster.node.pod_uids())

    def release_all(self, cluster_id: str) -> None:
        """Let go of all that a cluster held, of which nothing is left."""
        self._admission.strays_removed(cluster_id)
        self._admission.release(cluster_id, ())

    def let_go(self, pod_uid: str) -> None:
        """Let go of what a pod held of which nothing is left on its node."""
        self._admission.let_go(pod_uid)

    def left_behind(self, pod_uid: str) -> None:
        """Hold on to what a pod holds until `strays_removed`."""
        self._admission.left_behind(pod_uid)

    def strays_removed(self) -> None:
        """Let go of what was left behind."""
        self._admission.strays_removed()

    def started(self, pod_uid: str) -> None:
        """A pod runs, or has got as far as it will by itself."""
        self._admission.started(pod_uid)

    def give_up_starting(self, live: LiveRun) -> None:
        """Let a run whose pods do not come up hold up nobody any more."""
        live.starting_until = FOREVER
        self._admission.give_up_starting(live.run.id)
        self.go_on()

    def go_on(self, *, besides: str = "") -> frozenset[str]:
        """Let whoever has room now begin, but for ``besides``, whose caller sees to it; tell the others their places. Returns the
        tickets of those that began."""
        admitted = self._admission.admit(self._counted())
        for ticket in admitted:
            submission = self._waiting.pop(ticket)
            self._begin(submission)
            if ticket != besides:
                waited = self._clock.monotonic() - submission.arrived
                self._tell(submission.live, RunAdmitted(run_id=submission.live.run.id, waited_seconds=waited))
                self._clock.spawn(f"submit {ticket}", self._submit_later, submission)
        self._tell_places()
        return frozenset(admitted)

    def submit(self, submission: Submission) -> None:
        """Submit a manifest whose turn it is, as kubectl does, and wait for its answer. Raises StoreError."""
        live = submission.live
        cluster = live.cluster
        kubectl = cluster.kubectl.apply if submission.verb == "apply" else cluster.kubectl.create
        before = cluster.timeline.appended
        try:
            kubectl(submission.manifest, filename=FILENAME, namespace=NAMESPACE, run_id=live.run.id)
        finally:
            created = _created(cluster, before, live.run.id)
            with self._changed:
                live.pods |= created.keys()
                pods = {uid: demand_of(pod, self._limits) for uid, pod in created.items()}
                self._admission.settle(submission.ticket, learner_of(cluster.id), cluster.id, pods)
            self._answered(live)

    def _tell_places(self) -> None:
        """Tell those that wait how many are before them: newcomers at once, the others now and then."""
        places = self._admission.places(self._counted())
        self._told = {ticket: ahead for ticket, ahead in self._told.items() if ticket in places}
        moved = {ticket: ahead for ticket, ahead in places.items() if self._told.get(ticket) != ahead}
        now = self._clock.monotonic()
        if now < self._told_at + TELL_SECONDS:
            newcomers = {ticket: ahead for ticket, ahead in moved.items() if ticket not in self._told}
            if len(newcomers) < len(moved) and not self._tells_later:
                self._tells_later = True
                self._clock.spawn("places in the queue", self._tell_later)
            moved = newcomers
        elif moved:
            self._told_at = now
        for ticket, ahead in moved.items():
            live = self._waiting[ticket].live
            self._tell(live, RunQueued(run_id=live.run.id, ahead=ahead))
            self._told[ticket] = ahead

    def _tell_later(self) -> None:
        self._clock.sleep(TELL_SECONDS)
        with self._changed:
            self._tells_later = False
            self._tell_places()

    def _submit_later(self, submission: Submission) -> None:
        try:
            self.submit(submission)
        except StoreError:
            _LOGGER.exception("cannot submit the manifest of run %s", submission.live.run.id)

    def _begin(self, submission: Submission) -> None:
        now, live = self._clock.monotonic(), submission.live
        live.began = now if live.began is None else live.began
        live.starting_until = now + START_SECONDS
        self._changed.notify_all()

    def _counted(self) -> Counter[str]:
        """Count the runs of each learner that have begun."""
        return Counter(learner_of(live.run.cluster) for live in self._live.every() if live.began is not None)

    def _of(self, live: LiveRun) -> list[Submission]:
        return [submission for submission in self._waiting.values() if submission.live is live]

    @staticmethod
    def _tell(live: LiveRun, fact: RunQueued | RunAdmitted) -> None:
        """Say it on the run's timeline; a store that takes nothing now says so to whoever acts on it."""
        with suppress(StoreError):
            live.cluster.timeline.append(fact)


def _created(cluster: Cluster, before: int, run_id: str) -> dict[str, JSON]:
    """Return the pods that a run has created since an entry, by uid."""
    facts = [entry.fact for entry in cluster.timeline.read(before, durable=False)]
    return {
        fact.uid: fact.object
        for fact in facts
        if isinstance(fact, ObjectWritten) and fact.verb == "create" and fact.kind == "Pod" and fact.run_id == run_id
    }
