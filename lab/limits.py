"""What learners may use of the machine: each container, each learner, all together.

A container's own limits are the kernel's affair (`lab.runtime.hardening`). Since no container can take more than they allow, the
sum over a learner's containers, or over all, is a bound too; the lab keeps that sum below the limits for a learner (one more is
refused) and for all (one more waits for its turn), see `lab.cluster.admission`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

KIBIBYTE, MEBIBYTE, GIBIBYTE = 1 << 10, 1 << 20, 1 << 30
CPUS_FOR_EACH_CORE = 32  # of containers that may each use one: CPU that is short makes them slow, and breaks nothing
_MEMORY_WHERE_UNKNOWN = 4 * GIBIBYTE
_PIDS_WHERE_UNKNOWN = 32_768


def half_of_memory() -> int:
    """Return half of this machine's memory, in bytes."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return _MEMORY_WHERE_UNKNOWN // 2


def cpus_of_all() -> float:
    """Return how many CPUs containers may be allowed together on this machine."""
    return float(CPUS_FOR_EACH_CORE * (os.cpu_count() or 1))


def half_of_pids() -> int:
    """Return half of the processes that this machine's kernel can have."""
    try:
        return min(int(Path(f"/proc/sys/kernel/{name}").read_text()) for name in ("pid_max", "threads-max")) // 2
    except (OSError, ValueError):
        return _PIDS_WHERE_UNKNOWN // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What learners may use. Each is set by the variable of its name in capitals, with ``LAB_`` before it (docs/limits.md)."""

    # each container
    container_memory_bytes: int = 128 * MEBIBYTE
    container_cpus: float = 1.0
    container_pids: int = 128
    container_file_bytes: int = 64 * MEBIBYTE  # its largest file
    log_bytes_per_container: int = MEBIBYTE  # of one attempt

    # each learner
    max_live_runs: int = 8  # more than any lesson has examples
    max_pods: int = 20  # as a ResourceQuota bounds them
    learner_containers: int = 24
    learner_memory_bytes: int = 4 * GIBIBYTE
    learner_cpus: float = 24.0
    learner_pids: int = 4096
    learner_disk_bytes: int = 256 * MEBIBYTE  # what containers write to their own file systems
    node_disk_bytes: int = 64 * MEBIBYTE  # of a virtual node, and of a pod's emptyDirs; the writer's memory, so below its limit

    # all together
    all_pods: int = 200
    all_containers: int = 400
    all_memory_bytes: int = field(default_factory=half_of_memory)
    all_cpus: float = field(default_factory=cpus_of_all)
    all_pids: int = field(default_factory=half_of_pids)
    all_starting: int = 4  # runs whose pods are being started: more would come up no sooner, and hold up pages meanwhile
    max_repeat_runs: int = 2  # of all learners' repeats at a time: more would measure how they crowd each other
    free_disk_bytes: int = GIBIBYTE  # with less of it nothing new is run

    # time and pace
    max_run_seconds: int = 3600  # a forgotten run ends by itself
    idle_run_seconds: int = 900  # without an action and without a page that shows it
    idle_cluster_seconds: int = 3600  # until a cluster's network and node are given back
    requests_per_minute: int = 600  # of one visitor, in a classroom
