"""A learner's own pod, made runnable here: the pod of a workload's template, stand-ins for images that the lab does not have.

Hooks stay word for word. Whatever else is changed is said, change by change; what a hook will miss in a stand-in is said
beforehand. Nothing is fetched and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lab.insight.own_containers import Swap, swap_container
from lab.insight.phrase import Phrase, phrase
from lab.pods.manifest import Document, Unreadable, list_items, read_documents
from lab.pods.yaml_text import yaml_text

JSON = dict[str, Any]

LONG_GRACE_SECONDS = 60  # lab: longer than one likes to watch
_TEMPLATES = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_KEPT_SPEC = (
    "containers",
    "initContainers",
    "volumes",
    "terminationGracePeriodSeconds",
    "restartPolicy",
    "shareProcessNamespace",
    "os",
)
_HELM = re.compile(
    r"\{\{-?\s*(?:/\*|\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|\$|"
    r"(?:if|else|end|with|range|include|template|define|block|tpl|toYaml|default|quote|required|printf|fullname)\b)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing changed, or one thing that a hook will miss, at a path of the manifest that was pasted."""

    path: str
    phrase: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPod:
    """What can be run: the manifest, what was changed for it, and what the hooks will not find."""

    manifest: str
    changes: tuple[Remark, ...]
    concerns: tuple[Remark, ...]


def adopt(text: str) -> OwnPod | Phrase:
    """Return the pod in a text, ready to run here, or why there is none."""
    if _HELM.search(text):
        return phrase(
            "This is a Helm template, not a manifest. Run `helm template NAME CHART` and paste what it prints.",
            "这是 Helm 模板，不是清单。请先运行 `helm template NAME CHART`，再粘贴它的输出。",
        )
    documents: list[Document] = []
    for found in read_documents(text):
        if isinstance(found, Unreadable):
            if documents:
                break
            return phrase("Line {line}: {message}", "第 {line} 行：{message}", line=found.line, message=found.message)
        documents.extend(list_items(found) if _is_list(found.value) else (found,))
    candidates = [document for document in documents if _pod_of(document.value) is not None]
    if not candidates:
        return phrase(
            "There is no pod in this text. Paste a Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.",
            "这段文本里没有 Pod。请粘贴 Pod、Deployment、StatefulSet、DaemonSet、ReplicaSet、Job 或 CronJob。",
        )
    chosen = next((document for document in candidates if _has_hook(document.value)), candidates[0])
    return _Adoption(chosen.value, len(documents) - 1).result()


class _Adoption:
    """The making of one pod out of one object."""

    def __init__(self, source: JSON, others: int) -> None:
        self.changes: list[Remark] = []
        self.concerns: list[Remark] = []
        self._source = source
        self._kind = str(source.get("kind", ""))
        self._prefix = ".".join((*_TEMPLATES.get(self._kind, ()), "spec"))
        self._template = deepcopy(_pod_of(source) or {})
        self._swapped = False
        if others:
            self._change(
                "",
                "Other objects of the text, {n} in number, are left out: only this {kind} is run.",
                "文本中的其他 {n} 个对象没有采用：只运行这个 {kind}。",
                n=others,
                kind=self._kind,
            )

    def result(self) -> OwnPod:
        """Return the pod with all remarks."""
        old = self._template.get("spec")
        spec: JSON = old if isinstance(old, dict) else {}
        if self._kind != "Pod":
            self._change(
                self._prefix.removesuffix(".spec"),
                "The pod template of the {kind} is run as one pod; nothing keeps or replaces it.",
                "{kind} 的 Pod 模板会作为单独一个 Pod 运行，没有控制器维护或替换它。",
                kind=self._kind,
            )
        for key in spec:
            if key not in _KEPT_SPEC:
                self._left_out(f"{self._prefix}.{key}")
        kept = {key: spec[key] for key in _KEPT_SPEC if key in spec}
        gone = self._volumes(kept)
        containers = [*self._containers(kept, "containers", gone)]
        sidecars = [*self._containers(kept, "initContainers", gone)]
        kept["containers"] = containers
        kept.pop("initContainers", None)
        if sidecars:
            kept["initContainers"] = sidecars
        self._remark_on_the_whole(kept)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": self._metadata(), "spec": kept}
        return OwnPod(manifest=yaml_text(pod), changes=tuple(self.changes), concerns=tuple(self.concerns))

    def _metadata(self) -> JSON:
        own, outer = self._template.get("metadata"), self._source.get("metadata")
        inner: JSON = own if isinstance(own, dict) else {}
        around: JSON = outer if isinstance(outer, dict) else {}
        metadata: JSON = {"name": str(around.get("name") or inner.get("name") or "own-pod")}
        if isinstance(inner.get("labels"), dict):
            metadata["labels"] = inner["labels"]
        for key in ("annotations", "namespace"):
            if key in inner or (key == "namespace" and key in around):
                self._left_out(f"metadata.{key}")
        return metadata

    def _volumes(self, spec: JSON) -> frozenset[str]:
        """Empty what holds a claim's data, and leave out what comes from other objects; return the names of these."""
        kept, gone = [], set()
        for number, volume in enumerate(_mappings(spec.get("volumes"))):
            name, path = str(volume.get("name")), f"{self._prefix}.volumes[{number}]"
            if "persistentVolumeClaim" in volume or "ephemeral" in volume:
                self._change(
                    path, "The claim behind {name} becomes an emptyDir.", "{name} 背后的存储声明换成 emptyDir。", name=name
                )
                kept.append({"name": name, "emptyDir": {}})
            elif "emptyDir" in volume or "hostPath" in volume or set(volume) == {"name"}:
                kept.append(volume)
            else:
                source = next((key for key in volume if key != "name"), "?")
                self._change(
                    path,
                    "{name} is left out with its mounts: its {source} is not here.",
                    "{name} 及其挂载没有采用：这里没有它的 {source}。",
                    name=name,
                    source=source,
                )
                gone.add(name)
        claims = self._source.get("spec", {}).get("volumeClaimTemplates") if self._kind == "StatefulSet" else None
        for number, claim in enumerate(_mappings(claims)):
            metadata = claim.get("metadata")
            name = str(metadata.get("name")) if isinstance(metadata, dict) else ""
            self._change(
                f"spec.volumeClaimTemplates[{number}]",
                "The claim template {name} becomes an emptyDir.",
                "存储声明模板 {name} 换成 emptyDir。",
                name=name,
            )
            kept.append({"name": name, "emptyDir": {}})
        spec.pop("volumes", None)
        if kept:
            spec["volumes"] = kept
        return frozenset(gone)

    def _containers(self, spec: JSON, field: str, gone: frozenset[str]) -> Iterator[JSON]:
        for number, container in enumerate(_mappings(spec.get(field))):
            path = f"{self._prefix}.{field}[{number}]"
            if field == "initContainers" and container.get("restartPolicy") != "Always":
                self._change(
                    path,
                    "The init container {name} is left out: it prepares what the stand-ins do not need.",
                    "初始化容器 {name} 没有采用：它准备的东西，替身镜像用不到。",
                    name=container.get("name", "?"),
                )
                continue
            swap = swap_container(container, path, gone)
            self._swapped = self._swapped or swap.is_swapped
            self._take(swap)
            yield swap.container

    def _take(self, swap: Swap) -> None:
        self.changes += [Remark(path=path, phrase=words) for path, words in swap.changes]
        self.concerns += [Remark(path=path, phrase=words) for path, words in swap.concerns]

    def _remark_on_the_whole(self, spec: JSON) -> None:
        if not any(_lifecycle(container) for container in (*spec["containers"], *spec.get("initContainers", ()))):
            self._concern(f"{self._prefix}.containers", "There is no hook in this pod.", "这个 Pod 里没有钩子。")
        grace = spec.get("terminationGracePeriodSeconds")
        if isinstance(grace, int) and grace > LONG_GRACE_SECONDS:
            self._concern(
                f"{self._prefix}.terminationGracePeriodSeconds",
                "The grace period of {n} s is kept. To watch it end, shorten it in the editor or delete with a grace period of "
                "your own.",
                "{n} 秒的宽限期保持不变。想看到它结束，可以在编辑器里改短，或者删除时指定宽限期。",
                n=grace,
            )

    def _left_out(self, path: str) -> None:
        self._change(path, "Left out: it changes nothing about hooks here.", "没有采用：它不影响这里的钩子。")

    def _change(self, path: str, english: str, chinese: str, **values: Any) -> None:
        self.changes.append(Remark(path=path, phrase=phrase(english, chinese, **values)))

    def _concern(self, path: str, english: str, chinese: str, **values: Any) -> None:
        self.concerns.append(Remark(path=path, phrase=phrase(english, chinese, **values)))


def _pod_of(value: Any) -> JSON | None:
    """Return the pod, or the pod template, in an object; None when it has none."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _TEMPLATES:
        return None
    found: Any = value
    for key in _TEMPLATES[kind]:
        found = found.get(key) if isinstance(found, dict) else None
    spec = found.get("spec") if isinstance(found, dict) else None
    return found if isinstance(spec, dict) and _mappings(spec.get("containers")) else None


def _has_hook(value: Any) -> bool:
    spec = (_pod_of(value) or {}).get("spec", {})
    return any(_lifecycle(container) for field in ("containers", "initContainers") for container in _mappings(spec.get(field)))


def _lifecycle(container: JSON) -> bool:
    lifecycle = container.get("lifecycle")
    return isinstance(lifecycle, dict) and any(lifecycle.get(hook) for hook in ("postStart", "preStop"))


def _mappings(value: Any) -> list[JSON]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_list(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("items"), list)
