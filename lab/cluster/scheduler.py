"""The scheduler of a one-node cluster: a pod goes to the node unless it asks for another, or for more than the node has.

Differs from the scheduler: what other pods request is not counted.
Source: pkg/scheduler/framework/plugins/{nodeaffinity,noderesources}, pkg/scheduler/schedule_one.go (v1.36); recorded trace E14b.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lab.clock import Clock
from lab.cluster.registry import Registry
from lab.pods.quantity import parse_quantity
from lab.timeline.events import Occurrence
from lab.timeline.facts import JSON
from lab.timeline.status import NODE_NAME, scheduled_status, unschedulable_status

COMPONENT = "default-scheduler"
NODE_LABELS = {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": NODE_NAME,
    "kubernetes.io/os": "linux",
}
ALLOCATABLE = {"cpu": "2", "memory": "8Gi"}  # of the node, for one pod
_MISMATCH = "1 node(s) didn't match Pod's node affinity/selector"
_NOT_HELPFUL = "1 Preemption is not helpful for scheduling."
_NO_VICTIMS = "1 No preemption victims found for incoming pod."


def schedule(registry: Registry, clock: Clock, value: JSON) -> bool:
    """Bind a new pod to the node, or leave it Pending; return whether it was bound. Both are two writes: a status and an
    event."""
    metadata = value["metadata"]
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    if value["spec"]["schedulerName"] != COMPONENT:
        return False  # left to a scheduler that does not run here
    problem = _problem(value["spec"])
    if problem:
        registry.bind(namespace, name, uid, "", lambda status: unschedulable_status(status, problem, clock.now()))
        registry.record_event(value, Occurrence(type="Warning", reason="FailedScheduling", message=problem, component=COMPONENT))
        return False
    registry.bind(namespace, name, uid, NODE_NAME, lambda status: scheduled_status(status, clock.now()))
    message = f"Successfully assigned {namespace}/{name} to {NODE_NAME}"
    registry.record_event(value, Occurrence(type="Normal", reason="Scheduled", message=message, component=COMPONENT))
    return True


def _problem(spec: JSON) -> str:
    """Return why the node does not suit the pod, as the scheduler's event words it; "" when it does."""
    selector = spec.get("nodeSelector") or {}
    if any(NODE_LABELS.get(key) != wanted for key, wanted in selector.items()) or not _has_affinity(spec.get("affinity") or {}):
        why, preemption = _MISMATCH, _NOT_HELPFUL
    else:
        short = [name for name, amount in ALLOCATABLE.items() if _requested(spec, name) > parse_quantity(amount).value]
        why, preemption = ", ".join(f"1 Insufficient {name}" for name in short), _NO_VICTIMS
    if not why:
        return ""
    return f"0/1 nodes are available: {why}. no new claims to deallocate, preemption: 0/1 nodes are available: {preemption}"


def _requested(spec: JSON, name: str) -> Decimal:
    """Return what a pod requests: its containers and sidecars together, or its largest init container (resource/helpers.go)."""

    def of(container: JSON) -> Decimal:
        return parse_quantity((container["resources"].get("requests") or {}).get(name, "0")).value

    inits = spec.get("initContainers") or ()
    sidecars = sum((of(c) for c in inits if c.get("restartPolicy") == "Always"), Decimal(0))
    together = sum((of(c) for c in spec["containers"]), sidecars)
    return max([together, *(of(c) for c in inits if c.get("restartPolicy") != "Always")])


def _has_affinity(affinity: JSON) -> bool:
    """Whether the node is one that the pod's nodeAffinity requires (component-helpers/scheduling/corev1/nodeaffinity)."""
    required = affinity.get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    terms = required.get("nodeSelectorTerms", [])
    return any(_matches_term(term) for term in terms)


def _matches_term(term: JSON) -> bool:
    labels, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not labels and not fields:
        return False
    by_label = all(_matches(NODE_LABELS, expression) for expression in labels)
    return by_label and all(_matches({"metadata.name": NODE_NAME}, expression) for expression in fields)


def _matches(known: Mapping[str, str], expression: JSON) -> bool:
    value, wanted = known.get(expression.get("key", "")), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False  # Gt and Lt compare numbers, and no label of the node is one
