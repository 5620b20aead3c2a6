"""The lab's parts, wired: store, engine, signal witness, virtual nodes, runs. No pages; `lab.app` puts those on top.

Opening a laboratory sweeps what an earlier one with the same data directory left on the engine and closes its runs. Without an
engine it opens all the same: lessons are readable, and `engine_problem` says what is missing.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import lab
from lab.classroom.register import LARGEST_CLASS, Register
from lab.clock import Clock
from lab.cluster.cluster import ClusterOptions
from lab.cluster.disk_guard import DiskGuard, DiskGuardParts
from lab.cluster.idle_clusters import IdleClusters
from lab.cluster.repeats import RepeatParts, Repeats
from lab.cluster.runs import RunParts, Runs
from lab.cluster.strays import Strays
from lab.condition import Condition
from lab.config import Settings
from lab.errors import EngineError, EngineUnavailable, SettingsError, StoreError
from lab.metrics import Metrics
from lab.pods.decode import pod_from_object
from lab.pods.review import review
from lab.runtime import firewall
from lab.runtime.disk_space import free_bytes
from lab.runtime.docker_runtime import PAUSE_IMAGE, DockerRuntime, RuntimeSettings
from lab.runtime.engine import engine_address
from lab.runtime.engine_client import EngineClient
from lab.runtime.engine_health import EngineHealth
from lab.runtime.node_files import NodeFiles
from lab.runtime.recipes import RECIPES
from lab.runtime.safe_paths import require_openat2
from lab.runtime.signals import ObserverUnavailable, open_observer
from lab.store.store import Store
from lab.timeline.bundle import Versions

PASSING_DATA_PREFIX = "pod-hook-lab-run-"  # of such a data directory; `lab sweep` finds what a killed command left by it
REQUIRED_IMAGES = (PAUSE_IMAGE, "nginx", "busybox")
KUBERNETES = "v1.36"  # whose rules the lab follows

KEPT_HOSTNAMES = 64  # lessons
PREPARED_CLUSTERS = 64  # where anybody may ask for pages: they must not use up the pod CIDR; in a classroom everybody has a seat

UNWATCHED = ObserverUnavailable(
    why="cannot show received signals: they are not witnessed in this lab",
    remedy="set LAB_WITNESS_SIGNALS=yes and start it again",
)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSide:
    """The engine's side of a lab: the runtime and the virtual nodes' files. ``witness_problem`` says why signals that
    containers receive cannot be witnessed here, with the remedy; None when they can."""

    runtime: DockerRuntime
    files: NodeFiles
    witness_problem: str | None


def open_node_side(settings: Settings, instance: str, clock: Clock, cleanup: ExitStack) -> NodeSide:
    """Open the engine's side; ``cleanup`` closes it again. What containers and networks there are is left alone: see `sweep`."""
    observer = open_observer(clock) if settings.witness_signals else UNWATCHED
    witness, problem = None, None
    if isinstance(observer, ObserverUnavailable):
        problem = f"{observer.why}; {observer.remedy}"
        _LOGGER.warning("%s", problem)
    else:
        witness = observer
        cleanup.callback(witness.close)
    require_openat2()
    files = NodeFiles(settings.data / "nodes", size_limit_bytes=settings.limits.node_disk_bytes)
    engine = EngineClient(engine_address(settings.docker_host))
    identity = RuntimeSettings(
        instance=instance,
        pod_cidr=str(settings.pod_cidr),
        limits=settings.limits,
        warm_sandboxes=settings.warm_sandboxes,
        images=_offered_images(settings),
    )
    runtime = DockerRuntime(engine, identity, clock, witness)
    cleanup.callback(runtime.close)
    wall = firewall.ensure()
    if settings.classroom and not wall.installed:
        raise SettingsError(f"{wall.why}; a classroom needs that, so {wall.remedy}")
    if settings.classroom and not files.are_protected:
        raise SettingsError(
            "cannot keep learners' volumes from the host's files: nothing can be mounted here; a classroom needs that, so start "
            "the lab as root, with the right to mount"
        )
    if not wall.installed:
        _LOGGER.warning("%s; %s", wall.why, wall.remedy)
    return NodeSide(runtime=runtime, files=files, witness_problem=problem)


def _offered_images(settings: Settings) -> frozenset[str] | None:
    """Return what learners' containers may be made of; None where the only learner owns the engine."""
    return frozenset((*(recipe.tag for recipe in RECIPES), *settings.images)) if settings.classroom else None


def open_passing_node_side(settings: Settings, clock: Clock, cleanup: ExitStack) -> tuple[NodeSide, str]:
    """Open an engine's side whose data directory lasts no longer than ``cleanup``, and return it with the name of its instance.
    Raises EngineUnavailable before anything is made."""
    directory = cleanup.enter_context(tempfile.TemporaryDirectory(prefix=PASSING_DATA_PREFIX))
    settings = replace(settings, data=Path(directory))
    cleanup.enter_context(settings.data_directory.lock())
    instance = settings.data_directory.instance_id
    side = open_node_side(settings, instance, clock, cleanup)
    side.runtime.engine_info()
    return side, instance


class Laboratory:
    """A whole lab without its pages. Open it once per data directory."""

    def __init__(self, settings: Settings, clock: Clock, *, holder: int | None = None) -> None:
        """Lock the data directory, open store and engine, and recover. ``holder`` is the process to stop when somebody else wants
        the directory (default: this one). Raises SettingsError, StoreError."""
        self.settings = settings
        self.clock = clock
        self._cleanup = ExitStack()
        self._engine_health = EngineHealth(clock, self._ask_engine)
        self._changed = clock.condition()
        self._prepared: set[str] | None = set()  # None once the lab stops
        self._ready: set[str] = set()  # of these, whose network is there
        self._preparing = 0  # how many preparations are at the engine
        self._disks: tuple[Path, ...] | None = None  # where learners' containers and the lab write, once the engine has told
        try:
            self._cleanup.enter_context(settings.data_directory.lock(holder=holder))
            instance = settings.data_directory.instance_id
            self.metrics = Metrics()
            self.store = self._cleanup.enter_context(Store.open(settings.database_url, clock, self.metrics.durable))
            self.register = _open_register(self.store, clock) if settings.classroom else None
            self.node_side = open_node_side(settings, instance, clock, self._cleanup)
            self._strays = Strays(clock, self._remove_strays, lambda run_id: self.runs.is_live(run_id))
            self._cleanup.callback(self._strays.close)
            self.runs = Runs(
                RunParts(
                    clock=clock,
                    journal=self.store.journal,
                    index=self.store,
                    runtime=self.node_side.runtime,
                    files=self.node_side.files,
                    options=ClusterOptions(
                        limits=settings.limits,
                        witness_problem=self.node_side.witness_problem,
                        max_pods=settings.limits.max_pods,
                    ),
                    limits=settings.limits,
                    free_disk=self.free_disk,
                    engine_lost=self._engine_lost,
                    left_behind=self._strays.look,
                )
            )
            self.condition = Condition(
                store=self.store,
                usage=self.runs.usage,
                free_disk=self.free_disk,
                engine_problem=self.engine_problem,
                free_disk_bytes=settings.limits.free_disk_bytes,
            )
            self.metrics.watch(self.condition.signs)
            self._recover(instance)
            at_once = settings.limits.max_repeat_runs
            self.repeats = Repeats(
                RepeatParts(clock=clock, runs=self.runs, index=self.store, at_once=at_once, is_held=self._is_held)
            )
            if self.register is not None:
                self.register.listen(lambda class_id: self.repeats.look_again())
            self._disk_guard = DiskGuard(
                DiskGuardParts(
                    clock=clock,
                    free=self.free_disk,
                    written=self.node_side.runtime.written,
                    abort=lambda run_id, why: self.runs.abort(run_id, why=why, by="disk"),
                    learner_limit_bytes=settings.limits.learner_disk_bytes,
                )
            )
            self._cleanup.callback(self._disk_guard.close)
            self._idle_clusters = IdleClusters(clock, self._give_back_unused)
            self._cleanup.callback(self._idle_clusters.close)
        except BaseException:
            self._cleanup.close()
            raise

    def engine_problem(self) -> str | None:
        """Say why nothing can be run now, with the remedy; None when all is well, which is believed for a few seconds."""
        return self._engine_health.problem()

    def free_disk(self) -> int | None:
        """Return how many bytes are free where the lab and learners' containers write: the fullest disk's; None where that cannot
        be told."""
        if self._disks is None:
            with contextlib.suppress(EngineError):
                engines = self.node_side.runtime.data_directory()
                self._disks = (self.settings.data, *((engines,) if engines else ()))
        return free_bytes(*(self._disks or (self.settings.data,)))

    def versions(self) -> Versions:
        """Return what this lab's runs are made with; asks the engine."""
        engine = ""
        with contextlib.suppress(EngineError):
            engine = self.node_side.runtime.engine_info().version
        return Versions(lab=lab.__version__, engine=engine, kubernetes=KUBERNETES)

    def prepare(self, cluster: str, manifests: tuple[str, ...] = ()) -> None:
        """Make the network of a learner who may press Run soon, and the sandbox of the first of these manifests that has a pod.
        Returns at once; what fails here is told when they do."""
        self.clock.spawn(f"prepare {cluster}", self._prepare, cluster, manifests)

    def prepared(self) -> frozenset[str]:
        """Return the clusters whose network was made and not given back since."""
        with self._changed:
            return frozenset(self._ready)

    def forget(self, cluster: str) -> None:
        """Delete all that is there of a learner: pods, files, runs, progress. Nobody may use the cluster meanwhile or afterwards.
        Blocks until it is cleared. Raises StoreError."""
        self.discard(cluster)
        for passing in (known for known in self.store.clusters() if known.startswith(f"{cluster}-")):
            self.runs.discard(passing)
        self.store.forget(cluster)

    def discard(self, cluster: str) -> None:
        """End all that goes on for a learner, and give back what they hold on the engine, on disk and in memory. What they did
        stays readable. Blocks until it is cleared."""
        self.repeats.cancel_all(cluster)
        self.runs.discard(cluster)
        self._not_prepared((cluster,))

    def close(self) -> None:
        """End every run and give everything back. Idempotent."""
        with self._changed:
            self._prepared = None
            self._changed.wait_for(lambda: not self._preparing)
        self._strays.close()
        self._idle_clusters.close()
        self._disk_guard.close()
        self.repeats.close()
        self.runs.close()
        self._engine_health.close()
        with contextlib.suppress(EngineError):
            self.node_side.runtime.sweep(self.settings.data_directory.instance_id)
        self.node_side.files.sweep()
        self._cleanup.close()

    def _recover(self, instance: str) -> None:
        self.node_side.files.sweep()
        try:
            swept = self.node_side.runtime.sweep(instance)
            if swept.containers or swept.networks:
                _LOGGER.info("removed %d containers and %d networks of an earlier lab", swept.containers, swept.networks)
        except EngineUnavailable as error:
            _LOGGER.warning("%s", error)
            self._strays.look()
        if self.runs.recover():
            self._strays.look()

    def _prepare(self, cluster: str, manifests: tuple[str, ...]) -> None:
        with self._changed:
            most = LARGEST_CLASS if self.register else PREPARED_CLUSTERS
            if self._prepared is None or (cluster not in self._prepared and len(self._prepared) >= most):
                return
            self._prepared.add(cluster)
            self._preparing += 1
        try:
            self.runs.prepare(cluster)
            self.node_side.runtime.keep_warm(cluster, _hostnames(manifests))
            with self._changed:
                self._ready.add(cluster)
        except (EngineError, StoreError):
            with self._changed:
                if self._prepared is not None:
                    self._prepared.discard(cluster)
        finally:
            with self._changed:
                self._preparing -= 1
                self._changed.notify_all()

    def _remove_strays(self, is_live: Callable[[str], bool]) -> int:
        removed = self.node_side.runtime.remove_strays(is_live)
        self.runs.strays_removed()
        return removed

    def _give_back_unused(self) -> tuple[str, ...]:
        given_back = self.runs.give_back_unused()
        self._not_prepared(given_back)
        return given_back

    def _not_prepared(self, clusters: tuple[str, ...]) -> None:
        with self._changed:
            if self._prepared is not None:
                self._prepared.difference_update(clusters)
            self._ready.difference_update(clusters)

    def _engine_lost(self) -> None:
        self._engine_health.lost()
        self._strays.look()

    def _is_held(self, cluster: str) -> bool:
        """Whether a learner's class is paused, or has ended: they start nothing."""
        learner = self.register.learner_of(cluster) if self.register else None
        found = self.register.find_class(learner.class_id) if self.register and learner else None
        return found is not None and (found.paused or not found.is_open)

    def _ask_engine(self) -> str | None:
        try:
            missing = [name for name in REQUIRED_IMAGES if self.node_side.runtime.find_image(name) is None]
        except EngineError as error:
            return str(error)
        if missing:
            return f"cannot run pods: the images {', '.join(missing)} are missing on the engine; run `lab images ensure`"
        return None


def _open_register(store: Store, clock: Clock) -> Register:
    if not store.classes.instructors():
        raise SettingsError("cannot open the classroom: nobody can sign in as instructor; run `lab classroom init` first")
    return Register(store.classes, clock)


@lru_cache(maxsize=KEPT_HOSTNAMES)
def _hostnames(manifests: tuple[str, ...]) -> tuple[str, ...]:
    """Return the hostnames of the pods that these manifests create, in order."""
    documents = [document for manifest in manifests for document in review(manifest).documents]
    pods = [pod_from_object(document.object) for document in documents if document.kind == "Pod" and document.object is not None]
    return tuple(dict.fromkeys(pod.hostname for pod in pods))
