"""Verdicts as lines for a terminal: one per scenario, differences with both sides side by side, totals. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from lab.scenarios.conformance.comparison import Difference
from lab.scenarios.conformance.parts import Row
from lab.scenarios.conformance.times import TIMES
from lab.scenarios.conformance.verdict import Verdict
from lab.scenarios.narration import printable

ALIKE_SHOWN = 3  # rows that are alike on both sides, before and after those that differ
_GAP, _ALIKE, _UNLIKE = "  ", "   ", " ! "


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict as a short sentence without a full stop."""
    again = " the second time, alone" if verdict.played > 1 else ""
    match verdict.word:
        case "agrees":
            return f"agrees{again}"
        case "known":
            return f"differs as is known{again}: {', '.join(verdict.parts)}"
        case "differs":
            return f"DIFFERS{again}: {', '.join(verdict.unforeseen)}"
        case "failed":
            return f"FAILED{again}: {verdict.failure}"


def verdict_line(verdict: Verdict, *, number: int, of: int) -> str:
    """Return the line that is printed when a scenario has ended."""
    count = f"{number:>{len(str(of))}}/{of}"
    return f"{count}  {verdict.scenario:<5}  {verdict.seconds:6.1f} s  {verdict_words(verdict)}"


def difference_lines(verdict: Verdict, title: str, *, width: int) -> Iterator[str]:
    """Yield a scenario's differences, each with both sides side by side, in lines of at most ``width`` characters."""
    yield f"{verdict.scenario}  {title}"
    if verdict.failure:
        yield f"  {printable(verdict.failure)}"
    yield from (f"  note: {_shown(note)}" for note in verdict.notes)
    for difference in verdict.differences:
        is_known = difference.part not in verdict.unforeseen
        yield ""
        yield f"  {difference.part}  {difference.key}{'  (known)' if is_known else ''}"
        yield from side_by_side(difference, width=width)
    for known in verdict.known:
        yield ""
        yield from textwrap.wrap(f"Known: {known.what} {known.why}", width, initial_indent="  ", subsequent_indent="  ")


def side_by_side(difference: Difference, *, width: int) -> Iterator[str]:
    """Yield both sides of a difference in two columns; ``!`` stands where they are unlike."""
    column = max(10, (width - len(_GAP) - len(_ALIKE)) // 2)
    yield f"{_GAP}{'recorded':<{column}}{_ALIKE}lab"
    for left, right, alike in _paired(_texts(difference, difference.recorded), _texts(difference, difference.lab)):
        cells = zip_longest(_wrapped(left, column), _wrapped(right, column), fillvalue="")
        for ours, theirs in cells:
            yield f"{_GAP}{ours:<{column}}{_ALIKE if alike else _UNLIKE}{theirs}".rstrip()


def total_lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield what there is to say of all."""
    words = {"agrees": "agree", "known": "differ as is known", "differs": "differ", "failed": "could not be played"}
    counts = {word: [v.scenario for v in verdicts if v.word == word] for word in words}
    told = [f"{len(counts[word])} {text}" for word, text in words.items() if counts[word] or word in ("agrees", "differs")]
    yield f"Of {len(verdicts)} scenarios {', '.join(told)}."
    for word in ("known", "differs", "failed"):
        if counts[word]:
            yield f"  {words[word]}: {', '.join(counts[word])}"
    if again := [v.scenario for v in verdicts if v.played > 1]:
        yield f"  played twice: {', '.join(again)}"
    if shorter := [f"{v.scenario} ({', '.join(v.no_longer)})" for v in verdicts if v.no_longer]:
        yield f"  listed as known and agree now, so that the list can be shortened: {', '.join(shorter)}"


def _paired(left: list[str], right: list[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield rows beside each other, with whether they are alike; long stretches of alike rows are cut to their ends."""
    for kind, left_from, left_to, right_from, right_to in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind != "equal":
            pairs = zip_longest(left[left_from:left_to], right[right_from:right_to], fillvalue="")
            yield from ((first, second, False) for first, second in pairs)
            continue
        alike = left[left_from:left_to]
        hidden = len(alike) - 2 * ALIKE_SHOWN
        if hidden > 1:
            alike = [*alike[:ALIKE_SHOWN], f"… {hidden} rows alike", *alike[-ALIKE_SHOWN:]]
        yield from ((row, row, True) for row in alike)


def _texts(difference: Difference, rows: Iterable[Row | float]) -> list[str]:
    timed = difference.part in TIMES
    return [f"{row:.2f} s" if timed and not isinstance(row, str) else _shown(row) for row in rows] or ["(nothing)"]


def _shown(row: object) -> str:
    """Return a row on one line: no container can write to the terminal."""
    return printable(str(row).replace("\n", "⏎"))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, drop_whitespace=False, break_on_hyphens=False) or [""]
