"""Dot plots: every value has its dot in its place, and no dot hides another."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from lab.web.dot_plot import RADIUS, WIDTH, dot_plot


@pytest.mark.parametrize(
    "values",
    [
        [1.0],
        [0.0],
        [-0.5],
        [0.0, 0.0, 0.0],
        [0.031, 0.032, 0.030],
        [-0.2, 0.1, 0.3],
        [2.001, 2.002, 6.0],
        [100.0, 3000.0],
        [random.Random(n).gauss(1, 0.4) for n in range(30)],
    ],
)
def test_dots_stand_at_their_values_and_none_covers_another(values: list[float]) -> None:
    plot = dot_plot(values)
    assert plot is not None
    assert [dot.index for dot in plot.dots] == list(range(len(values)))
    for one, other in combinations(plot.dots, 2):
        assert (one.x - other.x) ** 2 + (one.y - other.y) ** 2 >= (2 * RADIUS) ** 2 - 0.1
    first, last = plot.ticks[0], plot.ticks[-1]
    unit = 1 if plot.unit == "s" else 1000
    scale = (last.x - first.x) / (last.value - first.value)
    for value, dot in zip(values, plot.dots, strict=True):
        assert abs(dot.x - (first.x + (value * unit - first.value) * scale)) <= RADIUS + 0.1
        assert RADIUS <= dot.y < plot.axis_y
        assert 0 < dot.x < WIDTH
    assert 2 <= len(plot.ticks) <= 7
    assert (plot.zero_x is not None) == (first.value < 0 < last.value)


def test_nothing_has_no_plot() -> None:
    assert dot_plot([]) is None


def test_ticks_have_the_digits_that_tell_them_apart() -> None:
    plot = dot_plot([0.0301, 0.0312, 0.0344])
    assert plot is not None
    labels = [f"{tick.value:.{tick.digits}f}" for tick in plot.ticks]
    assert len(set(labels)) == len(labels)
    assert plot.unit == "ms"


def test_equal_values_are_piled_up() -> None:
    plot = dot_plot([1.0, 1.0, 1.0, 2.0])
    assert plot is not None
    assert len({dot.x for dot in plot.dots[:3]}) == 1
    assert [round(plot.dots[0].y - dot.y, 2) for dot in plot.dots[:3]] == [0, 2 * RADIUS, 4 * RADIUS]
