"""Two manifests, line by line: what stands in both, in one, in the other; long stretches that are the same are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.web.line_match import opcodes

CONTEXT_LINES = 3
Sort = Literal["same", "left", "right", "gap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line with its 1-based numbers, None where it does not stand. A ``gap`` stands for ``count`` lines that are the same."""

    sort: Sort
    left: int | None = None
    right: int | None = None
    text: str = ""
    count: int = 0


def manifest_diff(left: str, right: str) -> tuple[DiffLine, ...]:
    """Return the lines of two texts; nothing when they are the same."""
    one, other = left.splitlines(), right.splitlines()
    if one == other:
        return ()
    found: list[DiffLine] = []
    blocks = list(opcodes(one, other))
    for number, (tag, a, a_end, b, b_end) in enumerate(blocks):
        if tag == "equal":
            same = [DiffLine(sort="same", left=a + n + 1, right=b + n + 1, text=one[a + n]) for n in range(a_end - a)]
            found += _shortened(same, first=number == 0, last=number == len(blocks) - 1)
        else:
            found += [DiffLine(sort="left", left=n + 1, text=one[n]) for n in range(a, a_end)]
            found += [DiffLine(sort="right", right=n + 1, text=other[n]) for n in range(b, b_end)]
    return tuple(found)


def _shortened(same: list[DiffLine], *, first: bool, last: bool) -> list[DiffLine]:
    head, tail = 0 if first else CONTEXT_LINES, 0 if last else CONTEXT_LINES
    left_out = len(same) - head - tail
    if left_out < 2:  # a gap takes a line itself
        return same
    return [*same[:head], DiffLine(sort="gap", count=left_out), *same[len(same) - tail :]]
