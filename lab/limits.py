"""What learners may use of the machine, each and together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What learners may use. Each is set by the variable of its name in capitals, with ``LAB_`` before it."""

    max_live_runs: int = 8  # per cluster: more than any lesson has examples
    max_pods: int = 20  # per cluster, as a ResourceQuota bounds them
    max_run_seconds: int = 3600  # a forgotten run ends by itself
    max_repeat_runs: int = 2  # of all learners' repeats at a time: more would measure how they crowd each other
    log_bytes_per_container: int = 1024 * 1024  # of one attempt
