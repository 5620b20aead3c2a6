"""Rules of `why` about signals and about how a process ended."""

from __future__ import annotations

from lab.insight.knowledge import Instance, Knowledge
from lab.insight.phrase import Phrase, phrase
from lab.insight.ruler import MINIMUM_GRACE_SECONDS, Ruler
from lab.timeline.facts import ContainerExited, Entry, HookStarted, SignalReceived, SignalSent
from lab.timeline.signal_names import SIGKILL, in_mask, signal_name

ASKING_TO_END = frozenset({1, 2, 3, 10, 12, 15})  # HUP INT QUIT USR1 USR2 TERM: sent by somebody who wants something
KERNEL = "kernel"  # as a signal's sender


def out_of_memory(entry: Entry, known: Knowledge) -> Phrase | None:
    """The kernel's OOM killer ended it."""
    if not isinstance(entry.fact, ContainerExited) or not entry.fact.oom_killed:
        return None
    return phrase("The container had reached its memory limit, and the kernel killed it.", "容器达到了内存限制，被内核杀死。")


def killed_after_grace(entry: Entry, known: Knowledge) -> Phrase | None:
    """The grace period was over."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, ContainerExited) or entry.fact.signal != SIGKILL or instance is None:
        return None
    stop = instance.stop_signal
    if instance.kill_signal is None or stop is None:
        return None
    fate = instance.reached_first_process(stop.number)
    waited = f"{stop.timeout_seconds:g}"
    if fate is not None and fate.result == "ignored":
        return phrase(
            "The kernel had dropped {signal}, so PID 1 never learned of it; {n} s later the kubelet had it killed.",
            "内核丢弃了 {signal}，PID 1 对此毫不知情；{n} 秒后 kubelet 让运行时将其杀死。",
            signal=stop.signal,
            n=waited,
        )
    if fate is not None and fate.result == "delivered":
        return phrase(
            "PID 1’s handler took {signal}, but the process went on; {n} s later the kubelet had it killed.",
            "PID 1 的处理函数接收了 {signal}，但进程继续运行；{n} 秒后 kubelet 让运行时将其杀死。",
            signal=stop.signal,
            n=waited,
        )
    return phrase(
        "PID 1 still ran {n} s after {signal}, so the kubelet had it killed.",
        "{signal} 发出 {n} 秒后 PID 1 仍在运行，于是 kubelet 让运行时将其杀死。",
        signal=stop.signal,
        n=waited,
    )


def ended_after_stop_signal(entry: Entry, known: Knowledge) -> Phrase | None:
    """It ended by itself after the stop signal: because of it, or not."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, ContainerExited) or entry.fact.signal is not None or instance is None:
        return None
    stop = instance.stop_signal
    fate = instance.reached_first_process(stop.number) if stop is not None else None
    if stop is None or fate is None or instance.kill_signal is not None:
        return None
    if fate.result == "delivered":
        return phrase(
            "Its handler took {signal}, and the program then ended by itself: exit code {code} is its own choice.",
            "它的处理函数接收了 {signal}，随后程序自行结束：退出码 {code} 由程序自己决定。",
            signal=stop.signal,
            code=entry.fact.exit_code,
        )
    if fate.result == "ignored":
        return phrase(
            "Not because of {signal}, which the kernel had dropped: the program came to an end of its own.",
            "并非因为 {signal}（它已被内核丢弃）：程序是自己运行结束的。",
            signal=stop.signal,
        )
    return None


def ended_by_a_signal(entry: Entry, known: Knowledge) -> Phrase | None:
    """A signal of somebody else than the kubelet killed it."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, ContainerExited) or entry.fact.signal is None or instance is None:
        return None
    fate = instance.reached_first_process(entry.fact.signal)
    if instance.kill_signal is not None or instance.stop_signal is not None or fate is None or fate.result != "default":
        return None
    if fate.sender in ("", KERNEL):
        return None
    return phrase(
        "`{sender}` had sent it {signal}; the kubelet had not.",
        "`{sender}` 向它发送了 {signal}，而不是 kubelet。",
        sender=fate.sender,
        signal=fate.signal,
    )


def ended_by_itself(entry: Entry, known: Knowledge) -> Phrase | None:
    """Nobody had asked it to end."""
    instance, pod = known.instance(entry), known.pod(entry)
    if not isinstance(entry.fact, ContainerExited) or entry.fact.signal is not None or instance is None or pod is None:
        return None
    asked = any(isinstance(e.fact, SignalReceived) and e.fact.target_pid == 1 for e in instance.received)
    if instance.kill is not None or instance.stop_signal is not None or asked:
        return None
    if pod.has_hook(instance.container, "preStop"):
        return phrase(
            "Nobody stopped it: the program came to an end of its own. preStop does not run for that.",
            "没有人停止它：程序自己运行结束。这种情况不会运行 preStop。",
        )
    return phrase("Nobody stopped it: the program came to an end of its own.", "没有人停止它：程序自己运行结束。")


def time_left_for_the_process(entry: Entry, known: Knowledge) -> Phrase | None:
    """How much of the grace period the stop signal leaves, and why so much."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, SignalSent) or entry.fact.why != "stop-signal" or instance is None or instance.kill is None:
        return None
    ruler, left = known.ruler_of(instance), entry.fact.timeout_seconds
    if ruler is None:
        return None
    if not instance.kill.has_pre_stop:
        return _without_hook(ruler, left)
    if ruler.hook_ended_at is None or ruler.hook_began_at is None:
        return None
    spent = ruler.spent_seconds
    if max(MINIMUM_GRACE_SECONDS, ruler.grace_seconds - int(spent)) != left:
        return None  # something else took time too
    values = {"grace": f"{ruler.grace_seconds:g}", "left": f"{left:g}", "spent": f"{spent:.1f}", "whole": int(spent)}
    if ruler.grace_seconds - int(spent) < MINIMUM_GRACE_SECONDS:
        return phrase(
            "The hook has used {spent} of {grace} s. The kubelet gives the process 2 s all the same: that is its floor.",
            "钩子用掉了 {grace} 秒中的 {spent} 秒。kubelet 仍给进程 2 秒：这是下限。",
            **values,
        )
    if int(spent) == 0:
        return phrase(
            "The hook took less than a second, and only whole seconds count: all {left} s are left for the process.",
            "钩子用时不足一秒，而只有整秒才计入：进程仍有全部 {left} 秒。",
            **values,
        )
    return phrase(
        "{grace} s less {whole} whole seconds of the hook: {left} s are left for the process.",
        "{grace} 秒减去钩子用掉的 {whole} 个整秒：进程还有 {left} 秒。",
        **values,
    )


def _without_hook(ruler: Ruler, left: float) -> Phrase | None:
    if left == ruler.grace_seconds:
        return phrase(
            "There is no preStop hook, so the process has all {left} s.",
            "没有 preStop 钩子，{left} 秒全部归进程。",
            left=f"{left:g}",
        )
    if left == MINIMUM_GRACE_SECONDS > ruler.grace_seconds:
        return phrase(
            "The grace period is {grace} s, but the kubelet gives no process less than 2 s.",
            "宽限期为 {grace} 秒，但 kubelet 给进程的时间不少于 2 秒。",
            grace=f"{ruler.grace_seconds:g}",
        )
    return None


def killed_because_it_stayed(entry: Entry, known: Knowledge) -> Phrase | None:
    """Why SIGKILL is sent."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, SignalSent) or entry.fact.why != "grace-period-over" or instance is None:
        return None
    stop = instance.stop_signal
    if stop is None:
        return None
    return phrase(
        "PID 1 still runs {n} s after {signal}.",
        "{signal} 发出 {n} 秒后，PID 1 仍在运行。",
        n=f"{stop.timeout_seconds:g}",
        signal=stop.signal,
    )


def dropped_signal(entry: Entry, known: Knowledge) -> Phrase | None:
    """Why the kernel dropped a signal to PID 1."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, SignalReceived) or fact.result != "ignored" or fact.target_pid != 1 or instance is None:
        return None
    observed = instance.observed
    if observed is None:
        return None
    if in_mask(int(observed.sig_ignored, 16), fact.number):
        return phrase("PID 1 ignores it: its bit is set in SigIgn.", "PID 1 忽略它：SigIgn 中对应的位已置位。")
    if in_mask(int(observed.sig_caught, 16), fact.number) or in_mask(int(observed.sig_blocked, 16), fact.number):
        return None  # the masks have changed since: they explain nothing
    return phrase(
        "PID 1 has no handler for it: its bit is not set in SigCgt, and the kernel spares PID 1 the default action.",
        "PID 1 没有对应的处理函数：SigCgt 中没有它的位，而内核不会对 PID 1 执行默认动作。",
    )


def sent_from_a_hook(entry: Entry, known: Knowledge) -> Phrase | None:
    """A hook that runs at that moment names the sender."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, SignalReceived) or fact.number not in ASKING_TO_END or instance is None or fact.target_pid != 1:
        return None
    for hook, state in instance.hooks.items():
        started = state.started.fact if state.started else None
        words = " ".join(started.action).split() if isinstance(started, HookStarted) else []
        if state.is_running and fact.sender in {word.rpartition("/")[2] for word in words}:
            return phrase(
                "{hook} is running just now, and its command names `{sender}`.",
                "{hook} 此刻正在运行，它的命令中包含 `{sender}`。",
                hook=hook,
                sender=fact.sender,
            )
    return None


def taken_signal(entry: Entry, known: Knowledge) -> Phrase | None:
    """A handler was there beforehand."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, SignalReceived) or fact.result != "delivered" or fact.target_pid != 1 or instance is None:
        return None
    if instance.observed is None or not in_mask(int(instance.observed.sig_caught, 16), fact.number):
        return None
    return phrase("PID 1 has a handler for it: its bit is set in SigCgt.", "PID 1 有对应的处理函数：SigCgt 中它的位已置位。")


def died_with_first_process(entry: Entry, known: Knowledge) -> Phrase | None:
    """What is left of a container when its PID 1 has gone."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, SignalReceived) or fact.number != SIGKILL or fact.sender != KERNEL or fact.target_pid == 1:
        return None
    killed = instance.reached_first_process(SIGKILL) if instance else None
    if instance is None or (killed is None and instance.exited is None):
        return None
    return phrase(
        "PID 1 has ended, and the kernel ends whatever else runs in its container.",
        "PID 1 已结束，内核会结束容器中的其他所有进程。",
    )


def exit_code_of_a_signal(instance: Instance) -> Phrase | None:
    """Return how an exit code comes from a signal's number; None when it does not."""
    ended = instance.exit
    if ended is None or ended.signal is None or ended.exit_code != 128 + ended.signal:
        return None
    return phrase("128 + {n} ({name})", "128 + {n}（{name}）", n=ended.signal, name=signal_name(ended.signal))


SIGNAL_RULES = (
    out_of_memory,
    killed_after_grace,
    ended_after_stop_signal,
    ended_by_a_signal,
    ended_by_itself,
    time_left_for_the_process,
    killed_because_it_stayed,
    dropped_signal,
    sent_from_a_hook,
    taken_signal,
    died_with_first_process,
)
