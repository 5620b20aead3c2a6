"""Why a run cannot be opened now, in both languages: what stands in the way, how much is used, what to do."""

from __future__ import annotations

from lab.cluster.demand import Demand
from lab.errors import LabError
from lab.insight.phrase import Phrase, phrase
from lab.limits import GIBIBYTE, MEBIBYTE

_NAMES: dict[str, Phrase] = {
    "pods": phrase("pods", "Pod"),
    "containers": phrase("containers", "容器"),
    "memory_bytes": phrase("memory", "内存"),
    "cpu_millis": phrase("CPU", "CPU"),
    "pids": phrase("processes", "进程"),
}


class RunRefused(LabError):
    """A run cannot be opened now; ``words`` say why and what to do."""

    def __init__(self, words: Phrase) -> None:
        super().__init__(words.english.format(**{name: getattr(v, "english", v) for name, v in words.values.items()}))
        self.words = words


def stopping() -> RunRefused:
    """The lab is being stopped."""
    return RunRefused(
        phrase("cannot open a run: the lab is stopping; start it again first", "无法运行：实验室正在停止；请先重新启动它")
    )


def too_many_runs(limit: int) -> RunRefused:
    """The learner has as many live runs as they may."""
    return RunRefused(
        phrase(
            "cannot open another run: {n} are live in this cluster; delete one of their pods first",
            "无法再运行：此集群中已有 {n} 个运行；请先删除其中一个的 Pod",
            n=limit,
        )
    )


def still_leaving(count: int) -> RunRefused:
    """Too many pods are still being stopped that the API no longer holds."""
    return RunRefused(
        phrase(
            "cannot run more pods: {n} that were deleted are still being stopped on the node; wait for them, or run again on a "
            "clean node",
            "无法运行更多 Pod：已删除的 Pod 中还有 {n} 个正在节点上停止；请稍候，或删除后在干净的节点上重新运行",
            n=count,
        )
    )


def is_waiting() -> RunRefused:
    """The run that it would be submitted to waits for its turn."""
    return RunRefused(
        phrase(
            "cannot submit this: the run waits for its turn and keeps its place; to run another text, delete it first",
            "无法提交：这次运行正在排队，并保留它的位置；若要运行别的文本，请先将它删除",
        )
    )


def over_quota(resource: str, demand: Demand, used: Demand, limit: Demand) -> RunRefused:
    """The learner has as much of something as one learner may have."""
    return RunRefused(
        phrase(
            "cannot run this: it needs {needed} of {resource}, and you use {used} of {limit}; delete a pod of yours first, or "
            "run fewer or smaller containers",
            "无法运行：它需要{resource} {needed}，而你已使用 {used}，上限为 {limit}；请先删除你的一个 Pod，或减少、缩小容器",
            resource=_NAMES[resource],
            needed=_amount(resource, demand),
            used=_amount(resource, used),
            limit=_amount(resource, limit),
        )
    )


def too_large(resource: str, demand: Demand, limit: Demand) -> RunRefused:
    """The machine could never hold it."""
    return RunRefused(
        phrase(
            "cannot run this here: it needs {needed} of {resource}, and the lab has {limit} for all learners together; run "
            "fewer or smaller containers",
            "无法在这里运行：它需要{resource} {needed}，而实验室为所有学员总共只有 {limit}；请减少或缩小容器",
            resource=_NAMES[resource],
            needed=_amount(resource, demand),
            limit=_amount(resource, limit),
        )
    )


def disk_is_full(free: int, least: int) -> RunRefused:
    """So little disk is free that running more could stop the lab."""
    return RunRefused(
        phrase(
            "cannot run anything now: {free} of the lab’s disk are free, and it needs {least}; what runs goes on. Delete runs "
            "that write files, and tell whoever runs the lab",
            "现在无法运行：实验室的磁盘只剩 {free}，至少需要 {least}；正在运行的不受影响。"
            "请删除会写文件的运行，并告知实验室的管理者",
            free=size(free),
            least=size(least),
        )
    )


def node_in_use(runs: int, pods: int) -> RunRefused:
    """The node cannot be cleaned while pods are on it."""
    return RunRefused(
        phrase(
            "cannot clean the node while pods are on it (live runs: {runs}, pods: {pods}); delete them first",
            "节点上还有 Pod 时无法清理（运行：{runs}，Pod：{pods}）；请先删除它们",
            runs=runs,
            pods=pods,
        )
    )


def bad_count(count: int, most: int) -> RunRefused:
    """A repeat of so many runs is none."""
    return RunRefused(
        phrase("cannot repeat {n} times: choose 1 to {most}", "无法重复 {n} 次：请选择 1 到 {most} 次", n=count, most=most)
    )


def repeat_goes_on() -> RunRefused:
    """The learner has a repeat already."""
    return RunRefused(
        phrase(
            "cannot repeat: another repeat of yours goes on; wait for it or cancel it first",
            "无法重复：你的另一次重复运行还在进行；请等它结束或先取消它",
        )
    )


def size(amount: int) -> str:
    """Write a size as Kubernetes does, with the unit in which it is short."""
    value, unit = (amount / GIBIBYTE, "Gi") if amount >= GIBIBYTE else (amount / MEBIBYTE, "Mi")
    return f"{value:.1f}".removesuffix(".0") + unit


def _amount(resource: str, demand: Demand) -> str:
    value: int = getattr(demand, resource)
    if resource == "memory_bytes":
        return size(value)
    return f"{value / 1000:g}" if resource == "cpu_millis" else str(value)
