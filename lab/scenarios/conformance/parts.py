"""The parts of a trace in which it is compared: for each, rows by key, as two nodes that behave alike would give them.

Pure. A trace that is not of the agreed form raises what its access raises; `lab.scenarios.conformance.comparison` says it as a
difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from lab.scenarios.conformance.normal_text import normal_name, normal_text, without_clock_readings
from lab.timeline.facts import JSON

IMAGE_REASONS = frozenset({"Pulling", "Pulled"})  # whether an image was pulled depends on what the node has
FLEETING_STATUSES = frozenset({"Pending", "ContainerStatusUnknown"})  # a watcher may or may not catch them
EXPLAINED_WAITING = ("PostStartHookError", "CrashLoopBackOff")
COMPARED_COMMANDS = ("apply", "create", "delete")
DIFF_OF_A_REFUSAL = "\n@@ "
ABSENT = "absent"

Row = str | int
Rows = dict[str, list[Row]]


def is_of_generated_pods(trace: JSON) -> bool:
    """Return whether a controller named the pods: several then share one normal name, and nothing says whose turn was first."""
    names = (event["object"] for event in trace.get("events", ()) if _is_of_pod(event))
    return any(normal_name(name) != name for name in names)


def _events(trace: JSON) -> Rows:
    """Per pod and field path: the distinct events, in the order of their first appearance."""
    namespace, rows = trace.get("namespace", ""), _Ordered()
    for event in trace.get("events", ()):
        if not _is_of_pod(event):
            continue
        reason, message = event["reason"], normal_text(event["message"], namespace)
        if reason == "Scheduled":
            message = re.sub(r" to \S+$", " to NODE", message)
        if reason in IMAGE_REASONS:
            reason, message = "Image", "available"
        key = f"{normal_name(event['object'])} {event.get('fieldPath') or ''}".strip()
        rows.add_new(key, f"{event['type']} {reason}: {message}")
    return rows.by_key


def _statuses(trace: JSON) -> Rows:
    """Per pod: the STATUS column as it changed."""
    rows = _Ordered()
    for row in trace.get("getTable", ()):
        if not row.get("deleted"):
            rows.add_changed(normal_name(row["name"]), *(() if row["status"] in FLEETING_STATUSES else (row["status"],)))
    return rows.by_key


def _states(trace: JSON) -> Rows:
    """Per container: the published states as they changed, with reason, exit code, readiness and restarts."""
    rows = _Ordered()
    for snapshot in trace.get("podStates", ()):
        for kind in ("initContainers", "containers"):
            for container in snapshot.get(kind, ()):
                for state, detail in (container.get("state") or {}).items():
                    words = (
                        state,
                        detail.get("reason"),
                        detail.get("exitCode"),
                        "ready" if container["ready"] else "unready",
                        f"restarts={container['restartCount']}",
                    )
                    key = f"{normal_name(snapshot['pod'])}/{container['name']}"
                    rows.add_changed(key, " ".join(str(word) for word in words if word is not None))
    return rows.by_key


def _exits(trace: JSON) -> Rows:
    """Per container: its exit codes in the order of their times."""
    rows = _Ordered()
    for ended in sorted(trace.get("containerExit", ()), key=lambda e: e.get("exitedAt") or e.get("t") or 0):
        rows.add(f"{normal_name(ended['pod'])}/{ended['container']}", ended["exitStatus"])
    return rows.by_key


def _last_phases(trace: JSON) -> Rows:
    """Per pod: the phase of its last status, with the reason."""
    phases: Rows = {}
    for snapshot in trace.get("podStates", ()):
        phases[normal_name(snapshot["pod"])] = [f"{snapshot.get('phase')} {snapshot.get('reason') or ''}".strip()]
    return phases


def _waiting_messages(trace: JSON) -> Rows:
    """Per container: the distinct messages with which a failed hook or a back-off explains itself."""
    namespace, rows = trace.get("namespace", ""), _Ordered()
    for snapshot in trace.get("podStates", ()):
        for container in snapshot.get("containers", ()):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in EXPLAINED_WAITING and waiting.get("message"):
                key = f"{normal_name(snapshot['pod'])}/{container['name']}"
                rows.add_new(key, normal_text(waiting["message"], namespace))
    return rows.by_key


def _files(trace: JSON) -> Rows:
    """Per file that was read: its text without clock readings, or that it was absent."""
    return {name: [_file(content)] for name, content in (trace.get("files") or {}).items()}


def _file(content: object) -> str:
    if isinstance(content, str):
        return without_clock_readings(content)
    return ABSENT if isinstance(content, dict) else json.dumps(content)


def _logs(trace: JSON) -> Rows:
    """Per container: the lines of all its attempts in order, numbers folded and repeats collapsed, without nginx's notices."""
    namespace, rows = trace.get("namespace", ""), _Ordered()
    for key, attempts in (trace.get("logs") or {}).items():
        pod, _, container = key.partition("/")
        name = f"{normal_name(pod)}/{container}"
        for attempt in sorted(attempts, key=lambda text: int(re.sub(r"\D", "", text) or 0)):
            for line in attempts[attempt]:
                text = re.sub(r"\d+", "N", normal_text(line["line"], namespace))
                if "[notice]" not in text:
                    rows.add_changed(name, text)
    return rows.by_key


def _answers(trace: JSON) -> Rows:
    """Per call of apply, create and delete, in order: exit status and output, without the diff that follows a refused update."""
    rows: Rows = {}
    for number, call in enumerate(_compared_calls(trace.get("cli", ())), start=1):
        namespace = trace.get("namespace", "")
        text = normal_text(f"rc={call['rc']} {call['stdout']}{call['stderr']}", namespace).split(DIFF_OF_A_REFUSAL)[0].strip()
        text = re.sub(rf"from {re.escape(trace.get('namespace') or '-')} namespace", "from NS namespace", text)
        rows[f"{number} {' '.join(call['argv'][1:3])}"] = [text]
    return rows


def _compared_calls(calls: Iterable[JSON]) -> Iterator[JSON]:
    return (call for call in calls if (call.get("argv") or ("", ""))[1] in COMPARED_COMMANDS)


def _is_of_pod(event: JSON) -> bool:
    return bool(event["object"].startswith("Pod/"))


class _Ordered:
    """Rows by key while they are gathered."""

    def __init__(self) -> None:
        self.by_key: Rows = {}

    def add(self, key: str, row: Row) -> None:
        self.by_key.setdefault(key, []).append(row)

    def add_new(self, key: str, row: Row) -> None:
        """Add a row unless the key has it already."""
        rows = self.by_key.setdefault(key, [])
        if row not in rows:
            rows.append(row)

    def add_changed(self, key: str, *rows: Row) -> None:
        """Add each row that is not the one before it; the key is there even with none."""
        known = self.by_key.setdefault(key, [])
        for row in rows:
            if not known or known[-1] != row:
                known.append(row)


PARTS: Mapping[str, Callable[[JSON], Rows]] = {
    "events": _events,
    "status": _statuses,
    "states": _states,
    "exits": _exits,
    "phase": _last_phases,
    "messages": _waiting_messages,
    "files": _files,
    "logs": _logs,
    "cli": _answers,
}
