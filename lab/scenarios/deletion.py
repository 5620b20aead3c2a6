"""`kubectl delete` for more than one pod: by names, by the documents of a file, by label, or all of a namespace.

All deletions are requested first, in order; then it waits for all, as kubectl does. `lab.cluster.kubectl` deletes one pod.
Source: staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go, DeleteResult (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.cluster.cluster import Cluster
from lab.cluster.kubectl import FORCE_WARNING
from lab.cluster.kubectl_options import DeleteOptions, delete_options
from lab.errors import ApiError
from lab.pods.review import review
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.kubectl_reads import Answer
from lab.timeline.facts import JSON

DELETE_FLAGS = frozenset({"grace-period", "force", "now", "wait", "ignore-not-found", "timeout"})
_TARGET_FLAGS = frozenset({"filename", "selector", "all", "namespace", "output"})
_POD_WORDS = frozenset({"pod", "pods", "po"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Targets:
    """The pods a command line means, in its order; ``file`` is set when a file named them, ``listed`` when a list did."""

    names: tuple[str, ...]
    file: str | None = None
    listed: bool = False


class Deletion:
    """One `kubectl delete` on a cluster."""

    def __init__(self, cluster: Cluster, *, namespace: str, run_id: str) -> None:
        """Prepare to delete in ``namespace``."""
        self._cluster = cluster
        self._namespace = namespace
        self._run_id = run_id

    def run(self, line: KubectlLine, manifests: Mapping[str, str]) -> Answer | None:
        """Delete what ``line`` names and wait as kubectl does; None for a form the lab does not do."""
        targets = self._targets(line, manifests)
        if targets is None or not line.only_flags(DELETE_FLAGS | _TARGET_FLAGS) or line.flags.get("output", "name") != "name":
            return None
        options = delete_options(tuple(f"--{name}={value}" for name, value in line.flags.items() if name in DELETE_FLAGS))
        if isinstance(options, str):
            return Answer(rc=1, stderr=f"error: {options}\n")
        if targets.listed and not targets.names:
            return Answer(stdout="No resources found\n")
        return self._delete(targets, options, only_names="output" in line.flags)

    def _delete(self, targets: _Targets, options: DeleteOptions, *, only_names: bool) -> Answer:
        stdout, stderr, deleted = "", FORCE_WARNING if options.force else "", list[JSON]()
        failed = False
        for name in targets.names:
            try:
                deleted.append(
                    self._cluster.registry.delete(
                        self._namespace, name, grace_period_seconds=options.grace_period_seconds, run_id=self._run_id
                    )
                )
            except ApiError as error:
                if error.code == 404 and options.ignore_not_found:
                    continue
                failed = True
                where = f'error when deleting "{targets.file}": ' if targets.file else ""
                stderr += f"Error from server ({error.reason}): {where}{error.message}\n"
                continue
            forced = "force deleted" if options.force else "deleted"
            stdout += f"pod/{name}\n" if only_names else f'pod "{name}" {forced} from {self._namespace} namespace\n'
        late = self._not_gone(deleted, options) if options.wait else ()
        stderr += "".join(f"error: timed out waiting for the condition on pods/{name}\n" for name in late[:1])
        return Answer(rc=1 if failed or late else 0, stdout=stdout, stderr=stderr)

    def _not_gone(self, deleted: Sequence[JSON], options: DeleteOptions) -> tuple[str, ...]:
        """Wait for the pods; return the names of those that are still there when the time is up."""
        uids = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in deleted}

        def left() -> tuple[str, ...]:
            present = {pod["metadata"]["uid"] for pod in self._cluster.registry.view().list("Pod", self._namespace)}
            return tuple(name for uid, name in uids.items() if uid in present)

        with self._cluster.timeline.changed:
            self._cluster.timeline.changed.wait_for(lambda: not left(), options.timeout_seconds)
            return left()

    def _targets(self, line: KubectlLine, manifests: Mapping[str, str]) -> _Targets | None:
        file = line.flags.get("filename")
        if file is not None:
            return self._documents(file, manifests) if not line.names else None
        if not line.names:
            return None
        if "/" in line.names[0]:
            kinds = {name.partition("/")[0] for name in line.names}
            return _Targets(names=tuple(name.partition("/")[2] for name in line.names)) if kinds <= _POD_WORDS else None
        kind, *names = line.names
        if kind not in _POD_WORDS:
            return None
        if names:
            return _Targets(names=tuple(names))
        if "selector" in line.flags:
            wanted = _labels(line.flags["selector"])
            return None if wanted is None else self._listed(wanted)
        return self._listed({}) if line.switch("all") else None

    def _listed(self, labels: Mapping[str, str]) -> _Targets:
        pods = self._cluster.registry.view().list("Pod", self._namespace)
        chosen = [p["metadata"]["name"] for p in pods if labels.items() <= (p["metadata"].get("labels") or {}).items()]
        return _Targets(names=tuple(sorted(chosen)), listed=True)

    def _documents(self, file: str, manifests: Mapping[str, str]) -> _Targets | None:
        if file not in manifests:
            return None
        documents = review(manifests[file], filename=file, namespace=self._namespace).documents
        names = tuple(d.name for d in documents if d.kind == "Pod" and d.name)
        return _Targets(names=names, file=file) if len(names) == len(documents) else None


def _labels(selector: str) -> dict[str, str] | None:
    """Return the labels of an equality selector such as ``app=web,tier=front``; None for any other kind."""
    pairs = [term.partition("=") for term in selector.replace("==", "=").split(",")]
    if any(not key or not equals or key.endswith("!") for key, equals, _ in pairs):
        return None
    return {key.strip(): value.strip() for key, _, value in pairs}
