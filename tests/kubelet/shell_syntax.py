"""The part of POSIX sh that recorded scenarios are written in, as a tree.

Lists, background, and-or, for, while, until, subshells, redirections, the quotes, and the expansions ``$x``, ``$(…)`` and
``$((…))``. What is not there is refused, so that no scenario is played other than it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

OPERATORS = ("&&", "||", ">>", ">&", "2>&1", ";", "&", "(", ")", ">", "\n")
UNKNOWN = ("if", "case", "{", "!", "function", "do", "done")  # where a command is expected
NAME = re.compile(r"[A-Za-z_]\w*|[!?$]")


@dataclass(frozen=True)
class Part:
    """A piece of a word."""

    kind: Literal["text", "variable", "command", "arithmetic"]
    value: str


@dataclass(frozen=True)
class Word:
    """Pieces that stand together. ``plain`` is its text when nothing in it was ``quoted`` or is expanded."""

    parts: tuple[Part, ...]
    plain: str | None
    quoted: bool


@dataclass(frozen=True)
class Redirect:
    """``operator`` is one of > >> >& 2>&1."""

    operator: str
    target: Word | None


@dataclass(frozen=True)
class Simple:
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True)
class For:
    variable: str
    words: tuple[Word, ...]
    body: Sequence


@dataclass(frozen=True)
class Loop:
    """``runs_while`` is the condition's success for which the body is run."""

    condition: Sequence
    body: Sequence
    runs_while: bool


@dataclass(frozen=True)
class Subshell:
    body: Sequence
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True)
class Background:
    command: Command


@dataclass(frozen=True)
class AndOr:
    left: Command
    operator: str
    right: Command


@dataclass(frozen=True)
class Sequence:
    commands: tuple[Command, ...]


Command = Simple | For | Loop | Subshell | Background | AndOr | Sequence


def parse(source: str) -> Sequence:
    """Return the tree of a script. Raises ValueError for what this shell does not know."""
    parser = _Parser(_tokens(source))
    tree = parser.sequence(until=())
    if parser.next is not None:
        raise ValueError(f"cannot parse {source!r} at {parser.next!r}")
    return tree


class _Parser:
    def __init__(self, tokens: list[str | Word]) -> None:
        self._tokens = tokens

    @property
    def next(self) -> str | Word | None:
        return self._tokens[0] if self._tokens else None

    def sequence(self, until: tuple[str, ...]) -> Sequence:
        commands: list[Command] = []
        while True:
            self._skip_separators()
            if self.next is None or self._is(*until):
                return Sequence(tuple(commands))
            command = self._and_or()
            if self.next == "&":
                self._take()
                command = Background(command)
            commands.append(command)

    def _and_or(self) -> Command:
        left = self._command()
        while self.next in ("&&", "||"):
            left = AndOr(left, str(self._take()), self._command())
        return left

    def _command(self) -> Command:
        if self._is("("):
            self._take()
            body = self.sequence(until=(")",))
            self._expect(")")
            return Subshell(body, self._redirects())
        if self._is("for"):
            self._take()
            variable = self._plain()
            self._expect("in")
            words = []
            while isinstance(self.next, Word):
                words.append(self._word())
            return For(variable, tuple(words), self._body())
        if self._is("while", "until"):
            runs_while = self._plain() == "while"
            return Loop(self.sequence(until=("do",)), self._body(), runs_while)
        if self._is(*UNKNOWN):
            raise ValueError(f"cannot parse at {self.next!r}")
        return self._simple()

    def _body(self) -> Sequence:
        self._skip_separators()
        self._expect("do")
        body = self.sequence(until=("done",))
        self._expect("done")
        return body

    def _simple(self) -> Simple:
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            if isinstance(self.next, Word):
                words.append(self._word())
            elif found := self._redirects():
                redirects += found
            elif not words:
                raise ValueError(f"cannot parse at {self.next!r}")
            else:
                return Simple(tuple(words), tuple(redirects))

    def _redirects(self) -> tuple[Redirect, ...]:
        found: list[Redirect] = []
        while self.next in (">", ">>", ">&", "2>&1"):
            operator = str(self._take())
            found.append(Redirect(operator, None if operator == "2>&1" else self._word()))
        return tuple(found)

    def _skip_separators(self) -> None:
        while self.next in (";", "\n"):
            self._take()

    def _is(self, *words: str) -> bool:
        token = self.next
        return (token.plain if isinstance(token, Word) else token) in words

    def _take(self) -> str | Word:
        return self._tokens.pop(0)

    def _word(self) -> Word:
        token = self._take()
        if not isinstance(token, Word):
            raise ValueError(f"cannot parse: a word is missing before {token!r}")
        return token

    def _plain(self) -> str:
        word = self._word().plain
        if word is None:
            raise ValueError("cannot parse: a plain word is missing")
        return word

    def _expect(self, word: str) -> None:
        if not self._is(word):
            raise ValueError(f"cannot parse: {word} is missing before {self.next!r}")
        self._take()


def _tokens(source: str) -> list[str | Word]:
    tokens: list[str | Word] = []
    at = 0
    while at < len(source):
        operator = next((o for o in OPERATORS if source.startswith(o, at)), None)
        if source[at] in " \t":
            at += 1
        elif operator:
            tokens.append(operator)
            at += len(operator)
        else:
            word, at = _word(source, at)
            tokens.append(word)
    return tokens


def _word(source: str, at: int) -> tuple[Word, int]:
    parts: list[Part] = []
    begin = at
    while at < len(source) and source[at] not in " \t\n;&()>":
        if source[at] == "'":
            end = source.index("'", at + 1)
            parts.append(Part("text", source[at + 1 : end]))
            at = end + 1
        elif source[at] == '"':
            at = _quoted(source, at + 1, parts)
        else:
            at = _piece(source, at, parts)
    text = source[begin:at]
    return Word(tuple(parts), None if re.search(r"['\"$\\]", text) else text, re.search("['\"]", text) is not None), at


def _quoted(source: str, at: int, parts: list[Part]) -> int:
    parts.append(Part("text", ""))
    while source[at] != '"':
        at = _piece(source, at, parts, unknown="\\`")
    return at + 1


def _piece(source: str, at: int, parts: list[Part], unknown: str = "\\`|<*{}") -> int:
    """Take one character or one expansion."""
    if source.startswith("$((", at):
        end = source.index("))", at)
        parts.append(Part("arithmetic", source[at + 3 : end]))
        return end + 2
    if source.startswith("$(", at):
        end = source.index(")", at)
        parts.append(Part("command", source[at + 2 : end]))
        return end + 1
    name = NAME.match(source, at + 1) if source[at] == "$" else None
    if name:
        parts.append(Part("variable", name[0]))
        return name.end()
    if source[at] in unknown:
        raise ValueError(f"cannot parse {source!r}: {source[at]} is not known here")
    parts.append(Part("text", source[at]))
    return at + 1
