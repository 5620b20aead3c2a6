"""The product's comparison says what the yardstick, tests/conformance/compare.py, says: of every recording, of recordings against
each other, and of recordings in which something has been changed."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.scenarios.conformance.comparison import COMPARED, UNREADABLE, compare
from tests.conformance import compare as yardstick
from tests.conformance.recordings import SCENARIOS, recorded_trace

PARTS = (*yardstick.PARTS, *yardstick.TIMES)
NOT_OF_THE_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError)

Place = tuple[str | int, ...]

trace_of = functools.cache(recorded_trace)


def differences(recorded: Any, lab: Any, noisy: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    return [(found.part, found.key) for found in compare(recorded, lab, noisy=noisy)]


def yardstick_differences(recorded: Any, lab: Any, noisy: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    try:
        found = yardstick.compare(recorded, lab, noisy)
    except NOT_OF_THE_FORM:
        return [(UNREADABLE, "")]
    heads = [line.partition("\n    recorded: ")[0].partition(" ") for line in found]
    return [(part, key) for part, _, key in heads]


def test_the_same_parts_are_compared() -> None:
    assert COMPARED == PARTS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recording_agrees_with_itself(scenario: str) -> None:
    assert compare(trace_of(scenario), trace_of(scenario)) == ()


def test_two_recordings_differ_where_the_yardstick_says_so() -> None:
    pairs = [(first, second) for first, second in zip(SCENARIOS, SCENARIOS[1:] + SCENARIOS[:1], strict=True)]
    for first, second in [*pairs, *((second, first) for first, second in pairs)]:
        recorded, lab = trace_of(first), trace_of(second)
        assert differences(recorded, lab) == yardstick_differences(recorded, lab)


def test_a_difference_holds_what_each_side_has() -> None:
    lab = copy.deepcopy(trace_of("B7"))
    lab["containerExit"][0]["exitStatus"] = 0
    (found,) = compare(trace_of("B7"), lab)
    assert found.to_json() == {"part": "exits", "key": "b7/app", "recorded": [137], "lab": [0]}


def test_a_part_that_is_noisy_is_left_out() -> None:
    lab = copy.deepcopy(trace_of("B7"))
    lab["containerExit"][0]["exitStatus"] = 0
    assert compare(trace_of("B7"), lab, noisy=frozenset({"exits"})) == ()


def test_a_trace_of_another_form_is_a_difference() -> None:
    (found,) = compare(trace_of("B7"), {"events": [{}]})
    assert (found.part, found.lab) == (UNREADABLE, ("not of the agreed form: KeyError: 'object'",))


# --- changed recordings -------------------------------------------------------------------------------------------


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Yield the place of every value inside a trace."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


@functools.cache
def places_of(scenario: str) -> dict[str | int, tuple[Place, ...]]:
    """Return the places in a recording, by the field of the trace: few places in a short field are as likely as in a long one."""
    by_field: dict[str | int, list[Place]] = {}
    for place in places(trace_of(scenario)):
        by_field.setdefault(place[0], []).append(place)
    return {field: tuple(found) for field, found in by_field.items()}


def some_place(scenario: str) -> st.SearchStrategy[Place]:
    by_field = places_of(scenario)
    return st.sampled_from(sorted(by_field, key=str)).flatmap(lambda field: st.sampled_from(by_field[field]))


TEXTS = st.sampled_from(
    [
        "",
        "Pod/other",
        "Killing",
        "Started",
        "Pulled",
        "Pending",
        "CrashLoopBackOff",
        "pod-0123456789-abcde",
        "10.0.0.1:80",
        "1790000000",
        "rpc error: code",
        "17",
        "delete",
    ]
)
SHIFTS = st.sampled_from([-30.0, -4.0, -2.0, -1.0, -0.5, -0.3, -0.05, 0.0, 0.05, 0.3, 0.5, 1.0, 2.0, 4.0, 30.0])
OTHERS = st.one_of(
    TEXTS, st.none(), st.integers(-1, 255), st.booleans(), st.just({}), st.just([]), st.just([{}]), st.just({"a": 1})
)


def change(trace: Any, place: Place, draw: Any) -> None:
    """Change what is at the place, if an earlier change left it there."""
    holder = trace
    for key in place[:-1]:
        try:
            holder = holder[key]
        except (KeyError, IndexError, TypeError):
            return
    key = place[-1]
    keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
    if key not in keys:
        return
    old = holder[key]
    how = draw(st.sampled_from(["shift", "shift", "shift", "reword", "reword", "reword", "repeat", "replace", "remove"]))
    if how == "remove":
        del holder[key]
    elif how == "repeat" and isinstance(holder, list):
        holder.insert(int(key), copy.deepcopy(old))
    elif how == "shift" and isinstance(old, int | float) and not isinstance(old, bool):
        holder[key] = old + draw(SHIFTS)
    elif how == "reword" and isinstance(old, str):
        holder[key] = draw(st.sampled_from([f"{old}x", old.upper(), f"{old} 10.1.2.3", old[:-1], f"x {old}"]))
    else:
        holder[key] = draw(OTHERS)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_changed_recording_differs_where_the_yardstick_says_so(data: st.DataObject) -> None:
    scenario = data.draw(st.sampled_from(SCENARIOS))
    recorded, lab = trace_of(scenario), copy.deepcopy(trace_of(scenario))
    for place in data.draw(st.lists(some_place(scenario), min_size=1, max_size=4)):
        change(lab, place, data.draw)
    noisy = frozenset(data.draw(st.sets(st.sampled_from(PARTS), max_size=3)))
    ours, theirs = differences(recorded, lab, noisy), yardstick_differences(recorded, lab, noisy)
    assert ours == theirs or (ours and theirs == [(UNREADABLE, "")])
