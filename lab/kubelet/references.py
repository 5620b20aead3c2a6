"""What a container's variables and volumes may refer to: the pod's own fields and amounts, and ConfigMaps and Secrets.

Source: pkg/fieldpath/fieldpath.go, pkg/api/v1/resource/helpers.go (ExtractContainerResourceValue), pkg/kubelet/configmap,
pkg/kubelet/secret (v1.36).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from lab.errors import LabError
from lab.limits import Limits
from lab.pods.field_errors import quoted
from lab.pods.model import Container, FieldReference, Pod, ResourceReference
from lab.pods.quantity import parse_quantity
from lab.timeline.facts import JSON
from lab.timeline.status import NODE_NAME

NODE_IP = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The answers for one pod. ``look_up(kind, name)`` gets an object of the pod's namespace. Without a limit of its own a
    container has what the node has: here what the lab's ``limits`` let a container use."""

    pod: Pod
    limits: Limits
    pod_ip: str
    look_up: Callable[[str, str], JSON | None]

    def keys(self, kind: Literal["ConfigMap", "Secret"], name: str, *, optional: bool) -> dict[str, bytes]:
        """Return what a ConfigMap or Secret holds. Raises LabError in the kubelet's words when there is none."""
        found = self.look_up(kind, name)
        if found is None:
            if optional:
                return {}
            raise LabError(f'{kind.lower()} "{name}" not found')
        data = found.get("data", {})
        if kind == "Secret":
            return {key: base64.b64decode(value) for key, value in data.items()}
        binary = {key: base64.b64decode(value) for key, value in found.get("binaryData", {}).items()}
        return {**{key: value.encode() for key, value in data.items()}, **binary}

    def of_pod(self, source: FieldReference | ResourceReference, container: Container | None) -> str:
        """Return a field of the pod or an amount of a container, by default of ``container``."""
        if isinstance(source, FieldReference):
            return self._field(source.path)
        named = [c for c in self.pod.all_containers if c.name == source.container_name]
        chosen = named[0] if named else container
        if chosen is None:
            raise LabError(f"container {source.container_name} not found")
        return self._amount(chosen, source)

    def _field(self, path: str) -> str:
        pod = self.pod
        for prefix, pairs in (("metadata.labels", pod.labels), ("metadata.annotations", pod.annotations)):
            if path == prefix:
                return "\n".join(f"{key}={quoted(value)}" for key, value in sorted(pairs))
            if path.startswith(prefix + "['") and path.endswith("']"):
                return dict(pairs).get(path[len(prefix) + 2 : -2], "")
        return {
            "metadata.name": pod.name,
            "metadata.namespace": pod.namespace,
            "metadata.uid": pod.uid,
            "spec.nodeName": NODE_NAME,
            "spec.serviceAccountName": pod.spec.service_account_name,
            "status.hostIP": NODE_IP,
            "status.hostIPs": NODE_IP,
            "status.podIP": self.pod_ip,
            "status.podIPs": self.pod_ip,
        }.get(path, "")

    def _amount(self, container: Container, source: ResourceReference) -> str:
        """Return the amount in whole units of the divisor, rounded up."""
        kind, _, name = source.resource.partition(".")
        given = dict(container.resources).get(source.resource) or (self._allocatable(name) if kind == "limits" else "0")
        divisor = parse_quantity(source.divisor).value or Decimal(1)
        return str((parse_quantity(given).value / divisor).to_integral_value(ROUND_CEILING))

    def _allocatable(self, name: str) -> str:
        limits = self.limits
        amounts = {
            "cpu": f"{limits.container_cpus:g}",
            "memory": str(limits.container_memory_bytes),
            "ephemeral-storage": str(limits.node_disk_bytes),
        }
        return amounts[name]
