"""Expand a container's environment, command and arguments, as the kubelet does before it asks the runtime.

Pure. Hook commands are not expanded: that is Kubernetes' rule, not an omission. Source: pkg/kubelet/kubelet_pods.go
makeEnvironmentVariables, third_party/forked/golang/expansion/expand.go, pkg/fieldpath/fieldpath.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.pods.model import Container, EnvVar, Pod
from lab.timeline.status import NODE_NAME

NODE_IP = "127.0.0.1"


def environment(pod: Pod, container: Container, pod_ip: str) -> tuple[tuple[str, str], ...]:
    """Return the container's variables in order; ``$(NAME)`` refers to those before."""
    values: dict[str, str] = {}
    for variable in container.env:
        values[variable.name] = _value(pod, variable, pod_ip, values)
    return tuple(values.items())


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by its value; ``$$`` is a dollar sign, and an unknown name stays as written."""
    out, at = [], 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            out.append(text[at])
            at += 1
        elif text[at + 1] == "$":
            out.append("$")
            at += 2
        elif text[at + 1] == "(" and ")" in text[at:]:
            end = text.index(")", at)
            name = text[at + 2 : end]
            out.append(values.get(name, f"$({name})"))
            at = end + 1
        else:
            out.append(text[at : at + 2])
            at += 2
    return "".join(out)


def _value(pod: Pod, variable: EnvVar, pod_ip: str, values: Mapping[str, str]) -> str:
    if variable.field_path is None:
        return expand(variable.value, values)
    path = variable.field_path
    for prefix, pairs in (("metadata.labels", pod.labels), ("metadata.annotations", pod.annotations)):
        if path.startswith(prefix + "['") and path.endswith("']"):
            return dict(pairs).get(path[len(prefix) + 2 : -2], "")
    return {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "spec.nodeName": NODE_NAME,
        "spec.serviceAccountName": "default",
        "status.hostIP": NODE_IP,
        "status.hostIPs": NODE_IP,
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
    }.get(path, "")
