"""Rules of `why` about what the API stores: STATUS, deletions, restarts."""

from __future__ import annotations

from lab.insight.ends import ended_by_the_lab
from lab.insight.knowledge import Knowledge, PodKnown
from lab.insight.phrase import Phrase, phrase
from lab.timeline.facts import JSON, BackingOff, ContainerStarted, Entry, ObjectWritten, RunAborted


def running_after_post_start(entry: Entry, known: Knowledge) -> Phrase | None:
    """Running had to wait for postStart."""
    pod = _status_became(entry, known, "Running")
    if pod is None or pod.previous_status != "ContainerCreating":
        return None
    hooks = [instance.hook("postStart") for instance in known.of_pod(pod.uid)]
    if not any(hook.started is not None and hook.ended is not None for hook in hooks):
        return None
    return phrase(
        "postStart has ended; until then kubectl said ContainerCreating, although the process ran.",
        "postStart 已结束；在此之前，虽然进程已在运行，kubectl 仍显示 ContainerCreating。",
    )


def completed_because(entry: Entry, known: Knowledge) -> Phrase | None:
    """Every container ended well."""
    pod = _status_became(entry, known, "Completed")
    ends = [ended for status in _container_statuses(pod) if (ended := status.get("state", {}).get("terminated"))]
    if pod is None or not ends or len(ends) != len(pod.spec.get("containers") or ()):
        return None
    if any(ended.get("exitCode") != 0 for ended in ends):
        return None
    return phrase("Every container has ended with exit code 0.", "所有容器都以退出码 0 结束。")


def error_because(entry: Entry, known: Knowledge) -> Phrase | None:
    """A container ended badly."""
    pod = _status_became(entry, known, "Error")
    for status in _container_statuses(pod):
        ended = status.get("state", {}).get("terminated")
        if ended and ended.get("exitCode"):
            return phrase(
                "`{container}` has ended with exit code {code}, and every code but 0 reads Error.",
                "`{container}` 以退出码 {code} 结束；除 0 以外的退出码都显示为 Error。",
                container=status["name"],
                code=ended["exitCode"],
            )
    return None


def grace_of_a_deletion(entry: Entry, known: Knowledge) -> Phrase | None:
    """Where the grace period of a deletion comes from."""
    fact, pod = entry.fact, known.pod(entry)
    if not isinstance(fact, ObjectWritten) or fact.kind != "Pod" or fact.verb != "delete" or fact.writer != "user" or pod is None:
        return None
    grace, own = fact.object["metadata"].get("deletionGracePeriodSeconds"), pod.spec.get("terminationGracePeriodSeconds")
    if grace is None or own is None:
        return None
    if grace == own:
        return phrase(
            "{n} s is the pod’s terminationGracePeriodSeconds.", "{n} 秒来自 Pod 的 terminationGracePeriodSeconds。", n=grace
        )
    return phrase(
        "The command asked for {n} s; the pod’s own terminationGracePeriodSeconds would be {own} s.",
        "命令要求 {n} 秒；Pod 自己的 terminationGracePeriodSeconds 为 {own} 秒。",
        n=grace,
        own=own,
    )


def removed_because(entry: Entry, known: Knowledge) -> Phrase | None:
    """Why the API lets go of a pod."""
    fact, pod = entry.fact, known.pod(entry)
    if not isinstance(fact, ObjectWritten) or fact.kind != "Pod" or fact.verb != "remove" or pod is None:
        return None
    started = [instance for instance in known.of_pod(pod.uid) if instance.started is not None]
    if fact.writer == "user" and any(instance.exited is None for instance in started):
        return phrase(
            "With a grace period of 0 the API does not wait for the node, where the container still runs.",
            "宽限期为 0 时 API 不等待节点，而节点上的容器仍在运行。",
        )
    if fact.writer == "kubelet" and started and all(instance.exited is not None for instance in started):
        return phrase("All its containers have ended, and the kubelet has said so.", "所有容器都已结束，kubelet 也已上报。")
    return None


def started_again(entry: Entry, known: Knowledge) -> Phrase | None:
    """Why there is another attempt."""
    fact, pod = entry.fact, known.pod(entry)
    if not isinstance(fact, ContainerStarted) or fact.attempt == 0 or pod is None:
        return None
    before = known.instances.get((entry.pod_uid or "", entry.container or "", fact.attempt - 1))
    ended, policy = before.exit if before else None, pod.spec.get("restartPolicy")
    if ended is None or policy not in ("Always", "OnFailure"):
        return None
    return phrase(
        "The instance before it ended with exit code {code}, and restartPolicy is {policy}.",
        "上一个实例以退出码 {code} 结束，而重启策略（restartPolicy）是 {policy}。",
        code=ended.exit_code,
        policy=policy,
    )


def held_back(entry: Entry, known: Knowledge) -> Phrase | None:
    """Why a start is held back."""
    fact, pod = entry.fact, known.pod(entry)
    if not isinstance(fact, BackingOff) or fact.reason != "CrashLoopBackOff" or pod is None:
        return None
    ends = [i for i in known.of_pod(pod.uid) if i.container == entry.container and i.exited is not None]
    if not ends:
        return None
    if len(ends) == 1:
        return phrase("The container has ended once since the pod began.", "自 Pod 启动以来，容器已结束过一次。")
    return phrase("The container has ended {n} times since the pod began.", "自 Pod 启动以来，容器已结束过 {n} 次。", n=len(ends))


def _status_became(entry: Entry, known: Knowledge, status: str) -> PodKnown | None:
    fact, pod = entry.fact, known.pod(entry)
    if not isinstance(fact, ObjectWritten) or fact.kind != "Pod" or fact.verb != "status" or pod is None:
        return None
    return pod if pod.status == status != pod.previous_status else None


def _container_statuses(pod: PodKnown | None) -> tuple[JSON, ...]:
    return tuple(pod.object.get("status", {}).get("containerStatuses") or ()) if pod else ()


def ended_by_lab(entry: Entry, known: Knowledge) -> Phrase | None:
    """What of the lab's own ended a run."""
    return ended_by_the_lab(entry.fact) if isinstance(entry.fact, RunAborted) else None


POD_RULES = (
    ended_by_lab,
    running_after_post_start,
    completed_because,
    error_because,
    grace_of_a_deletion,
    removed_because,
    started_again,
    held_back,
)
