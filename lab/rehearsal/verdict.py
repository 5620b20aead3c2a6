"""What a rehearsal found, for people."""

from __future__ import annotations

from lab.rehearsal.figures import Spread
from lab.rehearsal.rehearse import Rehearsed


def verdict(rehearsed: Rehearsed) -> str:
    """Return it as text: what learners saw, what was used, the limits, and the answer."""
    runs, used, learners = rehearsed.runs, rehearsed.used, rehearsed.plan.learners
    spreads = (
        ("a page, while they arrive", rehearsed.pages_arriving),
        ("a page, while pods start", rehearsed.pages_starting),
        ("Run to the first fact on the page", runs.first_fact),
        ("Run to Running on the page", runs.page_running),
        ("a fact to its page, while pods start", runs.own_facts_starting),
        ("a fact to its page, all along", runs.own_facts),
    )
    each = (used.full.memory_bytes - used.empty.memory_bytes) / learners / 2**20
    used_text = (
        f"the lab's process: {rehearsed.cpu_seconds:.1f} s of CPU, {used.full.memory_bytes / 2**20:.0f} MiB at most "
        f"({each:.2f} MiB a learner), {used.full.threads} threads, {used.full.files} open files"
    )
    first = rehearsed.bounds[0]
    lines = [
        f"{learners} learners at once on this host: {rehearsed.host}",
        f"everybody runs {rehearsed.plan.example}",
        "",
        f"{'milliseconds':<38}{'median':>8}{'95 %':>8}{'99 %':>8}{'longest':>9}",
        *(_row(name, value) for name, value in spreads),
        "",
        used_text,
        "",
        f"{'limit':<22}{'learners':>9}  why",
        *(f"{bound.name:<22}{bound.learners:>9}  {bound.detail}" for bound in rehearsed.bounds),
        "",
    ]
    if rehearsed.is_go:
        answer = [f"GO for {learners} learners. First to bite: {first.name}, at {first.learners} learners; then {first.remedy}."]
    else:
        answer = [f"NO-GO for {learners} learners:", *(f"- {problem}" for problem in rehearsed.problems)]
    return "\n".join([*lines, *answer])


def _row(name: str, value: Spread | None) -> str:
    if value is None:
        return f"{name:<38}{'–':>8}"
    parts = zip((value.p50, value.p95, value.p99, value.most), (8, 8, 8, 9), strict=True)
    return f"{name:<38}" + "".join(f"{part * 1000:>{width}.0f}" for part, width in parts)
