"""A dot plot as numbers: where each value's dot stands, the ticks of its axis, zero and the median.

Pure. Dots that would cover each other are stacked, so that the height of a pile tells how many there are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

WIDTH = 420.0
MARGIN = 30.0
RADIUS = 5.0
AXIS_HEIGHT = 30.0  # below the dots: ticks and their numbers
HEAD_HEIGHT = 18.0  # above them: the word of the median
_MOST_TICKS = 6
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """The dot of the value at ``index`` of those given."""

    index: int
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A place on the axis. ``digits`` are those that its number needs behind the point; ``value`` is in the plot's unit."""

    x: float
    value: float
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DotPlot:
    """A drawing of ``width`` by ``height``; the axis is at ``axis_y``. ``zero_x`` is None when 0 is not between its ends.
    ``unit`` is that of the ticks."""

    width: float
    height: float
    axis_y: float
    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]
    median_x: float
    zero_x: float | None
    unit: Literal["s", "ms"]


def dot_plot(values: Sequence[float]) -> DotPlot | None:
    """Return the plot of values in seconds; None when there are none."""
    if not values:
        return None
    low, high, step = _axis(min(values), max(values))

    def x(value: float) -> float:
        return round(MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN), 2)

    columns = [round((x(value) - MARGIN) / (2 * RADIUS)) for value in values]
    rows = _stacked(columns)
    axis_y = HEAD_HEIGHT + (max(rows) + 1) * 2 * RADIUS + RADIUS
    scale = 1.0 if max(-low, high) >= 1 else 1000.0
    digits = max(0, -math.floor(math.log10(step * scale) + 1e-9))
    places = [low + step * n for n in range(round((high - low) / step) + 1)]
    return DotPlot(
        width=WIDTH,
        height=axis_y + AXIS_HEIGHT,
        axis_y=axis_y,
        dots=tuple(
            Dot(index=index, x=round(MARGIN + column * 2 * RADIUS, 2), y=round(axis_y - RADIUS * (2 * row + 1.4), 2))
            for index, (column, row) in enumerate(zip(columns, rows, strict=True))
        ),
        ticks=tuple(Tick(x=x(place), value=place * scale, digits=digits) for place in places),
        median_x=x(median(values)),
        zero_x=x(0.0) if low < 0 < high else None,
        unit="s" if scale == 1 else "ms",
    )


def _axis(least: float, greatest: float) -> tuple[float, float, float]:
    """Return the ends of an axis at whole steps of 1, 2 or 5 times a power of ten, and the step. An axis whose least value is
    small beside the greatest begins at 0."""
    if 0 < least <= greatest / 3:
        least = 0.0
    span = max(greatest - least, abs(greatest) * 0.05, 1e-3)
    power = 10.0 ** math.floor(math.log10(span / _MOST_TICKS))
    step = next(power * factor for factor in (*_STEPS, 20.0) if span / (power * factor) <= _MOST_TICKS - 1)
    low, high = math.floor(least / step + 1e-9) * step, math.ceil(greatest / step - 1e-9) * step
    return low, (high if high > low else low + step), step


def _stacked(columns: Sequence[int]) -> list[int]:
    """Return the row of each dot, from 0, in the order in which they come to their column."""
    heights: Counter[int] = Counter()
    rows = []
    for column in columns:
        rows.append(heights[column])
        heights[column] += 1
    return rows
