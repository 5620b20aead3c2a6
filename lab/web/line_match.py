"""Which lines two texts share, within a bound: difflib's time grows with the product of their lengths; texts are learners'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

MOST_PAIRS = 4_000_000  # of lines to compare: two texts of 2,000 lines take up to half a second

Opcode = tuple[Literal["equal", "replace", "delete", "insert"], int, int, int, int]


def opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[Opcode]:
    """Yield what makes ``new`` from ``old``, as `difflib.SequenceMatcher.get_opcodes` does. What lies between their common
    beginning and end is replaced as a whole where it is too long to be compared."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    if head:
        yield "equal", 0, head, 0, head
    if left and right and len(left) * len(right) > MOST_PAIRS:
        yield "replace", head, len(old) - tail, head, len(new) - tail
    else:
        for tag, *places in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            a, a_end, b, b_end = (place + head for place in places)
            yield tag, a, a_end, b, b_end
    if tail:
        yield "equal", len(old) - tail, len(old), len(new) - tail, len(new)
