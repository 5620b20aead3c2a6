"""What is left of a container's grace period, and what comes next."""

from __future__ import annotations

from lab.insight.knowledge import Instance, Knowledge, PodKnown
from lab.insight.phrase import Phrase, phrase
from lab.insight.ruler import Ruler


def left_of(instance: Instance, ruler: Ruler) -> Phrase:
    """Return how the grace period stands, without the seconds that are running away while one reads."""
    grace = f"{ruler.grace_seconds:g}"
    hook = instance.hook("preStop")
    if instance.exited is not None:
        if ruler.killed_at is not None and ruler.is_at_floor:
            return phrase(
                "Nothing: the process was killed after the 2 s that it gets at least.",
                "一点不剩：进程至少有的 2 秒用完后被杀死。",
            )
        if ruler.killed_at is not None:
            return phrase(
                "Nothing of {grace} s: the process was killed when they were over.",
                "{grace} 秒一点不剩：时间用完后进程被杀死。",
                grace=grace,
            )
        left = f"{ruler.left_seconds(0):.1f}"
        if ruler.is_at_floor:
            return phrase(
                "{left} s were not needed, of the 2 s that a process gets at least.",
                "进程至少有的 2 秒中，还有 {left} 秒没有用上。",
                left=left,
            )
        if ruler.counts_less_than_spent:
            return phrase(
                "{left} s were not needed, of {grace} s; the hook’s {spent} s count as {counted} s.",
                "{grace} 秒中还有 {left} 秒没有用上；钩子的 {spent} 秒只按 {counted} 秒计。",
                left=left,
                grace=grace,
                **_spent(ruler),
            )
        return phrase("{left} s were not needed, of {grace} s.", "{grace} 秒中还有 {left} 秒没有用上。", left=left, grace=grace)
    if ruler.hook_timed_out:
        return phrase(
            "Nothing of {grace} s: the hook used them all. The process gets 2 s more.",
            "{grace} 秒一点不剩：钩子用完了全部时间。进程另有 2 秒。",
            grace=grace,
        )
    if hook.is_awaited:
        return phrase(
            "Hook and process share {grace} s, counted from when the kubelet began to stop the container.",
            "钩子和进程共用 {grace} 秒，从 kubelet 开始停止容器时算起。",
            grace=grace,
        )
    if ruler.hook_ended_at is not None and ruler.is_at_floor:
        return phrase(
            "Of {grace} s the hook has used {spent} s; the process gets 2 s all the same.",
            "{grace} 秒中钩子用掉了 {spent} 秒；进程仍有 2 秒。",
            grace=grace,
            **_spent(ruler),
        )
    if ruler.hook_ended_at is not None and ruler.counts_less_than_spent:
        return phrase(
            "Of {grace} s the hook has used {spent} s, which count as {counted} s.",
            "{grace} 秒中钩子用掉了 {spent} 秒，只按 {counted} 秒计。",
            grace=grace,
            **_spent(ruler),
        )
    if ruler.hook_ended_at is not None:
        return phrase(
            "Of {grace} s the hook has used {spent} s.", "{grace} 秒中钩子用掉了 {spent} 秒。", grace=grace, **_spent(ruler)
        )
    if ruler.is_at_floor:
        return phrase("{grace} s in all, but no process gets less than 2 s.", "共 {grace} 秒，但进程至少有 2 秒。", grace=grace)
    return phrase("{grace} s in all.", "共 {grace} 秒。", grace=grace)


def _spent(ruler: Ruler) -> dict[str, object]:
    return {"spent": f"{ruler.spent_seconds:.1f}", "counted": ruler.counted_seconds}


def next_of(known: Knowledge, pod: PodKnown, instance: Instance | None) -> Phrase | None:
    """Return what the kubelet does next, or what the learner can; None when nothing more comes."""
    if known.ended is not None:
        return None
    if instance is None or instance.started is None:
        return None if pod.deleted is not None else phrase("The kubelet brings up the containers.", "kubelet 启动容器。")
    if instance.exited is not None:
        return _after_exit(pod)
    if instance.kill is None:
        return _before_a_stop(pod, instance)
    if instance.kill_signal is not None:
        return phrase("PID 1 ends, and everything else in the container with it.", "PID 1 结束，容器中的其他一切也随之结束。")
    if instance.stop_signal is not None:
        return phrase(
            "If PID 1 has not ended within {n} s, SIGKILL.",
            "如果 PID 1 在 {n} 秒内没有结束，将发送 SIGKILL。",
            n=f"{instance.stop_signal.timeout_seconds:g}",
        )
    if instance.hook("preStop").is_awaited:
        return phrase(
            "When the hook ends, or its time is up, the stop signal goes to PID 1.",
            "钩子结束或时间用完后，停止信号会发给 PID 1。",
        )
    if instance.kill.has_pre_stop and instance.hook("preStop").started is None and instance.hook("preStop").ended is None:
        return phrase("The preStop hook begins.", "preStop 钩子开始运行。")
    return phrase("The stop signal goes to PID 1.", "停止信号会发给 PID 1。")


def _before_a_stop(pod: PodKnown, instance: Instance) -> Phrase | None:
    if instance.hook("postStart").is_running:
        return phrase(
            "The pod becomes Running when the hook has ended; a delete waits for it too.",
            "钩子结束后 Pod 才会变为 Running；删除也要等它结束。",
        )
    if pod.deleted is not None:
        return None
    if pod.has_hook(instance.container, "preStop"):
        return phrase(
            "Press Delete: the preStop hook comes first, the stop signal after it.",
            "按下“删除”：先运行 preStop 钩子，然后发送停止信号。",
        )
    return phrase(
        "Press Delete: there is no preStop hook, so the stop signal comes at once.",
        "按下“删除”：没有 preStop 钩子，停止信号会立即发出。",
    )


def _after_exit(pod: PodKnown) -> Phrase | None:
    if pod.removed is not None:
        return phrase("The lab clears the node.", "实验室清理节点。")
    if pod.deleted is not None:
        return phrase("When every container has ended, the API lets go of the pod.", "所有容器都结束后，API 会移除这个 Pod。")
    return None
