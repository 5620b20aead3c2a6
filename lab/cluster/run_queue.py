"""The one queue of all learners: who waits for room on the machine, and in which order.

Who has the fewest runs goes first, then who came first; a learner's own runs keep their order, and each counts for the next.
Whoever has been overtaken `MOST_OVERTAKEN` times goes first whatever the others have, so that nobody waits for ever. Only the
first is ever admitted: a small run that would fit does not slip past a large one, for then the large one might never fit. Pure;
not thread-safe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.cluster.demand import Demand

MOST_OVERTAKEN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A submission that waits. ``arrived`` numbers the arrivals; ``overtaken`` counts later ones that were admitted before it."""

    ticket: str
    learner: str
    demand: Demand
    arrived: int
    overtaken: int = 0


class RunQueue:
    """Those that wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def __contains__(self, ticket: str) -> bool:
        """Whether a ticket's holder waits."""
        return ticket in self._waiting

    def join(self, ticket: str, learner: str, demand: Demand) -> None:
        """Let somebody wait under a ticket."""
        self._arrivals += 1
        self._waiting[ticket] = Waiting(ticket=ticket, learner=learner, demand=demand, arrived=self._arrivals)

    def leave(self, ticket: str) -> bool:
        """Let somebody wait no more; return whether they did."""
        return self._waiting.pop(ticket, None) is not None

    def admit(self, first: Waiting) -> None:
        """Let the first one go, and note whom it overtook."""
        del self._waiting[first.ticket]
        for ticket, other in self._waiting.items():
            if other.arrived < first.arrived:
                self._waiting[ticket] = replace(other, overtaken=other.overtaken + 1)

    def demand_of(self, learner: str) -> tuple[Demand, ...]:
        """Return what the waiting runs of a learner need."""
        return tuple(waiting.demand for waiting in self._waiting.values() if waiting.learner == learner)

    def in_order(self, live: Mapping[str, int]) -> tuple[Waiting, ...]:
        """Return who waits, the first one first. ``live`` says how many runs of each learner are on the machine."""
        own: Counter[str] = Counter()
        keys = {}
        for ticket, waiting in self._waiting.items():  # by arrival
            patient = waiting.overtaken >= MOST_OVERTAKEN
            has = live.get(waiting.learner, 0) + own[waiting.learner]
            keys[ticket] = (0, 0, waiting.arrived) if patient else (1, has, waiting.arrived)
            own[waiting.learner] += 1
        return tuple(sorted(self._waiting.values(), key=lambda waiting: keys[waiting.ticket]))
