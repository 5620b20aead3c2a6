"""The tokens of a shell script: words with their quotes taken off, operators, redirections.

Substitutions are kept inside their word as they are written. What is not known raises `Unreadable`.
Source: POSIX.1-2017, Shell Command Language, 2.2 and 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATOR = re.compile(r"&&|\|\||;;|[;&|()\n]")
_REDIRECTION = re.compile(r"(\d*)(&>>|&>|>>|>\||>&|<&|<>|>|<)[ \t]*")
_STANDARD_OUTPUT = ("", "1")
_DEEPEST = 40  # of quotes and substitutions in one another; no manifest comes near, and the reader's stack is kept


class Unreadable(Exception):
    """The script holds something that the reader does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word, an operator or a redirection. ``redirects`` is None for what is no redirection, else whether it sends the standard
    output elsewhere. ``line`` counts from 0."""

    text: str
    raw: str
    line: int
    operator: bool = False
    redirects: bool | None = None


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a script. Raises Unreadable."""
    at = line = counted = 0
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        if text[at] in " \t" or text.startswith("\\\n", at):
            at += 2 if text[at] == "\\" else 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif redirection := _REDIRECTION.match(text, at):
            if text.startswith("<<", redirection.start(2)):
                raise Unreadable
            end = _word_end(text, redirection.end())
            if end == redirection.end():
                raise Unreadable
            number, sign = redirection.group(1), redirection.group(2)
            to_output = ">" in sign and (number in _STANDARD_OUTPUT or sign.startswith("&"))
            yield Token(text=text[at:end], raw=text[at:end], line=line, operator=True, redirects=to_output)
            at = end
        elif operator := _OPERATOR.match(text, at):
            if operator.group() == ";;":
                raise Unreadable
            yield Token(text=operator.group(), raw=operator.group(), line=line, operator=True)
            at = operator.end()
        else:
            end = _word_end(text, at)
            raw = text[at:end]
            yield Token(text=unquoted(raw), raw=raw, line=line)
            at = end


def unquoted(raw: str) -> str:
    """Return a word without its quotes; substitutions stay as they are written."""
    out, at = [], 0
    while at < len(raw):
        character = raw[at]
        if character == "'":
            end = raw.index("'", at + 1)
            out.append(raw[at + 1 : end])
            at = end + 1
        elif character == '"':
            end = _double_end(raw, at)
            out.append(re.sub(r'\\([$`"\\\n])', r"\1", raw[at + 1 : end - 1]))
            at = end
        elif character == "\\":
            out.append(raw[at + 1 : at + 2])
            at += 2
        else:
            end = _piece_end(raw, at)
            out.append(raw[at:end])
            at = end
    return "".join(out)


def outside_single_quotes(raw: str) -> str:
    """Return what of a text a shell would expand: everything but its single-quoted parts."""
    return re.sub(r"'[^']*'", "''", raw)


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\n;&|()<>":
        at = _piece_end(text, at)
    return at


def _piece_end(text: str, at: int, depth: int = 0) -> int:
    """Return where the quoted part, substitution or character that begins at ``at`` ends."""
    if depth > _DEEPEST:
        raise Unreadable
    match text[at]:
        case "'":
            return _after(text, "'", at + 1)
        case '"':
            return _double_end(text, at, depth)
        case "`":
            return _after(text, "`", at + 1)
        case "\\":
            return min(at + 2, len(text))
        case "$" if text.startswith("$(", at):
            return _balanced(text, at + 1, "()", depth)
        case "$" if text.startswith("${", at):
            return _balanced(text, at + 1, "{}", depth)
        case _:
            return at + 1


def _double_end(text: str, at: int, depth: int = 0) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at = at + 1 if text[at] == "'" else _piece_end(text, at, depth + 1)
    if at >= len(text):
        raise Unreadable
    return at + 1


def _balanced(text: str, at: int, brackets: str, depth: int) -> int:
    unclosed = 0
    while at < len(text):
        if text[at] in brackets:
            unclosed += 1 if text[at] == brackets[0] else -1
            at += 1
            if unclosed == 0:
                return at
        else:
            at = _piece_end(text, at, depth + 1)
    raise Unreadable


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    if found < 0:
        raise Unreadable
    return found + 1
