"""The scheduler of a one-node cluster: a pod goes to the node unless its nodeSelector asks for another.

Source: pkg/scheduler/framework/plugins/nodeaffinity, pkg/scheduler/schedule_one.go (v1.36); recorded trace E14b.
"""

from __future__ import annotations

from lab.clock import Clock
from lab.cluster.registry import Registry
from lab.pods.decode import pod_from_object
from lab.timeline.events import Occurrence
from lab.timeline.facts import JSON
from lab.timeline.status import NODE_NAME, scheduled_status, unschedulable_status

COMPONENT = "default-scheduler"
NODE_LABELS = {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}
NO_NODE = (
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, "
    "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
)


def schedule(registry: Registry, clock: Clock, value: JSON) -> bool:
    """Bind a new pod to the node, or leave it Pending; return whether it was bound. Both are two writes: a status and an
    event."""
    metadata = value["metadata"]
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    selector = pod_from_object(value).spec.node_selector
    if any(NODE_LABELS.get(key) != wanted for key, wanted in selector):
        registry.bind(namespace, name, uid, "", lambda status: unschedulable_status(status, NO_NODE, clock.now()))
        registry.record_event(value, Occurrence(type="Warning", reason="FailedScheduling", message=NO_NODE, component=COMPONENT))
        return False
    registry.bind(namespace, name, uid, NODE_NAME, lambda status: scheduled_status(status, clock.now()))
    message = f"Successfully assigned {namespace}/{name} to {NODE_NAME}"
    registry.record_event(value, Occurrence(type="Normal", reason="Scheduled", message=message, component=COMPONENT))
    return True
