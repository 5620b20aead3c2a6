"""Texts that travel as what changed: whoever puts the hunks together has the text, and little travels when little changed."""

from __future__ import annotations

import random

import pytest

from lab.web.texts import patch, patched


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "abc"),
        ("abc", ""),
        ("abc", "abc"),
        ("abc", "axc"),
        ("abc", "abcd"),
        ("abc", "zabc"),
        ("aaa", "aa"),
        ("abab", "baba"),
    ],
)
def test_a_patched_text_is_the_later_one(before: str, after: str) -> None:
    assert patched(list(before), patch(list(before), list(after))) == tuple(after)


def test_any_text_can_follow_any_other() -> None:
    chance = random.Random(1)
    for _ in range(500):
        before, after = ([chance.choice("abcd") for _ in range(chance.randrange(12))] for _ in range(2))
        assert patched(before, patch(before, after)) == tuple(after)


def test_two_changes_far_apart_do_not_take_what_lies_between_along() -> None:
    before = [f"line {n}" for n in range(100)]
    after = ["first", *before[1:60], "new", *before[60:99], "last"]
    assert patch(before, after) == ((0, 1, ("first",)), (59, 0, ("new",)), (39, 1, ("last",)))


def test_an_unchanged_text_is_no_hunk() -> None:
    assert patch(["a", "b"], ["a", "b"]) == ()
