"""Rules about PID 1: whether the stop signal can reach anything at all.

Measured on a real node: a PID 1 without a handler loses its stop signal and costs the whole grace period; a shell runs a trap
only when the command in the foreground has ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.insight.commands import (
    FOREVER_SECONDS,
    ShellScript,
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


def deaf_program(subject: Subject) -> Iterator[Finding]:
    """``sleep`` and ``tail -f`` as PID 1 have no handler."""
    if subject.is_init or not subject.argv:
        return
    seconds = FOREVER_SECONDS if never_ends(subject.argv) else sleep_seconds(subject.argv)
    if seconds is not None and seconds >= subject.grace_seconds:
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
    """A shell that stays PID 1 and traps nothing."""
    shell = _shell_that_stays(subject)
    if shell is None or shell.script is None or trapped(shell.script) != frozenset():
        return
    waited = _waited_for(subject, shell)
    if waited is None:
        return
    yield Finding(
        rule="deaf-shell",
        path=subject.argv_path(shell.item),
        script_line=waited.line,
        phrase=phrase(
            "PID 1 is `{shell}`, which has no trap for SIG{signal} and does not pass it on to `{command}`: a delete takes "
            "the whole "
            "grace period of {grace} s and ends with SIGKILL. Start the last program with `exec`, or trap the signal.",
            "PID 1 是 `{shell}`，它没有捕获 SIG{signal}，也不会转发给 `{command}`：删除会用满 {grace} 秒宽限期，最后以 "
            "SIGKILL 结束。请用 `exec` 启动最后一个程序，或用 trap 捕获信号。",
            shell=program(subject.argv),
            signal=subject.stop_signal,
            command=_shown(waited),
            grace=subject.grace_seconds,
        ),
    )


def trap_behind_foreground(subject: Subject) -> Iterator[Finding]:
    """A trap that has to wait for the command in the foreground."""
    shell = _shell_that_stays(subject)
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
    shell = _shell_that_stays(subject)
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


def _shell_that_stays(subject: Subject) -> ShellScript | None:
    """Return the script of a shell that is PID 1 from beginning to end. A single command may take the shell's place by "
    "itself."""
    shell = shell_script(subject.argv)
    if shell is None or shell.script is None or subject.is_init or hands_over(shell.script):
        return None
    alone = len(shell.script) == 1 and len(shell.script[0].parts) == 1 and isinstance(shell.script[0].parts[0], Command)
    return None if alone else shell


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
