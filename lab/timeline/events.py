"""Event objects as a component's recorder makes them: identical ones are merged, many similar ones share one.

Pure: the recorder's memory is a value that goes in and comes out. Nothing is dropped: upstream's spam filter (25 events per pod)
does not show in what was recorded of a real node (trace D1 has 30).
Source: staging/src/k8s.io/client-go/tools/record/events_cache.go, pkg/kubelet/container/ref.go (v1.36).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from lab.timeline.facts import JSON
from lab.timeline.status import NODE_NAME, rfc3339_seconds

AGGREGATE_MAX_EVENTS = 10  # events_cache.go: defaultAggregateMaxEvents
AGGREGATE_INTERVAL_SECONDS = 600.0  # events_cache.go: defaultAggregateIntervalInSeconds
COMBINED_PREFIX = "(combined from similar events): "

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something a component wants recorded about a pod. ``field_path`` names a container, such as ``spec.containers{web}``."""

    type: EventType
    reason: str
    message: str
    field_path: str | None = None
    component: str = "kubelet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What a component's recorder remembers about one pod: the events it wrote, and similar messages."""

    written: dict[tuple[str, ...], JSON] = field(default_factory=dict)
    similar: dict[tuple[str, ...], tuple[float, frozenset[str]]] = field(default_factory=dict)


def record(
    recorder: Recorder, pod: JSON, occurrence: Occurrence, *, now: datetime, elapsed_seconds: float
) -> tuple[Recorder, JSON]:
    """Return the recorder's next memory and the Event object to write: a new one (``count`` 1) or an earlier one, counted up."""
    recorder, o, combined = _aggregated(recorder, occurrence, elapsed_seconds)
    key = (o.component, o.type, o.reason, o.field_path or "", COMBINED_PREFIX if combined else o.message)
    earlier = recorder.written.get(key)
    event = _again(earlier, o.message, now) if earlier else _first(pod, o, now, len(recorder.written))
    return replace(recorder, written={**recorder.written, key: event}), event


def _aggregated(recorder: Recorder, o: Occurrence, elapsed_seconds: float) -> tuple[Recorder, Occurrence, bool]:
    """Count the different messages of similar events; from the tenth on they share one event."""
    key = (o.component, o.type, o.reason, o.field_path or "")
    since, messages = recorder.similar.get(key, (elapsed_seconds, frozenset()))
    if elapsed_seconds - since > AGGREGATE_INTERVAL_SECONDS:
        since, messages = elapsed_seconds, frozenset()
    combined = len(messages | {o.message}) >= AGGREGATE_MAX_EVENTS
    if not combined:
        messages = messages | {o.message}
    else:
        o = replace(o, message=COMBINED_PREFIX + o.message)
    return replace(recorder, similar={**recorder.similar, key: (since, messages)}), o, combined


def _first(pod: JSON, o: Occurrence, now: datetime, number: int) -> JSON:
    metadata = pod["metadata"]
    identity = f"{metadata['uid']}/{o.component}/{number}"
    suffix = hashlib.sha256(identity.encode()).hexdigest()[:16]
    moment = rfc3339_seconds(now)
    involved: JSON = {
        "kind": "Pod",
        "apiVersion": "v1",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    if o.field_path:
        involved["fieldPath"] = o.field_path
    source: JSON = {"component": o.component}
    if o.component == "kubelet":
        source["host"] = NODE_NAME
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{suffix}",
            "namespace": metadata["namespace"],
            "uid": _uuid(identity),
            "creationTimestamp": moment,
        },
        "involvedObject": involved,
        "reason": o.reason,
        "message": o.message,
        "source": source,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "type": o.type,
        "eventTime": None,
        "reportingComponent": o.component,
        "reportingInstance": NODE_NAME if o.component == "kubelet" else "",
    }


def _again(event: JSON, message: str, now: datetime) -> JSON:
    return {**event, "message": message, "count": event["count"] + 1, "lastTimestamp": rfc3339_seconds(now)}


def _uuid(identity: str) -> str:
    text = hashlib.sha256(f"event/{identity}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"
