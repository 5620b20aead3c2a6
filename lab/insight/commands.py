"""What an argument vector of a manifest does: whether it is a shell's script, how long it sleeps, which signals it traps.

An answer is given only where the text allows no other; everything else is None or empty, and the rules that ask stay silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.insight.shell import Command, Compound, Item, Script, everything, foreground, read_script

SHELLS = frozenset({"sh", "bash", "ash", "dash"})
FOREVER_SECONDS = float("inf")

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)")
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BUILTINS = frozenset(
    (
        *("wait", "read", "exit", "echo", ":", "true", "false", "test", "[", "cd", "export", "set", "trap", "printf", "kill"),
        *("local", "return", "unset", "shift", "umask"),
    )
)
_SHORT_LIVED = frozenset(  # tools that do their work and end; a server is none of them
    (
        *("cat", "chmod", "chown", "cp", "curl", "date", "df", "du", "env", "find", "grep", "head", "hostname", "id", "ln", "ls"),
        *("mkdir", "mv", "nslookup", "ps", "rm", "sed", "sort", "stat", "touch", "uname", "uniq", "wc", "wget", "whoami"),
    )
)
_SURE = frozenset({"sleep", "echo", "printf", "true", ":"})  # what hardly ever fails
_ALWAYS = (("true",), (":",), ("[", "1", "]"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellScript:
    """A script that a shell is given with ``-c``. ``item`` is its index in the argument vector."""

    text: str
    item: int
    script: Script | None


def program(argv: tuple[str, ...]) -> str:
    """Return the name of the program without its directory; "" when there is none."""
    return argv[0].rpartition("/")[2] if argv else ""


def shell_script(argv: tuple[str, ...]) -> ShellScript | None:
    """Return the script of ``sh -c SCRIPT``, or None when the vector is something else."""
    if program(argv) not in SHELLS:
        return None
    at = 1
    while at < len(argv) and re.fullmatch(r"-[a-z]+", argv[at]):
        if "c" in argv[at]:
            break
        at += 2 if argv[at].endswith("o") else 1
    else:
        return None
    if at + 1 >= len(argv):
        return None
    return ShellScript(text=argv[at + 1], item=at + 1, script=read_script(argv[at + 1]))


def sleep_seconds(words: tuple[str, ...]) -> float | None:
    """Return how long ``sleep …`` sleeps; None when the words are no sleep, or its length is not written there."""
    if len(words) < 2 or program(words) != "sleep":
        return None
    total = 0.0
    for word in words[1:]:
        found = _DURATION.fullmatch(word)
        if word in ("infinity", "inf"):
            return FOREVER_SECONDS
        if found is None:
            return None
        total += float(found.group(1)) * _UNIT_SECONDS[found.group(2)]
    return total


def never_ends(words: tuple[str, ...]) -> bool:
    """Whether a simple command runs until something ends it."""
    if program(words) == "tail":
        return any(re.fullmatch(r"-[a-zA-Z]*[fF]|--follow", word) for word in words[1:])
    return sleep_seconds(words) == FOREVER_SECONDS


def least_seconds(script: Script) -> float:
    """Return for how long a script runs at least, by the sleeps that it cannot pass by: what follows a command that may fail, or
    a place where the script may leave, does not count."""
    total, sure = 0.0, True
    for item in script:
        sure = item.after not in ("&&", "||") or (sure and item.after == "&&")
        if item.background or item.after == "||":
            continue
        if sure:
            total += max((_part_seconds(part) for part in item.parts), default=0.0)
        if _leaves((item,)):
            break
        sure = sure and _succeeds(item)
    return total


def final(script: Script) -> Iterator[Command]:
    """Yield the commands that may be a script's last, whose place a shell may give them."""
    item = script[-1] if script else None
    if item is None or item.background or len(item.parts) > 1:
        return
    part = item.parts[0]
    if isinstance(part, Command):
        yield part
    elif part.kind in ("group", "subshell", "if"):
        yield from final(part.body)


def argv_seconds(argv: tuple[str, ...]) -> float:
    """Return for how long a command runs at least."""
    shell = shell_script(argv)
    if shell is not None:
        return least_seconds(shell.script) if shell.script is not None else 0.0
    return FOREVER_SECONDS if never_ends(argv) else sleep_seconds(argv) or 0.0


def trapped(script: Script) -> frozenset[str] | None:
    """Return the signals (``TERM``) that the shell itself traps or ignores; None when they cannot be told."""
    found: set[str] = set()
    for command, apart in everything(script):
        words = command.words
        if words[:1] != ("trap",) or len(words) < 2 or apart:
            continue
        signals = [word.upper().removeprefix("SIG") for word in words[2:]]
        if any("$" in word for word in words[2:]) or "15" in signals or "3" in signals:
            return None
        if words[1] == "-":
            found -= set(signals)
        else:
            found |= set(signals)
    return frozenset(found)


def hands_over(script: Script) -> bool:
    """Whether the shell may become another program, or run text that is not here to be read."""
    return any(
        (command.words[:1] == ("exec",) and len(command.words) > 1) or command.words[:1] in (("eval",), (".",), ("source",))
        for command, _ in everything(script)
    )


def last_program(script: Script) -> Command | None:
    """Return the external program in the foreground that a script ends with, if it does and may run for long."""
    item = script[-1] if script else None
    part = item.parts[-1] if item is not None and not item.background else None
    if not isinstance(part, Command) or not part.words or "=" in part.words[0] or "$" in part.words[0]:
        return None
    is_short = part.words[0] in _BUILTINS or program(part.words) in _SHORT_LIVED
    return None if is_short or part.words[0] in functions(script) else part


def functions(script: Script) -> frozenset[str]:
    """Return the commands that may be functions: all of them when the script defines any, for the reader keeps no names."""
    has_any = any(isinstance(part, Compound) and part.kind == "function" for item in script for part in item.parts)
    return frozenset(command.words[0] for command, _ in everything(script) if command.words) if has_any else frozenset()


def waits(script: Script) -> Iterator[tuple[Command, float]]:
    """Yield the commands in the foreground that are known to wait, with for how long."""
    for command in foreground(script):
        seconds = FOREVER_SECONDS if never_ends(command.words) else sleep_seconds(command.words)
        if seconds is not None:
            yield command, seconds


def words_of(script: Script) -> Iterator[str]:
    """Yield every word of every command, without quotes."""
    for command, _ in everything(script):
        yield from command.words


def _part_seconds(part: Command | Compound) -> float:
    if isinstance(part, Command):
        return FOREVER_SECONDS if never_ends(part.words) else sleep_seconds(part.words) or 0.0
    match part.kind:
        case "group" | "subshell":
            return least_seconds(part.body)
        case "while" if _always(part.condition) and not _leaves(part.body):
            return FOREVER_SECONDS
        case _:
            return 0.0


def _succeeds(item: Item) -> bool:
    return all(isinstance(part, Command) and part.words[:1] and program(part.words) in _SURE for part in item.parts)


def _always(condition: tuple[Item, ...]) -> bool:
    return len(condition) == 1 and [p.words for p in condition[0].parts if isinstance(p, Command)] in [[w] for w in _ALWAYS]


def _leaves(body: Iterable[Item]) -> bool:
    leaving = {"break", "exit", "return", "exec", "kill", "eval", ".", "source"}
    return any(command.words[:1] and command.words[0] in leaving for command, _ in everything(tuple(body)))
