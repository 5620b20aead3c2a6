"""The annotation in which kubectl apply keeps what it was given.

Pure. Source: staging/src/k8s.io/kubectl/pkg/util/apply.go (v1.36).
"""

from __future__ import annotations

import json

from lab.pods.decoding import decode_pod
from lab.pods.lines import LineMap
from lab.timeline.facts import JSON

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def applied_form(applied: JSON, namespace: str) -> JSON:
    """Return a manifest as kubectl apply compares it and keeps it: with its namespace ("" for none) and, at least empty,
    annotations."""
    where = {"namespace": namespace} if namespace else {}
    return {**applied, "metadata": {"annotations": {}, **(applied.get("metadata") or {}), **where}}


def last_applied(live: JSON) -> JSON:
    """Return what kubectl apply kept in the object; nothing when there is nothing, or what somebody else wrote."""
    try:
        kept = json.loads(live["metadata"].get("annotations", {}).get(LAST_APPLIED, "{}"))
    except ValueError:
        return {}
    if not isinstance(kept, dict) or (live["kind"] == "Pod" and decode_pod(kept, LineMap(1)).type_errors):
        return {}
    return kept


def with_last_applied(value: JSON, applied: JSON) -> JSON:
    """Return the object with the annotation."""
    form = applied_form(applied, value["metadata"].get("namespace", ""))
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # as Go's encoder writes them
    annotations = {**value["metadata"].get("annotations", {}), LAST_APPLIED: text}
    return {**value, "metadata": {**value["metadata"], "annotations": annotations}}


def missing_warning(kept_name: str) -> str:
    """Return what kubectl apply says of an object that it did not make; ``kept_name`` is ``pods/NAME``."""
    return (
        f"Warning: resource {kept_name} is missing the {LAST_APPLIED} annotation which is required by kubectl apply."
        " kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl"
        " apply. The missing annotation will be patched automatically.\n"
    )
