"""`kubectl patch`, `label`, `annotate`, `set image` and `diff`: changes to what is stored.

Each answers in kubectl's words; `None` means that the lab does not do this form of the verb.
Source: staging/src/k8s.io/kubectl/pkg/cmd/{patch,label,annotate,set,diff} (v1.36).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from lab.cluster.changes import ChangeRefused, change_pod, change_status
from lab.cluster.kubectl_options import DryRun, dry_run_suffix
from lab.cluster.last_applied import applied_form, last_applied, with_last_applied
from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.object_yaml import object_yaml
from lab.pods.patch import PatchRefused, json_patched, merge_patched, strategic_patched
from lab.pods.refusals import refusal_text
from lab.pods.review import review
from lab.pods.update import three_way_merge
from lab.scenarios.answers import Answer, Targets, not_found, targets_of
from lab.scenarios.kubectl_get import Getter
from lab.scenarios.kubectl_line import KubectlLine
from lab.timeline.facts import JSON

_COMMON = frozenset({"namespace", "output", "dry-run", "field-manager", "selector", "all", "overwrite", "request-timeout"})
_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "strategic": strategic_patched,
    "merge": merge_patched,
    "json": json_patched,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Changes to the objects of one namespace of a cluster. ``getter`` reads it as kubectl does before it writes."""

    registry: Registry
    namespace: str
    run_id: str
    getter: Getter

    def patch(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl patch``."""
        if not line.only_flags(_COMMON | {"patch", "type", "subresource"}) or "patch" not in line.flags:
            return None
        kind = line.flags.get("type", "strategic")
        if kind not in _PATCHES:
            known = "[json merge strategic]"
            return Answer(rc=1, stderr=f'error: --type must be one of {known}, not "{kind}"\n')
        try:
            patch = yaml.safe_load(line.flags["patch"])
        except yaml.YAMLError:
            return Answer(rc=1, stderr=f'error: unable to parse "{line.flags["patch"]}": yaml: it is not valid YAML\n')
        apply = _PATCHES[kind]
        if line.flags.get("subresource") == "status":
            return self._each(line, "patched", lambda value: apply(value, patch), status=True)
        if "subresource" in line.flags:
            return None
        return self._each(line, "patched", lambda value: apply(value, patch), unchanged="patched (no change)")

    def label(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl label``."""
        return self._set_metadata(line, "labels", "label", "labeled", "unlabeled")

    def annotate(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl annotate``."""
        return self._set_metadata(line, "annotations", "annotation", "annotated", "annotated")

    def set_image(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl set image``."""
        if line.names[:1] != ("image",) or not line.only_flags(_COMMON):
            return None
        images = dict(word.split("=", 1) for word in line.names[1:] if "=" in word)
        words = tuple(word for word in line.names[1:] if "=" not in word)

        def with_images(value: JSON) -> JSON:
            spec = dict(value["spec"])
            for group in ("containers", "initContainers"):
                if group in spec:
                    chosen = [images.get(c["name"], images.get("*", c["image"])) for c in spec[group]]
                    spec[group] = [{**c, "image": image} for c, image in zip(spec[group], chosen, strict=True)]
            return {**value, "spec": spec}

        return self._each(KubectlLine(verb="set", names=words, flags=line.flags), "image updated", with_images, unchanged="")

    def diff(self, line: KubectlLine, manifests: Mapping[str, str]) -> Answer | None:
        """Answer ``kubectl diff -f``: nothing and 0 when apply would change nothing, else the difference and 1."""
        if line.names or len(line.files) != 1 or line.files[0] not in manifests or not line.only_flags({"filename", "namespace"}):
            return None
        reviewed = review(manifests[line.files[0]], filename=line.files[0], namespace=self.namespace)
        text = ""
        for document in reviewed.documents:
            if document.object is None:
                return None
            live = self.registry.get(document.kind, document.namespace, document.name)
            merged = document.object
            if live is not None and document.kind == "Pod":
                merged, _ = three_way_merge(last_applied(live), live, applied_form(document.value, document.namespace))
            before = "" if live is None else object_yaml(live)
            after = object_yaml(with_last_applied(merged, document.value))
            name = f"v1.{document.kind}.{document.namespace}.{document.name}"
            if before != after:
                lines = difflib.unified_diff(
                    before.splitlines(keepends=True), after.splitlines(keepends=True), f"LIVE/{name}", f"MERGED/{name}"
                )
                text += f"diff -u -N LIVE/{name} MERGED/{name}\n{''.join(lines)}"
        return Answer(rc=1 if text else 0, stdout=text)

    def _set_metadata(self, line: KubectlLine, field: str, noun: str, done: str, undone: str) -> Answer | None:
        if not line.only_flags(_COMMON):
            return None
        changes = [word for word in line.names if "=" in word or word.endswith("-")]
        words = tuple(word for word in line.names if word not in changes)
        wanted = dict(word.split("=", 1) for word in changes if "=" in word)
        removed = [word[:-1] for word in changes if "=" not in word]
        if not changes:
            return Answer(rc=1, stderr=f"error: at least one {noun} update is required\n")
        for value in self._values(line, words):
            known = value["metadata"].get(field) or {}
            for key, text in wanted.items():
                if known.get(key, text) != text and not line.switch("overwrite"):
                    return Answer(rc=1, stderr=f"error: '{key}' already has a value ({known[key]}), and --overwrite is false\n")

        def changed(value: JSON) -> JSON:
            labels = {k: v for k, v in (value["metadata"].get(field) or {}).items() if k not in removed} | wanted
            return {**value, "metadata": {**value["metadata"], field: labels}}

        target = KubectlLine(verb=line.verb, names=words, flags={k: v for k, v in line.flags.items() if k != "overwrite"})
        return self._each(target, done if wanted else undone, changed, unchanged=f"not {done}")

    def _values(self, line: KubectlLine, words: tuple[str, ...]) -> list[JSON]:
        targets = targets_of(words) or ()
        return [value for target in targets for value in self.getter.selected(target, line) or ()]

    def _each(
        self, line: KubectlLine, done: str, make: Callable[[JSON], JSON], *, unchanged: str = "", status: bool = False
    ) -> Answer | None:
        """Change what the line names, one after the other, and say of each what was done; what cannot be is told at the end."""
        targets = targets_of(line.names)
        dry_run = _dry_run(line.flags.get("dry-run", "none"))
        output = line.flags.get("output", "")
        if targets is None or dry_run is None or output not in ("", "name", "yaml", "json"):
            return None
        stdout = stderr = ""
        for target in targets:
            if not target.names and "selector" not in line.flags and not line.switch("all"):
                return Answer(rc=1, stderr="error: resource(s) were provided, but no name was specified\n")
            names = target.names or tuple(o["metadata"]["name"] for o in self.getter.selected(target, line) or ())
            for name in names:
                try:
                    value, changed = self._change(target, name, make, dry_run=dry_run, status=status)
                except ApiError as error:
                    stderr += _refused(error, name, target)
                except ChangeRefused as error:
                    stderr += refusal_text(error.refusal, filename="", name=name)
                except PatchRefused as error:
                    stderr += f"The request is invalid: {error}\n" if error.code == 422 else f"Error from server: {error}\n"
                else:
                    words = done if changed else unchanged
                    if output in ("yaml", "json"):
                        stdout += object_yaml(value)
                    elif output == "name":
                        stdout += f"{target.kept.printed}/{name}\n"
                    elif words:
                        stdout += f"{target.kept.printed}/{name} {words}{dry_run_suffix(dry_run)}\n"
        return Answer(rc=1 if stderr else 0, stdout=stdout, stderr=stderr)

    def _change(
        self, target: Targets, name: str, make: Callable[[JSON], JSON], *, dry_run: DryRun, status: bool
    ) -> tuple[JSON, bool]:
        kind, dry = target.kept.kind, dry_run != "none"
        if kind == "Pod" and status:
            return change_status(self.registry, self.namespace, name, make, run_id=self.run_id), True
        if kind == "Pod":
            return change_pod(self.registry, self.namespace, name, make, dry_run=dry, run_id=self.run_id)
        with self.registry.step():
            live = self.registry.get(kind, self.namespace, name)
            if live is None:
                raise ApiError(404, "NotFound", f'{target.kept.qualified_resource} "{name}" not found')
            made = make(live)
            if made == live or dry:
                return made, made != live
            return self.registry.change(made, run_id=self.run_id), True


def _refused(error: ApiError, name: str, target: Targets) -> str:
    if error.code == 404:
        return f"{not_found(name, target.kept.qualified_resource)}\n"
    return f"Error from server ({error.reason}): {error.message}\n"


def _dry_run(text: str) -> DryRun | None:
    return "client" if text == "client" else "server" if text == "server" else "none" if text == "none" else None
