"""What pods may take of the machine: the sum of what their containers are allowed, and what the lab adds to each pod.

A container is counted by its limits and not by what it uses: the kernel lets it have that much at any moment. Init containers run
one after the other, before the others, so only the largest of them counts.
Source: k8s.io/component-helpers/resource/helpers.go PodRequests (v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache

from lab.limits import Limits
from lab.pods.decode import pod_from_object
from lab.pods.model import Container
from lab.pods.review import review
from lab.runtime.hardening import SANDBOX_MEMORY_BYTES, SANDBOX_PIDS
from lab.timeline.facts import JSON

KEPT_DEMANDS = 64  # manifests: a class submits the same ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """An amount of each. CPU is in thousandths, so that sums are exact."""

    pods: int = 0
    containers: int = 0
    memory_bytes: int = 0
    cpu_millis: int = 0
    pids: int = 0

    def __add__(self, other: Demand) -> Demand:
        """Return both together."""
        return Demand(**{name: getattr(self, name) + getattr(other, name) for name in RESOURCES})

    def most(self, other: Demand) -> Demand:
        """Return the larger amount of each."""
        return Demand(**{name: max(getattr(self, name), getattr(other, name)) for name in RESOURCES})

    def beyond(self, limit: Demand) -> str | None:
        """Return the first resource of which this is more than the limit."""
        return next((name for name in RESOURCES if getattr(self, name) > getattr(limit, name)), None)


RESOURCES = tuple(field.name for field in fields(Demand))
NOTHING = Demand()


def together(demands: Iterable[Demand]) -> Demand:
    """Return the sum."""
    every = tuple(demands)
    return Demand(**{name: sum(getattr(demand, name) for demand in every) for name in RESOURCES})


def demand_of(pod: JSON, limits: Limits) -> Demand:
    """Return what an admitted Pod may take."""
    spec = pod_from_object(pod).spec
    sidecars = [container for container in spec.init_containers if container.restart_policy == "Always"]
    firsts = [container for container in spec.init_containers if container.restart_policy != "Always"]
    beside = together(_of(container, limits) for container in sidecars)
    demand = beside + together(_of(container, limits) for container in spec.containers)
    for first in firsts:
        demand = demand.most(beside + _of(first, limits))
    return demand + Demand(pods=1, memory_bytes=SANDBOX_MEMORY_BYTES, pids=SANDBOX_PIDS)


@lru_cache(maxsize=KEPT_DEMANDS)
def demands_in(manifest: str, limits: Limits) -> tuple[tuple[str, Demand], ...]:
    """Return the pods that a manifest would create: name ("" while it is generated) and what each may take."""
    pods = [d.object for d in review(manifest).documents if d.kind == "Pod" and d.object is not None]
    return tuple((str(pod["metadata"].get("name") or ""), demand_of(pod, limits)) for pod in pods)


def learners_limit(limits: Limits) -> Demand:
    """Return what one learner's pods may take together."""
    return Demand(
        pods=limits.max_pods,
        containers=limits.learner_containers,
        memory_bytes=limits.learner_memory_bytes,
        cpu_millis=round(limits.learner_cpus * 1000),
        pids=limits.learner_pids,
    )


def limit_of_all(limits: Limits) -> Demand:
    """Return what all learners' pods may take together."""
    return Demand(
        pods=limits.all_pods,
        containers=limits.all_containers,
        memory_bytes=limits.all_memory_bytes,
        cpu_millis=round(limits.all_cpus * 1000),
        pids=limits.all_pids,
    )


def _of(container: Container, limits: Limits) -> Demand:
    """Return what `lab.runtime.hardening` gives a container."""
    return Demand(
        containers=1,
        memory_bytes=min(container.memory_limit_bytes or limits.container_memory_bytes, limits.container_memory_bytes),
        cpu_millis=round(min(container.cpu_limit_cores or limits.container_cpus, limits.container_cpus) * 1000),
        pids=limits.container_pids,
    )
