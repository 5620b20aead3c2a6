"""Text in columns, aligned as Go's text/tabwriter aligns it.

A cell ends with a tab; a column is a run of neighbouring lines that have a cell there, as wide as its widest cell plus
padding. A line's last cell belongs to no column. kubectl prints both `describe` and `get` through it.
Source: Go's src/text/tabwriter/tabwriter.go; staging/src/k8s.io/cli-runtime/pkg/printers/tabwriter.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Sequence

DESCRIBE_PADDING = 2  # kubectl: describe.go, tabbedString
GET_PADDING = 3  # kubectl: printers/tabwriter.go
GET_MINIMUM_WIDTH = 6  # kubectl: printers/tabwriter.go


def align(text: str, *, padding: int, minimum_width: int = 0) -> str:
    """Return ``text`` with every tab replaced by the spaces that make its columns line up."""
    lines = [line.split("\t") for line in text.split("\n")]
    widths = _widths(lines, padding, minimum_width)
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(cells, row, strict=False)) + cells[-1]
        for cells, row in zip(lines, widths, strict=True)
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows (the header first) as `kubectl get` prints them, with a final newline."""
    return "".join(line + "\n" for line in _aligned_rows(rows))


def _aligned_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    text = "\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in rows)
    return align(text, padding=GET_PADDING, minimum_width=GET_MINIMUM_WIDTH).split("\n")


def _widths(lines: Sequence[Sequence[str]], padding: int, minimum_width: int) -> list[list[int]]:
    """Return, per line, the width of each of its tab-terminated cells."""
    widths: list[list[int]] = [[] for _ in lines]
    deepest = max((len(cells) for cells in lines), default=0)
    for column in range(deepest):
        first = 0
        while first < len(lines):
            end = first
            while end < len(lines) and column < len(lines[end]) - 1:
                end += 1
            block = max((len(lines[i][column]) + padding for i in range(first, end)), default=0)
            for i in range(first, end):
                widths[i].append(max(block, minimum_width))
            first = max(end, first + 1)
    return widths
