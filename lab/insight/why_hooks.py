"""Rules of `why` about hooks and the files they write."""

from __future__ import annotations

from lab.insight.knowledge import Knowledge
from lab.insight.phrase import Phrase, phrase
from lab.insight.writers import writer_of
from lab.timeline.facts import Entry, FileChanged, HookFailed, KillStarted, ObjectWritten

KILLED_EXIT_CODE = 137  # 128 + SIGKILL
SHELLS = frozenset({"sh", "ash", "bash", "dash"})
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # POSIX: exit status of a shell for a command that it cannot run
WORTH_SAYING_SECONDS = 1.0  # a wait shorter than this is none


def died_with_its_container(entry: Entry, known: Knowledge) -> Phrase | None:
    """An exec hook that was running when PID 1 ended."""
    instance = known.instance(entry)
    if not isinstance(entry.fact, HookFailed) or entry.fact.handler != "exec" or entry.fact.exit_code != KILLED_EXIT_CODE:
        return None
    if instance is None or (instance.kill_signal is None and instance.exited is None):
        return None
    return phrase(
        "It did not fail by itself: PID 1 was gone, and everything in a container dies with PID 1.",
        "并非钩子自身失败：PID 1 已结束，容器中的一切都随 PID 1 结束。",
    )


def event_of_a_hook_that_died(entry: Entry, known: Knowledge) -> Phrase | None:
    """The FailedPreStopHook event of such a hook."""
    fact = entry.fact
    if not isinstance(fact, ObjectWritten) or fact.kind != "Event" or fact.object.get("reason") != "FailedPreStopHook":
        return None
    container = str(fact.object["involvedObject"].get("fieldPath", "")).partition("{")[2].rstrip("}")
    instance = known.latest(entry.pod_uid or "", container)
    hook = instance.hook("preStop") if instance else None
    failed = hook.ended.fact if hook and hook.ended else None
    if hook is None or hook.timed_out is None or not isinstance(failed, HookFailed) or failed.exit_code != KILLED_EXIT_CODE:
        return None
    return phrase(
        "The hook had overrun the grace period and was killed with the container; the event says only that it failed.",
        "钩子超出了宽限期，随容器一起被杀死；事件里只说它失败了。",
    )


def command_of_a_hook_not_found(entry: Entry, known: Knowledge) -> Phrase | None:
    """The shell's exit status for a command that it cannot run."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, HookFailed) or fact.handler != "exec" or instance is None:
        return None
    action = instance.hook(fact.hook).action
    if not action or action[0].rpartition("/")[2] not in SHELLS:
        return None
    if fact.exit_code == NOT_FOUND:
        return phrase("127 is how a shell says that it did not find a command.", "127 表示 shell 没有找到某个命令。")
    if fact.exit_code == NOT_EXECUTABLE:
        return phrase("126 is how a shell says that it may not run a file.", "126 表示 shell 无法执行某个文件。")
    return None


def program_of_a_hook_missing(entry: Entry, known: Knowledge) -> Phrase | None:
    """The runtime found no such program in the container."""
    fact, instance = entry.fact, known.instance(entry)
    if not isinstance(fact, HookFailed) or fact.handler != "exec" or instance is None:
        return None
    action = instance.hook(fact.hook).action
    if not action or "executable file not found" not in fact.message:
        return None
    return phrase(
        "An exec hook starts a program of the container itself, without a shell, and the container has no `{program}`.",
        "exec 钩子直接运行容器自身的程序，不经过 shell，而容器里没有 `{program}`。",
        program=action[0],
    )


def server_of_a_hook_refused(entry: Entry, known: Knowledge) -> Phrase | None:
    """Nobody listened where an httpGet hook asked."""
    fact = entry.fact
    if not isinstance(fact, HookFailed) or fact.handler != "httpGet" or "connection refused" not in fact.message:
        return None
    return phrase("At that moment nothing listened on that port.", "那一刻该端口上没有任何进程在监听。")


def kill_waited_for_post_start(entry: Entry, known: Knowledge) -> Phrase | None:
    """A deletion during postStart waits for its end."""
    instance, pod = known.instance(entry), known.pod(entry)
    if not isinstance(entry.fact, KillStarted) or instance is None or pod is None or pod.deleted is None:
        return None
    hook = instance.hook("postStart")
    if hook.ended is None or hook.ended.elapsed_seconds < pod.deleted.elapsed_seconds:
        return None
    waited = entry.elapsed_seconds - pod.deleted.elapsed_seconds
    if waited < WORTH_SAYING_SECONDS:
        return None
    return phrase(
        "The deletion came {n} s ago, but the kubelet waits for a postStart hook to end before it stops anything.",
        "删除在 {n} 秒前发出，但 kubelet 要等 postStart 钩子结束后才会停止容器。",
        n=f"{waited:.1f}",
    )


def stopped_because(entry: Entry, known: Knowledge) -> Phrase | None:
    """What else than a deletion makes the kubelet stop a container."""
    instance = known.instance(entry)
    ruler = known.ruler_of(instance) if instance is not None and isinstance(entry.fact, KillStarted) else None
    match ruler.cause if ruler else None:
        case "liveness":
            return phrase("Its liveness probe has failed too often in a row.", "它的存活探针连续失败次数过多。")
        case "startup":
            return phrase("Its startup probe has failed too often in a row.", "它的启动探针连续失败次数过多。")
        case "postStart":
            return phrase("Its postStart hook has failed.", "它的 postStart 钩子失败了。")
        case "change":
            return phrase("Its definition in the pod was changed.", "它在 Pod 中的定义被修改了。")
    return None


def file_names_its_writer(entry: Entry, known: Knowledge) -> Phrase | None:
    """A command of the pod that names the file."""
    if not isinstance(entry.fact, FileChanged):
        return None
    match writer_of(entry, known):
        case "process":
            return phrase(
                "The container’s own command names this path, and no hook does.", "容器自身的命令中包含这个路径，而钩子中没有。"
            )
        case None:
            return None
        case hook:
            return phrase(
                "The command of {hook} names this path, and no other command of the pod does.",
                "{hook} 的命令中包含这个路径，而 Pod 的其他命令中没有。",
                hook=hook,
            )


HOOK_RULES = (
    died_with_its_container,
    event_of_a_hook_that_died,
    command_of_a_hook_not_found,
    program_of_a_hook_missing,
    server_of_a_hook_refused,
    kill_waited_for_post_start,
    stopped_because,
    file_names_its_writer,
)
