"""What the pages need of the rest of the lab, handed in by `lab.app`; no page reaches for anything else.

`Runs` is the part of `lab.cluster.runs.Runs` that pages use, as a protocol, so that page tests can drive a real timeline
without an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from lab.classroom.register import Register
from lab.clock import Clock
from lab.cluster.admission import Usage
from lab.cluster.repeats import RepeatOrder
from lab.insight.predictions import KeptPrediction, Prediction
from lab.lessons import Catalog
from lab.lessons.progress import Mark, MarkKind
from lab.metrics import Metrics
from lab.runtime.node_listing import NodeEntry
from lab.timeline.bundle import Versions
from lab.timeline.facts import Entry, HoldPoint
from lab.timeline.repeat import Repeat
from lab.timeline.run import Run
from lab.timeline.timeline import Timeline


class Runs(Protocol):
    """Opens, deletes and finds runs. `open` and `delete` return at once; what happens is on the timeline."""

    def open(
        self,
        cluster_id: str,
        example: str,
        manifest: str,
        *,
        verb: Literal["apply", "create"] = "apply",
        fresh: bool = False,
        hold_points: tuple[HoldPoint, ...] = (),
    ) -> Run:
        """Run a manifest, held at these points; on a live run of the example, apply it there, or with ``fresh`` delete that and
        run again."""
        ...

    def delete(
        self, run_id: str, *, pod: str | None = None, grace_period_seconds: int | None = None, force: bool = False
    ) -> None:
        """Delete the run's pods (or one of them) as ``kubectl delete pod`` does."""
        ...

    def proceed(self, run_id: str, *, held_seq: int | None = None, to_the_end: bool = False) -> bool:
        """Let the kubelet go on from a hold, or from all; ``to_the_end`` without further stops. False when it was not held."""
        ...

    def run_command(self, run_id: str, pod: str, container: str, command: tuple[str, ...]) -> bool:
        """Run a command in a container of a live run. False when it does not run, or has too many already."""
        ...

    def clean_node(self, cluster_id: str) -> None:
        """Empty the cluster's node of all files. Raises LabError while pods are on it."""
        ...

    def get(self, run_id: str) -> Run | None:
        """Return a run, live or ended."""
        ...

    def latest(self, cluster_id: str, example: str) -> Run | None:
        """Return the newest run of an example in a cluster."""
        ...

    def recent(self, cluster_id: str, count: int) -> tuple[Run, ...]:
        """Return a cluster's newest runs, the newest first."""
        ...

    def live(self, cluster_id: str) -> tuple[Run, ...]:
        """Return a cluster's live runs, oldest first."""
        ...

    def abort(self, run_id: str, *, why: str, by: str) -> None:
        """End a live run now, outside of what Kubernetes would do."""
        ...

    def usage(self) -> Usage:
        """Return what pods hold of the machine now, and who waits for it."""
        ...

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return the durable entries that concern a run."""
        ...

    def timeline(self, cluster_id: str) -> Timeline:
        """Return the log of a cluster, opening it when needed."""
        ...

    def following(self, cluster_id: str, examples: Collection[str]) -> AbstractContextManager[None]:
        """Say, while it is entered, that a page shows the runs of these examples in a cluster: they are not idle."""
        ...


class NodeFiles(Protocol):
    """The files of the clusters' nodes (`lab.runtime.node_files.NodeFiles`)."""

    def listing(self, cluster: str, path: str) -> tuple[NodeEntry, ...] | None:
        """Return what stands in a directory on the node; None when it is none."""
        ...

    def read(self, cluster: str, path: str, *, limit_bytes: int) -> bytes | None:
        """Return the beginning of a regular file on the node; None when there is none."""
        ...


class Repeats(Protocol):
    """Runs a manifest several times (`lab.cluster.repeats.Repeats`)."""

    def start(self, order: RepeatOrder) -> Repeat:
        """Begin a repeat and return at once. Raises LabError when it is refused."""
        ...

    def get(self, repeat_id: str) -> Repeat | None:
        """Return a repeat as it stands."""
        ...

    def latest(self, cluster: str, example: str) -> Repeat | None:
        """Return the newest repeat of an example that a learner began."""
        ...

    def before(self, repeat_id: str) -> int:
        """Return how many repeats have their turn before this one."""
        ...

    def cancel(self, repeat_id: str) -> None:
        """End a repeat and its run that goes on."""
        ...

    def cancel_all(self, cluster: str) -> None:
        """End a learner's repeat, if one goes on."""
        ...


class Predictions(Protocol):
    """Keeps learners' predictions (`lab.store.predictions.Predictions`). Raises StoreError when it cannot."""

    def keep(self, cluster: str, example: str, prediction: Prediction) -> None:
        """Keep a prediction for the next run of the example, in place of one that still waits."""
        ...

    def withdraw(self, cluster: str, example: str) -> None:
        """Forget the prediction that waits for a run, if there is one."""
        ...

    def bind(self, cluster: str, example: str, run_id: str) -> bool:
        """Give the prediction that waits to a run; say whether there was one."""
        ...

    def waiting(self, cluster: str, example: str) -> KeptPrediction | None:
        """Return the prediction that waits for a run."""
        ...

    def of_run(self, run_id: str) -> KeptPrediction | None:
        """Return the prediction that was made for a run."""
        ...

    def of_example(self, example: str, clusters: Collection[str] | None = None) -> tuple[KeptPrediction, ...]:
        """Return what was predicted of an example and then run, oldest first, by everybody or by these clusters alone."""
        ...

    def examples(self, clusters: Collection[str]) -> dict[str, int]:
        """Return how many of these clusters made a prediction of each example and then ran it, the latest example first."""
        ...


class ProgressMarks(Protocol):
    """Keeps what learners have done (`lab.store.progress.ProgressMarks`). Raises StoreError when it cannot."""

    def note_soon(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark it, and do not wait until it is written."""
        ...

    def note(self, cluster: str, kind: MarkKind, item: str, value: str = "") -> None:
        """Mark that a learner has done this now; a mark that is there already is made anew."""
        ...

    def withdraw(self, cluster: str, kind: MarkKind, item: str) -> None:
        """Take a mark back; without one nothing happens."""
        ...

    def add(self, cluster: str, marks: Iterable[Mark]) -> None:
        """Add marks from elsewhere; those that are there stay as they are."""
        ...

    def forget(self, cluster: str) -> None:
        """Forget all marks of a learner."""
        ...

    def of(self, cluster: str) -> tuple[Mark, ...]:
        """Return a learner's marks, oldest first."""
        ...

    def of_all(self, clusters: Collection[str] | None = None) -> dict[str, tuple[Mark, ...]]:
        """Return the marks, oldest first, of every learner who has some, or of these alone."""
        ...


class Bundles(Protocol):
    """Keeps runs that were opened from files (`lab.store.bundles.Bundles`). Raises StoreError when it cannot."""

    def keep(self, text: str, cluster: str) -> str:
        """Keep a bundle's text that a learner has opened, and return its id."""
        ...

    def get(self, bundle_id: str) -> str | None:
        """Return a bundle's text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The settings that concern pages. Hosts are names without a port; ``secret_key`` signs cookies and form tokens;
    ``requests_per_minute`` bounds those of one visitor, None does not;
    ``public_url`` is where browsers find the lab when that is not the request's own address, ``trusted_proxies`` whose word is
    taken for where a request comes from; ``embed_ancestors`` are the sites, as Content-Security-Policy writes them, that may show
    embedded pages; with ``live_content`` lessons are read anew when their files change; pages of the ``static_edition`` are
    written to files and ask no server."""

    allowed_hosts: frozenset[str]
    secret_key: str
    secure_cookies: bool = False
    requests_per_minute: int | None = None
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    embed_ancestors: tuple[str, ...] = ()
    live_content: bool = False
    static_edition: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What machines may ask. ``problems()`` says for each part of the lab why it cannot do its work now, None where it can;
    ``token`` lets ask from elsewhere than this machine."""

    problems: Callable[[], Mapping[str, str | None]]
    metrics: Metrics
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a page may use. ``engine_problem()`` says why nothing can be run now, with the remedy, and ``store_problem()``
    why nothing is recorded; None when all is well.
    ``max_run_seconds`` is the lab's limit for a run. ``prepare(cluster_id, manifests)`` is called when a
    learner may run these soon; ``prepared()`` are the clusters for which that is done. ``discard(cluster_id)`` ends all that goes
    on for a learner, ``forget(cluster_id)`` deletes all that is there of one; both block. Without ``progress`` nobody's progress
    is kept or shown. With ``register`` the lab is a classroom."""

    runs: Runs
    files: NodeFiles
    repeats: Repeats
    predictions: Predictions
    bundles: Bundles
    versions: Callable[[], Versions]
    catalog: Catalog
    settings: WebSettings
    clock: Clock
    engine_problem: Callable[[], str | None]
    max_run_seconds: float
    prepare: Callable[[str, tuple[str, ...]], None] = lambda cluster_id, manifests: None
    prepared: Callable[[], Collection[str]] = tuple
    forget: Callable[[str], None] = lambda cluster_id: None
    discard: Callable[[str], None] = lambda cluster_id: None
    progress: ProgressMarks | None = None
    register: Register | None = None
    operations: Operations | None = None
    store_problem: Callable[[], str | None] = lambda: None
