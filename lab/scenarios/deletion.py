"""`kubectl delete` for more than one pod: by names, by the documents of a file, by label, or all of a namespace; and for the
objects beside pods.

All deletions are requested first, in order; then it waits for all, as kubectl does. `lab.cluster.kubectl` deletes one pod.
Source: staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go, DeleteResult (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.cluster.cluster import Cluster
from lab.cluster.kubectl import FORCE_WARNING
from lab.cluster.kubectl_options import DeleteOptions, delete_options, dry_run_suffix
from lab.errors import ApiError
from lab.pods.kinds import KEPT_KINDS, KeptKind
from lab.pods.review import review
from lab.scenarios.answers import Answer, targets_of
from lab.scenarios.kubectl_line import KubectlLine, labels_match, selects
from lab.timeline.facts import JSON

DELETE_FLAGS = frozenset({"grace-period", "force", "now", "wait", "ignore-not-found", "timeout", "cascade", "dry-run"})
_TARGET_FLAGS = frozenset({"filename", "selector", "all", "namespace", "output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """One object to delete; ``file`` is set when a file named it."""

    kept: KeptKind
    name: str
    file: str | None = None


class Deletion:
    """One `kubectl delete` on a cluster."""

    def __init__(self, cluster: Cluster, *, namespace: str, run_id: str) -> None:
        """Prepare to delete in ``namespace``."""
        self._cluster = cluster
        self._namespace = namespace
        self._run_id = run_id

    def run(self, line: KubectlLine, manifests: Mapping[str, str]) -> Answer | None:
        """Delete what ``line`` names and wait as kubectl does; None for a form the lab does not do."""
        if not line.only_flags(DELETE_FLAGS | _TARGET_FLAGS) or line.flags.get("output", "name") != "name":
            return None
        targets = self._targets(line, manifests)
        if targets is None or isinstance(targets, Answer):
            return targets
        options = delete_options(tuple(f"--{name}={value}" for name, value in line.flags.items() if name in DELETE_FLAGS))
        if isinstance(options, str):
            return Answer(rc=1, stderr=f"error: {options}\n")
        if not targets and not line.files:
            return Answer(stdout="No resources found\n")
        return self.delete(targets, options, only_names="output" in line.flags)

    def of_files(self, files: Sequence[str], manifests: Mapping[str, str]) -> list[_Target] | None:
        """Return the objects that files name, in order; None when one is not there or holds what the lab does not keep."""
        targets = []
        for file in files:
            if file not in manifests:
                return None
            for document in review(manifests[file], filename=file, namespace=self._namespace).documents:
                kept = KEPT_KINDS.get(document.kind)
                if kept is None:
                    return None
                if document.name:
                    targets.append(_Target(kept=kept, name=document.name, file=file))
        return targets

    def delete(self, targets: Sequence[_Target], options: DeleteOptions, *, only_names: bool = False) -> Answer:
        """Request every deletion in order, then wait for the pods among them."""
        stdout, stderr, deleted = "", FORCE_WARNING if options.force else "", list[JSON]()
        failed = False
        for target in targets:
            name, kept = target.name, target.kept
            try:
                if options.dry_run == "none":
                    deleted += self._request(target, options)
                elif self._cluster.registry.get(kept.kind, self._namespace, name) is None:
                    raise ApiError(404, "NotFound", f'{kept.qualified_resource} "{name}" not found')
            except ApiError as error:
                if error.code == 404 and options.ignore_not_found:
                    continue
                failed = True
                where = f'error when deleting "{target.file}": ' if target.file else ""
                stderr += f"Error from server ({error.reason}): {where}{error.message}\n"
                continue
            forced = "force deleted" if options.force else "deleted"
            where = f" from {self._namespace} namespace" if kept.namespaced else ""
            done = f'{kept.printed} "{name}" {forced}{where}{dry_run_suffix(options.dry_run)}\n'
            stdout += f"{kept.printed}/{name}\n" if only_names else done
        late = self._not_gone(deleted, options) if options.wait else ()
        stderr += "".join(f"error: timed out waiting for the condition on pods/{name}\n" for name in late[:1])
        return Answer(rc=1 if failed or late else 0, stdout=stdout, stderr=stderr)

    def _request(self, target: _Target, options: DeleteOptions) -> list[JSON]:
        """Request one deletion; return the pod that is now to be waited for, if it is one."""
        registry = self._cluster.registry
        if target.kept.kind != "Pod":
            registry.delete_beside(target.kept.kind, self._namespace, target.name, run_id=self._run_id)
            return []
        grace = options.grace_period_seconds
        return [registry.delete(self._namespace, target.name, grace_period_seconds=grace, run_id=self._run_id)]

    def _not_gone(self, deleted: Sequence[JSON], options: DeleteOptions) -> tuple[str, ...]:
        """Wait for the pods; return the names of those that are still there when the time is up."""
        uids = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in deleted}

        def left() -> tuple[str, ...]:
            present = {pod["metadata"]["uid"] for pod in self._cluster.registry.view().list("Pod", self._namespace)}
            return tuple(name for uid, name in uids.items() if uid in present)

        with self._cluster.timeline.changed:
            self._cluster.timeline.changed.wait_for(lambda: not left(), options.timeout_seconds)
            return left()

    def _targets(self, line: KubectlLine, manifests: Mapping[str, str]) -> list[_Target] | Answer | None:
        if line.files:
            return self.of_files(line.files, manifests) if not line.names else None
        named = targets_of(line.names)
        if named is None:
            return None
        targets: list[_Target] = []
        for target in named:
            if target.names:
                targets += [_Target(kept=target.kept, name=name) for name in target.names]
                continue
            terms = labels_match(line.flags["selector"]) if "selector" in line.flags else {}
            if terms is None:
                return None
            if "selector" not in line.flags and not line.switch("all"):
                return Answer(rc=1, stderr="error: resource(s) were provided, but no name was specified\n")
            objects = self._cluster.registry.view().list(target.kept.kind, self._namespace if target.kept.namespaced else "")
            chosen = [o["metadata"]["name"] for o in objects if selects(terms, o["metadata"].get("labels") or {})]
            targets += [_Target(kept=target.kept, name=name) for name in sorted(chosen)]
        return targets
