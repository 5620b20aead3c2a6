"""Rules of the hints about hooks themselves: why one failed, where its output is, what it held up."""

from __future__ import annotations

from collections.abc import Iterator

from lab.insight.commands import shell_script
from lab.insight.hints import HintRule, Life, PodPast, Told
from lab.insight.phrase import phrase
from lab.timeline.facts import BackingOff, ContainerExited, Entry, HookFailed, HookFinished, KillStarted

HELD_UP_SECONDS = 2.0  # a postStart that takes as long is worth a word
NOT_STARTED = (126, 127)  # the runtime's and a shell's exit codes of a program that cannot be run or found
KILLED = 137
FIRST_REFUSED_STATUS = 400


def not_startable(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """An exec hook whose program is not there."""
    fact = entry.fact
    if not isinstance(fact, HookFailed) or fact.handler != "exec" or fact.exit_code not in NOT_STARTED:
        return
    argv = tuple(((life.handler(fact.hook) or {}).get("exec") or {}).get("command") or ())
    path = f"lifecycle.{fact.hook}.exec.command"
    if shell_script(argv) is None and argv:
        yield Told(
            rule="not-startable",
            path=path,
            proves=("line-as-program",),
            phrase=phrase(
                "The hook could not be started: the container has no program “{program}”. An exec hook runs in the "
                "container’s own "
                "file system, and without a shell.",
                "钩子无法启动：容器里没有名为“{program}”的程序。exec 钩子在容器自己的文件系统里运行，而且不经过 shell。",
                program=argv[0],
            ),
        )
    elif argv:
        yield Told(
            rule="not-found-by-the-shell",
            path=path,
            phrase=phrase(
                "Exit code {code}: the shell of the hook did not find a program that its script names, or could not run it.",
                "退出码 {code}：钩子的 shell 找不到脚本里的某个程序，或无法执行它。",
                code=fact.exit_code,
            ),
        )


def http_refused(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """An httpGet hook that nobody answered."""
    fact = entry.fact
    if not isinstance(fact, HookFailed) or fact.handler != "httpGet" or "refused" not in fact.message:
        return
    if fact.hook == "postStart":
        said = phrase(
            "Nobody listened yet: postStart asks once, right after the process has started, and is not repeated.",
            "当时还没有服务在监听：postStart 在进程刚启动时只请求一次，不会重试。",
        )
    else:
        said = phrase(
            "Nobody listens at that port in the pod, so the request was refused. The stop goes on all the same.",
            "Pod 里没有服务监听这个端口，请求被拒绝。停止过程照常继续。",
        )
    yield Told(
        rule=f"http-refused-{fact.hook}",
        path=f"lifecycle.{fact.hook}.httpGet",
        proves=("http-post-start-races", "post-start-needs-later-container"),
        phrase=said,
    )


def http_status(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A status that reads like a failure and is none."""
    fact = entry.fact
    if isinstance(fact, HookFinished) and fact.http_status is not None and fact.http_status >= FIRST_REFUSED_STATUS:
        yield Told(
            rule="http-status",
            path=f"lifecycle.{fact.hook}.httpGet",
            tone="note",
            phrase=phrase(
                "The server answered {status}, and the hook counts as a success: any answer does. Only a request without "
                "one fails.",
                "服务器返回 {status}，钩子仍算成功：任何响应都算，只有得不到响应的请求才算失败。",
                status=fact.http_status,
            ),
        )


def never_executed(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A handler that the kubelet does not know."""
    fact = entry.fact
    if isinstance(fact, HookFailed) and fact.handler in ("tcpSocket", "none"):
        yield Told(
            rule="never-executed",
            path=f"lifecycle.{fact.hook}",
            proves=("tcp-socket-hook",),
            repeats_them=True,
            phrase=phrase(
                "The kubelet has no way to run this handler, so the hook failed at once: use exec, httpGet or sleep.",
                "kubelet 无法执行这种处理程序，钩子立即失败：请使用 exec、httpGet 或 sleep。",
            ),
        )


def output_lost(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """Words that Kubernetes keeps nowhere."""
    fact = entry.fact
    if not isinstance(fact, HookFinished | HookFailed) or not (fact.stdout or fact.stderr):
        return
    if isinstance(fact, HookFailed) and fact.hook == "postStart":
        said = phrase(
            "What the hook printed stands in the pod’s status, under the waiting state’s message, as long as it says "
            "PostStartHookError; "
            "the event says only `PostStartHook failed`.",
            "钩子的输出写在 Pod 状态的 waiting.message 里，只在状态为 PostStartHookError 期间可见；事件里只有 "
            "`PostStartHook failed`。",
        )
    else:
        said = phrase(
            "Kubernetes keeps what the hook printed nowhere: not in a log, not in an event. Write to `/proc/1/fd/1` and "
            "`kubectl logs` has it.",
            "Kubernetes 不会保存钩子的输出：日志里没有，事件里也没有。写入 `/proc/1/fd/1`，`kubectl logs` 就能看到。",
        )
    yield Told(rule=f"output-lost-{fact.hook}", path=f"lifecycle.{fact.hook}", tone="note", phrase=said)


def killed_with_its_container(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A hook that died because PID 1 ended under it."""
    if not isinstance(entry.fact, HookFailed | ContainerExited) or life.sigkill or life.overrun or life.exited is None:
        return
    for hook, end in life.hook_ends.items():
        failed, began = end.fact, life.hooks.get(hook)
        if not isinstance(failed, HookFailed) or failed.exit_code != KILLED or failed.handler != "exec" or began is None:
            continue
        if not began.seq < life.exited.seq or (hook == "postStart" and life.kill is not None and life.kill.seq < life.exited.seq):
            continue
        if hook == "preStop":
            said = phrase(
                "PID 1 ended while preStop was still running, and a container’s end kills everything in it: the hook is "
                "reported as failed "
                "(137) although it may have done its work.",
                "preStop 还在运行时 1 号进程就结束了，而容器一结束，里面的一切都会被杀死：钩子被报告为失败（137），尽管它可能"
                "已完成工作。",
            )
        else:
            said = phrase(
                "The container’s own process ended while postStart was running; that killed the hook (137), and a killed "
                "hook has failed.",
                "postStart 运行期间容器自己的进程结束了，钩子因此被杀死（137），被杀死的钩子算失败。",
            )
        yield Told(rule=f"killed-with-its-container-{hook}", path=f"lifecycle.{hook}", phrase=said, seq=end.seq)


def post_start_kills(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A failed postStart is more than a warning."""
    if isinstance(entry.fact, KillStarted) and isinstance(getattr(life.hook_ends.get("postStart"), "fact", None), HookFailed):
        yield Told(
            rule="post-start-kills",
            path="lifecycle.postStart",
            phrase=phrase(
                "A failed postStart stops its container, with preStop, stop signal and grace period; the restartPolicy "
                "decides what then.",
                "postStart 失败会停止它的容器，preStop、停止信号、宽限期一样不少；之后如何由 restartPolicy 决定。",
            ),
        )


def post_start_held_up(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A long postStart, which hides that the process runs."""
    fact = entry.fact
    if isinstance(fact, HookFinished) and fact.hook == "postStart" and fact.took_seconds >= HELD_UP_SECONDS:
        yield Told(
            rule="post-start-held-up",
            path="lifecycle.postStart",
            tone="note",
            phrase=phrase(
                "For {seconds} s the pod was shown as ContainerCreating, not ready and without logs, although its process "
                "was running: "
                "the status waits for postStart.",
                "进程早已在运行，Pod 却有 {seconds} 秒显示为 ContainerCreating，不就绪，也看不到日志：状态要等 postStart 结束。",
                seconds=f"{fact.took_seconds:.1f}",
            ),
        )


def restarted_for_ending(entry: Entry, life: Life, pod: PodPast) -> Iterator[Told]:
    """A program that does its work, ends with 0 and is started again and again."""
    if not isinstance(entry.fact, BackingOff) or entry.fact.reason != "CrashLoopBackOff":
        return
    attempts = [other for other in pod.lives.values() if other.spec.get("name") == life.spec.get("name") and other.exited]
    last = attempts[-1] if attempts else None
    exited = last.exited.fact if last and last.exited and last.kill is None else None
    if isinstance(exited, ContainerExited) and exited.exit_code == 0 and pod.object["spec"].get("restartPolicy") == "Always":
        yield Told(
            rule="restarted-for-ending",
            phrase=phrase(
                "The process ended by itself with exit code 0; with restartPolicy Always that is no success but a reason to "
                "start it again, "
                "each time later.",
                "进程以退出码 0 自己结束；在 restartPolicy 为 Always 时这不算成功，而会被一再重启，间隔越来越长。",
            ),
        )


HOOK_RULES: tuple[HintRule, ...] = (
    not_startable,
    http_refused,
    http_status,
    never_executed,
    killed_with_its_container,
    post_start_kills,
    post_start_held_up,
    output_lost,
    restarted_for_ending,
)
