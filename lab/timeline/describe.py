"""The text of `kubectl describe pod`, line by line, from the API object and its events.

Pure. What the object does not say is not printed: no service-account volume unless it is in the spec, no lifecycle hook ever
(kubectl prints none, which is half of what learners come here for).
Source: staging/src/k8s.io/kubectl/pkg/describe/describe.go, describePod and DescribeEvents (v1.36).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from lab.timeline.columns import DESCRIBE_PADDING, align
from lab.timeline.describe_containers import container_lines, timestamp
from lab.timeline.durations import age
from lab.timeline.facts import JSON

MAXIMUM_ANNOTATION_BYTES = 140  # kubectl: describe.go, maxAnnotationLen
SKIPPED_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})  # kubectl: describe.go, skipAnnotations
TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})


def describe_pod(pod: JSON, events: Sequence[JSON], *, now: datetime) -> str:
    """Return what ``kubectl describe pod`` prints at ``now``; ``events`` are the Event objects about the pod, oldest first."""
    conditions = (*_readiness_gates(pod), *_conditions(pod))
    lines = [*_head(pod, now), *_containers(pod), *conditions, *_volumes(pod), *_tail(pod), *_events(events, now)]
    return align("".join(_escaped(line) + "\n" for line in lines), padding=DESCRIBE_PADDING)


def _escaped(text: str) -> str:
    return text.replace("\x1b", "^[").replace("\r", "\\r")  # printers.WriteEscaped


def _head(pod: JSON, now: datetime) -> Iterator[str]:
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    yield f"Name:\t{metadata['name']}"
    yield f"Namespace:\t{metadata['namespace']}"
    if spec.get("priority") is not None:
        yield f"Priority:\t{spec['priority']}"
    for label, field in (
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ):
        if spec.get(field):
            yield f"{label}:\t{spec[field]}"
    node = f"{spec['nodeName']}/{status.get('hostIP', '')}" if spec.get("nodeName") else "<none>"
    yield f"Node:\t{node}"
    if status.get("startTime"):
        yield f"Start Time:\t{timestamp(status['startTime'])}"
    yield from _labels("Labels", metadata.get("labels") or {})
    yield from _annotations(metadata.get("annotations") or {})
    yield from _status(metadata, status, now)
    yield f"IP:\t{status.get('podIP', '')}"
    ips = status.get("podIPs") or []
    yield "IPs:" if ips else "IPs:\t<none>"
    yield from (f"  IP:\t{entry['ip']}" for entry in ips)
    owner = next((o for o in metadata.get("ownerReferences", ()) if o.get("controller")), None)
    if owner:
        yield f"Controlled By:\t{owner['kind']}/{owner['name']}"


def _status(metadata: JSON, status: JSON, now: datetime) -> Iterator[str]:
    phase = status.get("phase", "")
    if metadata.get("deletionTimestamp") and phase not in TERMINAL_PHASES:
        yield f"Status:\tTerminating (lasts {age(metadata['deletionTimestamp'], now)})"
        yield f"Termination Grace Period:\t{metadata['deletionGracePeriodSeconds']}s"
    else:
        yield f"Status:\t{phase}"
    if status.get("reason"):
        yield f"Reason:\t{status['reason']}"
    if status.get("message"):
        yield f"Message:\t{status['message']}"


def _labels(title: str, labels: Mapping[str, str]) -> Iterator[str]:
    yield from _listed(title, [f"{key}={labels[key]}" for key in sorted(labels)])


def _annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    lines: list[str] = []
    for key in sorted(set(annotations) - SKIPPED_ANNOTATIONS):
        value = annotations[key].removesuffix("\n")
        if len((key + value).encode()) + 2 > MAXIMUM_ANNOTATION_BYTES or "\n" in value:
            lines.append(f"{key}:")
            lines.extend(f"  {_shortened(line)}" for line in value.split("\n"))
        else:
            lines.append(f"{key}: {value}")
    yield from _listed("Annotations", lines)


def _shortened(text: str) -> str:
    limit = MAXIMUM_ANNOTATION_BYTES - 2
    whole = text.encode()
    return text if len(whole) <= limit else whole[:limit].decode(errors="replace") + "..."


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{title}:\t{lines[0] if lines else '<none>'}"
    yield from (f"\t{line}" for line in lines[1:])


def _containers(pod: JSON) -> Iterator[str]:
    status = pod.get("status", {})
    groups = (("Init Containers", "initContainers", "initContainerStatuses"), ("Containers", "containers", "containerStatuses"))
    for title, field, statuses in groups:
        containers = pod["spec"].get(field) or []
        if not containers and field == "initContainers":
            continue
        yield f"{title}:"
        by_name = {s["name"]: s for s in status.get(statuses) or ()}
        for container in containers:
            yield from container_lines(container, by_name.get(container["name"]), pod["metadata"])


def _readiness_gates(pod: JSON) -> Iterator[str]:
    gates = pod["spec"].get("readinessGates") or ()
    if gates:
        known = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions") or ()}
        yield "Readiness Gates:"
        yield "  Type\tStatus"
        yield from (f"  {gate['conditionType']} \t{known.get(gate['conditionType'], '<none>')} " for gate in gates)


def _conditions(pod: JSON) -> Iterator[str]:
    conditions = pod.get("status", {}).get("conditions") or []
    if conditions:
        yield "Conditions:"
        yield "  Type\tStatus"
        yield from (f"  {c['type']} \t{c['status']} " for c in conditions)


def _volumes(pod: JSON) -> Iterator[str]:
    volumes = pod["spec"].get("volumes") or []
    yield "Volumes:" if volumes else "Volumes:\t<none>"
    for volume in volumes:
        yield f"  {volume['name']}:"
        yield from (f"    {line}" if line != "<unknown>" else f"  {line}" for line in _volume(volume))


def _volume(volume: JSON) -> Iterator[str]:
    if (host_path := volume.get("hostPath")) is not None:
        yield "Type:\tHostPath (bare host directory volume)"
        yield f"Path:\t{host_path['path']}"
        kind = host_path.get("type")
        yield f"HostPathType:\t{'<none>' if kind is None else kind}"
    elif (empty_dir := volume.get("emptyDir")) is not None:
        yield "Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)"
        yield f"Medium:\t{empty_dir.get('medium', '')}"
        yield f"SizeLimit:\t{empty_dir.get('sizeLimit') or '<unset>'}"
    elif (projected := volume.get("projected")) is not None:
        yield "Type:\tProjected (a volume that contains injected data from multiple sources)"
        for source in projected.get("sources") or ():
            yield from _projection(source)
    elif (secret := volume.get("secret")) is not None:
        yield "Type:\tSecret (a volume populated by a Secret)"
        yield f"SecretName:\t{secret.get('secretName', '')}"
        yield f"Optional:\t{_go_boolean(secret.get('optional'))}"
    elif (config_map := volume.get("configMap")) is not None:
        yield "Type:\tConfigMap (a volume populated by a ConfigMap)"
        yield f"Name:\t{config_map.get('name', '')}"
        yield f"Optional:\t{_go_boolean(config_map.get('optional'))}"
    elif (downward := volume.get("downwardAPI")) is not None:
        yield "Type:\tDownwardAPI (a volume populated by information about the pod)"
        yield "Items:"
        for item in downward.get("items") or ():
            source = item["fieldRef"]["fieldPath"] if "fieldRef" in item else item["resourceFieldRef"]["resource"]
            yield f"  {source} -> {item['path']}"
    else:
        yield "<unknown>"


def _projection(source: JSON) -> Iterator[str]:
    if (secret := source.get("secret")) is not None:
        yield f"SecretName:\t{secret.get('name', '')}"
        yield f"Optional:\t{_go_boolean(secret.get('optional'))}"
    elif "downwardAPI" in source:
        yield "DownwardAPI:\ttrue"
    elif (config_map := source.get("configMap")) is not None:
        yield f"ConfigMapName:\t{config_map.get('name', '')}"
        yield f"Optional:\t{_go_boolean(config_map.get('optional'))}"
    elif (token := source.get("serviceAccountToken")) is not None:
        yield f"TokenExpirationSeconds:\t{token['expirationSeconds']}"


def _go_boolean(value: object) -> str:
    return "true" if value else "false"


def _tail(pod: JSON) -> Iterator[str]:
    spec = pod["spec"]
    yield f"QoS Class:\t{pod.get('status', {}).get('qosClass', 'BestEffort')}"
    yield from _labels("Node-Selectors", spec.get("nodeSelector") or {})
    tolerations = sorted(spec.get("tolerations") or (), key=lambda t: str(t.get("key", "")))
    yield from _listed("Tolerations", [_toleration(t) for t in tolerations])


def _toleration(toleration: JSON) -> str:
    key, value, effect = (toleration.get(field, "") for field in ("key", "value", "effect"))
    text: str = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
    if toleration.get("operator") == "Exists" and not value:
        text += " op=Exists" if text else "op=Exists"
    seconds = toleration.get("tolerationSeconds")
    return text if seconds is None else f"{text} for {seconds}s"


def _events(events: Sequence[JSON], now: datetime) -> Iterator[str]:
    if not events:
        yield "Events:\t<none>"
        return
    yield "Events:"
    yield "  Type\tReason\tAge\tFrom\tMessage"
    yield "  ----\t------\t----\t----\t-------"
    for event in sorted(events, key=lambda e: str(e.get("lastTimestamp") or "")):
        yield "  " + "\t".join((event["type"], event["reason"], event_age(event, now), event_source(event), event_message(event)))


def event_age(event: JSON, now: datetime) -> str:
    """Return the Age cell of an event: ``5s``, or ``5s (x3 over 40s)`` when it was seen more than once."""
    first = age(event.get("eventTime") or event.get("firstTimestamp"), now)
    count = event.get("count") or 1
    return first if count <= 1 else f"{age(event.get('lastTimestamp'), now)} (x{count} over {first})"


def event_source(event: JSON) -> str:
    """Return who recorded an event."""
    return str((event.get("source") or {}).get("component") or event.get("reportingComponent") or "")


def event_message(event: JSON) -> str:
    """Return an event's message as describe prints it: after the field path, where it has one."""
    message = str(event.get("message", "")).strip()
    field_path = event["involvedObject"].get("fieldPath")
    return f"{field_path}: {message}" if field_path else message
