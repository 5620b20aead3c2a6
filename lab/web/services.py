"""What the pages need of the rest of the lab, handed in by `lab.app`; no page reaches for anything else.

`Runs` is the part of `lab.cluster.runs.Runs` that pages use, as a protocol, so that page tests can drive a real timeline
without an engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from lab.clock import Clock
from lab.lessons import Catalog
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline


class Runs(Protocol):
    """Opens, deletes and finds runs. `open` and `delete` return at once; what happens is on the timeline."""

    def open(
        self, cluster_id: str, example: str, manifest: str, *, verb: Literal["apply", "create"] = "apply", fresh: bool = False
    ) -> Run:
        """Run a manifest; on a live run of the example, apply it there, or with ``fresh`` delete that and run again."""
        ...

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        """Delete the run's pods (or one of them) as ``kubectl delete pod`` does."""
        ...

    def get(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        ...

    def latest(self, cluster_id: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        ...

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the durable entries that concern a run."""
        ...

    def timeline(self, cluster_id: str) -> Timeline:
        """Return the log of a cluster, opening it when needed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The settings that concern pages. Hosts are names without a port; ``secret_key`` signs cookies and form tokens."""

    allowed_hosts: frozenset[str]
    secret_key: str
    secure_cookies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a page may use. ``engine_problem()`` says why nothing can be run now, with the remedy; None when all is well.
    ``prepare(cluster_id)`` is called when a learner may press Run soon."""

    runs: Runs
    catalog: Catalog
    settings: WebSettings
    clock: Clock
    engine_problem: Callable[[], str | None]
    prepare: Callable[[str], None] = lambda cluster_id: None
