"""Rules about PID 1: whether the stop signal can reach anything at all.

Measured on a real node: a PID 1 without a handler loses its stop signal and costs the whole grace period; a shell runs a trap
only when the command in the foreground has ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.insight.commands import (
    FOREVER_SECONDS,
    ShellScript,
    final,
    hands_over,
    last_program,
    least_seconds,
    never_ends,
    program,
    shell_script,
    sleep_seconds,
    trapped,
    waits,
)
from lab.insight.lint import Finding, Subject
from lab.insight.phrase import phrase
from lab.insight.shell import Command, everything

MINIMUM_GRACE_SECONDS = 2  # a grace period that short is meant to end in SIGKILL


def deaf_program(subject: Subject) -> Iterator[Finding]:
    """``sleep`` and ``tail -f`` as PID 1 have no handler."""
    if subject.is_init or not subject.argv:
        return
    seconds = FOREVER_SECONDS if never_ends(subject.argv) else sleep_seconds(subject.argv)
    if seconds is not None and seconds >= subject.grace_seconds > MINIMUM_GRACE_SECONDS:
        yield Finding(
            rule="deaf-program",
            path=subject.argv_path(0),
            phrase=phrase(
                "PID 1 is `{program}`, which has no handler for SIG{signal}, and the kernel drops such a signal to PID 1: a "
                "delete "
                "takes the whole grace period of {grace} s and ends with SIGKILL.",
                "PID 1 是 `{program}`，没有 SIG{signal} 的处理函数，而内核会丢弃发给 PID 1 的这类信号：删除会用满 {grace} 秒"
                "宽限期，最后以 SIGKILL 结束。",
                program=program(subject.argv),
                signal=subject.stop_signal,
                grace=subject.grace_seconds,
            ),
        )


def deaf_shell(subject: Subject) -> Iterator[Finding]:
    """A shell as PID 1 that traps nothing, or a last command of which nobody knows whether it takes the shell's place."""
    shell = _shell(subject)
    if shell is None or shell.script is None or trapped(shell.script) != frozenset():
        return
    waited = _waited_for(subject, shell)
    if waited is None:
        return
    names = {
        "shell": program(subject.argv),
        "signal": subject.stop_signal,
        "command": _shown(waited),
        "grace": subject.grace_seconds,
    }
    at_the_end = any(waited is last for last in final(shell.script))
    if at_the_end and sleep_seconds(waited.words) is None and not never_ends(waited.words):
        yield Finding(
            rule="last-command-without-exec",
            path=subject.argv_path(shell.item),
            script_line=waited.line,
            tone="note",
            phrase=phrase(
                "Whether `{command}` gets the stop signal depends on the shell: the shells of busybox and bash let the last "
                "command take "
                "their place as PID 1, dash stays and passes no signal on. `exec` in front of it makes it sure.",
                "`{command}` 能否收到停止信号取决于 shell：busybox 的 shell 和 bash 会让最后一个命令取代自己成为 1 号进程，"
                "dash 则留在原处，也不转发信号。在命令前加 `exec` 才有保证。",
                command=names["command"],
            ),
        )
        return
    said = (
        phrase(
            "PID 1 is `{shell}`, or `{command}` in its place; neither has a handler for SIG{signal}: a delete takes the "
            "whole grace "
            "period of {grace} s and ends with SIGKILL.",
            "1 号进程是 `{shell}`，或者取代它的 `{command}`；两者都没有 SIG{signal} 的处理函数：删除会用满 {grace} 秒宽限期，"
            "最后以 SIGKILL 结束。",
            **names,
        )
        if at_the_end
        else phrase(
            "PID 1 is `{shell}`, which has no trap for SIG{signal} and does not pass it on to `{command}`: a delete takes "
            "the whole "
            "grace period of {grace} s and ends with SIGKILL. Trap the signal, or let the program that is to get it run "
            "last, with `exec`.",
            "PID 1 是 `{shell}`，它没有捕获 SIG{signal}，也不会转发给 `{command}`：删除会用满 {grace} 秒宽限期，最后以 "
            "SIGKILL 结束。请用 trap 捕获信号，或让该收到信号的程序最后以 `exec` 启动。",
            **names,
        )
    )
    yield Finding(rule="deaf-shell", path=subject.argv_path(shell.item), script_line=waited.line, phrase=said)


def trap_behind_foreground(subject: Subject) -> Iterator[Finding]:
    """A trap that has to wait for the command in the foreground."""
    shell = _shell(subject)
    if shell is None or shell.script is None:
        return
    signals = trapped(shell.script)
    if not signals or subject.stop_signal not in signals:
        return
    first_trap = min(command.line for command, _ in everything(shell.script) if command.words[:1] == ("trap",))
    waited = _waited_for(subject, shell)
    if waited is None or waited.line < first_trap:
        return
    yield Finding(
        rule="trap-behind-foreground",
        path=subject.argv_path(shell.item),
        script_line=waited.line,
        phrase=phrase(
            "The shell runs its trap only when `{command}` has ended, so the trap comes too late for the grace period of "
            "{grace} s. "
            "Start it with `&` and then `wait $!`, which a signal does interrupt.",
            "shell 要等 `{command}` 结束才会执行 trap，在 {grace} 秒宽限期内来不及。请在它后面加 `&` 再写 `wait $!`，wait 会"
            "被信号打断。",
            command=_shown(waited),
            grace=subject.grace_seconds,
        ),
    )


def stop_signal_not_trapped(subject: Subject) -> Iterator[Finding]:
    """A trap for SIGTERM in an image whose STOPSIGNAL is another one."""
    shell = _shell(subject)
    if shell is None or shell.script is None or subject.stop_signal == "TERM":
        return
    signals = trapped(shell.script)
    if signals and "TERM" in signals and subject.stop_signal not in signals:
        trap = next(command for command, _ in everything(shell.script) if command.words[:1] == ("trap",))
        yield Finding(
            rule="stop-signal-not-trapped",
            path=subject.argv_path(shell.item),
            script_line=trap.line,
            phrase=phrase(
                "The image `{image}` names SIG{signal} as its stop signal, also for another command: SIGTERM never comes, "
                "and SIG{signal} "
                "finds no trap.",
                "镜像 `{image}` 把停止信号定为 SIG{signal}，换了命令也一样：SIGTERM 不会到来，而 SIG{signal} 没有被捕获。",
                image=subject.container.image,
                signal=subject.stop_signal,
            ),
        )


def _shell(subject: Subject) -> ShellScript | None:
    """Return the script of a shell that PID 1 begins as, as long as nothing in it hands over to what cannot be read here."""
    shell = shell_script(subject.argv)
    known = shell is not None and shell.script is not None and not hands_over(shell.script)
    return shell if known and not subject.is_init and subject.grace_seconds > MINIMUM_GRACE_SECONDS else None


def _waited_for(subject: Subject, shell: ShellScript) -> Command | None:
    """Return the command in the foreground that outlasts the grace period, as far as that can be told."""
    if shell.script is None:
        return None
    for command, seconds in waits(shell.script):
        if seconds >= subject.grace_seconds:
            return command
    last = last_program(shell.script)
    if last is not None and sleep_seconds(last.words) is None and subject.is_meant_to_stay:
        return last if least_seconds(shell.script) < FOREVER_SECONDS else None
    return None


def _shown(command: Command) -> str:
    words = " ".join(command.raw)
    return words if len(words) <= 40 else f"{words[:39]}…"
