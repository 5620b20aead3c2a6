"""Facts and entries as JSON: what goes in comes out, for every kind of fact."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.timeline.facts import (
    FACT_TYPES,
    Entry,
    Fact,
    HookFinished,
    ObjectWritten,
    entry_from_json,
    entry_to_json,
    fact_from_json,
    fact_to_json,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def facts(kind: type) -> st.SearchStrategy[Fact]:
    """Return any fact of a kind."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, hint in get_type_hints(kind).items():
        if hint is float:
            fields[name] = st.floats(allow_nan=False, allow_infinity=False)
        elif hint == dict[str, Any]:
            fields[name] = st.dictionaries(st.text(), JSON_VALUES, max_size=3)
        else:
            fields[name] = st.from_type(hint)
    return st.builds(kind, **fields)


any_fact = st.sampled_from(FACT_TYPES).flatmap(facts)


@given(any_fact)
def test_a_fact_survives_json(fact: Fact) -> None:
    assert fact_from_json(json.loads(json.dumps(fact_to_json(fact)))) == fact


@given(
    any_fact,
    st.integers(min_value=1),
    st.datetimes(timezones=st.just(UTC)),
    st.floats(min_value=0, max_value=1e6),
    st.none() | st.text(min_size=1),
)
def test_an_entry_survives_json_to_the_microsecond(fact: Fact, seq: int, at: datetime, elapsed: float, whose: str | None) -> None:
    entry = Entry(seq=seq, at=at, elapsed_seconds=elapsed, pod_uid=whose, container=whose, fact=fact)
    back = entry_from_json(json.loads(json.dumps(entry_to_json(entry))))
    assert back == dataclasses.replace(entry, elapsed_seconds=round(elapsed, 6))


@pytest.mark.parametrize("kind", FACT_TYPES)
def test_every_fact_is_frozen_keyword_only_and_documented(kind: type) -> None:
    parameters = kind.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


def test_fact_types_are_all_named_differently() -> None:
    assert len({kind.__name__ for kind in FACT_TYPES}) == len(FACT_TYPES)


def test_what_a_later_lab_added_to_a_fact_is_ignored() -> None:
    value = {"fact": "SandboxStopped", "sandbox_id": "s", "colour": "red"}
    assert fact_to_json(fact_from_json(value)) == {"fact": "SandboxStopped", "sandbox_id": "s"}


@pytest.mark.parametrize("value", [{"fact": "Nonsense"}, {"fact": "SandboxStopped"}, {}])
def test_what_is_no_fact_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        fact_from_json(value)


def test_times_are_written_in_utc_with_a_z() -> None:
    finished = HookFinished(
        hook="preStop", handler="exec", attempt=0, exit_code=0, http_status=None, stdout="", stderr="", took_seconds=1.0
    )
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1500)
    entry = Entry(seq=1, at=at, elapsed_seconds=0.1234567, pod_uid=None, container=None, fact=finished)
    value = entry_to_json(entry)
    assert (value["at"], value["elapsed"]) == ("2026-01-01T00:00:00.001500Z", 0.123457)


def test_an_api_write_keeps_its_object_as_it_is() -> None:
    value = {"metadata": {"name": "p"}, "list": [1, [2, {"a": None}]]}
    fact = ObjectWritten(verb="create", kind="Pod", namespace="n", name="p", uid="u", object=value, writer="user")
    assert fact_from_json(fact_to_json(fact)) == fact
