"""One pod's worker: sync it until it must end, stop it, report its end.

The worker is the kubelet's: one thread per pod, so a hook that blocks it blocks everything of the pod, and status is
published only where the kubelet publishes it. Source: pkg/kubelet/kubelet.go SyncPod, SyncTerminatingPod, SyncTerminatedPod,
pkg/kubelet/pod_workers.go, pkg/kubelet/pleg/generic.go (v1.36).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.errors import EngineError, EngineUnavailable
from lab.kubelet import termination_message
from lab.kubelet.backoff import SYNC_RETRY_SECONDS, Backoff
from lab.kubelet.containers import Kill, kill_container, start_container
from lab.kubelet.file_watch import FileWatch
from lab.kubelet.image_pull import look_for_pull_secrets
from lab.kubelet.node_services import PodAborted, PodOnNode
from lab.kubelet.pod_actions import PodActions, pod_actions
from lab.kubelet.probes import Prober
from lab.kubelet.relist import Relist
from lab.kubelet.start_failed import StartFailed
from lab.kubelet.volumes import PodVolumes, VolumeMounter
from lab.pods.model import Container
from lab.runtime.runtime import Sandbox, SandboxConfig
from lab.timeline.container_status import StatusInput
from lab.timeline.facts import JSON, ContainerRemoved, HookSkipped, ObserverUnavailable, SandboxStarted, SandboxStopped
from lab.timeline.pod_record import Attempt
from lab.timeline.restart_policy import is_sidecar
from lab.timeline.status import computed_phase, is_terminal, pod_status, probed_status, ready_to_start_status

MINIMUM_POD_GRACE_SECONDS = 1  # pod_workers.go: calculateEffectiveGracePeriod
HOOK_FAREWELL_SECONDS = 5.0  # for a hook whose container has died to say so

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOutcome:
    """How a sync ended. ``finished``: the pod's containers are done for good. ``retry_seconds``: it failed, and when to try
    again."""

    finished: bool = False
    retry_seconds: float | None = None


class PodWorker:
    """Looks after one pod from its creation until nothing of it is left on the node."""

    def __init__(self, on: PodOnNode, ended: Callable[[PodWorker], None]) -> None:
        """Prepare for a pod that the scheduler has bound; ``ended`` is called on the worker's thread when all is cleared."""
        self.on = on
        self._ended = ended
        self._status = on.object["status"]
        self._backoff = Backoff()
        self._relist = Relist(on)
        self._prober = Prober(on, self._put_probed_status)
        self._mounter = VolumeMounter(on)
        self._volumes: PodVolumes | None = None
        self._files: FileWatch | None = None
        self._began = on.clock.monotonic()
        self._deadline_exceeded = False

    def run(self) -> None:
        """Do it all. Never raises: what the lab itself got wrong becomes WorkerFailed."""
        try:
            self._live()
        except PodAborted:
            pass
        except Exception as error:
            self.on.fail(error)
        try:
            self._clear()
        except EngineError as error:
            self.on.left_behind = True
            _LOGGER.warning("cannot clear pod %s: %s", self.on.pod.full_name, error)
        except Exception as error:
            self.on.fail(error)
        self._ended(self)

    def _live(self) -> None:
        while not self.on.deleted:
            outcome = self._sync_pod()
            if outcome.finished:
                break
            self._wait_for_work(outcome)
        self._sync_terminating_pod()
        self._sync_terminated_pod()
        self.on.wait_until(lambda: self.on.gone_from_api)

    # --- running ---

    def _sync_pod(self) -> SyncOutcome:
        """Publish the status as it was before this pass, then bring the pod nearer to its spec."""
        too_late = self._deadline_passed()  # first: the status tells it already (kubelet_pods.go: generateAPIPodStatus)
        given = self._publish()
        if is_terminal(computed_phase(given)) or too_late:
            return SyncOutcome(finished=True)
        if self._volumes is None:
            self._volumes = self._mounter.mount()
            if self._volumes is None:
                return SyncOutcome(retry_seconds=SYNC_RETRY_SECONDS)
            self._files = FileWatch(self.on, self._volumes)
            self.on.look = self._files.look
            self._prober.begin()
        look_for_pull_secrets(self.on)
        actions = pod_actions(self.on.pod, self.on.refresh())
        if actions.kill_pod:
            return SyncOutcome(finished=True)
        stopped = (self.on.of(container).latest for container, _ in actions.stop)
        self.on.stopped_in_pass = frozenset(attempt.container_id for attempt in stopped if attempt)
        for container, kill in actions.stop:  # one after the other (kuberuntime_manager.go: SyncPod, step 3)
            kill_container(self.on, container, kill)
        try:
            sandbox = self._ensure_sandbox()
        except EngineUnavailable:
            raise
        except EngineError as error:
            self.on.left_behind = True
            self.on.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error.runtime_message}")
            return SyncOutcome(retry_seconds=SYNC_RETRY_SECONDS)
        self.on.refresh()
        if self.on.deleted:  # a delete that comes before volumes and sandbox are up finds nothing started (trace E17)
            return SyncOutcome()
        return self._start_due(actions, sandbox, self._volumes)

    def _start_due(self, actions: PodActions, sandbox: Sandbox, volumes: PodVolumes) -> SyncOutcome:
        """Start what is due, one after the other; a failed regular container does not keep the next from being started."""
        retries: list[float] = []
        for container in (*actions.start_inits, *actions.start):
            try:
                start_container(self.on, container, sandbox, self._backoff, volumes)
            except StartFailed as failed:
                retries.append(SYNC_RETRY_SECONDS if failed.retry_seconds is None else failed.retry_seconds)
                if self.on.pod.is_init(container) and not is_sidecar(self.on.pod, container):
                    break
            finally:
                self._discard_previous(container)
        return SyncOutcome(retry_seconds=min(retries, default=None))

    def _ensure_sandbox(self) -> Sandbox:
        record = self.on.refresh()
        if record.sandbox_id is not None:
            return Sandbox(id=record.sandbox_id, ip=record.sandbox_ip)
        pod = self.on.pod
        config = SandboxConfig(
            cluster=self.on.node.cluster,
            namespace=pod.namespace,
            pod_name=pod.name,
            pod_uid=pod.uid,
            hostname=pod.hostname,
            run_id=self.on.run_id,
        )
        began = self.on.clock.monotonic()
        sandbox = self.on.node.runtime.run_pod_sandbox(config)
        took = self.on.clock.monotonic() - began
        self.on.note(SandboxStarted(sandbox_id=sandbox.id, ip=sandbox.ip, took_seconds=took))
        if self.on.node.witness_problem:
            self.on.note(ObserverUnavailable(why=self.on.node.witness_problem))
        self._put_status(ready_to_start_status(self._status, pod.generation, self.on.clock.now()))
        return sandbox

    def _wait_for_work(self, outcome: SyncOutcome) -> None:
        """Wait until there is something to do: a change the relist noticed, a probe's verdict, an API write, a retry, the
        deadline."""
        if self._relist.changed_during_pass(failed=outcome.retry_seconds is not None):
            return
        seen = (self.on.pod, self._prober.verdicts())

        def work() -> bool:
            return self.on.deleted or self._relist.pending or (self.on.pod, self._prober.verdicts()) != seen

        retry = None
        if outcome.retry_seconds is not None:
            retry = self._relist.seconds_until_tick(self._backoff.retry_seconds(outcome.retry_seconds))
        limits = [s for s in (retry, self._deadline_remaining_seconds()) if s is not None]
        self.on.wait_until(work, min(limits) if limits else None)
        if self._relist.pending and not self.on.deleted:
            self._relist.wait_until_noticed()

    # --- ending ---

    def _sync_terminating_pod(self) -> None:
        """Stop every running container, all at once, each with its own hook and the same grace period."""
        self._publish()
        self._prober.stop_restarting()
        pod = self.on.pod
        grace = pod.deletion_grace_period_seconds
        grace = max(MINIMUM_POD_GRACE_SECONDS, pod.spec.termination_grace_period_seconds if grace is None else grace)
        record = self.on.refresh()
        running = [c for c in pod.all_containers if record.of(c.name).running]
        for container in pod.all_containers:
            if record.of(container.name).latest is None and container.lifecycle and container.lifecycle.pre_stop:
                self.on.note(HookSkipped(hook="preStop", attempt=0, why="never-started"), container)
        kills = [
            (c, Kill(message=f"Stopping container {c.name}", grace_override=grace, after=self._before_in_stop_order(c, running)))
            for c in running
        ]
        self._stop(kills)
        self._prober.stop()

    def _before_in_stop_order(self, container: Container, running: Sequence[Container]) -> tuple[str, ...]:
        """Return whom a sidecar's stop signal waits for: the regular containers, then the sidecars after it in the spec."""
        pod = self.on.pod
        if not is_sidecar(pod, container):
            return ()
        later = pod.spec.init_containers[pod.spec.init_containers.index(container) + 1 :]
        return tuple(c.name for c in running if not pod.is_init(c) or c in later)

    def _sync_terminated_pod(self) -> None:
        """Publish the final status; a pod that was being deleted leaves the API."""
        self._publish(terminal=True)
        if self.on.deleted and not self.on.gone_from_api:
            self.on.node.api.remove(self.on.pod.namespace, self.on.pod.name, self.on.uid)

    def _stop(self, kills: Sequence[tuple[Container, Kill]]) -> None:
        """Kill containers in parallel and wait for all; raise what the first that failed raised."""
        errors: list[Exception] = []

        def kill(container: Container, how: Kill) -> None:
            try:
                kill_container(self.on, container, how)
            except Exception as error:  # the worker raises it again
                errors.append(error)

        threads = [self.on.clock.spawn(f"kill {self.on.pod.name}/{c.name}", kill, c, how) for c, how in kills]
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _clear(self) -> None:
        """Leave nothing on the node: look at the files a last time, then remove containers, sandbox and volumes."""
        self._prober.stop()
        for hook in self.on.hooks:
            hook.join(HOOK_FAREWELL_SECONDS)
        record = self.on.refresh()
        for container in self.on.pod.all_containers:
            for attempt in record.of(container.name).attempts:
                self._discard(container, attempt)
        try:
            if record.sandbox_id is not None:  # meanwhile: the kubelet, too, stops it before it removes the containers
                self.on.node.runtime.remove_pod_sandbox(record.sandbox_id)
                self.on.note(SandboxStopped(sandbox_id=record.sandbox_id))
        finally:  # also when the engine has gone
            if self._files is not None:
                self._files.finish()
            self.on.node.files.remove_pod(self.on.node.cluster, self.on.uid)

    def _discard_previous(self, container: Container) -> None:
        for attempt in self.on.of(container).attempts[:-1]:
            self._discard(container, attempt)

    def _discard(self, container: Container, attempt: Attempt) -> None:
        """Remove a dead container once its files have been looked at."""
        if attempt.removed or attempt.container_id in self.on.discarded or self._files is None:
            return
        self.on.discarded.add(attempt.container_id)

        def remove() -> None:
            try:
                self.on.node.runtime.remove_container(attempt.container_id)
            except EngineError as error:
                _LOGGER.warning("cannot remove container %s: %s", attempt.container_id, error)
                self.on.discarded.discard(attempt.container_id)  # tried again before the next start, and at the end
                self.on.left_behind = True
                return
            self.on.note(ContainerRemoved(container_id=attempt.container_id, attempt=attempt.number), container)

        self._files.look(container, attempt, then=remove)

    # --- status ---

    def _publish(self, *, terminal: bool = False) -> StatusInput:
        with self.on.changed:
            record = self.on.refresh()
            given = StatusInput(
                pod=self.on.pod,
                record=record,
                previous=self._status,
                now=self.on.clock.now(),
                terminal=terminal,
                deadline_exceeded=self._deadline_exceeded,
                messages=termination_message.of_pod(self.on, self._volumes),
            )
            self._put_status(pod_status(given))
        return given

    def _put_status(self, status: JSON, *, by_sync: bool = True) -> None:
        self._status = status
        if not self.on.gone_from_api:
            self.on.node.api.publish_status(self.on.pod.namespace, self.on.pod.name, self.on.uid, status)
        self._prober.published(status, by_sync=by_sync)

    def _put_probed_status(self, container_id: str, found: Mapping[str, bool]) -> None:
        self._put_status(probed_status(self._status, self.on.pod, container_id, found, self.on.clock.now()), by_sync=False)

    def _deadline_remaining_seconds(self) -> float | None:
        limit = self.on.pod.spec.active_deadline_seconds
        return None if limit is None else max(0.0, self._began + limit - self.on.clock.monotonic())

    def _deadline_passed(self) -> bool:
        if self._deadline_remaining_seconds() == 0.0 and not self._deadline_exceeded:
            self._deadline_exceeded = True
            self.on.event("Normal", "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        return self._deadline_exceeded
