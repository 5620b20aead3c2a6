"""What `kubectl logs` answers, read from a cluster view and the timeline's entries.

Pure. Source: staging/src/k8s.io/kubectl/pkg/cmd/logs; pkg/kubelet/kubelet_pods.go, validateContainerLogStatus (v1.36).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lab.cluster.kubectl_options import duration_seconds
from lab.scenarios.answers import Answer
from lab.scenarios.kubectl_line import KubectlLine, labels_match, selects
from lab.timeline.durations import parse_timestamp
from lab.timeline.facts import JSON, ContainerCreated, Entry, LogChunk
from lab.timeline.folds import ClusterView

FLAGS = frozenset(
    {
        *("container", "previous", "timestamps", "tail", "namespace", "all-containers", "prefix", "selector", "since"),
        *("follow", "limit-bytes", "ignore-errors", "max-log-requests", "pod-running-timeout", "request-timeout"),
    }
)
_WAITING_WORDS = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_TAIL_OF_SELECTED = 10  # logs.go: with a selector each container shows as much


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenContainer:
    """The container a command means, and what kubectl says on stderr about having chosen it."""

    name: str
    notice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReader:
    """Answers from one moment of one namespace."""

    view: ClusterView
    entries: Sequence[Entry]
    namespace: str
    now: datetime

    def logs(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl logs``; ``--follow`` is answered as what there is."""
        tail = line.flags.get("tail", "-1")
        limit = line.flags.get("limit-bytes", "0")
        if not line.only_flags(FLAGS) or not tail.removeprefix("-").isdigit() or not limit.isdigit():
            return None
        since = duration_seconds(line.flags.get("since", "0s"))
        if isinstance(since, str):
            return Answer(rc=1, stderr=f'error: invalid argument "{line.flags["since"]}" for "--since" flag: {since}\n')
        pods = self._pods(line)
        if pods is None or isinstance(pods, Answer):
            return pods
        stdout = stderr = ""
        for pod in pods:
            for chosen in self._chosen(pod, line):
                if isinstance(chosen, Answer):
                    return Answer(rc=1, stdout=stdout, stderr=stderr + chosen.stderr)
                stderr += chosen.notice
                instance = _logged_instance(pod, chosen.name, previous=line.switch("previous"))
                if isinstance(instance, Answer):
                    if line.switch("ignore-errors"):
                        stdout += instance.stderr.removeprefix("Error from server (BadRequest): ")
                        continue
                    return Answer(rc=1, stdout=stdout, stderr=stderr + instance.stderr)
                stdout += self._text(pod, chosen.name, instance, line, since)
        return Answer(stdout=stdout[: int(limit)] if int(limit) else stdout, stderr=stderr)

    def _pods(self, line: KubectlLine) -> list[JSON] | Answer | None:
        if "selector" in line.flags:
            terms = labels_match(line.flags["selector"])
            if line.names or terms is None:
                return None
            pods = [p for p in self.view.list("Pod", self.namespace) if selects(terms, p["metadata"].get("labels") or {})]
            if not pods:
                return Answer(stderr=f"No resources found in {self.namespace} namespace.\n")
            return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))
        if len(line.names) not in (1, 2):
            return None
        kind, slash, name = line.names[0].partition("/")
        if slash and kind not in ("pod", "pods", "po"):
            return None
        name = name if slash else kind
        found = self.view.get("Pod", self.namespace, name)
        if found is None:
            missing = f'error: error from server (NotFound): pods "{name}" not found in namespace "{self.namespace}"\n'
            return Answer(rc=1, stderr=missing)
        return [found]

    def _chosen(self, pod: JSON, line: KubectlLine) -> list[ChosenContainer | Answer]:
        if line.switch("all-containers"):
            spec = pod["spec"]
            return [ChosenContainer(name=c["name"]) for c in (*(spec.get("initContainers") or ()), *spec["containers"])]
        named = line.flags.get("container") or (line.names[1] if len(line.names) == 2 else "")
        return [choose_container(pod, named)]

    def _text(self, pod: JSON, container: str, instance: str, line: KubectlLine, since: float) -> str:
        tail = int(line.flags.get("tail", str(_TAIL_OF_SELECTED) if "selector" in line.flags else "-1"))
        lines = self._lines(pod["metadata"]["uid"], container, instance)
        if since > 0:
            earliest = self.now - timedelta(seconds=since)
            lines = [entry for entry in lines if parse_timestamp(entry[0]) >= earliest]
        lines = lines[-tail:] if tail > 0 else [] if tail == 0 else lines
        stamped = line.switch("timestamps")
        prefix = f"[pod/{pod['metadata']['name']}/{container}] " if line.switch("prefix") else ""
        return "".join(f"{prefix}{f'{at} ' if stamped else ''}{words}\n" for at, _, words in lines)

    def _lines(self, uid: str, container: str, container_id: str) -> list[tuple[str, str, str]]:
        """Return the log lines of one instance, known by its id."""
        own = [e for e in self.entries if e.pod_uid == uid and e.container == container]
        attempts = {e.fact.attempt for e in own if isinstance(e.fact, ContainerCreated) and e.fact.container_id == container_id}
        chunks = [e.fact for e in own if isinstance(e.fact, LogChunk) and e.fact.attempt in attempts]
        return [entry for chunk in chunks for entry in chunk.lines]


def choose_container(pod: JSON, name: str) -> ChosenContainer | Answer:
    """Return the named container, the pod's default or first when ``name`` is empty, or kubectl's refusal."""
    mains = [c["name"] for c in pod["spec"]["containers"]]
    inits = [c["name"] for c in pod["spec"].get("initContainers") or ()]
    listed = ", ".join(mains + [f"{init} (init)" for init in inits])
    if name and name not in mains + inits:
        return Answer(rc=1, stderr=f"error: container {name} is not valid for pod {pod['metadata']['name']} out of: {listed}\n")
    default = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if not name and default in mains + inits:
        return ChosenContainer(name=str(default))
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
