"""Rules of the hints about stopping: the grace period, the stop signal, SIGKILL, and deletes that do not do what they seem to.

A rule looks at one entry and at the life that it belongs to, and says what that makes certain; else nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.insight.hints import HintRule, Life, PodPast, Told
from lab.insight.phrase import phrase
from lab.timeline.facts import (
    ContainerExited,
    Entry,
    HookFinished,
    HookTimedOut,
    KillStarted,
    ObjectWritten,
    SignalReceived,
    SignalSent,
)
from lab.timeline.signal_names import signal_number

FLOOR_SECONDS = 2.0  # kubelet: minimumGracePeriodInSeconds
NOTICED_SECONDS = 1.5  # a shorter wait is the node's own latency
SIGNALLED = 128  # a shell's exit code of a program that a signal ended


def pre_stop_overran(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """The hook used the grace period up."""
    if isinstance(entry.fact, HookTimedOut):
        yield Told(
            rule="pre-stop-overran",
            path="lifecycle.preStop",
            proves=("pre-stop-fills-grace",),
            repeats_them=True,
            phrase=phrase(
                "preStop was still running when the grace period of {grace} s was over. The kubelet stopped waiting for it "
                "and left the "
                "process 2 s; the hook itself was not killed, and there is no event about it.",
                "{grace} 秒宽限期结束时 preStop 仍在运行。kubelet 不再等它，只给进程留了 2 秒；钩子本身没有被杀死，也没有相关"
                "事件。",
                grace=f"{entry.fact.grace_period_seconds:g}",
            ),
        )


def signal_dropped(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """The kernel says that PID 1 never got its stop signal."""
    if isinstance(entry.fact, SignalReceived) and life.taken is entry and entry.fact.result == "ignored":
        yield Told(
            rule="signal-dropped",
            path="command",
            proves=("deaf-program", "deaf-shell", "last-command-without-exec", "stop-signal-not-trapped"),
            phrase=phrase(
                "{signal} was dropped: PID 1 (`{process}`) had no handler for it, and the kernel spares PID 1 the default "
                "action. The process "
                "does not know that it is to stop.",
                "{signal} 被丢弃：PID 1（`{process}`）没有它的处理函数，而内核不会对 PID 1 执行默认动作。进程并不知道自己该停"
                "止。",
                signal=entry.fact.signal,
                process=entry.fact.target,
            ),
        )


def killed(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """SIGKILL came although PID 1 had taken its stop signal."""
    if life.sigkill is not entry or life.stop is None or not isinstance(life.stop.fact, SignalSent):
        return
    stop, taken = life.stop.fact, life.taken.fact if life.taken else None
    if isinstance(taken, SignalReceived) and taken.result == "ignored":
        return
    hook = life.hook_ends.get("preStop")
    if stop.timeout_seconds <= FLOOR_SECONDS and isinstance(hook.fact if hook else None, HookFinished) and not life.overrun:
        yield Told(
            rule="killed-at-the-floor",
            path="lifecycle.preStop",
            proves=("pre-stop-fills-grace",),
            repeats_them=True,
            phrase=phrase(
                "The hook left nothing of the grace period but the minimum of 2 s after {signal}; that was too short for "
                "the process, "
                "and SIGKILL followed.",
                "钩子用掉了宽限期，{signal} 之后只剩至少保证的 2 秒；进程来不及结束，随后就是 SIGKILL。",
                signal=stop.signal,
            ),
        )
    elif isinstance(taken, SignalReceived) and taken.result == "delivered":
        yield Told(
            rule="handler-did-not-end",
            path="command",
            proves=("trap-behind-foreground",),
            phrase=phrase(
                "PID 1 has a handler for {signal} and took it, but did not end within the {seconds} s that it had: SIGKILL.",
                "PID 1 有 {signal} 的处理函数，也收到了信号，但没有在给它的 {seconds} 秒内结束，于是收到 SIGKILL。",
                signal=stop.signal,
                seconds=f"{stop.timeout_seconds:g}",
            ),
        )


def stop_signal_of_the_image(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """Not every image is stopped with SIGTERM."""
    if isinstance(entry.fact, SignalSent) and entry.fact.source == "image" and entry.fact.signal != "SIGTERM":
        yield Told(
            rule="stop-signal-of-the-image",
            path="image",
            tone="note",
            phrase=phrase(
                "The stop signal was {signal}, not SIGTERM: the image says so with STOPSIGNAL.",
                "停止信号是 {signal} 而不是 SIGTERM：镜像用 STOPSIGNAL 这样规定。",
                signal=entry.fact.signal,
            ),
        )


def ended_by_its_stop_signal(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """An orderly stop that looks like an error."""
    stop = life.stop.fact if life.stop else None
    if not isinstance(entry.fact, ContainerExited) or not isinstance(stop, SignalSent) or life.sigkill:
        return
    if entry.fact.exit_code == SIGNALLED + signal_number(stop.signal):
        yield Told(
            rule="ended-by-its-stop-signal",
            tone="note",
            phrase=phrase(
                "Exit code {code} is 128 + {number}: the process ended because of {signal}, as it was asked to. kubectl "
                "calls that Error "
                "all the same; a handler that exits with 0 makes it Completed.",
                "退出码 {code} = 128 + {number}：进程正是因 {signal} 而结束，符合要求。但 kubectl 仍显示 Error；处理函数以 "
                "0 退出才会是 Completed。",
                code=entry.fact.exit_code,
                number=signal_number(stop.signal),
                signal=stop.signal,
            ),
        )


def pre_stop_not_run(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """The container ended by itself, and that runs no hook."""
    if isinstance(entry.fact, ContainerExited) and life.kill is None and life.started and life.handler("preStop") is not None:
        yield Told(
            rule="pre-stop-not-run",
            path="lifecycle.preStop",
            tone="note",
            proves=("pre-stop-of-a-job",),
            repeats_them=True,
            phrase=phrase(
                "preStop was not run: the process ended by itself (exit {code}), and the hook belongs to being stopped.",
                "preStop 没有运行：进程是自己结束的（退出码 {code}），而这个钩子只在被停止时运行。",
                code=entry.fact.exit_code,
            ),
        )


def out_of_memory(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """The kernel, not the kubelet, sent this SIGKILL."""
    if isinstance(entry.fact, ContainerExited) and entry.fact.oom_killed and life.kill is None:
        yield Told(
            rule="out-of-memory",
            path="resources.limits.memory",
            phrase=phrase(
                "The kernel killed a process because the memory limit was reached: no hook, no stop signal, no grace period.",
                "内存达到上限，进程被内核杀死：没有钩子，没有停止信号，也没有宽限期。",
            ),
        )


def delete_waited(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A delete that had to wait for postStart."""
    if not isinstance(entry.fact, KillStarted) or not pod.deletions:
        return
    began, ended, asked = life.hooks.get("postStart"), life.hook_ends.get("postStart"), pod.deletions[0]
    if began is None or ended is None or not began.seq < asked.seq < ended.seq:
        return
    waited = entry.elapsed_seconds - asked.elapsed_seconds
    if waited >= NOTICED_SECONDS:
        yield Told(
            rule="delete-waited",
            path="lifecycle.postStart",
            phrase=phrase(
                "The delete waited {seconds} s for postStart before anything was stopped: the kubelet of a pod does one "
                "thing at a time, and "
                "the grace period did not end that.",
                "删除先等了 {seconds} 秒，直到 postStart 结束才开始停止容器：kubelet 对一个 Pod 一次只做一件事，宽限期也不会"
                "打断它。",
                seconds=f"{waited:.1f}",
            ),
        )


def ran_without_its_object(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A container that lived on after the API had forgotten its pod."""
    if not isinstance(entry.fact, ContainerExited) or pod.removed is None:
        return
    alone = entry.elapsed_seconds - pod.removed.elapsed_seconds
    if alone > 0.1:
        yield Told(
            rule="ran-without-its-object",
            phrase=phrase(
                "For {seconds} s the process ran on although the pod was gone from the API: a delete with grace period 0 "
                "does not wait for "
                "the node, which still runs preStop for up to 1 s and sends the stop signal.",
                "Pod 从 API 消失后，进程又运行了 {seconds} 秒：宽限期为 0 的删除不等节点，而节点仍会运行 preStop（最多 1 秒）"
                "并发送停止信号。",
                seconds=f"{alone:.1f}",
            ),
        )


def second_delete(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A shorter grace period that comes too late."""
    is_later = isinstance(entry.fact, ObjectWritten) and len(pod.deletions) > 1 and pod.deletions[-1] is entry
    if is_later and life.kill is not None and life.exited is None and _grace(entry) < _grace(pod.deletions[0]):
        yield Told(
            rule="second-delete",
            phrase=phrase(
                "The second delete changed the number in the API but not the stop that is under way: the container keeps "
                "the grace period "
                "of the first, {grace} s.",
                "第二次删除只改了 API 里的数字，已经开始的停止过程不受影响：容器仍按第一次的 {grace} 秒宽限期进行。",
                grace=f"{_grace(pod.deletions[0]):g}",
            ),
        )


def _grace(deletion: Entry) -> float:
    fact = deletion.fact
    return float(fact.object["metadata"].get("deletionGracePeriodSeconds") or 0) if isinstance(fact, ObjectWritten) else 0.0


STOPPING_RULES: tuple[HintRule, ...] = (
    pre_stop_overran,
    signal_dropped,
    killed,
    stop_signal_of_the_image,
    ended_by_its_stop_signal,
    pre_stop_not_run,
    out_of_memory,
    delete_waited,
    ran_without_its_object,
    second_delete,
)
