"""What is stored and changes nothing in the lab, in both languages: `lab.pods` says it in English alone, as the API speaks."""

from __future__ import annotations

from lab.insight.phrase import Phrase, phrase
from lab.pods.notes import FieldNote

PREFIX = "has no effect in the lab: "
NOT_GIVEN = "it gives no container "
CHINESE = {
    "containers of the lab always run with no-new-privileges": "实验室的容器始终以 no-new-privileges 运行",
    "containers of the lab are hardened alike, and a manifest cannot change that": "实验室的容器采用统一的加固设置，清单无法更改",
    "containers of the lab run under the engine's profile, RuntimeDefault": "实验室的容器使用引擎的配置文件 RuntimeDefault",
    "each container of the lab has its own PID 1": "实验室的每个容器都有自己的 PID 1",
    "mounts of the lab do not propagate": "实验室的挂载不会传播",
    "nothing attaches to a container of the lab": "实验室的容器不会被附加（attach）",
    "pods of the lab have no DNS": "实验室的 Pod 没有 DNS",
    "pods of the lab never share the host's IPC": "实验室的 Pod 从不共享主机的 IPC",
    "pods of the lab never share the host's network": "实验室的 Pod 从不共享主机的网络",
    "pods of the lab never share the host's processes": "实验室的 Pod 从不共享主机的进程",
    "the lab does not resize running containers": "实验室不调整运行中容器的资源",
    "the lab has no API that a token could be used on; the file is missing": "实验室没有可使用令牌的 API；该文件不存在",
    "the lab has no user namespaces": "实验室没有用户命名空间",
    "the lab has one node": "实验室只有一个节点",
    "the lab limits containers, not pods": "实验室限制的是容器，而不是 Pod",
    "the lab opens no ports on its node; the container is reached at the pod's IP": "实验室不在节点上开放端口，请用 Pod IP 访问",
    "the lab runs no privileged containers": "实验室不运行特权容器",
    "volumes of the lab have no mounts below them": "实验室的卷下面没有其他挂载",
    "no traffic goes through it: pods are reached at their own addresses": "没有流量经过它：Pod 通过各自的地址访问",
    "pods of a cluster always reach one another and nothing else": "集群中的 Pod 始终可以互相访问，且只能互相访问",
    "a run has the one namespace that it names": "一次运行只有它所指定的命名空间",
    "every request is allowed here": "这里允许所有请求",
}


def words_of(note: FieldNote) -> Phrase | str:
    """Return a note's words in both languages; what the API says, and what is not known here, stays English."""
    why = note.message.removeprefix(PREFIX)
    if note.kind != "NoEffect" or why == note.message:
        return note.message
    if why.startswith(NOT_GIVEN):
        names = why.removeprefix(NOT_GIVEN)
        return phrase(f"{PREFIX}{NOT_GIVEN}{{names}}", "在实验室中不起作用：不会授予任何容器 {names}", names=names)
    return phrase(note.message, f"在实验室中不起作用：{CHINESE[why]}") if why in CHINESE else note.message
