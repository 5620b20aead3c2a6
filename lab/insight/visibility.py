"""What Kubernetes shows of what happens on a node: for each kind of fact, what kubectl has of it."""

from __future__ import annotations

from collections.abc import Mapping

from lab.insight.phrase import Phrase, phrase
from lab.timeline.facts import (
    BackingOff,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerStarted,
    FileChanged,
    HookFailed,
    HookFinished,
    HookSkipped,
    HookStarted,
    HookTimedOut,
    ImageLookedUp,
    KillStarted,
    LogTruncated,
    ProbeChanged,
    SandboxStarted,
    SandboxStopped,
    SignalReceived,
    SignalSent,
    VolumeFailed,
)

IN_KUBECTL: Mapping[type, Phrase] = {
    SandboxStarted: phrase("Of the sandbox kubectl shows only the pod IP.", "关于沙箱，kubectl 只显示 Pod IP。"),
    SandboxStopped: phrase("kubectl shows nothing of it.", "kubectl 对此没有任何显示。"),
    VolumeFailed: phrase("An event FailedMount says so.", "会有一个 FailedMount 事件。"),
    ImageLookedUp: phrase("The events Pulling and Pulled say so.", "会有 Pulling 和 Pulled 事件。"),
    ContainerCreated: phrase("The event Created says so.", "会有 Created 事件。"),
    ContainerStarted: phrase(
        "The event Started says so. STATUS and the state of the container follow when postStart has ended.",
        "会有 Started 事件。STATUS 和容器状态要等 postStart 结束后才更新。",
    ),
    ContainerFailed: phrase("An event and the container’s waiting state say so.", "会有事件，并体现在容器的 waiting 状态中。"),
    BackingOff: phrase(
        "STATUS, the waiting state and an event BackOff say so.", "会体现在 STATUS、waiting 状态和 BackOff 事件中。"
    ),
    ContainerExited: phrase(
        "The exit code stands in the container’s state until the pod is removed or the container starts again twice.",
        "退出码保存在容器状态中，直到 Pod 被移除或容器再重启两次。",
    ),
    HookStarted: phrase(
        "kubectl shows nothing of it: no event, no log, no field.", "kubectl 对此没有任何显示：没有事件、日志或字段。"
    ),
    HookFinished: phrase(
        "kubectl shows nothing of it: a hook that succeeds leaves no event, and what it printed is kept nowhere.",
        "kubectl 对此没有任何显示：成功的钩子不留下事件，输出也不会保存在任何地方。",
    ),
    HookFailed: phrase("One event says that the hook failed, without its output.", "只有一个事件说明钩子失败，不包含它的输出。"),
    HookTimedOut: phrase("kubectl shows nothing of it.", "kubectl 对此没有任何显示。"),
    HookSkipped: phrase("kubectl shows nothing of it.", "kubectl 对此没有任何显示。"),
    ProbeChanged: phrase(
        "A failure is an event Unhealthy; readiness is a condition of the pod.",
        "失败会产生 Unhealthy 事件；就绪状态是 Pod 的一个 condition。",
    ),
    KillStarted: phrase("The event Killing says so, without the grace period.", "会有 Killing 事件，但不包含宽限期。"),
    SignalSent: phrase(
        "kubectl shows no signal, neither which nor when.", "kubectl 不显示信号：既不显示是哪个，也不显示何时发送。"
    ),
    SignalReceived: phrase("kubectl shows no signal, and not what became of it.", "kubectl 不显示信号，也不显示其结果。"),
    FileChanged: phrase(
        "kubectl shows no files; one has to look into the container while it runs.",
        "kubectl 不显示文件；只能在容器运行时进去查看。",
    ),
    LogTruncated: phrase("A real node rotates logs instead.", "真实节点会轮转日志。"),
}
