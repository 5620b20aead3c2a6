"""The API server's part for pods, and for the objects beside them: names, uids, graceful deletion, events. Every change is one
write on the timeline.

It holds no state but its fold of that timeline. Refusals raise `ApiError` with the server's words; admission of a manifest
is `lab.pods`' affair. Source: pkg/registry/core/pod/strategy.go, staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go,
.../generic/registry/store.go (v1.36).
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from lab.clock import Clock, Condition
from lab.errors import ApiError
from lab.pods.kinds import KEPT_KINDS
from lab.timeline import events, folds
from lab.timeline.events import Occurrence, Recorder
from lab.timeline.facts import JSON, Entry, ObjectWritten, Verb, Writer
from lab.timeline.folds import ClusterView
from lab.timeline.status import quality_of_service, rfc3339_seconds
from lab.timeline.timeline import Timeline

QUOTA_NAME = "lab"
MAX_OBJECTS_BESIDE = 100  # of a cluster: ConfigMaps and the like
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery/pkg/util/rand: what no word can be made of
MINIMUM_GRACE_SECONDS = 1  # rest/delete.go: a period that cannot be kept any more becomes 1


class Registry:
    """The objects of one cluster. Thread-safe: every method is one step."""

    def __init__(self, timeline: Timeline, clock: Clock, *, view: ClusterView | None = None, max_pods: int | None = None) -> None:
        """Serve a timeline; ``view`` is its fold so far, ``max_pods`` the most that may be stored at a time (None: no bound)."""
        self._max_pods = max_pods
        self._timeline = timeline
        self._clock = clock
        self._view = view or ClusterView()
        self._recorders: dict[tuple[str, str], Recorder] = {}

    def step(self) -> Condition:
        """Return what to hold (``with``) so that nothing comes between a look and a write."""
        return self._timeline.changed

    def view(self) -> ClusterView:
        """Return everything the API server holds now."""
        with self._timeline.changed:
            return self._view

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """Return an object of any kept kind, or None; ``namespace`` does not matter to a kind that has none."""
        return self.view().get(kind, namespace if KEPT_KINDS[kind].namespaced else "", name)

    def pod(self, namespace: str, name: str) -> JSON:
        """Return a pod's object. Raises ApiError 404."""
        found = self.view().get("Pod", namespace, name)
        if found is None:
            raise ApiError(404, "NotFound", f'pods "{name}" not found')
        return found

    def create(self, value: JSON, *, writer: Writer = "user", run_id: str | None = None) -> JSON:
        """Store a reviewed object, giving it uid and creationTimestamp, and a pod generation and its first status. Raises
        ApiError 403, 409."""
        with self._timeline.changed:
            kept, metadata = KEPT_KINDS[value["kind"]], value["metadata"]
            name = metadata.get("name") or f"{metadata['generateName']}{_suffix()}"
            if self._view.get(kept.kind, metadata.get("namespace", ""), name):
                raise ApiError(409, "AlreadyExists", f'{kept.qualified_resource} "{name}" already exists')
            self._require_room(kept.kind, name)
            created = {"uid": str(uuid.uuid4()), "creationTimestamp": rfc3339_seconds(self._clock.now())}
            stored: JSON = {**value, "metadata": {**metadata, "name": name, **created}}
            if kept.kind == "Pod":
                stored["metadata"]["generation"] = 1
                stored["status"] = {"phase": "Pending", "qosClass": quality_of_service(value["spec"])}
            return self._write("create", stored, writer, run_id)

    def change(self, value: JSON, *, run_id: str | None = None) -> JSON:
        """Store a changed object of another kind than Pod. Raises ApiError 404."""
        with self._timeline.changed:
            current = self._beside(value["kind"], value["metadata"].get("namespace", ""), value["metadata"]["name"])
            kept = {key: current["metadata"][key] for key in ("uid", "creationTimestamp")}
            return self._write("update", {**value, "metadata": {**value["metadata"], **kept}}, "user", run_id)

    def delete_beside(self, kind: str, namespace: str, name: str, *, run_id: str | None = None) -> JSON:
        """Remove an object of another kind than Pod at once, and return it. Raises ApiError 404."""
        with self._timeline.changed:
            return self._remove(self._beside(kind, namespace, name), "user", run_id)

    def update(self, value: JSON, *, writer: Writer = "user", run_id: str | None = None) -> JSON:
        """Store a changed spec or metadata; the generation grows when the spec changed. A deleted pod that has lost its last
        finalizer is removed (store.go: ShouldDeleteDuringUpdate). Raises ApiError 404."""
        with self._timeline.changed:
            current = self.pod(value["metadata"]["namespace"], value["metadata"]["name"])
            generation = current["metadata"]["generation"] + (value["spec"] != current["spec"])
            metadata = {**value["metadata"], "generation": generation, "uid": current["metadata"]["uid"]}
            stored = self._write("update", {**value, "metadata": metadata, "status": current["status"]}, writer, run_id)
            if metadata.get("deletionGracePeriodSeconds") == 0 and not metadata.get("finalizers"):
                return self._remove(stored, writer, run_id)
            return stored

    def bind(self, namespace: str, name: str, uid: str, node: str, status: Callable[[JSON], JSON]) -> JSON | None:
        """Store the scheduler's decision: ``spec.nodeName`` (none when ``node`` is "") and the status ``status(old)``. None
        when the pod is gone."""

        def bound(current: JSON) -> JSON:
            spec = {**current["spec"], "nodeName": node} if node else current["spec"]
            return {**current, "spec": spec, "status": status(current["status"])}

        return self._change("status", namespace, name, uid, bound, "scheduler")

    def publish_status(self, namespace: str, name: str, uid: str, status: JSON) -> JSON | None:
        """Store a status that the kubelet computed, beside the conditions that others have set (status_manager.go:
        mergePodStatus). A status equal to the stored one is no write; None when the pod is gone."""

        def published(current: JSON) -> JSON:
            own = {condition["type"] for condition in status.get("conditions", ())}
            others = [c for c in current["status"].get("conditions", ()) if c["type"] not in own]
            return {**current, "status": {**status, "conditions": [*others, *status["conditions"]]} if others else status}

        return self._change("status", namespace, name, uid, published, "kubelet")

    def set_condition(self, namespace: str, name: str, condition: JSON, *, run_id: str | None = None) -> JSON:
        """Store one condition of a pod that is not the kubelet's. Raises ApiError 404."""
        with self._timeline.changed:
            pod = self.pod(namespace, name)
            kept = [c for c in pod["status"].get("conditions", ()) if c["type"] != condition["type"]]
            return self._write("status", {**pod, "status": {**pod["status"], "conditions": [*kept, condition]}}, "user", run_id)

    def replace_status(self, value: JSON, *, run_id: str | None = None) -> JSON:
        """Store the status of ``value`` as a client wrote it; the kubelet's next status overwrites what is the kubelet's."""
        with self._timeline.changed:
            pod = self.pod(value["metadata"]["namespace"], value["metadata"]["name"])
            return self._write("status", {**pod, "status": value.get("status", {})}, "user", run_id)

    def record_event(self, pod: JSON, occurrence: Occurrence) -> None:
        """Record an event about a pod, which may be gone already; identical events are merged."""
        with self._timeline.changed:
            uid = pod["metadata"]["uid"]
            key = (occurrence.component, uid)
            now, elapsed = self._clock.now(), self._timeline.elapsed_seconds()
            recorder = self._recorders.get(key, Recorder())
            self._recorders[key], event = events.record(recorder, pod, occurrence, now=now, elapsed_seconds=elapsed)
            writer: Writer = "scheduler" if occurrence.component == "default-scheduler" else "kubelet"
            self._write("create" if event["count"] == 1 else "update", event, writer, None)

    def delete(
        self,
        namespace: str,
        name: str,
        *,
        grace_period_seconds: int | None = None,
        writer: Writer = "user",
        run_id: str | None = None,
    ) -> JSON:
        """Request a pod's deletion; return the object as stored. With an effective grace of 0 it is removed at once.
        Raises ApiError 404. Source: BeforeDelete and CheckGracefulDelete."""
        with self._timeline.changed:
            pod = self.pod(namespace, name)
            metadata = pod["metadata"]
            grace = _effective_grace(pod, grace_period_seconds)
            if "deletionTimestamp" in metadata:
                shortened = self._shortened(metadata, grace, asked=grace_period_seconds is not None)
                if shortened is None:
                    return pod
                deletion, grace = shortened
            else:
                deletion = self._clock.now() + timedelta(seconds=grace)
                metadata = {**metadata, "generation": metadata["generation"] + 1}
            metadata = {**metadata, "deletionTimestamp": rfc3339_seconds(deletion), "deletionGracePeriodSeconds": grace}
            stored = self._write("delete", {**pod, "metadata": metadata}, writer, run_id)
            if grace == 0 and not metadata.get("finalizers"):
                return self._remove(stored, writer, run_id)
            return stored

    def remove(self, namespace: str, name: str, uid: str, *, writer: Writer = "kubelet") -> None:
        """Remove a pod that has been torn down, as the kubelet's DELETE with grace 0 does; a finalizer holds it back."""
        with self._timeline.changed:
            current = self._view.get("Pod", namespace, name)
            if current is not None and current["metadata"]["uid"] == uid:
                self.delete(namespace, name, grace_period_seconds=0, writer=writer)

    def drop(self, uids: Collection[str]) -> None:
        """Remove the pods with these uids at once, whatever finalizers hold them back, as nobody but the lab would."""
        with self._timeline.changed:
            for metadata in [o["metadata"] for o in self._view.list("Pod") if o["metadata"]["uid"] in uids]:
                stored = self.delete(metadata["namespace"], metadata["name"], grace_period_seconds=0, writer="controller")
                if self._view.get("Pod", metadata["namespace"], metadata["name"]) is not None:
                    self._remove(stored, "controller", None)

    def clear_beside(self) -> None:
        """Remove every object that is neither a pod nor an event, as a new cluster would have none."""
        with self._timeline.changed:
            for kind in KEPT_KINDS.keys() - {"Pod"}:
                for stored in self._view.list(kind):
                    self._remove(stored, "controller", None)

    def forget(self, uid: str) -> None:
        """Forget what the recorders remember of a pod that is gone for good."""
        with self._timeline.changed:
            for key in [key for key in self._recorders if key[1] == uid]:
                del self._recorders[key]

    # `timeline.changed` is held in everything below.

    def _beside(self, kind: str, namespace: str, name: str) -> JSON:
        kept = KEPT_KINDS[kind]
        found = self._view.get(kind, namespace if kept.namespaced else "", name)
        if found is None:
            raise ApiError(404, "NotFound", f'{kept.qualified_resource} "{name}" not found')
        return found

    def _require_room(self, kind: str, name: str) -> None:
        """Refuse one pod too many, as a ResourceQuota does (plugin/pkg/admission/resourcequota/controller.go), and one object too
        many beside them."""
        if kind != "Pod":
            beside = sum(len(some) for stored, some in self._view.kinds.items() if stored not in ("Pod", "Event"))
            if beside >= MAX_OBJECTS_BESIDE:
                quota = f"exceeded quota: {QUOTA_NAME}, requested: objects=1, used: objects={beside}, limited: objects={beside}"
                raise ApiError(403, "Forbidden", f'{KEPT_KINDS[kind].qualified_resource} "{name}" is forbidden: {quota}')
            return
        used = len(self._view.list("Pod"))
        if self._max_pods is not None and used >= self._max_pods:
            quota = f"exceeded quota: {QUOTA_NAME}, requested: pods=1, used: pods={used}, limited: pods={self._max_pods}"
            raise ApiError(403, "Forbidden", f'pods "{name}" is forbidden: {quota}')

    def _shortened(self, metadata: JSON, grace: int, *, asked: bool) -> tuple[datetime, int] | None:
        """Return the new deadline and grace of a repeated delete, or None when it changes nothing."""
        stored = metadata.get("deletionGracePeriodSeconds") or 0
        if stored == 0:
            return (self._clock.now(), 0)
        if not asked or grace >= stored:
            return None
        deadline = datetime.fromisoformat(metadata["deletionTimestamp"].replace("Z", "+00:00"))
        moved = deadline - timedelta(seconds=stored - grace)
        if grace != 0 and moved < self._clock.now():
            grace = MINIMUM_GRACE_SECONDS
            moved = self._clock.now() + timedelta(seconds=grace)
        return (moved, grace)

    def _change(
        self, verb: Verb, namespace: str, name: str, uid: str, change: Callable[[JSON], JSON], writer: Writer
    ) -> JSON | None:
        with self._timeline.changed:
            current = self._view.get("Pod", namespace, name)
            if current is None or current["metadata"]["uid"] != uid:
                return None
            changed = change(current)
            return current if changed == current else self._write(verb, changed, writer, None)

    def _remove(self, stored: JSON, writer: Writer, run_id: str | None) -> JSON:
        self._write("remove", stored, writer, run_id)
        return stored

    def _write(self, verb: Verb, value: JSON, writer: Writer, run_id: str | None) -> JSON:
        kind = value["kind"]
        metadata = {k: v for k, v in value["metadata"].items() if k != "resourceVersion"}
        fact = ObjectWritten(
            verb=verb,
            kind=kind,
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
            uid=metadata["uid"],
            object={**value, "metadata": metadata},
            writer=writer,
            run_id=run_id,
        )
        about = value["involvedObject"]["uid"] if kind == "Event" else metadata["uid"] if kind == "Pod" else None
        entry: Entry = self._timeline.append(fact, pod_uid=about)
        self._view = folds.apply(self._view, entry)
        return folds.stamped(fact.object, entry.seq)


def _suffix() -> str:
    """Return the random end of a generated name (apiserver/pkg/storage/names)."""
    return "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))


def _effective_grace(pod: JSON, asked: int | None) -> int:
    """Return the seconds a delete gives a pod (strategy.go: CheckGracefulDelete)."""
    if not pod["spec"].get("nodeName") or pod["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    grace = pod["spec"]["terminationGracePeriodSeconds"] if asked is None else asked
    return MINIMUM_GRACE_SECONDS if grace < 0 else int(grace)
