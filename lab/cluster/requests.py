"""Raw requests to the API server: what it does with them, and its answer as code and JSON.

Pods, their status, log and eviction, and the kinds beside them; no watches. Source:
staging/src/k8s.io/apiserver/pkg/endpoints/handlers, pkg/registry/core/pod/storage/eviction.go (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.clock import Clock
from lab.cluster.changes import ChangeRefused, causes, change_pod, change_status, refused_patch
from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.kinds import KEPT_KINDS, KeptKind
from lab.pods.patch import PatchRefused, json_patched, merge_patched, strategic_patched
from lab.pods.refusals import Refusal
from lab.pods.review import review
from lab.timeline.facts import JSON
from lab.timeline.status import rfc3339_seconds

_VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.2", "platform": "linux/amd64"}
_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patched,
    "application/merge-patch+json": merge_patched,
    "application/strategic-merge-patch+json": strategic_patched,
}
_GRACELESS_PHASES = ("Pending", "Succeeded", "Failed")  # eviction.go: canIgnorePDB


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``path`` may carry a query; ``content_type`` "" lets a patch's form decide."""

    method: str
    path: str
    body: Any = None
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The HTTP code and the body: an object, a Status, or text."""

    code: int
    body: Any = field(default_factory=dict)


class Requests:
    """The API server's front door for one cluster. ``log`` reads a container's log, as kubectl does."""

    def __init__(
        self, registry: Registry, clock: Clock, *, run_id: str, log: Callable[[str, str, str, Mapping[str, str]], Response]
    ) -> None:
        """Serve ``registry``; ``log(namespace, pod, container, query)`` answers reads of a log."""
        self._registry = registry
        self._clock = clock
        self._run_id = run_id
        self._log = log

    def answer(self, request: Request) -> Response | None:
        """Do what ``request`` asks; None for what the lab does not serve."""
        split = urlsplit(request.path)
        query = {key: values[-1] for key, values in parse_qs(split.query, keep_blank_values=True).items()}
        parts = [part for part in split.path.split("/") if part]
        try:
            return self._routed(request, parts, query)
        except ApiError as error:
            return _failure(error.code, error.reason, error.message)
        except ChangeRefused as error:
            return _refused(error.refusal)
        except PatchRefused as error:
            found = refused_patch(error)
            return _failure(found.code, found.reason, found.message)

    def _routed(self, request: Request, parts: list[str], query: Mapping[str, str]) -> Response | None:
        match parts:
            case ["healthz" | "livez" | "readyz"] if request.method == "GET":
                return Response(code=200, body="ok")
            case ["version"] if request.method == "GET":
                return Response(code=200, body=_VERSION)
            case ["api", "v1", "pods"] if request.method == "GET":
                return self._listed(KEPT_KINDS["Pod"], None, query)
            case ["api", "v1", "namespaces", namespace, resource, *rest] | [
                "apis",
                _,
                "v1",
                "namespaces",
                namespace,
                resource,
                *rest,
            ]:
                return self._in_namespace(request, namespace, resource, rest, query)
            case ["api", "v1", "namespaces", namespace] if request.method == "GET":
                metadata = {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}}
                found = {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata, "status": {"phase": "Active"}}
                return Response(code=200, body=found)
            case _:
                return None

    def _in_namespace(
        self, request: Request, namespace: str, resource: str, rest: list[str], query: Mapping[str, str]
    ) -> Response | None:
        if resource == "events" and not rest and request.method == "GET":
            return self._list_of("Event", self._registry.view().list("Event", namespace))
        kept = next((kept for kept in KEPT_KINDS.values() if kept.resource == resource and kept.namespaced), None)
        if kept is None:
            return None
        match request.method, rest:
            case "GET", []:
                return self._listed(kept, namespace, query)
            case "POST", []:
                return self._created(request, namespace, query)
            case "DELETE", [] if kept.kind == "Pod":
                return self._deleted_all(request, namespace, query)
            case "GET", [name] | [name, "status"]:
                return Response(code=200, body=self._found(kept, namespace, name))
            case "DELETE", [name]:
                return self._deleted(request, kept, namespace, name, query)
            case "GET", [name, "log"] if kept.kind == "Pod":
                self._found(kept, namespace, name)
                return self._log(namespace, name, query.get("container", ""), query)
            case "POST", [name, "eviction"] if kept.kind == "Pod":
                return self._evicted(request, namespace, name)
            case "PUT" | "PATCH", [name, *subresource] if subresource in ([], ["status"]):
                return self._changed(request, kept, namespace, name, status=bool(subresource))
            case _:
                return None

    # --- reads ---

    def _found(self, kept: KeptKind, namespace: str, name: str) -> JSON:
        found = self._registry.get(kept.kind, namespace, name)
        if found is None:
            raise ApiError(404, "NotFound", f'{kept.qualified_resource} "{name}" not found')
        return found

    def _listed(self, kept: KeptKind, namespace: str | None, query: Mapping[str, str]) -> Response | None:
        if query.get("watch", "false") not in ("false", "0"):
            return None
        return self._list_of(kept.kind, _selected(self._registry.view().list(kept.kind, namespace), query))

    def _list_of(self, kind: str, items: Any) -> Response:
        view = self._registry.view()
        metadata = {"resourceVersion": str(view.seq)}
        return Response(code=200, body={"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": list(items)})

    # --- writes ---

    def _created(self, request: Request, namespace: str, query: Mapping[str, str]) -> Response:
        (document,) = review(json.dumps(request.body), namespace=namespace, verb="create").documents or (None,)
        if document is None or document.refusal is not None or document.object is None:
            refusal = None if document is None else document.refusal
            return _failure(400, "BadRequest", "the body is no object") if refusal is None else _refused(refusal)
        if query.get("dryRun") == "All":
            return Response(code=201, body=document.object)
        return Response(code=201, body=self._registry.create(document.object, run_id=self._run_id))

    def _changed(self, request: Request, kept: KeptKind, namespace: str, name: str, *, status: bool) -> Response | None:
        body, make = request.body, self._maker(request)
        if make is None:
            return None
        if kept.kind == "Pod" and status:
            return Response(code=200, body=change_status(self._registry, namespace, name, make, run_id=self._run_id))
        if kept.kind == "Pod":
            changed, _ = change_pod(self._registry, namespace, name, make, run_id=self._run_id)
            return Response(code=200, body=changed)
        with self._registry.step():
            live = self._found(kept, namespace, name)
            made = {**live, **body} if request.method == "PUT" else make(live)
            return Response(code=200, body=self._registry.change(made, run_id=self._run_id))

    def _maker(self, request: Request) -> Callable[[JSON], JSON] | None:
        body = request.body
        if request.method == "PUT":
            return lambda live: {**body, "metadata": {**body.get("metadata", {}), "namespace": live["metadata"]["namespace"]}}
        default = "application/json-patch+json" if isinstance(body, list) else "application/strategic-merge-patch+json"
        apply = _PATCHES.get(request.content_type or default)
        return None if apply is None else lambda live: apply(live, body)

    def _deleted(self, request: Request, kept: KeptKind, namespace: str, name: str, query: Mapping[str, str]) -> Response:
        if kept.kind != "Pod":
            gone = self._registry.delete_beside(kept.kind, namespace, name, run_id=self._run_id)
            details = {"name": name, "kind": kept.resource, "uid": gone["metadata"]["uid"]}
            return Response(code=200, body={**_STATUS, "status": "Success", "details": details})
        with self._registry.step():
            options = request.body if isinstance(request.body, dict) else {}
            self._check_preconditions(namespace, name, options.get("preconditions") or {})
            grace = _grace(options, query)
            return Response(code=200, body=self._delete(namespace, name, grace))

    def _deleted_all(self, request: Request, namespace: str, query: Mapping[str, str]) -> Response:
        grace = _grace(request.body if isinstance(request.body, dict) else {}, query)
        pods = _selected(self._registry.view().list("Pod", namespace), query)
        return self._list_of("Pod", [self._delete(namespace, pod["metadata"]["name"], grace) for pod in pods])

    def _delete(self, namespace: str, name: str, grace: int | None) -> JSON:
        return self._registry.delete(namespace, name, grace_period_seconds=grace, run_id=self._run_id)

    def _check_preconditions(self, namespace: str, name: str, wanted: Mapping[str, str]) -> None:
        metadata = self._registry.pod(namespace, name)["metadata"]
        for field_name, title in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if field_name in wanted and wanted[field_name] != metadata.get(field_name):
                problem = (
                    f"Precondition failed: {title} in precondition: {wanted[field_name]}, {title} in object meta:"
                    f" {metadata.get(field_name)}"
                )
                raise ApiError(409, "Conflict", f'Operation cannot be fulfilled on pods "{name}": {problem}')

    def _evicted(self, request: Request, namespace: str, name: str) -> Response:
        """Evict: mark the pod as a disruption's target and delete it, unless a budget forbids it."""
        with self._registry.step():
            pod = self._registry.pod(namespace, name)
            body = request.body if isinstance(request.body, dict) else {}
            if pod["status"].get("phase") not in _GRACELESS_PHASES and "deletionTimestamp" not in pod["metadata"]:
                self._require_budget(pod)
            self._registry.set_condition(namespace, name, _disruption(self._clock.now()), run_id=self._run_id)
            self._delete(namespace, name, _grace(body.get("deleteOptions") or {}, {}))
        return Response(code=201, body={**_STATUS, "status": "Success", "code": 201})

    def _require_budget(self, pod: JSON) -> None:
        view, namespace = self._registry.view(), pod["metadata"]["namespace"]
        labels = pod["metadata"].get("labels") or {}
        budgets = [b for b in view.list("PodDisruptionBudget", namespace) if _covers(b, labels)]
        if len(budgets) > 1:
            message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise ApiError(500, "InternalError", message)
        for budget in budgets:
            covered = [p for p in view.list("Pod", namespace) if _covers(budget, p["metadata"].get("labels") or {})]
            healthy = sum(_is_ready(p) and "deletionTimestamp" not in p["metadata"] for p in covered)
            needed = budget["spec"].get("minAvailable")
            # pkg/controller/disruption: of pods without a controller only a whole number can be counted
            allowed = healthy - needed if isinstance(needed, int) else 0
            if allowed <= 0:
                message = "Cannot evict pod as it would violate the pod's disruption budget."
                raise ApiError(429, "TooManyRequests", message)


_STATUS: JSON = {"kind": "Status", "apiVersion": "v1", "metadata": {}}


def _selected(objects: Any, query: Mapping[str, str]) -> list[JSON]:
    labels = [term.partition("=") for term in query.get("labelSelector", "").replace("==", "=").split(",") if term]
    fields = [term.partition("=") for term in query.get("fieldSelector", "").replace("==", "=").split(",") if term]
    chosen = [o for o in objects if all((o["metadata"].get("labels") or {}).get(k) == v for k, _, v in labels)]
    return [o for o in chosen if all(_field(o, k) == v for k, _, v in fields)]


def _field(value: JSON, path: str) -> str:
    found: Any = value
    for step in path.split("."):
        found = found.get(step, "") if isinstance(found, dict) else ""
    return str(found)


def _grace(options: Mapping[str, Any], query: Mapping[str, str]) -> int | None:
    given = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return None if given is None else int(given)


def _disruption(now: datetime) -> JSON:
    return {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": rfc3339_seconds(now),
        "lastProbeTime": None,
    }


def _covers(budget: JSON, labels: Mapping[str, str]) -> bool:
    wanted = (budget.get("spec", {}).get("selector") or {}).get("matchLabels") or {}
    return bool(wanted) and wanted.items() <= labels.items()


def _is_ready(pod: JSON) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or ())


def _failure(code: int, reason: str, message: str) -> Response:
    return Response(code=code, body={**_STATUS, "status": "Failure", "message": message, "reason": reason, "code": code})


def _refused(refusal: Refusal) -> Response:
    failure = _failure(refusal.code or 400, refusal.reason or "BadRequest", refusal.message)
    if refusal.reason != "Invalid":
        return failure
    return Response(code=failure.code, body={**failure.body, "details": {"kind": refusal.kind, "causes": causes(refusal.notes)}})
