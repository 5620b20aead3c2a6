"""Fair share: what every learner's pods hold of the machine, who may have more, and who waits for it.

What a pod may take is held from before its manifest is submitted until nothing of it is left on the node, not only until the API
has let go of it. It is reserved for a run first, and then held by the pods that the run really created. The sums never go beyond
the limits. Not thread-safe: `lab.cluster.runs` holds its lock around every call.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lab.cluster import run_refused
from lab.cluster.demand import Demand, learners_limit, limit_of_all, together
from lab.cluster.run_queue import RunQueue
from lab.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is held: by each learner, and by all; with the limits of both. ``ahead`` has the runs that wait for their turn, with
    how many are before each."""

    learners: Mapping[str, Demand]
    all: Demand
    learners_limit: Demand
    limit_of_all: Demand
    ahead: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    learner: str
    cluster: str
    demand: Demand


class Admission:
    """The shares of all learners, and the queue."""

    def __init__(self, limits: Limits) -> None:
        self._learners_limit = learners_limit(limits)
        self._limit_of_all = limit_of_all(limits)
        self._pods: dict[str, _Held] = {}  # by uid
        self._left_behind: set[str] = set()  # pods of which the engine may still hold a container
        self._reserved: dict[str, _Held] = {}  # by ticket
        self._all_starting = limits.all_starting
        self._starting: dict[str, set[str] | None] = {}  # by ticket: pods that have not started; None: not yet submitted
        self._early: set[str] = set()  # pods that started before it was known which they are
        self._queue = RunQueue()

    def usage(self, live: Mapping[str, int]) -> Usage:
        """Return what is held now. A ticket begins with its run's id, and a slash."""
        held: dict[str, list[Demand]] = defaultdict(list)
        for one in (*self._pods.values(), *self._reserved.values()):
            held[one.learner].append(one.demand)
        learners = {learner: together(demands) for learner, demands in held.items()}
        return Usage(
            learners=learners,
            all=together(learners.values()),
            learners_limit=self._learners_limit,
            limit_of_all=self._limit_of_all,
            ahead={ticket.partition("/")[0]: ahead for ticket, ahead in self.places(live).items()},
        )

    def require(self, learner: str, demand: Demand) -> None:
        """Raise RunRefused when this is more than the learner may have beside what they have and wait for, or more than there
        is for all. Pods are the API server's affair: its quota refuses them one by one."""
        resource = demand.beyond(self._limit_of_all)
        if resource:
            raise run_refused.too_large(resource, demand, self._limit_of_all)
        used = together((*self._of(learner), *self._queue.demand_of(learner)))
        resource = (used + demand).beyond(self._learners_limit)
        if resource and resource != "pods":
            raise run_refused.over_quota(resource, demand, used, self._learners_limit)

    def join(self, ticket: str, learner: str, demand: Demand) -> None:
        """Queue up, under a ticket, for what is needed. It may be admitted at once."""
        self._queue.join(ticket, learner, demand)

    def waits(self, ticket: str) -> bool:
        """Whether a ticket's holder waits."""
        return ticket in self._queue

    def leave(self, ticket: str) -> bool:
        """Leave the queue; return whether it was there."""
        return self._queue.leave(ticket)

    def admit(self, live: Counter[str]) -> list[str]:
        """Admit the first ones of the queue as long as there is room, reserve what they need, and return their tickets. ``live``
        counts the runs of each learner that do not wait; those that are admitted are added to it."""
        admitted = []
        while (order := self._queue.in_order(live)) and self._has_room(order[0].demand):
            first = order[0]
            self._queue.admit(first)
            self._reserved[first.ticket] = _Held(learner=first.learner, cluster="", demand=first.demand)
            self._starting[first.ticket] = None
            live[first.learner] += 1
            admitted.append(first.ticket)
        return admitted

    def places(self, live: Mapping[str, int]) -> dict[str, int]:
        """Return the tickets of those that wait, with how many are before them."""
        return {waiting.ticket: ahead for ahead, waiting in enumerate(self._queue.in_order(live))}

    def settle(self, ticket: str, learner: str, cluster: str, pods: Mapping[str, Demand]) -> None:
        """Let the pods that were created hold what was reserved for them."""
        self._reserved.pop(ticket, None)
        if ticket in self._starting:
            self._starting[ticket] = set(pods) - self._early
            self._forget_started()
        for uid, demand in pods.items():
            self._pods[uid] = _Held(learner=learner, cluster=cluster, demand=demand)

    def release(self, cluster: str, left: Collection[str]) -> None:
        """Let go of what the pods of a cluster held of which nothing is left."""
        for uid in [uid for uid, held in self._pods.items() if held.cluster == cluster and uid not in left]:
            self.let_go(uid)

    def let_go(self, pod_uid: str) -> None:
        """Let go of what a pod held, unless containers of it were left behind."""
        if pod_uid not in self._left_behind:
            self._pods.pop(pod_uid, None)
        self.started(pod_uid)

    def left_behind(self, pod_uid: str) -> None:
        """Hold on to what a pod holds until `strays_removed`."""
        if pod_uid in self._pods:
            self._left_behind.add(pod_uid)

    def strays_removed(self, cluster: str | None = None) -> None:
        """Let go of what was left behind, in one cluster or in all."""
        for uid in list(self._left_behind):
            if cluster in (None, self._pods[uid].cluster):
                self._left_behind.discard(uid)
                self.let_go(uid)

    def started(self, pod_uid: str) -> None:
        """A pod runs, or has got as far as it will by itself: another may be started."""
        if None in self._starting.values():
            self._early.add(pod_uid)
        for pods in self._starting.values():
            if pods is not None:
                pods.discard(pod_uid)
        self._forget_started()

    def give_up_starting(self, run_id: str) -> None:
        """Count a run's pods as started, whatever they are."""
        self._starting = {ticket: pods for ticket, pods in self._starting.items() if not _is_of(ticket, run_id)}
        self._forget_started()

    def _forget_started(self) -> None:
        self._starting = {ticket: pods for ticket, pods in self._starting.items() if pods is None or pods}
        if None not in self._starting.values():
            self._early.clear()

    def _has_room(self, demand: Demand) -> bool:
        if len(self._starting) >= self._all_starting:
            return False
        held = together(h.demand for h in (*self._pods.values(), *self._reserved.values()))
        return (held + demand).beyond(self._limit_of_all) is None

    def _of(self, learner: str) -> tuple[Demand, ...]:
        return tuple(h.demand for h in (*self._pods.values(), *self._reserved.values()) if h.learner == learner)


def _is_of(ticket: str, run_id: str) -> bool:
    return ticket.partition("/")[0] == run_id
