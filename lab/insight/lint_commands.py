"""Rules about commands: there is no shell unless one is written there, and ``$(VAR)`` is Kubernetes' own in some places only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lab.insight.commands import SHELLS, program, shell_script
from lab.insight.lint import Finding, Subject
from lab.insight.lint_hooks import hooks_of
from lab.insight.phrase import phrase
from lab.insight.shell_tokens import outside_single_quotes
from lab.pods.model import ExecAction

_OPERATORS = frozenset({">", ">>", "<", "|", "&&", "||", ";", "&", "2>&1"})
_PARENTHESISED = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_VARIABLE = re.compile(r"(?<!\$)\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_WELL_KNOWN = frozenset({"HOME", "HOSTNAME", "PATH"})
_OWN_DOLLARS = frozenset({"awk", "gawk", "mawk", "perl", "envsubst", "sed", "php", "ruby", "node", "make", "expect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An argument vector of the manifest. ``paths`` has the path of each of its items."""

    argv: tuple[str, ...]
    paths: tuple[str, ...]
    whole: str
    is_hook: bool


def empty_program(subject: Subject) -> Iterator[Finding]:
    """A hook's command that is an empty string."""
    for place in _places(subject):
        if place.is_hook and not place.argv[0]:
            yield Finding(
                rule="empty-program",
                path=place.whole,
                phrase=phrase(
                    "The command is an empty string: it cannot be started and the hook fails.",
                    "命令是空字符串：无法启动，钩子会失败。",
                ),
            )


def line_as_program(subject: Subject) -> Iterator[Finding]:
    """A whole shell line in one item."""
    for place in _places(subject):
        if any(space in place.argv[0] for space in " \t\n"):
            yield Finding(
                rule="line-as-program",
                path=place.paths[0],
                phrase=phrase(
                    "There is no shell: “{program}” is looked for as one file name. Write each word as an item of its own, "
                    "or use `sh -c`.",
                    "这里没有 shell：“{program}”会被当作一个文件名去查找。请把每个词写成单独一项，或使用 `sh -c`。",
                    program=place.argv[0],
                ),
            )


def operator_without_shell(subject: Subject) -> Iterator[Finding]:
    """Redirections and operators as arguments."""
    for place in _places(subject):
        if program(place.argv) in SHELLS:
            continue
        for item, word in enumerate(place.argv[1:], start=1):
            if word in _OPERATORS:
                yield Finding(
                    rule="operator-without-shell",
                    path=place.paths[item],
                    phrase=phrase(
                        "There is no shell: `{word}` is passed to `{program}` as a plain word. Use `sh -c`.",
                        "这里没有 shell：`{word}` 会作为普通参数传给 `{program}`。请使用 `sh -c`。",
                        word=word,
                        program=program(place.argv),
                    ),
                )
                break


def variable_without_shell(subject: Subject) -> Iterator[Finding]:
    """``$VAR`` where nothing expands it."""
    declared = _WELL_KNOWN | {variable.name for variable in subject.container.env}
    for place in _places(subject):
        if program(place.argv) in SHELLS | _OWN_DOLLARS:
            continue
        for item, word in enumerate(place.argv):
            name = next((found[1] or found[2] for found in _VARIABLE.finditer(word) if (found[1] or found[2]) in declared), None)
            if name is None:
                continue
            if place.is_hook:
                said = phrase(
                    "There is no shell to expand `${name}`: the hook gets the text as it stands. Use `sh -c`.",
                    "没有 shell 来展开 `${name}`：钩子拿到的就是这几个字符。请使用 `sh -c`。",
                    name=name,
                )
            else:
                said = phrase(
                    "There is no shell to expand `${name}`: the program gets the text as it stands. Kubernetes expands "
                    "`$({name})` here.",
                    "没有 shell 来展开 `${name}`：程序拿到的就是这几个字符。在这里 Kubernetes 会展开的写法是 `$({name})`。",
                    name=name,
                )
            yield Finding(rule="variable-without-shell", path=place.paths[item], phrase=said)


def parenthesised_variable_in_hook(subject: Subject) -> Iterator[Finding]:
    """``$(VAR)`` in a hook, which Kubernetes does not expand there and a shell takes for a command."""
    declared = {variable.name for variable in subject.container.env}
    for place in _places(subject):
        shell = shell_script(place.argv)
        for item, word in enumerate(place.argv if place.is_hook else ()):
            text = outside_single_quotes(word) if shell is not None and shell.item == item else word
            name = next((name for name in _PARENTHESISED.findall(text) if name in declared or name.isupper()), None)
            if name is not None:
                yield Finding(
                    rule="parenthesised-variable-in-hook",
                    path=place.paths[item],
                    phrase=phrase(
                        "`$({name})` is not expanded in hooks, only in command and args of the container. Use a shell and "
                        "`${name}`.",
                        "钩子里不会展开 `$({name})`，只有容器的 command 和 args 里才会。请使用 shell 和 `${name}`。",
                        name=name,
                    ),
                )


def _places(subject: Subject) -> Iterator[_Place]:
    if subject.argv:
        paths = tuple(subject.argv_path(item) for item in range(len(subject.argv)))
        yield _Place(argv=subject.argv, paths=paths, whole=f"{subject.path}.command", is_hook=False)
    for hook, handler in hooks_of(subject.container):
        if isinstance(handler, ExecAction) and handler.command:
            whole = f"{subject.hook_path(hook)}.exec.command"
            paths = tuple(f"{whole}[{item}]" for item in range(len(handler.command)))
            yield _Place(argv=handler.command, paths=paths, whole=whole, is_hook=True)
