"""Why one thing of a run came before another, and why something did not come: the kubelet's rules, with the run's own times.

A reason is given for pairs that the kubelet itself puts into an order; None for all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lab.insight.moments import Moment
from lab.insight.phrase import Phrase, phrase

_SENT = re.compile(r"SIG\w+ sent")


def kind(moment: Moment) -> str:
    """Return what sort of moment it is: ``preStop ended``, ``signal``, ``SIGKILL``, ``log`` …"""
    words = moment.what.split(" ")
    if words[0] in ("postStart", "preStop") and words[1] in ("finished", "failed"):
        return f"{words[0]} ended"
    if words[0] in ("postStart", "preStop", "status", "event"):
        return " ".join(words[:2])
    if _SENT.match(moment.what):
        return "SIGKILL" if words[0] == "SIGKILL" else "signal"
    return words[0]


def reason(earlier: Moment, later: Moment) -> Phrase | None:
    """Say why ``earlier`` came first, with the time between the two."""
    between = max(0.0, later.elapsed_seconds - earlier.elapsed_seconds)
    told = _REASONS.get((kind(earlier), kind(later)))
    same = earlier.container == later.container or not (earlier.container and later.container)
    if told is not None and same:
        return told(_figure(between), earlier, later)
    if not same and (kind(earlier), kind(later)) == ("postStart ended", "started"):
        return phrase(
            "Containers are started one after the other: `{later}` had to wait until the postStart of `{earlier}` had ended "
            "({d} s).",
            "容器按顺序逐个启动：`{later}` 要等 `{earlier}` 的 postStart 结束才启动（相隔 {d} 秒）。",
            later=later.container,
            earlier=earlier.container,
            d=_figure(between),
        )
    return None


def missing(wanted: str, happened: Sequence[Moment]) -> Phrase:
    """Say why a moment is not among what happened."""
    exited = next((m for m in happened if kind(m) == "exited"), None)
    signal = next((m for m in happened if kind(m) == "signal"), None)
    if "SIGKILL" in wanted and exited and signal and signal.elapsed_seconds <= exited.elapsed_seconds:
        return phrase(
            "SIGKILL was not needed: the process ended {d} s after {signal}, within the {limit} s that it had.",
            "不需要 SIGKILL：进程在 {signal} 之后 {d} 秒就结束了，没有超过给它的 {limit} 秒。",
            d=_figure(exited.elapsed_seconds - signal.elapsed_seconds),
            signal=signal.what.partition(" ")[0],
            limit=signal.what.rpartition(" ")[2],
        )
    if "preStop finished" in wanted and any(kind(m) == "preStop timed-out" for m in happened):
        return phrase(
            "The hook never ended well: it had used the grace period up, and it died with its container.",
            "钩子没能成功结束：它用完了宽限期，最后随容器一起终止。",
        )
    if "preStop" in wanted and "event" not in wanted and exited and not any(kind(m) == "killing" for m in happened):
        return phrase(
            "preStop belongs to being stopped; here the process ended by itself.",
            "preStop 只在容器被停止时运行；这里进程是自己结束的。",
        )
    if wanted.startswith("event FailedPreStopHook") and any(kind(m) == "preStop ended" for m in happened):
        return phrase(
            "Only a hook that fails leaves an event; this one did not fail.",
            "只有失败的钩子才留下事件；这个钩子没有失败。",
        )
    return phrase("No such thing happened in this run.", "这次运行中没有发生这件事。")


Reason = Callable[[str, Moment, Moment], Phrase]


def _of(english: str, chinese: str) -> Reason:
    def told(d: str, earlier: Moment, later: Moment) -> Phrase:
        names = {"d": d, "signal": _signal(earlier) or _signal(later), "code": _code(later)}
        return phrase(english, chinese, **{name: value for name, value in names.items() if f"{{{name}}}" in english})

    return told


def _signal(moment: Moment) -> str:
    return moment.what.partition(" ")[0] if _SENT.match(moment.what) else ""


def _code(moment: Moment) -> str:
    return moment.what.rpartition(" ")[2] if kind(moment) == "exited" else ""


def _figure(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}"


_STARTED_FIRST = _of(
    "postStart is begun when the process has been started ({d} s before); from then on the two run side by side.",
    "进程启动之后才开始 postStart（相隔 {d} 秒），此后两者并行。",
)
_ENTRYPOINT_FIRST = _of(
    "The program does not wait for postStart: it was {d} s faster here. Nobody promises that order.",
    "程序不会等 postStart：这次它快了 {d} 秒。但没有人保证这个先后。",
)
_HOOK_FIRST = _of(
    "The program and postStart run side by side: the hook was {d} s faster here. Nobody promises that order.",
    "程序和 postStart 并行运行：这次钩子快了 {d} 秒。但没有人保证这个先后。",
)
_RUNNING_LAST = _of(
    "The pod is called Running only when postStart has ended; kubectl showed it {d} s later.",
    "postStart 结束之后 Pod 才会显示为 Running；{d} 秒后 kubectl 才看到。",
)
_HOOK_BEFORE_SIGNAL = _of(
    "The stop signal waits for preStop: {signal} was sent {d} s after the hook had ended.",
    "停止信号要等 preStop：钩子结束 {d} 秒后才发送 {signal}。",
)
_SIGNAL_BEFORE_EXIT = _of(
    "The process ended {d} s after {signal}: the signal is what asked it to.",
    "进程在 {signal} 之后 {d} 秒结束：正是这个信号要求它结束。",
)
_KILL_LAST = _of(
    "SIGKILL comes only when what was left of the grace period has passed: {d} s after the stop signal.",
    "宽限期的剩余时间用完之后才会有 SIGKILL：在停止信号之后 {d} 秒。",
)
_REMOVED_LAST = _of(
    "The object is removed only when the node has said that the container has ended, {d} s before.",
    "节点报告容器已结束之后（{d} 秒），对象才被移除。",
)
_REMOVED_FIRST = _of(
    "With a grace period of 0 the API removes the object at once; the node does its work afterwards, {d} s later.",
    "宽限期为 0 时 API 立即移除对象；节点在 {d} 秒之后才做它的事。",
)
_STOP_ORDER = _of(
    "A stop begins with preStop, at once; the stop signal comes when the hook has ended or the grace period is over ({d} s).",
    "停止过程一开始就运行 preStop；钩子结束或宽限期用完之后才发停止信号（{d} 秒）。",
)

_REASONS: dict[tuple[str, str], Reason] = {
    ("started", "postStart began"): _STARTED_FIRST,
    ("started", "postStart ended"): _STARTED_FIRST,
    ("log", "postStart began"): _ENTRYPOINT_FIRST,
    ("log", "postStart ended"): _ENTRYPOINT_FIRST,
    ("postStart began", "log"): _HOOK_FIRST,
    ("postStart began", "status Running"): _RUNNING_LAST,
    ("postStart ended", "status Running"): _RUNNING_LAST,
    ("log", "status Running"): _of(
        "The process writes as soon as it runs; the pod is called Running only when postStart has ended, {d} s later.",
        "进程一运行就能写日志；而要等 postStart 结束，{d} 秒后 Pod 才显示为 Running。",
    ),
    ("started", "status Running"): _RUNNING_LAST,
    ("event Started", "postStart ended"): _of(
        "The event Started is about the process, not about the hook: it came {d} s before the hook had ended.",
        "Started 事件说的是进程而不是钩子：它比钩子结束早 {d} 秒。",
    ),
    ("preStop began", "signal"): _STOP_ORDER,
    ("preStop ended", "signal"): _HOOK_BEFORE_SIGNAL,
    ("preStop began", "preStop timed-out"): _of(
        "The hook had the grace period, {d} s, and no more; then the kubelet stopped waiting for it.",
        "钩子最多可用整个宽限期（{d} 秒）；时间一到，kubelet 就不再等它。",
    ),
    ("preStop timed-out", "signal"): _of(
        "The hook had used up the grace period: the kubelet stopped waiting for it and sent {signal}.",
        "钩子用完了宽限期：kubelet 不再等它，发出 {signal}。",
    ),
    ("status Terminating", "preStop began"): _of(
        "kubectl says Terminating as soon as the delete is written; the kubelet acts on it {d} s later.",
        "删除一写入，kubectl 就显示 Terminating；{d} 秒后 kubelet 才开始动作。",
    ),
    ("signal", "exited"): _SIGNAL_BEFORE_EXIT,
    ("signal", "SIGKILL"): _KILL_LAST,
    ("preStop ended", "SIGKILL"): _KILL_LAST,
    ("SIGKILL", "exited"): _of(
        "Nothing outlives SIGKILL: the process was gone {d} s later.", "没有进程能挺过 SIGKILL：{d} 秒后它就消失了。"
    ),
    ("exited", "removed"): _REMOVED_LAST,
    ("signal", "removed"): _REMOVED_LAST,
    ("preStop ended", "removed"): _REMOVED_LAST,
    ("removed", "killing"): _REMOVED_FIRST,
    ("removed", "preStop began"): _REMOVED_FIRST,
    ("removed", "preStop timed-out"): _REMOVED_FIRST,
    ("removed", "signal"): _REMOVED_FIRST,
    ("removed", "SIGKILL"): _REMOVED_FIRST,
    ("removed", "exited"): _REMOVED_FIRST,
    ("exited", "event FailedPreStopHook"): _of(
        "A hook that was given up is reported only when it has ended, and it ends with its container ({d} s later).",
        "被放弃的钩子要等它自己结束才会报告，而它随容器一起结束（{d} 秒后）。",
    ),
    ("SIGKILL", "event FailedPreStopHook"): _of(
        "A hook that was given up is reported only when it has ended; it ended with its container, {d} s after SIGKILL.",
        "被放弃的钩子要等它自己结束才会报告；它随容器一起结束，在 SIGKILL 之后 {d} 秒。",
    ),
    ("postStart ended", "killing"): _of(
        "The container was stopped because postStart had failed, {d} s later.",
        "postStart 失败之后，{d} 秒后容器被停止。",
    ),
}
