"""How a container's end went, in three sentences: in which order, why with this exit code, and which files are left."""

from __future__ import annotations

from lab.insight.knowledge import HookKnown, Instance, Knowledge, PodKnown
from lab.insight.phrase import Phrase, phrase
from lab.insight.ruler import Ruler
from lab.insight.why_signals import exit_code_of_a_signal
from lab.timeline.facts import Entry, FileChanged, HookFailed, HookFinished, HookSkipped, SignalReceived


def order_of(instance: Instance, ruler: Ruler) -> Phrase | None:
    """Return what came first and what came then, up to the last signal; None before the first of them."""
    hook, signal = _hook_part(instance), _signal_part(instance)
    if signal is None:
        return None
    killed = phrase(", then SIGKILL", "，最后是 SIGKILL") if instance.kill_signal is not None else ""
    if hook is None:
        return phrase(
            "{signal}{killed}. No preStop hook ran before.",
            "{signal}{killed}。之前没有运行 preStop 钩子。",
            signal=signal,
            killed=killed,
        )
    return phrase(
        "First {hook}, then {signal}{killed}.", "先是 {hook}，然后是 {signal}{killed}。", hook=hook, signal=signal, killed=killed
    )


def _hook_part(instance: Instance) -> Phrase | None:
    hook: HookKnown = instance.hook("preStop")
    if hook.started is None:
        return None
    ended = hook.ended.fact if hook.ended else None
    if hook.timed_out is not None:
        return phrase("preStop, which used up the grace period", "preStop（用完了宽限期）")
    if isinstance(ended, HookFinished | HookFailed):
        took = f"{ended.took_seconds:.1f}"
        if ended.exit_code is not None:
            return phrase(
                "preStop (exit {code}, {took} s)", "preStop（退出码 {code}，{took} 秒）", code=ended.exit_code, took=took
            )
        if isinstance(ended, HookFailed):
            return phrase("preStop (failed, {took} s)", "preStop（失败，{took} 秒）", took=took)
        return phrase("preStop ({took} s)", "preStop（{took} 秒）", took=took)
    return phrase("preStop, which still runs", "preStop（仍在运行）")


def _signal_part(instance: Instance) -> Phrase | None:
    stop = instance.stop_signal
    if stop is None:
        return None
    fate = instance.reached_first_process(stop.number)
    values = {"signal": stop.signal, "n": stop.number}
    if fate is None:
        return phrase("{signal} ({n}) to PID 1", "{signal}（{n}）发给 PID 1", **values)
    return phrase(
        "{signal} ({n}) from `{sender}` to PID 1 `{target}`: {fate}",
        "{signal}（{n}）由 `{sender}` 发给 PID 1 `{target}`：{fate}",
        **values,
        sender=fate.sender,
        target=fate.target,
        fate=_fate_word(fate),
    )


def _fate_word(fate: SignalReceived) -> Phrase:
    match fate.result:
        case "ignored":
            return phrase("dropped by the kernel", "被内核丢弃")
        case "delivered":
            return phrase("taken by its handler", "由处理函数接收")
        case "pending":
            return phrase("queued", "已排队")
        case "default":
            return phrase("the default action", "执行默认动作")


def end_of(instance: Instance, pod: PodKnown) -> Phrase | None:
    """Return the exit code and where it comes from; None while PID 1 runs."""
    ended = instance.exit
    if ended is None:
        return None
    skipped = instance.hook("preStop").ended
    code = phrase("{code}", "{code}", code=ended.exit_code)
    by_signal = exit_code_of_a_signal(instance)
    if ended.oom_killed:
        return phrase("{code}: killed by the kernel at its memory limit.", "{code}：达到内存限制，被内核杀死。", code=code)
    if by_signal is not None and instance.kill_signal is not None:
        return phrase(
            "{code} = {sum}: SIGKILL from the runtime, because the time was up.",
            "{code} = {sum}：时间用完后运行时发送了 SIGKILL。",
            code=code,
            sum=by_signal,
        )
    if by_signal is not None:
        return phrase(
            "{code} = {sum}: the signal killed PID 1.", "{code} = {sum}：该信号杀死了 PID 1。", code=code, sum=by_signal
        )
    fate = instance.reached_first_process(instance.stop_signal.number) if instance.stop_signal else None
    if fate is not None and fate.result == "delivered":
        return phrase(
            "{code}: PID 1 took {signal} and then ended by itself, with a code of its own choice.",
            "{code}：PID 1 接收 {signal} 后自行结束，退出码由它自己决定。",
            code=code,
            signal=fate.signal,
        )
    if instance.kill is None and (pod.deleted is None or instance.exited is None or instance.exited.seq < pod.deleted.seq):
        if skipped is not None and isinstance(skipped.fact, HookSkipped):
            return phrase(
                "{code}: the program came to an end of its own, so preStop did not run.",
                "{code}：程序自己运行结束，因此没有运行 preStop。",
                code=code,
            )
        return phrase("{code}: the program came to an end of its own.", "{code}：程序自己运行结束。", code=code)
    return phrase("{code}.", "{code}。", code=code)


def files_of(known: Knowledge, pod: PodKnown) -> Phrase | None:
    """Return where the pod's newest file on the node is, and how many more there are; None when no file of a hostPath volume has
    changed."""
    found: list[Entry] = [entry for (uid, _), entry in known.files.items() if uid == pod.uid]
    kept = [e.fact for e in found if isinstance(e.fact, FileChanged) and e.fact.node_path and e.fact.change != "deleted"]
    if not kept:
        return None
    more = phrase(" {n} more such files are there.", "另有 {n} 个文件在节点上。", n=len(kept) - 1) if len(kept) > 1 else ""
    values = {"path": kept[-1].node_path, "inside": kept[-1].path, "more": more}
    if pod.removed is not None or known.ended is not None:
        return phrase(
            "`{path}` is still on the node: it lies outside the pod, which called it `{inside}`.{more}",
            "`{path}` 仍在节点上：它位于 Pod 之外，Pod 内的路径是 `{inside}`。{more}",
            **values,
        )
    return phrase(
        "`{path}` on the node; the container calls it `{inside}`.{more}",
        "节点上的 `{path}`，容器内的路径是 `{inside}`。{more}",
        **values,
    )
