"""Timeline entries → the trace of a scenario, in the form that recordings on a real node have.

Pure: the same entries always give the same trace. Times are seconds after the first apply or create began. Only what kubectl,
a watch, the container runtime and the container's log would have shown is in it; the lab's other facts have no place there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lab.timeline.durations import parse_timestamp
from lab.timeline.facts import JSON, CommandAnswered, ContainerExited, Entry, KubeletContinued, LogChunk, ObjectWritten
from lab.timeline.tables import pod_row

SUBMITTING_VERBS = ("apply", "create")
TIME_DIGITS = 3  # recorded times are in milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCall:
    """A raw request, ``began_at`` seconds of the timeline, and the API server's answer. ``deletes``: it asked for a pod's end."""

    request: str
    body: object
    began_at: float
    code: int
    response: object
    deletes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the player brought back by itself: ``files`` by name, texts of ``describe`` by name, raw ``calls``, and ``notes``."""

    files: Mapping[str, object] = field(default_factory=dict)
    describe: Mapping[str, JSON] = field(default_factory=dict)
    calls: Sequence[AnsweredCall] = ()
    notes: Sequence[str] = ()


def trace_of(entries: Sequence[Entry], *, namespace: str, identity: str = "", gathered: Gathered | None = None) -> JSON:
    """Return the trace of one namespace as plain JSON."""
    gathered = gathered or Gathered()
    zero = _Zero.of(entries)
    pods: dict[str | None, str] = {fact.uid: fact.name for _, fact in _written(entries, "Pod", namespace)}
    commands = [(e, e.fact) for e in entries if isinstance(e.fact, CommandAnswered)]
    answers = [_answer(zero, e, fact) for e, fact in commands] + [_called(zero, call) for call in gathered.calls]
    deletes = [zero.of_command(e, fact)[0] for e, fact in commands if fact.argv[1:2] == ("delete",)]
    deletes += [zero.since_start(call.began_at) for call in gathered.calls if call.deletes]
    return {
        "id": identity,
        "namespace": namespace,
        "t0": zero.at.isoformat().replace("+00:00", "Z"),
        "t_delete": sorted(deletes),
        "cli": sorted(answers, key=lambda answer: float(answer.get("t_end", answer["t"]))),
        "events": list(_events(entries, namespace, zero)),
        "podStates": list(_pod_states(entries, namespace, zero)),
        "getTable": list(_table_rows(entries, namespace, zero)),
        "gone_t": {fact.name: zero.seconds(e) for e, fact in _written(entries, "Pod", namespace) if fact.verb == "remove"},
        "containerExit": list(_exits(entries, pods, zero)),
        "logs": _logs(entries, pods, zero),
        "files": dict(gathered.files),
        "describe": dict(gathered.describe),
        "notes": [*gathered.notes, *_holds(entries)],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Zero:
    """The moment from which the trace counts, on both clocks."""

    at: datetime
    elapsed_seconds: float

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> _Zero:
        """Return the start of the first apply or create; without one, the first entry's moment."""
        for entry in entries:
            fact = entry.fact
            if isinstance(fact, CommandAnswered) and fact.argv[1:2] and fact.argv[1] in SUBMITTING_VERBS:
                return cls(
                    at=entry.at - timedelta(seconds=fact.took_seconds),
                    elapsed_seconds=entry.elapsed_seconds - fact.took_seconds,
                )
        if entries:
            return cls(at=entries[0].at, elapsed_seconds=entries[0].elapsed_seconds)
        return cls(at=parse_timestamp("1970-01-01T00:00:00Z"), elapsed_seconds=0.0)

    def seconds(self, entry: Entry) -> float:
        """Return an entry's time by the monotonic clock."""
        return self.since_start(entry.elapsed_seconds)

    def since_start(self, elapsed_seconds: float) -> float:
        """Return a moment of the timeline's monotonic clock."""
        return round(elapsed_seconds - self.elapsed_seconds, TIME_DIGITS) + 0.0  # no negative zero

    def of_timestamp(self, text: str) -> float:
        """Return an API or runtime timestamp's time by the wall clock."""
        return round((parse_timestamp(text) - self.at).total_seconds(), TIME_DIGITS)

    def of_command(self, entry: Entry, answered: CommandAnswered) -> tuple[float, float]:
        """Return when a command began and when it answered."""
        end = self.seconds(entry)
        return round(end - answered.took_seconds, TIME_DIGITS) + 0.0, end


def _written(entries: Iterable[Entry], kind: str, namespace: str) -> Iterator[tuple[Entry, ObjectWritten]]:
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, ObjectWritten) and fact.kind == kind and fact.namespace == namespace:
            yield entry, fact


def _answer(zero: _Zero, entry: Entry, fact: CommandAnswered) -> JSON:
    begin, end = zero.of_command(entry, fact)
    return {
        "argv": list(fact.argv),
        "t": begin,
        "t_end": end,
        "rc": fact.rc,
        "stdout": fact.stdout,
        "stderr": fact.stderr,
    }


def _called(zero: _Zero, call: AnsweredCall) -> JSON:
    return {
        "api": call.request,
        "body": call.body,
        "t": zero.since_start(call.began_at),
        "code": call.code,
        "response": call.response,
    }


# --- events -------------------------------------------------------------------------------------------------------


def _events(entries: Sequence[Entry], namespace: str, zero: _Zero) -> Iterator[JSON]:
    for entry, fact in _written(entries, "Event", namespace):
        if fact.verb == "remove":
            continue
        event, about = fact.object, fact.object["involvedObject"]
        first = event.get("eventTime") or event.get("firstTimestamp")
        last = event.get("lastTimestamp") or first
        yield {
            "t": zero.seconds(entry),
            "watch": "ADDED" if fact.verb == "create" else "MODIFIED",
            "type": event["type"],
            "reason": event["reason"],
            "message": event.get("message", ""),
            "count": event.get("count") or 1,
            "object": f"{about['kind']}/{about['name']}",
            "fieldPath": about.get("fieldPath") or None,
            "source": (event.get("source") or {}).get("component") or event.get("reportingComponent") or "",
            "firstTimestamp_rel": zero.of_timestamp(first) if first else None,
            "lastTimestamp_rel": zero.of_timestamp(last) if last else None,
        }


# --- pods ---------------------------------------------------------------------------------------------------------


def _pod_states(entries: Sequence[Entry], namespace: str, zero: _Zero) -> Iterator[JSON]:
    previous: dict[str, JSON] = {}
    for entry, fact in _written(entries, "Pod", namespace):
        state = _pod_state(fact.object, zero)
        if fact.verb == "remove":
            yield {"t": zero.seconds(entry), **state, "deleted": True}
            previous.pop(fact.uid, None)
        elif previous.get(fact.uid) != state:
            previous[fact.uid] = state
            yield {"t": zero.seconds(entry), **state}


def _pod_state(pod: JSON, zero: _Zero) -> JSON:
    metadata, status = pod["metadata"], pod.get("status") or {}
    state: JSON = {"pod": metadata["name"], "phase": status.get("phase")}
    state |= {key: status[key] for key in ("reason", "message") if status.get(key)}
    state["conditions"] = {
        c["type"]: ":".join(filter(None, (c["status"], c.get("reason")))) for c in status.get("conditions") or ()
    }
    if metadata.get("deletionTimestamp"):
        state["deletionTimestamp_rel"] = zero.of_timestamp(metadata["deletionTimestamp"])
        state["deletionGracePeriodSeconds"] = metadata.get("deletionGracePeriodSeconds")
    if metadata.get("finalizers"):
        state["finalizers"] = metadata["finalizers"]
    for key, statuses in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        if status.get(statuses):
            state[key] = [_container_state(c, zero) for c in status[statuses]]
    return state


def _container_state(status: JSON, zero: _Zero) -> JSON:
    return {
        "name": status["name"],
        "ready": bool(status.get("ready")),
        "started": bool(status.get("started")),
        "restartCount": status.get("restartCount", 0),
        "state": _state(status.get("state") or {}, zero),
        "lastState": _state(status.get("lastState") or {}, zero),
    }


def _state(state: JSON, zero: _Zero) -> JSON:
    kept = ("exitCode", "signal", "reason", "message", "startedAt", "finishedAt")
    out: JSON = {}
    for name, detail in state.items():
        out[name] = {key: detail[key] for key in kept if detail.get(key) not in (None, "")}
        moments = [key for key in ("startedAt", "finishedAt") if detail.get(key)]
        out[name] |= {f"{key}_rel": zero.of_timestamp(detail[key]) for key in moments}
    return out


def _table_rows(entries: Sequence[Entry], namespace: str, zero: _Zero) -> Iterator[JSON]:
    previous: dict[str, JSON] = {}
    for entry, fact in _written(entries, "Pod", namespace):
        row = pod_row(fact.object, now=entry.at)
        cells = {"name": row.name, "ready": row.ready, "status": row.status, "restarts": row.restarts}
        if fact.verb == "remove":
            yield {"t": zero.seconds(entry), **cells, "deleted": True}
            previous.pop(fact.uid, None)
        elif previous.get(fact.uid) != cells:
            previous[fact.uid] = cells
            yield {"t": zero.seconds(entry), **cells}


# --- the node -----------------------------------------------------------------------------------------------------


def _exits(entries: Sequence[Entry], pods: Mapping[str | None, str], zero: _Zero) -> Iterator[JSON]:
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, ContainerExited) and entry.pod_uid in pods:
            yield {
                "t": zero.seconds(entry),
                "pod": pods[entry.pod_uid],
                "container": entry.container,
                "id": fact.container_id[:12],
                "exitStatus": fact.exit_code,
                "exitedAt": zero.of_timestamp(fact.finished_at),
            }


def _holds(entries: Sequence[Entry]) -> Iterator[str]:
    """Say where the kubelet was held, by whoever asked for it: the times after that are no kubelet's."""
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, KubeletContinued):
            yield f"the kubelet was held {fact.point} of {entry.container} for {fact.held_seconds:.1f} s"


def _logs(entries: Sequence[Entry], pods: Mapping[str | None, str], zero: _Zero) -> JSON:
    """Return the log lines of every container; of pods that had one name in turn, the last one's, as in recordings."""
    latest = {name: uid for uid, name in pods.items()}
    logs: dict[str, dict[str, list[JSON]]] = {}
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, LogChunk) and entry.pod_uid in latest.values():
            lines = logs.setdefault(f"{pods[entry.pod_uid]}/{entry.container}", {}).setdefault(str(fact.attempt), [])
            lines.extend({"t": zero.of_timestamp(at), "stream": stream, "line": text} for at, stream, text in fact.lines)
    return logs
