"""The lab's condition, for whoever operates it: whether it can do its work now, and what there is of everything.

Asking changes nothing. Store and engine are really asked, so an answer may take as long as they do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lab.cluster.admission import Usage
from lab.cluster.demand import RESOURCES
from lab.metrics import Sign
from lab.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a laboratory is asked. ``free_disk()`` is what is free where the lab and containers write, None where that cannot be
    told; ``free_disk_bytes`` is the least for new runs."""

    store: Store
    usage: Callable[[], Usage]
    free_disk: Callable[[], int | None]
    engine_problem: Callable[[], str | None]
    free_disk_bytes: int

    def problems(self) -> Mapping[str, str | None]:
        """Return for each part why it cannot do its work now, with the remedy; None where it can."""
        return {"store": self.store.problem(), "engine": self.engine_problem(), "disk": self._disk_problem()}

    def signs(self) -> Iterator[Sign]:
        """Yield what there is now."""
        usage, free = self.usage(), self.free_disk()
        yield Sign(name="lab_live_runs", help="Runs that go on or wait", value=len(self.store.live_runs()))
        yield Sign(name="lab_queued_runs", help="Runs that wait for their turn", value=len(usage.ahead))
        for name in RESOURCES:
            words = name.replace("_", " ")
            yield Sign(name=f"lab_held_{name}", help=f"What all pods hold together: {words}", value=getattr(usage.all, name))
            yield Sign(
                name=f"lab_limit_{name}",
                help=f"What all pods may hold together: {words}",
                value=getattr(usage.limit_of_all, name),
            )
        yield Sign(name="lab_facts_waiting", help="Facts that are not durable yet", value=self.store.journal.waiting)
        yield Sign(name="lab_store_bytes", help="Size of the store", value=self.store.size_bytes)
        yield Sign(name="lab_store_up", help="Whether facts become durable", value=self.store.journal.problem is None)
        yield Sign(
            name="lab_engine_up", help="Whether the engine answers and has the images", value=self.engine_problem() is None
        )
        if free is not None:
            yield Sign(name="lab_disk_free_bytes", help="Free disk where the lab and containers write", value=free)
        yield Sign(name="lab_disk_guard_bytes", help="With less free disk nothing new is run", value=self.free_disk_bytes)
        yield Sign(name="lab_threads", help="Threads of the lab", value=threading.active_count())

    def _disk_problem(self) -> str | None:
        free = self.free_disk()
        if free is None or free >= self.free_disk_bytes:
            return None
        return (
            f"cannot start new runs: {free / 1e6:.0f} MB of disk are free, less than LAB_FREE_DISK_BYTES "
            f"({self.free_disk_bytes / 1e6:.0f} MB); make space where the lab and the engine keep their data"
        )
