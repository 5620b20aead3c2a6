"""The marks that a lesson's Markdown has beyond Markdown itself: found, taken out, and remembered with their lines.

A mark that stands for a block leaves a comment, one inside a sentence leaves a pair of private characters; both survive the
conversion to HTML, where `lab.lessons.lesson` puts something in their place. What stands in a fence is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

EXAMPLE = r"(?:[\w-]+/)?[\w-]+"
EXAMPLE_LINE = re.compile(r"\{\{ *example: *([\w-]+) *\}\}")
OUTPUT_LINE = re.compile(rf"\{{\{{ *output: *({EXAMPLE}) +(\w+)(?: +(.+?))? *\}}\}}")
JUDGEMENT_LINE = re.compile(r'!!! (true|false) "(.+)"(?: *\{#([\w-]+)\})?')
PROOF_LINE = re.compile(rf"proof: *({EXAMPLE})(?:: *(.+))?")
REFERENCE_LINE = re.compile(r"!!! reference")
BRACES_LINE = re.compile(r"\{\{.*\}\}")
_INSIDE = r"(?:(?!\}\}|\{\{).)"
ACTION = re.compile(
    rf"(?P<fence>^(?P<ticks>`{{3,}}|~{{3,}}).*?^(?P=ticks) *$)"
    rf"|\{{\{{\s*set:\s*(?P<example>[\w-]+)\s+(?P<path>\S+)\s*=\s*(?P<value>{_INSIDE}+)\s*\|(?P<words>(?:(?!\}}\}}|\|).)+)\}}\}}",
    re.DOTALL | re.MULTILINE,
)
FENCE = re.compile(r"(`{3,}|~{3,}) *(.*)")
BLOCK = re.compile(r"<!--block:(\d+)-->")
INLINE = re.compile("\ue000(\\d+)\ue001")
CHINESE = "[\u2014\u2018-\u201d\u2026\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
ENDS_CHINESE, BEGINS_CHINESE = re.compile(CHINESE + r"[*\])]*$"), re.compile(r" *[*\[(]*" + CHINESE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleMark:
    """The place of an example's card."""

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputMark:
    """The place of something that an example's recording shows; ``example`` as written, with or without its lesson."""

    example: str
    what: str
    detail: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementMark:
    """A statement that is true or false. ``why`` is Markdown, ``proof`` an example, ``moment`` what in its run proves it."""

    name: str
    statement: str
    is_true: bool
    proof: str
    moment: str
    why: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceMark:
    """The lesson's reference card, in Markdown."""

    markdown: str
    line: int


Mark = ExampleMark | OutputMark | JudgementMark | ReferenceMark


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionMark:
    """A change of one field, offered inside a sentence."""

    example: str
    path: str
    value: str
    words: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A fence of plain text, which quotes what a program printed; ``recorded`` unless it is marked as not from a recording."""

    text: str
    recorded: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A text with its marks taken out. ``stray`` are lines that look like a mark and are none."""

    markdown: str
    blocks: tuple[Mark, ...]
    actions: tuple[ActionMark, ...]
    quotes: tuple[Quote, ...]
    stray: tuple[int, ...]


def find_marks(body: str, first_line: int) -> Marked:
    """Take the marks out of a body that begins at ``first_line`` of its file."""
    actions: list[ActionMark] = []

    def inline(match: re.Match[str]) -> str:
        if match["fence"]:
            return match[0]
        line = first_line + body.count("\n", 0, match.start())
        parts = {name: " ".join(match[name].split()) for name in ("example", "path", "value", "words")}
        actions.append(ActionMark(**parts, line=line))
        return f"\ue000{len(actions) - 1}\ue001" + "\n" * match[0].count("\n")

    scan = _Scan(ACTION.sub(inline, body).split("\n"), first_line)
    markdown = "\n".join(joined(scan.lines()))
    return Marked(
        markdown=markdown, blocks=tuple(scan.blocks), actions=tuple(actions), quotes=tuple(scan.quotes), stray=tuple(scan.stray)
    )


def joined(lines: Iterator[str]) -> Iterator[str]:
    """Join lines that were broken between two Chinese characters, where a browser would show a space; not in fences."""
    held, fence = None, ""
    for line in lines:
        match = FENCE.match(line)
        closing = bool(fence) and line.rstrip() == fence
        if held is not None and not fence and not match and ENDS_CHINESE.search(held) and BEGINS_CHINESE.match(line):
            held += line.lstrip()
            continue
        if held is not None:
            yield held
        held = line
        fence = "" if closing else (match[1] if match and not fence else fence)
    if held is not None:
        yield held


class _Scan:
    """Walks over the lines once."""

    def __init__(self, lines: list[str], first_line: int) -> None:
        self._lines = lines
        self._first_line = first_line
        self._at = 0
        self.blocks: list[Mark] = []
        self.quotes: list[Quote] = []
        self.stray: list[int] = []

    def lines(self) -> Iterator[str]:
        """Yield the lines of the Markdown that is left."""
        while self._at < len(self._lines):
            line, number = self._lines[self._at], self._first_line + self._at
            self._at += 1
            mark = self._mark(line.rstrip(), number)
            if mark is not None:
                self.blocks.append(mark)
                yield from ("", f"<!--block:{len(self.blocks) - 1}-->", "")
            elif opening := FENCE.match(line):
                yield from self._fence(line, opening[1], opening[2].strip(), number)
            else:
                if BRACES_LINE.fullmatch(line.strip()):
                    self.stray.append(number)
                yield line

    def _mark(self, line: str, number: int) -> Mark | None:
        if match := EXAMPLE_LINE.fullmatch(line):
            return ExampleMark(name=match[1], line=number)
        if match := OUTPUT_LINE.fullmatch(line):
            return OutputMark(example=match[1], what=match[2], detail=match[3] or "", line=number)
        if REFERENCE_LINE.fullmatch(line):
            return ReferenceMark(markdown=self._indented(), line=number)
        if match := JUDGEMENT_LINE.fullmatch(line):
            head, _, rest = self._indented().partition("\n")
            proof = PROOF_LINE.fullmatch(head.strip())
            return JudgementMark(
                name=match[3] or "",
                statement=match[2],
                is_true=match[1] == "true",
                proof=proof[1] if proof else "",
                moment=(proof[2] or "").strip() if proof else "",
                why=rest.strip() if proof else "",
                line=number,
            )
        return None

    def _indented(self) -> str:
        """Take the indented lines that follow, without their indentation."""
        start = self._at
        while self._at < len(self._lines) and (not self._lines[self._at].strip() or self._lines[self._at].startswith("    ")):
            self._at += 1
        return "\n".join(joined(iter(dedent("\n".join(self._lines[start : self._at])).strip().split("\n"))))

    def _fence(self, line: str, ticks: str, info: str, number: int) -> Iterator[str]:
        language, _, rest = info.partition(" ")
        yield f"{ticks}{language}"
        inside: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != ticks:
            inside.append(self._lines[self._at])
            self._at += 1
        yield from inside
        if self._at < len(self._lines):
            yield self._lines[self._at]
            self._at += 1
        if language == "text":
            self.quotes.append(Quote(text="\n".join(inside), recorded=rest.strip() != "unrecorded", line=number))
