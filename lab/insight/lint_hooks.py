"""Rules about hooks: what a handler cannot do, what it holds up, and what it leaves of the grace period.

Measured on a real node: a postStart has no time limit, the next container waits for it, a preStop may use the grace period and no
more, a hook ends when its output is closed, and ``tcpSocket`` is never executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.insight.commands import FOREVER_SECONDS, argv_seconds, shell_script, waits, words_of
from lab.insight.lint import Finding, Subject
from lab.insight.phrase import Phrase, phrase
from lab.insight.shell import Command, Item, Script
from lab.pods.model import Container, ExecAction, Handler, HookName, HTTPGetAction, SleepAction, TCPSocketAction

_ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::| +)(\d{1,5})\b")


def hooks_of(container: Container) -> Iterator[tuple[HookName, Handler]]:
    """Yield the hooks that a container has."""
    lifecycle = container.lifecycle
    if lifecycle is not None and lifecycle.post_start is not None:
        yield "postStart", lifecycle.post_start
    if lifecycle is not None and lifecycle.pre_stop is not None:
        yield "preStop", lifecycle.pre_stop


def pre_stop_fills_grace(subject: Subject) -> Iterator[Finding]:
    """A preStop that needs the grace period or more."""
    handler = subject.container.lifecycle.pre_stop if subject.container.lifecycle else None
    path, seconds, script_line = subject.hook_path("preStop"), 0.0, 0
    match handler:
        case ExecAction(command=command):
            item, script_line = _longest(command)
            path, seconds = f"{path}.exec.command[{item}]", argv_seconds(command)
        case SleepAction(seconds=whole):
            path, seconds = f"{path}.sleep.seconds", float(whole)
    grace = subject.grace_seconds
    if seconds < grace:
        return
    if seconds == FOREVER_SECONDS:
        said = phrase(
            "This hook does not end by itself. After the grace period of {grace} s the kubelet stops waiting for it; the "
            "process then "
            "gets 2 s.",
            "这个钩子不会自己结束。{grace} 秒宽限期一到，kubelet 就不再等它，留给进程的只有 2 秒。",
            grace=grace,
        )
    else:
        said = phrase(
            "The hook needs {seconds} s and the grace period is {grace} s: after that the kubelet stops waiting for it, and "
            "the "
            "process gets 2 s.",
            "钩子需要 {seconds} 秒，而宽限期只有 {grace} 秒：宽限期一到，kubelet 就不再等它，留给进程的只有 2 秒。",
            seconds=f"{seconds:g}",
            grace=grace,
        )
    yield Finding(rule="pre-stop-fills-grace", path=path, phrase=said, script_line=script_line)


def post_start_never_ends(subject: Subject) -> Iterator[Finding]:
    """A postStart without an end keeps the pod from ever running, and from being stopped."""
    handler = subject.container.lifecycle.post_start if subject.container.lifecycle else None
    if isinstance(handler, ExecAction) and argv_seconds(handler.command) == FOREVER_SECONDS:
        item, script_line = _longest(handler.command)
        yield Finding(
            rule="post-start-never-ends",
            path=f"{subject.hook_path('postStart')}.exec.command[{item}]",
            script_line=script_line,
            phrase=phrase(
                "postStart has no time limit and this one does not end: the pod never becomes Running, and a delete waits "
                "for the hook "
                "too.",
                "postStart 没有时间限制，而这个钩子不会结束：Pod 永远到不了 Running，删除也要等它。",
            ),
        )


def tcp_socket(subject: Subject) -> Iterator[Finding]:
    """A handler that the API takes and the kubelet does not know."""
    for hook, handler in hooks_of(subject.container):
        if isinstance(handler, TCPSocketAction):
            yield Finding(
                rule="tcp-socket-hook",
                path=f"{subject.hook_path(hook)}.tcpSocket",
                phrase=phrase(
                    "The API accepts tcpSocket as a hook, but the kubelet never executes it: the hook always fails.",
                    "API 接受用 tcpSocket 作钩子，但 kubelet 从不执行它：这个钩子总会失败。",
                ),
            )


def http_post_start(subject: Subject) -> Iterator[Finding]:
    """A postStart that asks the container's own server, which is starting at that moment, or one that has not been started."""
    handler = subject.container.lifecycle.post_start if subject.container.lifecycle else None
    if not isinstance(handler, HTTPGetAction) or handler.host:
        return
    path = f"{subject.hook_path('postStart')}.httpGet"
    if isinstance(handler.port, int):
        other = _only_owner(subject, handler.port)
        if other is not None:
            yield Finding(rule="post-start-needs-later-container", path=path, phrase=_later_container(other))
            return
        if any(handler.port == port.container_port for container in subject.earlier for port in container.ports):
            return
    yield Finding(
        rule="http-post-start-races",
        path=path,
        phrase=phrase(
            "postStart runs as soon as the process has started and is not repeated: a server that does not listen yet "
            "refuses the "
            "request, the hook fails and the container is killed. Wait for the server in an exec hook, or use a startupProbe.",
            "进程一启动就运行 postStart，而且不会重试：服务还没开始监听时请求会被拒绝，钩子失败，容器被杀死。请改用 exec 钩子"
            "等待服务就绪，或使用 startupProbe。",
        ),
    )


def post_start_waits_for_sibling(subject: Subject) -> Iterator[Finding]:
    """A postStart that waits for a container which is started only after it."""
    handler = subject.container.lifecycle.post_start if subject.container.lifecycle else None
    shell = shell_script(handler.command) if isinstance(handler, ExecAction) else None
    if not isinstance(handler, ExecAction) or shell is None or shell.script is None:
        return
    loops = any(part.kind in ("until", "while") for item in shell.script for part in item.parts if not isinstance(part, Command))
    if not loops:
        return
    for port in map(int, _ADDRESS.findall(" ".join(words_of(shell.script)))):
        other = _only_owner(subject, port)
        if other is not None:
            yield Finding(
                rule="post-start-needs-later-container",
                path=f"{subject.hook_path('postStart')}.exec.command[{shell.item}]",
                phrase=_later_container(other),
            )
            return


def background_child(subject: Subject) -> Iterator[Finding]:
    """A child in the background that keeps the hook's output open."""
    for hook, handler in hooks_of(subject.container):
        shell = shell_script(handler.command) if isinstance(handler, ExecAction) else None
        if shell is None or shell.script is None or any(word in ("wait", "exec", "kill") for word in words_of(shell.script)):
            continue
        for item in _background(shell.script):
            part = item.parts[-1]
            if part.redirects_output:
                continue
            yield Finding(
                rule="background-child",
                path=f"{subject.hook_path(hook)}.exec.command[{shell.item}]",
                script_line=part.line,
                tone="note",
                phrase=phrase(
                    "A hook ends when its output is closed, not when its shell exits: this child in the background holds it "
                    "open. Send its "
                    "output elsewhere (`> /dev/null 2>&1 &`).",
                    "钩子要等输出管道关闭才算结束，而不是 shell 退出就算：这个后台子进程会让管道一直开着。请把它的输出重定向"
                    "走（`> /dev/null 2>&1 &`）。",
                ),
            )


def pre_stop_of_a_job(subject: Subject) -> Iterator[Finding]:
    """A preStop where ending by itself is the rule."""
    lifecycle = subject.container.lifecycle
    if lifecycle is not None and lifecycle.pre_stop is not None and not subject.is_init and not subject.is_meant_to_stay:
        yield Finding(
            rule="pre-stop-of-a-job",
            path=subject.hook_path("preStop"),
            tone="note",
            phrase=phrase(
                "preStop runs only when the container is stopped from outside. When it ends by itself, which restartPolicy "
                "{policy} "
                "lets it, the hook does not run.",
                "只有从外部停止容器时才会运行 preStop。restartPolicy 为 {policy} 时容器可以自己结束，那样钩子不会运行。",
                policy=subject.pod.spec.restart_policy,
            ),
        )


def _longest(argv: tuple[str, ...]) -> tuple[int, int]:
    """Return the item of an argument vector, and the line inside its script, that takes the longest."""
    shell = shell_script(argv)
    if shell is None or shell.script is None:
        return 0, 0
    waiting = max(waits(shell.script), key=lambda found: found[1], default=None)
    return shell.item, waiting[0].line if waiting else 0


def _background(script: Script) -> Iterator[Item]:
    yield from (item for item in script if item.background)


def _only_owner(subject: Subject, port: int) -> Container | None:
    """Return the later container that alone declares a port."""
    owners = [c for c in subject.pod.all_containers if any(port == p.container_port for p in c.ports)]
    return owners[0] if len(owners) == 1 and owners[0] in subject.later else None


def _later_container(other: Container) -> Phrase:
    return phrase(
        "Container `{name}` is started only when this hook has ended, so the hook waits for something that waits for it.",
        "容器 `{name}` 要等这个钩子结束后才会启动，于是双方互相等待。",
        name=other.name,
    )
