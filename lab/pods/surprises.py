"""What Kubernetes accepts to one's surprise: remarks on a pod, each at its line.

``ServerWarning`` notes are the server's own, which kubectl prints; ``Warning`` notes are the lab's, in plain sentences. What a
whole hook or process will do is `lab.insight.lint`'s matter.
Nothing here refuses anything; the pod given may even have been refused for other reasons.
Source: pkg/api/pod/warnings.go (v1.36) for the server's; the others describe what was recorded on a real v1.36 node.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.pods.field_errors import quoted
from lab.pods.lines import LineMap
from lab.pods.manifest import Document
from lab.pods.names import dns_label_errors
from lab.pods.notes import FieldNote
from lab.pods.quantity import QuantityError, parse_quantity

JSON = dict[str, Any]

GRANTED_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "SETUID", "SETGID", "NET_BIND_SERVICE", "KILL")  # of every container of the lab
_HOOKS = ("postStart", "preStop")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_OVERWRITTEN = ("uid", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields")


def warnings_of(document: Document, pod: JSON, feature_gates: frozenset[str]) -> tuple[FieldNote, ...]:
    """Return the remarks on a decoded pod with defaults filled: the server's in its order, then the lab's by line."""
    raw = document.value
    own = _Remarks(document.lines, "Warning")
    for duplicate in document.duplicates:
        key = duplicate.path.rpartition(".")[2]
        message = f"{key} stands twice, first on line {duplicate.first_line}; kubectl keeps the last one and says nothing."
        own.add(duplicate.path, message)
    _remark_on_pod(own, raw, pod)
    for path, container, written in _containers(raw, pod):
        _remark_on_container(own, path, container)
        _remark_on_hooks(own, path, container, written)
        if "stopSignal" in _map(written, "lifecycle") and "ContainerStopSignals" not in feature_gates:
            message = "stopSignal is dropped without a word: its feature gate, ContainerStopSignals, is off by default in v1.36."
            own.add(f"{path}.lifecycle.stopSignal", message)
    return (*_server_warnings(document.lines, pod), *sorted(own.notes, key=lambda note: note.line), *_not_granted(document, pod))


def _not_granted(document: Document, pod: JSON) -> tuple[FieldNote, ...]:
    """Remark on capabilities that a container asks for and does not get."""
    remarks = _Remarks(document.lines, "NoEffect")
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(group, [])):
            asked = container.get("securityContext", {}).get("capabilities", {}).get("add", [])
            more = [name for name in asked if name.upper().removeprefix("CAP_") not in GRANTED_CAPABILITIES]
            if more:
                path = f"spec.{group}[{index}].securityContext.capabilities.add"
                remarks.add(path, f"has no effect in the lab: it gives no container {', '.join(more)}")
    return tuple(remarks.notes)


class _Remarks:
    def __init__(self, lines: LineMap, kind: str) -> None:
        self.notes: list[FieldNote] = []
        self._lines = lines
        self._kind = kind

    def add(self, path: str, message: str) -> None:
        self.notes.append(FieldNote(path, message, self._lines.line(path), self._kind))


def _containers(raw: JSON, pod: JSON) -> Iterator[tuple[str, JSON, JSON]]:
    """Yield each container's path, the container, and what was written for it before decoding (empty if it did not fit)."""
    for group in ("initContainers", "containers"):
        written = _map(raw, "spec").get(group)
        for index, container in enumerate(pod["spec"].get(group, [])):
            item = written[index] if isinstance(written, list) and index < len(written) else None
            yield f"spec.{group}[{index}]", container, item if isinstance(item, dict) else {}


def _map(value: JSON, key: str) -> JSON:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _remark_on_pod(own: _Remarks, raw: JSON, pod: JSON) -> None:
    grace = _map(raw, "spec").get("terminationGracePeriodSeconds")
    if type(grace) is int and grace < 0:
        own.add("spec.terminationGracePeriodSeconds", f"A negative grace period is accepted: {grace} is stored as 1.")
    if type(grace) is int and grace == 0:
        message = "With a grace period of 0 a plain delete removes the object at once; on the node preStop still gets 1 second."
        own.add("spec.terminationGracePeriodSeconds", message)
    for index, volume in enumerate(pod["spec"].get("volumes", [])):
        written = _map(raw, "spec")["volumes"]
        if volume.get("emptyDir") == {} and isinstance(written[index], dict) and written[index].get("emptyDir") is None:
            own.add(f"spec.volumes[{index}]", f"Volume {quoted(volume['name'])} names no source and becomes an emptyDir.")
    for name in _OVERWRITTEN:
        if _map(raw, "metadata").get(name) is not None:
            own.add(f"metadata.{name}", f"The API server sets {name} itself on create; the value here does not count.")
    if raw.get("status"):
        own.add("status", "The API server drops status on create; only the kubelet writes it.")


def _remark_on_container(own: _Remarks, path: str, container: JSON) -> None:
    for index, mount in enumerate(container.get("volumeMounts", [])):
        at, target = f"{path}.volumeMounts[{index}].mountPath", mount["mountPath"]
        if target and not target.startswith("/"):
            own.add(
                at,
                f"mountPath {quoted(target)} is relative; the API takes it, the kubelet mounts it at {quoted('/' + target)}.",
            )
        if ":" in target:
            own.add(at, f"mountPath {quoted(target)} contains ':'; the API accepts it, a container engine may not.")
    for name in _PROBES:
        if name in container:
            _remark_on_request(own, f"{path}.{name}", container[name], container)


def _remark_on_hooks(own: _Remarks, path: str, container: JSON, written: JSON) -> None:
    at = f"{path}.lifecycle"
    if "lifecycle" in written and not written["lifecycle"] and not isinstance(written["lifecycle"], list | str):
        own.add(at, "lifecycle is empty: no hook will run.")
    for hook in _HOOKS:
        if hook in _map(written, "lifecycle") and written["lifecycle"][hook] is None:
            own.add(f"{at}.{hook}", f"{hook} has no value, which counts as not being there: no hook will run.")
        handler = container.get("lifecycle", {}).get(hook)
        if handler is None:
            continue
        _remark_on_request(own, f"{at}.{hook}", handler, container)
        if "sleep" in handler and _map(_map(_map(written, "lifecycle"), hook), "sleep").get("seconds") is None:
            own.add(f"{at}.{hook}.sleep", "sleep without seconds is stored as seconds: 0, which does not wait at all.")


def _remark_on_request(own: _Remarks, path: str, handler: JSON, container: JSON) -> None:
    action = handler.get("httpGet", {})
    target = action.get("path", "/")
    if not target.startswith("/"):
        own.add(
            f"{path}.httpGet.path",
            f"path {quoted(target)} has no leading '/'; it is stored like this and /{target} is requested.",
        )
    if action.get("host"):
        message = (
            "The node sends the request to this host as it sees it (localhost is the node); without host it goes to the pod."
        )
        own.add(f"{path}.httpGet.host", message)
    names = {port.get("name") for port in container.get("ports", [])}
    for name in ("httpGet", "tcpSocket"):
        port = handler.get(name, {}).get("port", 0)
        if isinstance(port, str) and port and port not in names:
            message = f"No port of this container is named {quoted(port)}; the API does not check it, and it fails at run time."
            own.add(f"{path}.{name}.port", message)


def _server_warnings(lines: LineMap, pod: JSON) -> tuple[FieldNote, ...]:
    server = _Remarks(lines, "ServerWarning")
    name = pod["metadata"].get("name", "")
    complaints = dns_label_errors(name) if name else []
    if complaints:
        surprise = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
        server.add("metadata.name", f"metadata.name: {surprise}: [{' '.join(complaints)}]")
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(group, [])):
            _warn_about_container(server, f"spec.{group}[{index}]", container)
    return tuple(server.notes)


def _warn_about_container(server: _Remarks, path: str, container: JSON) -> None:
    names: set[str] = set()
    for index, variable in enumerate(container.get("env", [])):
        if variable["name"] in names:
            hidden = f"hides previous definition of {quoted(variable['name'])}, which may be dropped when using apply"
            server.add(f"{path}.env[{index}]", f"{path}.env[{index}]: {hidden}")
        names.add(variable["name"])
    for kind in ("limits", "requests"):
        amount = container.get("resources", {}).get(kind, {}).get("memory")
        if amount is not None and _is_fractional(amount):
            fractional = f"fractional byte value {quoted(amount)} is invalid, must be an integer"
            server.add(f"{path}.resources.{kind}.memory", f"{path}.resources.{kind}[memory]: {fractional}")
    ports: dict[tuple[int, str, int], int] = {}
    for index, port in enumerate(container.get("ports", [])):
        key = (port["containerPort"], port["protocol"], port.get("hostPort", 0))
        if key in ports:
            duplicate = f"{path}.ports[{index}]: duplicate port definition with {path}.ports[{ports[key]}]"
            server.add(f"{path}.ports[{index}]", duplicate)
        ports.setdefault(key, index)


def _is_fractional(amount: str) -> bool:
    try:
        value = parse_quantity(amount).value
    except QuantityError:
        return False
    return value != value.to_integral_value()
