"""For how many learners a host lasts, limit by limit, from what the played class used."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cluster.demand import demands_in, limit_of_all, together
from lab.config import Settings
from lab.rehearsal.served import Usage
from lab.runtime.disk_space import free_bytes
from lab.runtime.networks import SUBNET_PREFIX_LENGTH
from lab.web.followers import AT_ONCE

RUNS_IN_A_CLASS = 60  # of one learner in an afternoon, for what grows with runs
_SETTINGS = {
    "pods": "LAB_ALL_PODS",
    "containers": "LAB_ALL_CONTAINERS",
    "memory_bytes": "LAB_ALL_MEMORY_BYTES, if the machine has it",
    "cpu_millis": "LAB_ALL_CPUS",
    "pids": "LAB_ALL_PIDS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit: the number of learners that it allows, why, and how more are allowed."""

    name: str
    learners: int
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What the class used: the lab's process before it and at its fullest, the memory that the machine had free then, and what
    the store grew by for each run."""

    learners: int
    empty: Usage
    full: Usage
    memory_free_before: int
    memory_free_least: int
    store_bytes_per_run: float


def memory_available() -> int:
    """Return how much memory the machine could still give, in bytes. Source: proc(5)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def bounds(settings: Settings, manifest: str, used: Consumption) -> tuple[Bound, ...]:
    """Return every limit, the one that bites first first."""
    found = (*_shares(settings, manifest), *_host(settings, used))
    return tuple(sorted(found, key=lambda bound: bound.learners))


def at_once(settings: Settings, manifest: str) -> int:
    """Return how many learners' pods may be there at the same time by the lab's own limits."""
    return min((bound.learners for bound in _shares(settings, manifest)), default=0)


def _shares(settings: Settings, manifest: str) -> Iterator[Bound]:
    """Yield the lab's own limits: beyond them nobody fails, but waits for a turn."""
    demand = together(demand for _, demand in demands_in(manifest, settings.limits))
    limit = limit_of_all(settings.limits)
    for name, setting in _SETTINGS.items():
        each, most = getattr(demand, name), getattr(limit, name)
        if each:
            said = f"{_amount(name, each)} each of {_amount(name, most)} for all; the others wait for their turn"
            yield Bound(name=f"the lab's {_name(name)}", learners=most // each, detail=said, remedy=f"raise {setting}")
    yield Bound(
        name="streams",
        learners=AT_ONCE,
        detail=f"{AT_ONCE} pages can follow at the same time",
        remedy="split the class over two servers",
    )


def _host(settings: Settings, used: Consumption) -> Iterator[Bound]:
    subnets = 2 ** (SUBNET_PREFIX_LENGTH - settings.pod_cidr.prefixlen)
    yield Bound(
        name="subnets",
        learners=subnets,
        detail=f"{settings.pod_cidr} holds {subnets} clusters' networks",
        remedy="set LAB_POD_CIDR to a larger network",
    )
    each = max(1, (used.memory_free_before - used.memory_free_least) // used.learners)
    yield Bound(
        name="memory",
        learners=used.memory_free_before // each,
        detail=f"{each / 2**20:.0f} MiB for each of {used.memory_free_before / 2**30:.1f} GiB free; containers may take more",
        remedy="give the machine more memory, or end what else runs on it",
    )
    files, most_files = (
        max(1.0, (used.full.files - used.empty.files) / used.learners),
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
    yield Bound(
        name="open files",
        learners=int((most_files - used.empty.files) / files),
        detail=f"{files:.1f} for each of {most_files}",
        remedy="raise LimitNOFILE of the service, or `ulimit -n`",
    )
    threads, most_threads = max(1.0, (used.full.threads - used.empty.threads) / used.learners), _most_threads()
    yield Bound(
        name="threads",
        learners=int((most_threads - used.empty.threads) / threads),
        detail=f"{threads:.1f} for each of {most_threads}",
        remedy="raise TasksMax of the service, kernel.pid_max, or `ulimit -u`",
    )
    free = max(0, (free_bytes(settings.data if settings.data.exists() else Path.cwd()) or 0) - settings.limits.free_disk_bytes)
    day = max(1.0, used.store_bytes_per_run * RUNS_IN_A_CLASS + settings.limits.node_disk_bytes)
    yield Bound(
        name="disk",
        learners=int(free / day),
        detail=f"{day / 2**20:.0f} MiB for each, with {RUNS_IN_A_CLASS} runs, of {free / 2**30:.1f} GiB that may be used",
        remedy="free some space, or put LAB_DATA on a larger disk",
    )


def _most_threads() -> int:
    """Return how many threads this process's kind may have: by user, by kernel and by control group."""
    limits = [resource.getrlimit(resource.RLIMIT_NPROC)[0]]
    limits += [int(Path(f"/proc/sys/kernel/{name}").read_text()) for name in ("pid_max", "threads-max")]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        where = "" if number == "0" else "pids" if "pids" in controllers else None
        if where is not None:
            file = Path(f"/sys/fs/cgroup/{where}{path}/pids.max")
            text = file.read_text().strip() if file.is_file() else "max"
            limits += [int(text)] if text.isdecimal() else []
    return min(limit for limit in limits if limit != resource.RLIM_INFINITY)


def _name(resource_name: str) -> str:
    return {"memory_bytes": "memory", "cpu_millis": "CPUs"}.get(resource_name, resource_name)


def _amount(name: str, value: int) -> str:
    match name:
        case "memory_bytes":
            return f"{value / 2**20:.0f} MiB"
        case "cpu_millis":
            return f"{value / 1000:g}"
        case _:
            return str(value)


def describe_host() -> str:
    """Return what this machine is, in a few words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores, {memory / 2**30:.1f} GiB, Linux {os.uname().release}"
