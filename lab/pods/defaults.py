"""What the API server fills in and changes before it validates and stores a Pod.

The functions fill the given object in place: they are handed a copy made by decoding and nothing else holds it.
Source: pkg/apis/core/v1/defaults.go, pkg/registry/core/pod/strategy.go (PrepareForCreate), pkg/api/pod/util.go,
plugin/pkg/admission/{serviceaccount,defaulttolerationseconds} (v1.36).
"""

from __future__ import annotations

import base64
from typing import Any

JSON = dict[str, Any]

DEFAULT_GRACE_SECONDS = 30  # core/v1/types.go: DefaultTerminationGracePeriodSeconds
NEGATIVE_GRACE_BECOMES_SECONDS = 1  # registry/core/pod/strategy.go
_TOLERATION_SECONDS = 300  # admission/defaulttolerationseconds: default-not-ready-toleration-seconds
DEFAULT_FILE_MODE = 0o644  # core/v1/types.go: ConfigMapVolumeSourceDefaultMode and its like
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SERVER_SET_METADATA = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
    "resourceVersion",
)


def fill_object(object: JSON, *, namespace: str | None) -> None:
    """Fill a decoded object of another kind; ``namespace`` is None for one that has none. A Secret's stringData joins its data
    (pkg/apis/core/v1/conversion.go)."""
    metadata = object.setdefault("metadata", {})
    for name in _SERVER_SET_METADATA:
        metadata.pop(name, None)
    if namespace is not None:
        metadata.setdefault("namespace", namespace)
    if object["kind"] == "Secret":
        object.setdefault("type", "Opaque")
        plain = object.pop("stringData", {})
        if plain:
            encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
            object["data"] = {**object.get("data", {}), **encoded}


def fill_pod(pod: JSON, *, namespace: str, feature_gates: frozenset[str]) -> None:
    """Fill a decoded pod as the server does on create; uid, creationTimestamp and status are left to the registry."""
    pod.pop("status", None)
    metadata = pod.setdefault("metadata", {})
    for name in _SERVER_SET_METADATA:
        metadata.pop(name, None)
    metadata.setdefault("namespace", namespace)
    metadata["generation"] = 1
    spec = pod.setdefault("spec", {})
    _fill_spec(spec)
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        _fill_container(container)
        if spec.get("hostNetwork"):
            for port in container.get("ports", ()):
                port.setdefault("hostPort", port["containerPort"])
        if "ContainerStopSignals" not in feature_gates:
            drop_stop_signal(container)
    for volume in spec.get("volumes", ()):
        _fill_volume(volume)


def drop_stop_signal(container: JSON) -> None:
    """Drop ``lifecycle.stopSignal``, and the lifecycle with it when nothing else is in it: the gate is off."""
    lifecycle = container.get("lifecycle")
    if lifecycle is not None and lifecycle.pop("stopSignal", None) is not None and not lifecycle:
        del container["lifecycle"]


def default_pull_policy(image: str) -> str:
    """Return ``Always`` for the tag ``latest``, written or implied, else ``IfNotPresent``."""
    name, _, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    implied_latest = not colon and not digest
    return "Always" if implied_latest or tag == "latest" else "IfNotPresent"


def _fill_spec(spec: JSON) -> None:
    spec.setdefault("restartPolicy", "Always")
    if spec.setdefault("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS) < 0:
        spec["terminationGracePeriodSeconds"] = NEGATIVE_GRACE_BECOMES_SECONDS
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("enableServiceLinks", True)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    _add_tolerations(spec)


def _add_tolerations(spec: JSON) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(t.get("key", key) == key and t.get("effect", "NoExecute") == "NoExecute" for t in tolerations):
            added = {"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": _TOLERATION_SECONDS}
            tolerations.append(added)


def _fill_container(container: JSON) -> None:
    container.setdefault("imagePullPolicy", default_pull_policy(container.get("image", "")))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    resources = container.setdefault("resources", {})
    if "limits" in resources:
        resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", ()):
        _fill_reference(variable.get("valueFrom", {}))
    for name in _PROBES:
        if name in container:
            _fill_probe(container[name])
    for handler in container.get("lifecycle", {}).values():
        if isinstance(handler, dict):
            _fill_http_get(handler)


def _fill_probe(probe: JSON) -> None:
    _fill_http_get(probe)
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)


def _fill_http_get(handler: JSON) -> None:
    if "httpGet" in handler:
        handler["httpGet"].setdefault("path", "/")
        handler["httpGet"].setdefault("scheme", "HTTP")


def _fill_reference(holder: JSON) -> None:
    if "fieldRef" in holder:
        holder["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in holder:
        holder["resourceFieldRef"].setdefault("divisor", "0")


def _fill_volume(volume: JSON) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", DEFAULT_FILE_MODE)
    sources = [volume, *volume.get("projected", {}).get("sources", ())]
    for item in (item for source in sources for item in source.get("downwardAPI", {}).get("items", ())):
        _fill_reference(item)
    for source in volume.get("projected", {}).get("sources", ()):
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
