"""A mapping in layers is a dict that is never changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.timeline.layers import MOST_CHANGES, Layered

changes = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers())), max_size=60)


@given(base=st.dictionaries(st.integers(0, 9), st.integers()), changes=changes)
def test_it_holds_what_a_dict_holds_after_the_same_changes_in_the_same_order(
    base: dict[int, int], changes: list[tuple[int, int | None]]
) -> None:
    expected, layered = dict(base), Layered(base)
    for key, value in changes:
        before, was = layered, dict(layered)
        if value is None:
            expected.pop(key, None)
            layered = layered.without(key)
        else:
            expected[key] = value
            layered = layered.with_item(key, value)
        assert dict(before) == was
        assert list(layered.items()) == list(expected.items())
        assert (len(layered), layered == expected, key in layered) == (len(expected), True, key in expected)


def test_many_changes_are_merged_and_none_is_lost() -> None:
    layered = Layered[int, int]()
    for number in range(3 * MOST_CHANGES):
        layered = layered.with_item(number, number).without(number - 10)
    assert list(layered) == list(range(3 * MOST_CHANGES - 10, 3 * MOST_CHANGES))
