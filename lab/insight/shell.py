"""A shell script, read far enough to say what runs in the foreground: the part of POSIX that manifests use.

`read_script` gives a tree of lists, or None where it meets something that it does not know (here-documents, ``case``): who asks
then stays silent. Nothing is run or expanded.
Source: POSIX.1-2017, Shell Command Language, 2.3 (tokens) and 2.9 (commands).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from lab.insight.shell_tokens import Token, Unreadable, tokens

Kind = Literal["while", "until", "for", "if", "group", "subshell", "function"]

_CLOSING = {"then", "else", "elif", "fi", "do", "done", "}"}
_REMEMBERED = 8  # scripts: every rule of the lint asks about the same few; the tree of a long one takes megabytes
_DEEPEST = 40  # of compounds in compounds; no manifest comes near, and a reader's stack is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A simple command: its words without quotes, ``raw`` as written, whether its standard output goes elsewhere, and the line of
    the script (from 0) where it begins."""

    words: tuple[str, ...]
    raw: tuple[str, ...]
    redirects_output: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compound:
    """Commands that belong together. ``condition`` is what while, until and if ask; ``body`` what they run, all branches."""

    kind: Kind
    condition: tuple[Item, ...]
    body: tuple[Item, ...]
    redirects_output: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A pipeline of a list, and the operator before it ("" at the beginning, else ``;``, ``&&`` or ``||``)."""

    parts: tuple[Command | Compound, ...]
    after: str
    background: bool


Script = tuple[Item, ...]


@lru_cache(maxsize=_REMEMBERED)
def read_script(text: str) -> Script | None:
    """Return what the script consists of, or None when it holds something that this reader does not know."""
    try:
        reader = _Reader(list(tokens(text)))
        script = reader.items(frozenset())
        return script if reader.at_end else None
    except Unreadable:
        return None


def foreground(script: Script) -> Iterator[Command]:
    """Yield every simple command that the shell itself would wait for, in the order of the text; functions are left out."""
    for item in script:
        if item.background:
            continue
        for part in item.parts:
            if isinstance(part, Command):
                yield part
            elif part.kind != "function":
                yield from foreground(part.condition)
                yield from foreground(part.body)


def everything(script: Script) -> Iterator[tuple[Command, bool]]:
    """Yield every simple command with whether it runs in a process of its own (background, subshell, pipeline)."""
    for item in script:
        for part in item.parts:
            apart = item.background or len(item.parts) > 1
            if isinstance(part, Command):
                yield part, apart
            else:
                apart = apart or part.kind == "subshell"
                for command, inside in (*everything(part.condition), *everything(part.body)):
                    yield command, apart or inside


class _Reader:
    """A recursive-descent reader over the tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def items(self, until: frozenset[str]) -> tuple[Item, ...]:
        """Read a list up to, not including, one of the words ``until`` or the end."""
        found: list[Item] = []
        after = ""
        self._newlines()
        while not self.at_end and not self._is_word(until) and not self._is_operator(")"):
            parts = [self._part()]
            while self._take_operator("|"):
                self._newlines()
                parts.append(self._part())
            background = self._take_operator("&")
            found.append(Item(parts=tuple(parts), after=after, background=background))
            if background:
                _put_chain_into_background(found)
            after = self._separator(background)
        if after in ("&&", "||"):
            raise Unreadable
        return tuple(found)

    def _separator(self, background: bool) -> str:
        for operator in ("&&", "||"):
            if self._take_operator(operator):
                self._newlines()
                return operator
        separated = self._take_operator(";") or background
        if not self._newlines() and not separated and not self.at_end and not self._is_operator(")"):
            raise Unreadable
        return ";"

    def _part(self) -> Command | Compound:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable
        token = self._peek()
        while self._take_word("!"):
            pass
        if self._take_operator("("):
            part: Command | Compound = self._closed("subshell", token.line, self.items(frozenset()), ")")
        elif self._take_word("{"):
            part = self._closed("group", token.line, self.items(frozenset({"}"})), "}")
        elif self._is_word(frozenset({"while", "until"})):
            part = self._loop()
        elif self._take_word("for"):
            part = self._for(token.line)
        elif self._take_word("if"):
            part = self._if(token.line)
        elif self._is_word(frozenset({"case", "function", "select", "time", "[["})) or self._is_word(frozenset(_CLOSING)):
            raise Unreadable
        else:
            part = self._simple()
        self._depth -= 1
        return part

    def _loop(self) -> Compound:
        token = self._next()
        condition = self.items(frozenset({"do"}))
        return self._do(_LOOPS[token.text], condition, token.line)

    def _for(self, line: int) -> Compound:
        self._next()
        self._newlines()
        if self._take_word("in"):
            while not self.at_end and not self._peek().operator:
                self._next()
        self._take_operator(";")
        self._newlines()
        return self._do("for", (), line)

    def _do(self, kind: Kind, condition: tuple[Item, ...], line: int) -> Compound:
        self._expect_word("do")
        body = self.items(frozenset({"done"}))
        self._expect_word("done")
        return self._compound(kind, condition, body, line)

    def _if(self, line: int) -> Compound:
        condition = self.items(frozenset({"then"}))
        self._expect_word("then")
        body = self.items(frozenset({"elif", "else", "fi"}))
        while self._take_word("elif"):
            body += self.items(frozenset({"then"}))
            self._expect_word("then")
            body += self.items(frozenset({"elif", "else", "fi"}))
        if self._take_word("else"):
            body += self.items(frozenset({"fi"}))
        self._expect_word("fi")
        return self._compound("if", condition, body, line)

    def _closed(self, kind: Kind, line: int, body: tuple[Item, ...], end: str) -> Compound:
        if not (self._take_operator(end) or self._take_word(end)):
            raise Unreadable
        return self._compound(kind, (), body, line)

    def _compound(self, kind: Kind, condition: tuple[Item, ...], body: tuple[Item, ...], line: int) -> Compound:
        redirects = False
        while not self.at_end and self._peek().redirects is not None:
            redirects |= bool(self._next().redirects)
        return Compound(kind=kind, condition=condition, body=body, redirects_output=redirects, line=line)

    def _simple(self) -> Command | Compound:
        first = self._peek()
        words: list[Token] = []
        redirects = False
        while not self.at_end and (not self._peek().operator or self._peek().redirects is not None):
            token = self._next()
            if token.redirects is None:
                words.append(token)
            redirects |= bool(token.redirects)
        if len(words) == 1 and self._take_operator("("):
            if not self._take_operator(")"):
                raise Unreadable
            self._newlines()
            body = self._part()
            return Compound(
                kind="function", condition=(), body=(Item(parts=(body,), after="", background=False),),
                redirects_output=False, line=first.line,
            )  # fmt: skip
        if not words and not redirects:
            raise Unreadable
        return Command(
            words=tuple(word.text for word in words),
            raw=tuple(word.raw for word in words),
            redirects_output=redirects,
            line=first.line,
        )

    def _peek(self) -> Token:
        if self.at_end:
            raise Unreadable
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _newlines(self) -> bool:
        taken = False
        while self._take_operator("\n"):
            taken = True
        return taken

    def _is_operator(self, operator: str) -> bool:
        return not self.at_end and self._peek().operator and self._peek().text == operator

    def _take_operator(self, operator: str) -> bool:
        found = self._is_operator(operator)
        self._at += found
        return found

    def _is_word(self, words: frozenset[str]) -> bool:
        return not self.at_end and not self._peek().operator and self._peek().raw in words

    def _take_word(self, word: str) -> bool:
        found = self._is_word(frozenset({word}))
        self._at += found
        return found

    def _expect_word(self, word: str) -> None:
        if not self._take_word(word):
            raise Unreadable


def _put_chain_into_background(items: list[Item]) -> None:
    """``a && b &`` runs both apart from the shell."""
    at = len(items) - 1
    while items[at].after in ("&&", "||"):
        at -= 1
        items[at] = replace(items[at], background=True)


_LOOPS: dict[str, Kind] = {"while": "while", "until": "until"}
