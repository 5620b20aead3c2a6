"""Rows and text of `kubectl get pods` and `kubectl get events`, from API objects. Pure.

The STATUS column is the printer's own reading of a pod, not a field: it is what a learner watches.
Source: pkg/printers/internalversion/printers.go, printPod and printEvent (v1.36).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.timeline.columns import table
from lab.timeline.durations import age
from lab.timeline.facts import JSON

TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})
NONE = "<none>"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRow:
    """A row of ``kubectl get pods -o wide``, every cell as text."""

    name: str
    ready: str
    status: str
    restarts: str
    age: str
    ip: str
    node: str
    gates: str = NONE  # "1/2" of the readiness gates


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of ``kubectl get events``. ``object`` is ``pod/NAME``."""

    last_seen: str
    type: str
    reason: str
    object: str
    message: str


def pod_row(pod: JSON, *, now: datetime) -> PodRow:
    """Return the row of a pod at ``now``; only ages and "(5s ago)" depend on the time."""
    status = pod.get("status", {})
    ips = status.get("podIPs") or ()
    return PodRow(
        name=pod["metadata"]["name"],
        ready=pod_ready(pod),
        status=pod_status_column(pod),
        restarts=_restarts(pod, now),
        age=age(pod["metadata"].get("creationTimestamp"), now),
        ip=ips[0]["ip"] if ips else NONE,
        node=pod["spec"].get("nodeName") or NONE,
        gates=_gates(pod),
    )


def pods_table(pods: Iterable[JSON], *, now: datetime, wide: bool = False) -> str:
    """Return what ``kubectl get pods`` prints for these pods, with a final newline."""
    header = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
    wide_header = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")
    rows = [pod_row(pod, now=now) for pod in pods]
    cells = [(r.name, r.ready, r.status, r.restarts, r.age) + ((r.ip, r.node, NONE, r.gates) if wide else ()) for r in rows]
    return table([header + (wide_header if wide else ()), *cells])


def event_rows(events: Sequence[JSON], *, now: datetime) -> tuple[EventRow, ...]:
    """Return the rows of ``kubectl get events`` in the order given."""
    return tuple(
        EventRow(
            last_seen=age(e.get("lastTimestamp") or e.get("eventTime") or e.get("firstTimestamp"), now),
            type=e["type"],
            reason=e["reason"],
            object=f"{e['involvedObject']['kind'].lower()}/{e['involvedObject']['name']}",
            message=str(e.get("message", "")).strip(),
        )
        for e in events
    )


def events_table(events: Sequence[JSON], *, now: datetime) -> str:
    """Return what ``kubectl get events`` prints for these events, with a final newline."""
    rows = [(r.last_seen, r.type, r.reason, r.object, r.message) for r in event_rows(events, now=now)]
    return table([("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"), *rows])


# --- the cells of a pod -------------------------------------------------------------------------------------------


def pod_status_column(pod: JSON) -> str:
    """Return the STATUS cell: a phase, a container's reason, ``Init:…``, or ``Terminating`` until the phase is terminal."""
    status = pod.get("status", {})
    deleted = bool(pod["metadata"].get("deletionTimestamp"))
    if deleted and status.get("reason") == "NodeLost":
        return "Unknown"
    if deleted and status.get("phase") not in TERMINAL_PHASES:
        return "Terminating"
    reason = status.get("reason") or status.get("phase", "")
    initializing = _initializing(pod)
    if initializing and not _condition_is_true(status, "Initialized"):
        return initializing
    return _main_reason(status, initializing or reason)


def pod_ready(pod: JSON) -> str:
    """Return the READY cell: ready regular containers and started sidecars, of all of them."""
    spec, status = pod["spec"], pod.get("status", {})
    sidecars = _sidecars(pod)
    ready = 0
    for container in status.get("initContainerStatuses") or ():
        if _exit_code(container) == 0:
            continue
        if container["name"] not in sidecars or not container.get("started"):
            break
        ready += bool(container.get("ready"))
    if not _initializing(pod) or _condition_is_true(status, "Initialized"):
        ready += sum(_runs_ready(c) for c in status.get("containerStatuses") or ())
    return f"{ready}/{len(spec['containers']) + len(sidecars)}"


def _gates(pod: JSON) -> str:
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    held = sum(_condition_is_true(pod.get("status", {}), gate) for gate in gates)
    return f"{held}/{len(gates)}" if gates else NONE


def _initializing(pod: JSON) -> str:
    """Return the ``Init:…`` word that the first unfinished init container gives, or "" when none is unfinished."""
    sidecars = _sidecars(pod)
    statuses = pod.get("status", {}).get("initContainerStatuses") or ()
    for index, container in enumerate(statuses):
        state = container.get("state") or {}
        if _exit_code(container) == 0 or (container["name"] in sidecars and container.get("started")):
            continue
        if state.get("terminated"):
            return f"Init:{_terminated_reason(state['terminated'])}"
        waiting = (state.get("waiting") or {}).get("reason")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{index}/{len(pod['spec']['initContainers'])}"
    return ""


def _main_reason(status: JSON, reason: str) -> str:
    containers = status.get("containerStatuses") or ()
    for container in reversed(containers):
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated"):
            reason = _terminated_reason(state["terminated"])
    if reason != "Completed":
        return reason
    running = any(_runs_ready(c) for c in containers)
    if running and _condition_is_true(status, "Ready"):
        return "Running"
    failed = (_terminated_reason(c["state"]["terminated"]) for c in containers if _exit_code(c) not in (None, 0))
    return next(failed, "NotReady" if running else reason)


def _terminated_reason(terminated: JSON) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _restarts(pod: JSON, now: datetime) -> str:
    counted = list(_counted_for_restarts(pod))
    count = sum(c.get("restartCount", 0) for c in counted)
    finished = [(c.get("lastState") or {}).get("terminated", {}).get("finishedAt", "") for c in counted]
    latest = max(finished, default="")
    return f"{count} ({age(latest, now)} ago)" if count and latest else str(count)


def _counted_for_restarts(pod: JSON) -> Iterator[JSON]:
    """Yield the init containers while the pod initializes, afterwards the sidecars and regular containers."""
    status, sidecars = pod.get("status", {}), _sidecars(pod)
    inits: Sequence[JSON] = status.get("initContainerStatuses") or ()
    if not _initializing(pod) or _condition_is_true(status, "Initialized"):
        yield from (c for c in inits if c["name"] in sidecars)
        yield from status.get("containerStatuses") or ()
        return
    for container in inits:  # those after the unfinished one are not counted
        yield container
        if _exit_code(container) != 0 and not (container["name"] in sidecars and container.get("started")):
            return


def _sidecars(pod: JSON) -> frozenset[str]:
    inits = pod["spec"].get("initContainers") or ()
    return frozenset(c["name"] for c in inits if c.get("restartPolicy") == "Always")


def _exit_code(container: JSON) -> int | None:
    terminated = (container.get("state") or {}).get("terminated")
    return None if terminated is None else int(terminated.get("exitCode", 0))


def _runs_ready(container: JSON) -> bool:
    return bool(container.get("ready")) and "running" in (container.get("state") or {})


def _condition_is_true(status: JSON, kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in status.get("conditions") or ())
