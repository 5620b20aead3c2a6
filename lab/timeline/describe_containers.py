"""One container's part of `kubectl describe pod`. Pure.

Source: staging/src/k8s.io/kubectl/pkg/describe/describe.go, describeContainers and DescribeProbe (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any
from urllib.parse import quote

from lab.pods.quantity import parse_quantity
from lab.timeline.durations import parse_timestamp
from lab.timeline.facts import JSON

_PROBES = (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"))
_URL_PATH_SAFE = "/$&+,:;=@!'()*~"  # Go: net/url shouldEscape, encodePath


def container_lines(container: JSON, status: JSON | None, metadata: JSON) -> Iterator[str]:
    """Return the lines of one container; ``status`` is its container status, None before the kubelet has published one."""
    yield f"  {container['name']}:"
    body = (
        *_basics(container, status),
        *_arguments("Command", container.get("command")),
        *_arguments("Args", container.get("args")),
        *(_states(status) if status else ()),
        *_resources(container.get("resources") or {}),
        *(f"{label}:\t{describe_probe(container[field])}" for label, field in _PROBES if container.get(field)),
        *_environment_sources(container.get("envFrom") or ()),
        *_environment(container, metadata),
        *_mounts(container.get("volumeMounts") or ()),
    )
    yield from (f"    {line}" for line in body)


def timestamp(text: str) -> str:
    """Return an API timestamp in Go's RFC1123Z form."""
    moment = parse_timestamp(text)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day}, {moment.day:02d} {months[moment.month - 1]} {moment.year} {moment:%H:%M:%S} +0000"


def describe_probe(probe: JSON) -> str:
    """Return a probe in one line, such as ``exec [true] delay=0s timeout=1s period=10s #success=1 #failure=3``."""
    attributes = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    if "exec" in probe:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {attributes}"
    if http := probe.get("httpGet"):
        return f"http-get {_url(http)} {attributes}"
    if tcp := probe.get("tcpSocket"):
        return f"tcp-socket {tcp.get('host', '')}:{tcp['port']} {attributes}"
    if grpc := probe.get("grpc"):
        return f"grpc <pod>:{grpc['port']} {grpc.get('service') or ''} {attributes}"
    return f"unknown {attributes}"


def _url(http: JSON) -> str:
    host = http.get("host", "")
    host = f"[{host}]" if ":" in host else host
    path = quote(http.get("path", ""), safe=_URL_PATH_SAFE)
    separator = "/" if path and not path.startswith("/") else ""
    return f"{http.get('scheme', 'HTTP').lower()}://{host}:{http['port']}{separator}{path}"


def _basics(container: JSON, status: JSON | None) -> Iterator[str]:
    if status is not None:
        yield f"Container ID:\t{status.get('containerID', '')}"
    yield f"Image:\t{container.get('image', '')}"
    if status is not None:
        yield f"Image ID:\t{status.get('imageID', '')}"
    for label, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        ports = ", ".join(_port(port, field) for port in container.get("ports") or ())
        yield f"{label}{'s' if ',' in ports else ''}:\t{ports or '<none>'}"


def _port(port: JSON, field: str) -> str:
    text = f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}"
    return f"{text} ({port['name']})" if port.get("name") else text


def _arguments(title: str, arguments: Sequence[str] | None) -> Iterator[str]:
    if arguments:
        yield f"{title}:"
        for argument in arguments:
            yield from (f"  {line}" for line in argument.split("\n"))


def _states(status: JSON) -> Iterator[str]:
    yield from _state("State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        yield from _state("Last State", last)
    yield f"Ready:\t{bool(status.get('ready'))}"
    yield f"Restart Count:\t{status.get('restartCount', 0)}"


def _state(title: str, state: JSON) -> Iterator[str]:
    if running := state.get("running"):
        yield f"{title}:\tRunning"
        yield f"  Started:\t{timestamp(running['startedAt'])}"
    elif terminated := state.get("terminated"):
        yield f"{title}:\tTerminated"
        yield from _terminated(terminated)
    else:
        yield f"{title}:\tWaiting"
        reason = (state.get("waiting") or {}).get("reason")
        if reason:
            yield f"  Reason:\t{reason}"


def _terminated(terminated: JSON) -> Iterator[str]:
    if terminated.get("reason"):
        yield f"  Reason:\t{terminated['reason']}"
    if terminated.get("message"):
        yield f"  Message:\t{terminated['message']}"
    yield f"  Exit Code:\t{terminated['exitCode']}"
    if terminated.get("signal"):
        yield f"  Signal:\t{terminated['signal']}"
    for label, field in (("Started", "startedAt"), ("Finished", "finishedAt")):
        moment = terminated.get(field) or "0001-01-01T00:00:00Z"
        yield f"  {label}:\t{timestamp(moment)}"


def _resources(resources: JSON) -> Iterator[str]:
    for label, field in (("Limits", "limits"), ("Requests", "requests")):
        quantities = resources.get(field) or {}
        if quantities:
            yield f"{label}:"
            yield from (f"  {name}:\t{quantities[name]}" for name in sorted(quantities))


def _environment_sources(sources: Sequence[JSON]) -> Iterator[str]:
    if sources:
        yield "Environment Variables from:"
    for source in sources:
        kind, given = ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source["secretRef"])
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        yield f"  {given['name']}\t{kind}{prefix}\tOptional: {'true' if given.get('optional') else 'false'}"


def _environment(container: JSON, metadata: JSON) -> Iterator[str]:
    variables = container.get("env") or ()
    yield "Environment:" if variables else "Environment:\t<none>"
    for variable in variables:
        if "valueFrom" in variable:
            yield f"  {variable['name']}:\t{_reference(variable['valueFrom'], container, metadata)}"
            continue
        first, *more = str(variable.get("value", "")).split("\n")
        yield f"  {variable['name']}:\t{first}"
        yield from (f"  \t{line}" for line in more)


def _reference(source: JSON, container: JSON, metadata: JSON) -> str:
    """Return what a variable's value is taken from, and the value where the object itself has it."""
    if field_ref := source.get("fieldRef"):
        where = f"{field_ref.get('apiVersion', 'v1')}:{field_ref['fieldPath']}"
        return f"{_field_value(metadata, field_ref['fieldPath'])} ({where})"
    if resource_ref := source.get("resourceFieldRef"):
        return f"{_resource_value(resource_ref, container)} ({resource_ref['resource']})"
    kind, given = (
        ("config map", source.get("configMapKeyRef")) if "configMapKeyRef" in source else ("secret", source.get("secretKeyRef"))
    )
    given = given or {}
    of = "of" if kind == "config map" else "in"
    optional = "true" if given.get("optional") else "false"
    return f"<set to the key '{given.get('key', '')}' {of} {kind} '{given.get('name', '')}'>\tOptional: {optional}"


def _resource_value(reference: JSON, container: JSON) -> str:
    """Return an amount in whole units of the divisor; without a limit it is the node's."""
    kind, _, name = reference["resource"].partition(".")
    amount = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if amount is None:
        return "node allocatable" if kind == "limits" else "0"
    divisor = parse_quantity(reference.get("divisor", "0")).value or Decimal(1)
    return str((parse_quantity(amount).value / divisor).to_integral_value(ROUND_CEILING))


def _field_value(metadata: JSON, path: str) -> str:
    """Return a downward-API value; empty for what is not in the metadata, as in kubectl (fieldpath.ExtractFieldPathAsString)."""
    head, _, rest = path.removeprefix("metadata.").partition("['")
    value: Any = metadata.get(head, "") if path.startswith("metadata.") else ""
    if rest:
        return str((value or {}).get(rest.removesuffix("']"), ""))
    if isinstance(value, dict):
        return "\n".join(f"{key}={json.dumps(value[key], ensure_ascii=False)}" for key in sorted(value))
    return str(value)


def _mounts(mounts: Sequence[JSON]) -> Iterator[str]:
    yield "Mounts:" if mounts else "Mounts:\t<none>"
    for mount in sorted(mounts, key=lambda m: str(m["mountPath"])):
        flags = "ro" if mount.get("readOnly") else "rw"
        if mount.get("subPath"):
            flags += f",path={json.dumps(mount['subPath'], ensure_ascii=False)}"
        yield f"  {mount['mountPath']} from {mount['name']} ({flags})"
