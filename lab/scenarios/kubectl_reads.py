"""What `kubectl get`, `describe` and `logs` answer, read from a cluster view and the timeline's entries.

Pure. Answers are kubectl's words and exit status; `None` means the lab does not do this form of the verb.
Source: staging/src/k8s.io/kubectl/pkg/cmd/{get,describe,logs}; pkg/kubelet/kubelet_pods.go, validateContainerLogStatus (v1.36).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import yaml

from lab.scenarios.kubectl_line import KubectlLine
from lab.timeline.describe import describe_pod
from lab.timeline.facts import JSON, ContainerCreated, Entry, LogChunk
from lab.timeline.folds import ClusterView
from lab.timeline.tables import events_table, pods_table

_POD_WORDS = frozenset({"pod", "pods", "po"})
_EVENT_WORDS = frozenset({"event", "events", "ev"})
_WAITING_WORDS = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command printed, and its exit status."""

    rc: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Answers from one moment of one namespace."""

    view: ClusterView
    entries: Sequence[Entry]
    namespace: str
    now: datetime

    def get(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl get pods|events`` with ``-o wide|name|yaml|json`` or none."""
        output = line.flags.get("output", "")
        if not line.names or not line.only_flags({"output", "namespace"}) or output not in ("", "wide", "name", "yaml", "json"):
            return None
        kind, *names = _split_slashes(line.names)
        if kind in _EVENT_WORDS and not names and not output:
            events = self.view.list("Event", self.namespace)
            return Answer(stdout=events_table(events, now=self.now)) if events else self._nothing()
        if kind not in _POD_WORDS:
            return None
        pods = self.view.list("Pod", self.namespace) if not names else self._named(names)
        missing = [name for name in names if self._pod(name) is None]
        stderr = "".join(f"{not_found(name)}\n" for name in missing)
        if not pods:
            return Answer(rc=1, stderr=stderr) if missing else self._nothing()
        return Answer(rc=1 if missing else 0, stdout=self._printed(pods, output, one=len(names) == 1), stderr=stderr)

    def describe(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl describe pod NAME``."""
        if not line.names or not line.only_flags({"namespace"}):
            return None
        kind, *names = _split_slashes(line.names)
        if kind not in _POD_WORDS or len(names) != 1:
            return None
        pod = self._pod(names[0])
        if pod is None:
            return Answer(rc=1, stderr=f"{not_found(names[0])}\n")
        return Answer(stdout=self.describe_text(pod))

    def describe_text(self, pod: JSON) -> str:
        """Return the text of describe for a pod of the view."""
        return describe_pod(pod, self.view.events_of(pod["metadata"]["uid"]), now=self.now)

    def logs(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl logs POD`` with ``-c``, ``--previous``, ``--timestamps``, ``--tail``."""
        known = {"container", "previous", "timestamps", "tail", "namespace"}
        tail = line.flags.get("tail", "-1")
        if len(line.names) not in (1, 2) or not line.only_flags(known) or not tail.lstrip("-").isdigit():
            return None
        name = line.names[0].removeprefix("pod/").removeprefix("pods/")
        pod = self._pod(name)
        if pod is None:
            missing = f'error: error from server (NotFound): pods "{name}" not found in namespace "{self.namespace}"\n'
            return Answer(rc=1, stderr=missing)
        container = line.flags.get("container") or (line.names[1] if len(line.names) == 2 else "")
        chosen = choose_container(pod, container)
        if isinstance(chosen, Answer):
            return chosen
        instance = _logged_instance(pod, chosen.name, previous=line.switch("previous"))
        if isinstance(instance, Answer):
            return Answer(rc=instance.rc, stderr=chosen.notice + instance.stderr)
        lines = self._lines(pod["metadata"]["uid"], chosen.name, instance)
        lines = lines[-int(tail) :] if int(tail) > 0 else [] if int(tail) == 0 else lines
        stamped = line.switch("timestamps")
        text = "".join(f"{at} {words}\n" if stamped else f"{words}\n" for at, _, words in lines)
        return Answer(stdout=text, stderr=chosen.notice)

    def _pod(self, name: str) -> JSON | None:
        return self.view.get("Pod", self.namespace, name)

    def _named(self, names: Sequence[str]) -> tuple[JSON, ...]:
        return tuple(pod for name in names if (pod := self._pod(name)) is not None)

    def _nothing(self) -> Answer:
        return Answer(stderr=f"No resources found in {self.namespace} namespace.\n")

    def _printed(self, pods: Sequence[JSON], output: str, *, one: bool) -> str:
        match output:
            case "name":
                return "".join(f"pod/{pod['metadata']['name']}\n" for pod in pods)
            case "yaml" | "json":
                value = pods[0] if one else {"apiVersion": "v1", "items": list(pods), "kind": "List", "metadata": {}}
                return object_yaml(value) if output == "yaml" else json.dumps(value, indent=4) + "\n"
            case _:
                return pods_table(pods, now=self.now, wide=output == "wide")

    def _lines(self, uid: str, container: str, container_id: str) -> list[tuple[str, str, str]]:
        """Return the log lines of one instance, known by its id."""
        own = [e for e in self.entries if e.pod_uid == uid and e.container == container]
        attempts = {e.fact.attempt for e in own if isinstance(e.fact, ContainerCreated) and e.fact.container_id == container_id}
        chunks = [e.fact for e in own if isinstance(e.fact, LogChunk) and e.fact.attempt in attempts]
        return [line for chunk in chunks for line in chunk.lines]


def object_yaml(value: JSON) -> str:
    """Return an object as ``kubectl get -o yaml`` orders it."""
    return yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=2**20)


def not_found(name: str) -> str:
    """Return the server's words for a pod that is not there."""
    return f'Error from server (NotFound): pods "{name}" not found'


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenContainer:
    """The container a command means, and what kubectl says on stderr about having chosen it."""

    name: str
    notice: str = ""


def choose_container(pod: JSON, name: str) -> ChosenContainer | Answer:
    """Return the named container, the first when ``name`` is empty, or kubectl's refusal."""
    mains = [c["name"] for c in pod["spec"]["containers"]]
    inits = [c["name"] for c in pod["spec"].get("initContainers") or ()]
    listed = ", ".join(mains + [f"{init} (init)" for init in inits])
    if name and name not in mains + inits:
        return Answer(rc=1, stderr=f"error: container {name} is not valid for pod {pod['metadata']['name']} out of: {listed}\n")
    if not name and len(mains + inits) > 1:
        return ChosenContainer(name=mains[0], notice=f'Defaulted container "{mains[0]}" out of: {listed}\n')
    return ChosenContainer(name=name or mains[0])


def _logged_instance(pod: JSON, container: str, *, previous: bool) -> str | Answer:
    """Return the id of the instance whose log is asked for, or the kubelet's refusal."""
    where = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    found = next((s for s in statuses if s["name"] == container), None)
    if found is None:
        return _refused(f"{where} is not available")
    state, last = found.get("state") or {}, (found.get("lastState") or {}).get("terminated") or {}
    if previous:
        return _instance(last.get("containerID")) or _refused(f"previous terminated {where} not found")
    if "running" in state:
        return _instance(found.get("containerID")) or _refused(f"{where} is not available")
    if "terminated" in state or last:
        ended = (state.get("terminated") or {}).get("containerID") or last.get("containerID")
        return _instance(ended) or _refused(f"{where} is terminated")
    reason = (state.get("waiting") or {}).get("reason", "")
    return _refused(f"{where} is waiting to start: {_WAITING_WORDS.get(reason, reason)}")


def _instance(container_id: str | None) -> str:
    """Return the id without its runtime scheme; "" when there is none."""
    return (container_id or "").rpartition("://")[2]


def _refused(message: str) -> Answer:
    return Answer(rc=1, stderr=f"Error from server (BadRequest): {message}\n")


def _split_slashes(names: Sequence[str]) -> list[str]:
    """Turn ``pod/a pod/b`` into ``pod a b``."""
    if "/" not in names[0]:
        return list(names)
    return [names[0].partition("/")[0], *(name.partition("/")[2] or name for name in names)]
