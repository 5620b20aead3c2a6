"""Bundles: every fact comes back as it was, and nothing that is no fact is taken for one."""

from __future__ import annotations

import json
import types
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.errors import BundleError
from lab.timeline.bundle import Versions, actions, bundle_text, read_bundle
from lab.timeline.facts import FACT_TYPES, Entry, ObjectWritten, RunClosed, RunOpened
from lab.timeline.run import Run
from lab.timeline.shapes import misfit

RUNS = sorted((Path(__file__).parents[1] / "insight/runs").glob("*.json"))
VERSIONS = Versions(lab="0.1.0", engine="", kubernetes="v1.36")
AT = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "app"}]}, "status": {"phase": "Running", "中": "\ud83d"}}


def sample(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return sample(arguments[0])
    if origin is typing.Literal:
        return arguments[-1]
    if origin is tuple:
        return (sample(arguments[0]),) * 2 if arguments[-1] is Ellipsis else tuple(sample(a) for a in arguments)
    return {"a": [1]} if origin is dict else {str: "文 <b>\r\n\ud83d", int: 7, float: 0.1, bool: True}[hint]


def fact_of(fact_type: type) -> Any:
    values = {name: sample(hint) for name, hint in typing.get_type_hints(fact_type).items()}
    return fact_type(**{**values, **({"kind": "Pod", "object": POD} if fact_type is ObjectWritten else {})})


def run_with(*facts: Any) -> tuple[Run, tuple[Entry, ...]]:
    every = (RunOpened(run_id="r1", example="lesson/example", manifest="kind: Pod\n"), *facts, RunClosed(run_id="r1", why=""))
    entries = tuple(
        Entry(seq=10 * n + 1, at=AT, elapsed_seconds=n / 4, pod_uid="u1", container="app", fact=fact)
        for n, fact in enumerate(every)
    )
    run = Run(
        id="r1",
        cluster="c",
        example="lesson/example",
        manifest="kind: Pod\n",
        first_seq=1,
        last_seq=entries[-1].seq,
        opened_at=AT,
        ended=RunClosed(run_id="r1", why=""),
    )
    return run, entries


@pytest.mark.parametrize("fact_type", FACT_TYPES, ids=lambda t: t.__name__)
def test_every_fact_comes_back_as_it_was(fact_type: type) -> None:
    run, entries = run_with(fact_of(fact_type))
    assert read_bundle(bundle_text(run, entries, VERSIONS)).entries == entries


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_a_recorded_run_comes_back_as_it_was(path: Path) -> None:
    bundle = read_bundle(path.read_bytes())
    assert read_bundle(bundle.text) == bundle
    assert bundle.run("x").ended is not None


def test_a_bundle_is_ascii_so_that_any_editor_keeps_it() -> None:
    run, entries = run_with(fact_of(ObjectWritten))
    assert bundle_text(run, entries, VERSIONS).isascii()


def test_an_opened_run_carries_its_own_id_everywhere() -> None:
    run, entries = run_with()
    bundle = read_bundle(bundle_text(run, entries, VERSIONS))
    assert [entry.fact.run_id for entry in bundle.entries_as("file-1")] == ["file-1", "file-1"]  # type: ignore[union-attr]


def test_the_actions_are_what_the_learner_did_with_seconds_since_run() -> None:
    bundle = read_bundle(RUNS[1].read_bytes())
    found = list(actions(bundle.entries))
    assert [action["action"] for action in found] == ["run", "kubectl", "kubectl"]
    assert found[-1]["argv"][:2] == ["kubectl", "delete"]
    assert 2.9 < found[-1]["t"] < 3.1


@pytest.mark.parametrize("fact_type", FACT_TYPES, ids=lambda t: t.__name__)
def test_a_fact_with_a_field_missing_or_of_another_type_is_named(fact_type: type) -> None:
    run, entries = run_with(fact_of(fact_type))
    value = json.loads(bundle_text(run, entries, VERSIONS))["entries"][1]
    for name in typing.get_type_hints(fact_type):
        assert misfit({key: item for key, item in value.items() if key != name}, fact_type) == f"{name} is missing"
        assert name in (misfit({**value, name: [[object()]]}, fact_type) or "")
    assert misfit(value, fact_type) is None


def test_a_field_of_a_later_lab_is_left_aside() -> None:
    run, entries = run_with()
    value = json.loads(bundle_text(run, entries, VERSIONS))
    value["entries"][0]["mood"] = "good"
    assert read_bundle(json.dumps(value)).entries == entries


def test_a_fact_of_a_later_lab_is_refused_and_not_left_out() -> None:
    run, entries = run_with()
    value = json.loads(bundle_text(run, entries, VERSIONS))
    value["entries"].insert(1, {"fact": "PodMoved", "seq": 5})
    with pytest.raises(BundleError, match=r"does not know the fact 'PodMoved' of entries\[1\].*a newer one"):
        read_bundle(json.dumps(value))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"format": "pod-hook-lab/run"}', "[" * 50_000])
def test_what_is_no_bundle_is_refused_in_words(text: str) -> None:
    with pytest.raises(BundleError, match="cannot open this"):
        read_bundle(text)
