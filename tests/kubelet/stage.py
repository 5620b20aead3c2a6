"""A cluster on the scripted runtime in virtual time, and one pod's story as a test wants to read it.

Times are seconds since T0 (the Killing event) or since the pod was created, rounded to milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from lab.clock import VirtualClock
from lab.cluster.cluster import Cluster, ClusterOptions
from lab.runtime.node_files import NodeFiles
from lab.runtime.scripted import ContainerScript, ExecScript, ScriptedRuntime
from lab.timeline.facts import (
    CommandAnswered,
    ContainerExited,
    ContainerStarted,
    Entry,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ObjectWritten,
    SignalSent,
)
from lab.timeline.tables import pod_ready, pod_status_column
from lab.timeline.timeline import MemoryJournal, Timeline

NAMESPACE = "default"
FILENAME = "pod.yaml"
QUIET_SECONDS = 3.0  # after which a pod that was applied has settled

F = TypeVar("F")


def deaf(**execs: ExecScript) -> ContainerScript:
    """Return a container whose PID 1 ignores every signal but SIGKILL; ``execs`` are its hooks."""
    return ContainerScript(execs=execs)


def polite(seconds: float = 0.0, exit_code: int = 0, signal: str = "SIGTERM", **execs: ExecScript) -> ContainerScript:
    """Return a container whose PID 1 ends ``seconds`` after its stop signal."""
    return ContainerScript(on_signal={signal: (seconds, exit_code)}, execs=execs)


def brief(*exits: tuple[float, int] | None, **execs: ExecScript) -> ContainerScript:
    """Return a container that ends by itself: (seconds, exit code) per attempt, the last repeating."""
    return ContainerScript(exits=exits, execs=execs)


def takes(seconds: float, exit_code: int = 0, **more: Any) -> ExecScript:
    """Return a command that exits after ``seconds``."""
    return ExecScript(seconds=seconds, exit_code=exit_code, **more)


def container(name: str = "app", *, pre_stop: Any = None, post_start: Any = None, **more: Any) -> dict[str, Any]:
    """Return a container's spec; a hook given as a word runs the script of that word."""
    hooks = {"preStop": pre_stop, "postStart": post_start}
    lifecycle = {kind: {"exec": {"command": [h]}} if isinstance(h, str) else h for kind, h in hooks.items() if h is not None}
    return {"name": name, "image": "busybox", **({"lifecycle": lifecycle} if lifecycle else {}), **more}


def pod(*containers: dict[str, Any], name: str = "p", metadata: dict[str, Any] | None = None, **spec: Any) -> str:
    """Return a pod's manifest; ``grace`` stands for terminationGracePeriodSeconds."""
    if "grace" in spec:
        spec["terminationGracePeriodSeconds"] = spec.pop("grace")
    value = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {**spec, "containers": list(containers) or [container()]},
    }
    return json.dumps(value)


class Stage:
    """A cluster whose containers play ``scripts``, by container name."""

    def __init__(self, root: Path, scripts: dict[str, ContainerScript], options: ClusterOptions, pod_ip: str | None) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline("c", self.clock, MemoryJournal())
        self.runtime = ScriptedRuntime(self.clock, scripts, pod_ip=pod_ip)
        self.files = NodeFiles(root, plain=True)
        self.lost: list[str] = []
        self.failures: list[str] = []
        self.cluster = Cluster(
            self.timeline,
            self.clock,
            self.runtime,
            self.files,
            options=options,
            engine_lost=self.lost.append,
            failed=lambda run_id, message: self.failures.append(message),
        )

    def kubectl(self, verb: str, text: str, **more: Any) -> CommandAnswered:
        """Submit a manifest."""
        submit = self.cluster.kubectl.apply if verb == "apply" else self.cluster.kubectl.create
        return submit(text, filename=FILENAME, namespace=NAMESPACE, **more)

    def apply(self, manifest: str) -> Story:
        """Apply a manifest of one pod and return its story so far."""
        answer = self.kubectl("apply", manifest)
        assert answer.rc == 0, answer.stderr
        value = self.cluster.registry.pod(NAMESPACE, json.loads(manifest)["metadata"]["name"])
        return Story(self, value["metadata"]["name"], value["metadata"]["uid"])

    def run(self, manifest: str, seconds: float = QUIET_SECONDS) -> Story:
        """Apply a manifest of one pod and let it live for ``seconds``."""
        story = self.apply(manifest)
        self.clock.sleep(seconds)
        return story

    def wait_until_cleared(self) -> None:
        """Wait until nothing is left on the node."""
        assert self.cluster.node.wait_until_cleared(4000)

    def close(self) -> None:
        """End it; what killed a thread is raised here, and nothing may be left behind."""
        self.cluster.close()
        self.clock.close()


class Story:
    """What happened to one pod."""

    def __init__(self, stage: Stage, name: str, uid: str) -> None:
        self.stage = stage
        self.name = name
        self.uid = uid

    def delete(self, *args: str) -> CommandAnswered:
        """`kubectl delete pod`; blocks as it does."""
        return self.stage.cluster.kubectl.delete(self.name, namespace=NAMESPACE, args=args)

    def delete_to_the_end(self, *args: str) -> Story:
        """Delete it and wait until nothing is left of it on the node."""
        self.delete(*args)
        self.stage.wait_until_cleared()
        return self

    def object(self) -> dict[str, Any]:
        """Return the object as the API has it, or had it last."""
        return self._writes("Pod")[-1][1].object

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.object()["status"]
        return status

    def container_status(self, name: str = "app") -> dict[str, Any]:
        """Return a container's status as last published."""
        everything = [*self.status.get("initContainerStatuses", ()), *self.status["containerStatuses"]]
        found: dict[str, Any] = next(c for c in everything if c["name"] == name)
        return found

    def waiting(self, name: str = "app") -> list[dict[str, str]]:
        """Return the waiting states of a container that were published, neighbours merged."""
        containers = [c for _, write in self._writes("Pod") for c in write.object["status"].get("containerStatuses", ())]
        return [w for w, _ in groupby(c["state"].get("waiting") for c in containers if c["name"] == name) if w]

    @property
    def is_in_api(self) -> bool:
        return self._writes("Pod")[-1][1].verb != "remove"

    def entries(self) -> list[Entry]:
        """Return everything that concerns the pod."""
        return [e for e in self.stage.timeline.read(0) if e.pod_uid == self.uid]

    def facts(self, kind: type[F], container: str | None = None) -> list[F]:
        """Return its facts of a kind, in order."""
        return [e.fact for e in self.entries() if isinstance(e.fact, kind) and container in (None, e.container)]

    def events(self) -> list[str]:
        """Return "Reason: message" of every event occurrence, in order; a container's events carry its name."""
        return [text for _, text in self.timed_events()]

    def timed_events(self) -> list[tuple[float, str]]:
        """Return the event occurrences with the seconds since the pod was created."""
        out = []
        for e, write in self._writes("Event"):
            path = write.object["involvedObject"].get("fieldPath", "")
            whose = path.partition("{")[2].rstrip("}")
            text = f"{write.object['reason']}: {write.object['message']}"
            out.append((self._since_creation(e), f"{whose} {text}".strip()))
        return out

    def event_reasons(self) -> list[str]:
        """Return the reason of every event occurrence."""
        return [write.object["reason"] for _, write in self._writes("Event")]

    def event_times(self, reason: str) -> list[float]:
        """Return when an event occurred, in seconds since the pod was created."""
        return [self._since_creation(e) for e, write in self._writes("Event") if write.object["reason"] == reason]

    def warnings(self) -> list[str]:
        """Return "Reason: message" of the warnings among the events."""
        written = [write.object for _, write in self._writes("Event") if write.object["type"] == "Warning"]
        return [f"{o['reason']}: {o['message']}" for o in written]

    def steps(self, container: str = "app", *, since: str = "kill") -> list[tuple[float, str]]:
        """Return what a container's hooks, signals and process did, with seconds since T0 (or since its ``creation``)."""
        timed = [(e.elapsed_seconds, word) for e in self.entries() for word in _words(e, container)]
        first = 0 if since == "creation" else max(i for i, (_, word) in enumerate(timed) if word == "Killing")
        origin = self._origin if since == "creation" else timed[first][0]
        return [(round(at - origin, 3), word) for at, word in timed[first:] if word != "Killing"]

    def columns(self) -> list[str]:
        """Return the STATUS cells that a watcher saw, neighbours merged."""
        return [status for status, _ in groupby(text for _, text in self.timed_columns())]

    def timed_columns(self) -> list[tuple[float, str]]:
        """Return the STATUS cell after each write, with seconds since the pod was created."""
        return [(self._since_creation(e), pod_status_column(write.object)) for e, write in self._writes("Pod")]

    def ready_columns(self) -> list[str]:
        """Return the READY cells that a watcher saw, neighbours merged."""
        return [cell for _, cell in self.timed_ready_columns()]

    def timed_ready_columns(self) -> list[tuple[float, str]]:
        """Return when each READY cell was first seen, in seconds since the pod was created."""
        cells = [(self._since_creation(e), pod_ready(write.object)) for e, write in self._writes("Pod")]
        return [next(rows) for _, rows in groupby(cells, key=lambda row: row[1])]

    def phases(self) -> list[str]:
        """Return the phases that were published, neighbours merged."""
        return [phase for phase, _ in groupby(write.object["status"]["phase"] for _, write in self._writes("Pod"))]

    def starts(self, container: str = "app") -> list[float]:
        """Return when a container was started, in seconds since the pod was created."""
        return [at for at, word in self.steps(container, since="creation") if word == "starts"]

    def gone_at(self) -> float:
        """Return when the object left the API, in seconds since the pod was created."""
        return next(self._since_creation(e) for e, write in self._writes("Pod") if write.verb == "remove")

    @property
    def _origin(self) -> float:
        return self._writes("Pod")[0][0].elapsed_seconds

    def _since_creation(self, entry: Entry) -> float:
        return round(entry.elapsed_seconds - self._origin, 3)

    def _writes(self, kind: str) -> list[tuple[Entry, ObjectWritten]]:
        return [(e, e.fact) for e in self.entries() if isinstance(e.fact, ObjectWritten) and e.fact.kind == kind]


def _words(entry: Entry, container: str) -> Iterator[str]:
    fact = entry.fact
    if isinstance(fact, ObjectWritten) and fact.kind == "Event" and fact.object["reason"] == "Killing":
        if fact.object["involvedObject"]["fieldPath"].endswith(f"{{{container}}}"):
            yield "Killing"
        return
    if entry.container != container:
        return
    match fact:
        case ContainerStarted():
            yield "starts"
        case ContainerExited():
            yield f"exits {fact.exit_code}"
        case HookStarted():
            yield f"{fact.hook} starts"
        case HookFinished():
            yield f"{fact.hook} ends"
        case HookFailed():
            yield f"{fact.hook} fails"
        case HookTimedOut():
            yield f"{fact.hook} is abandoned"
        case HookSkipped():
            yield f"{fact.hook} is skipped: {fact.why}"
        case SignalSent():
            yield fact.signal
