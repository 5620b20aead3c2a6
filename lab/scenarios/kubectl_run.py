"""The pod that `kubectl run` makes of its flags.

Pure. Source: staging/src/k8s.io/kubectl/pkg/generate/versioned/run.go, BasicPod (v1.36).
"""

from __future__ import annotations

from typing import Any

from lab.scenarios.kubectl_line import KubectlLine

JSON = dict[str, Any]


def pod_of_flags(line: KubectlLine) -> JSON:
    """Return the manifest of ``kubectl run NAME --image=… [-- ARG…]``; with ``--command`` what follows ``--`` is the command."""
    name, flags = line.names[0], line.flags
    container: JSON = {"name": name, "image": flags["image"]}
    if line.command:
        container["command" if line.switch("command") else "args"] = list(line.command)
    if "image-pull-policy" in flags:
        container["imagePullPolicy"] = flags["image-pull-policy"]
    if "env" in flags:
        key, _, value = flags["env"].partition("=")
        container["env"] = [{"name": key, "value": value}]
    if flags.get("port", "").isdigit():
        container["ports"] = [{"containerPort": int(flags["port"])}]
    metadata: JSON = {"name": name, "labels": _pairs(flags.get("labels", f"run={name}"))}
    if "annotations" in flags:
        metadata["annotations"] = _pairs(flags["annotations"])
    spec = {"containers": [container], "restartPolicy": flags.get("restart", "Always")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
