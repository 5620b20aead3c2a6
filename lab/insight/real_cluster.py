"""The same manifest on a real cluster: the commands that show there what the lab shows, and what will differ.

Told from the text alone; nothing is run. Every name is quoted for the shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from shlex import quote
from typing import Any

from lab.insight.phrase import Phrase, phrase
from lab.pods.review import ReviewedDocument, review

JSON = dict[str, Any]

FILE = "pod.yaml"
_WRITTEN = re.compile(r">>?\s*[\"']?(/[A-Za-z0-9_./-]+)")
_NO_FILES = ("/dev/", "/proc/", "/sys/")
_HOOKS = ("postStart", "preStop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Commands for one purpose, to be typed in the order of the list."""

    title: Phrase
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCluster:
    """What to do there, and what will be otherwise."""

    manifest: str
    commands: tuple[Commands, ...]
    differences: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How an example is submitted and deleted: kubectl's verb, its arguments to delete, directories on the node beforehand."""

    verb: str = "apply"
    delete_arguments: tuple[str, ...] = ()
    node_directories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Container:
    """A container of a pod, as far as commands need it."""

    pod: str
    name: str
    value: JSON
    host_paths: tuple[tuple[str, str], ...]  # mount path, path on the node


def real_cluster(text: str, order: Order) -> RealCluster:
    """Return what shows the facts of a manifest on kind or minikube."""
    documents = [document for document in review(text).documents if document.kind == "Pod" and document.name]
    pods = [quote(document.name) for document in documents]
    containers = [container for document in documents for container in _containers(document)]
    return RealCluster(
        manifest=text,
        commands=tuple(_commands(pods, containers, order)),
        differences=tuple(_differences(containers)),
    )


def _commands(pods: list[str], containers: list[_Container], order: Order) -> Iterator[Commands]:
    yield Commands(
        title=phrase("A cluster, once: kind or minikube", "先准备一个集群：kind 或 minikube"),
        lines=("kind create cluster", "minikube start"),
    )
    if order.node_directories:
        made = " ".join(map(quote, order.node_directories))
        yield Commands(
            title=phrase("Directories that must be on the node", "节点上必须先有的目录"),
            lines=tuple(_on_node(f"mkdir -p {made}")),
        )
    if pods:
        yield Commands(
            title=phrase("In other terminals, before you begin", "开始之前，在另外的终端里"),
            lines=(*(f"kubectl get pod {pod} -w" for pod in pods), *(f"kubectl events --for pod/{pod} -w" for pod in pods)),
        )
    yield Commands(title=phrase("Run", "运行"), lines=(f"kubectl {order.verb} -f {FILE}",))
    if not pods:
        return
    yield Commands(
        title=phrase("What the cluster says about it", "集群怎么说"),
        lines=(
            *(f"kubectl describe pod {pod}" for pod in pods),
            *(f"kubectl get pod {pod} -o yaml" for pod in pods),
            *(f"kubectl logs {c.pod} -c {quote(c.name)} --timestamps" for c in containers),
        ),
    )
    inside = tuple(_files_inside(containers))
    if inside:
        yield Commands(title=phrase("Files, while the container runs", "文件（容器还在运行时）"), lines=inside)
    arguments = "".join(f" {argument}" for argument in order.delete_arguments)
    yield Commands(title=phrase("Delete", "删除"), lines=tuple(f"kubectl delete pod {pod}{arguments}" for pod in pods))
    on_node = tuple(_files_on_node(containers))
    if on_node:
        yield Commands(title=phrase("Files on the node, also afterwards", "节点上的文件（之后也在）"), lines=on_node)
    yield Commands(
        title=phrase("Events outlive the pod by an hour", "Pod 删除后，事件还会保留一小时"),
        lines=tuple(f"kubectl events --for pod/{pod}" for pod in pods),
    )


def _files_inside(containers: Iterable[_Container]) -> Iterator[str]:
    for container in containers:
        for path in _written(container):
            yield f"kubectl exec {container.pod} -c {quote(container.name)} -- cat {quote(path)}"


def _files_on_node(containers: Iterable[_Container]) -> Iterator[str]:
    found = dict.fromkeys(
        host + path[len(mount) :]
        for container in containers
        for path in _written(container)
        for mount, host in container.host_paths
        if path == mount or path.startswith(f"{mount}/")
    )
    for path in found:
        yield from _on_node(f"cat {quote(path)}")


def _on_node(command: str) -> Iterator[str]:
    yield f"docker exec kind-control-plane {command}"
    yield f"minikube ssh -- sudo {command}"


def _written(container: _Container) -> tuple[str, ...]:
    """Return the paths that a container's commands redirect their output to."""
    commands = [container.value, *(_handler(container.value, hook).get("exec") for hook in _HOOKS)]
    values = [command.get(key) for command in commands if isinstance(command, dict) for key in ("command", "args")]
    texts = [str(word) for value in values if isinstance(value, list) for word in value]
    found = dict.fromkeys(path for text in texts for path in _WRITTEN.findall(text))
    return tuple(path for path in found if not path.startswith(_NO_FILES))


def _containers(document: ReviewedDocument) -> Iterator[_Container]:
    spec = document.value.get("spec")
    if not isinstance(spec, dict):
        return
    host_paths = {
        str(volume.get("name")): str(volume["hostPath"].get("path", "")).rstrip("/")
        for volume in _mappings(spec.get("volumes"))
        if isinstance(volume.get("hostPath"), dict)
    }
    for field in ("initContainers", "containers"):
        for container in _mappings(spec.get(field)):
            mounts = [mount for mount in _mappings(container.get("volumeMounts")) if mount.get("name") in host_paths]
            yield _Container(
                pod=quote(document.name),
                name=str(container.get("name", "")),
                value=container,
                host_paths=tuple((str(m.get("mountPath")).rstrip("/"), host_paths[str(m["name"])]) for m in mounts),
            )


def _differences(containers: list[_Container]) -> Iterator[Phrase]:
    yield phrase(
        "There is no truth view: processes, signals, files inside containers and what a hook prints stay unseen. A hook that "
        "succeeds leaves no trace at all, one that fails leaves FailedPostStartHook or FailedPreStopHook.",
        "没有“真相”视图：进程、信号、容器里的文件和钩子的输出都看不到。成功的钩子不留任何痕迹，"
        "失败的钩子会留下 FailedPostStartHook 或 FailedPreStopHook 事件。",
    )
    yield phrase(
        "The image is pulled from a registry at the first run: Pulling and Pulled come with the time that it took, and "
        "`latest` may be another version.",
        "第一次运行要从镜像仓库拉取镜像：Pulling 和 Pulled 之间是拉取所花的时间，`latest` 也可能是别的版本。",
    )
    images = {str(container.value.get("image", "")).partition(":")[0] for container in containers}
    if "nginx" in images:
        yield phrase(
            "The official nginx image begins with an entrypoint script that then becomes nginx; its log has a few lines more.",
            "官方 nginx 镜像先执行一个入口脚本，再由它变成 nginx 进程；日志会多几行。",
        )
    if any(_handler(container.value, "postStart") for container in containers):
        yield phrase(
            "postStart and the entrypoint run a race there too, but who is first may differ from run to run and from here.",
            "那里的 postStart 和入口进程同样并发执行，谁先谁后每次都可能不同，也可能与这里不同。",
        )
    yield phrase(
        "The pod’s uid, its IP address, the node’s name and all times differ. Relative times are close, not equal.",
        "Pod 的 uid、IP 地址、节点名和所有时间都会不同；相对时间相近，但不会相等。",
    )
    if any(container.host_paths for container in containers):
        yield phrase(
            "A hostPath lies inside kind’s node container or minikube’s machine, not on your computer.",
            "hostPath 位于 kind 的节点容器或 minikube 的虚拟机里，不在你的电脑上。",
        )
    yield phrase(
        "The kubelet cannot be held between two steps there.",
        "那里不能让 kubelet 在两步之间暂停。",
    )


def _handler(container: JSON, hook: str) -> JSON:
    lifecycle = container.get("lifecycle")
    handler = lifecycle.get(hook) if isinstance(lifecycle, dict) else None
    return handler if isinstance(handler, dict) else {}


def _mappings(value: Any) -> list[JSON]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
