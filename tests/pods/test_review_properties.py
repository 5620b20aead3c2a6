"""Whatever the text, a review ends with an answer and points into the text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.pods.decode import pod_from_object
from lab.pods.pod_fields import STRUCTS
from lab.pods.review import review

RECORDED = [
    json.loads(line)["manifest"] for line in (Path(__file__).parent / "validation/recorded.jsonl").read_text().splitlines()
]
FIELDS = sorted({name for fields in STRUCTS.values() for name in fields})

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Always", "80", "1Gi", "SIGTERM"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5),
    max_leaves=12,
)


@st.composite
def pods(draw: st.DrawFn) -> str:
    """A pod whose fields hold what fits them now and then: JSON, which is YAML too."""
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": draw(_struct("v1.ObjectMeta")), "spec": draw(_struct("v1.PodSpec"))}
    )


def _struct(go_type: str, depth: int = 0) -> st.SearchStrategy[Any]:
    fields = {name: _value(known.go_type, depth + 1) for name, known in STRUCTS[go_type].items()}
    few = st.lists(st.sampled_from(sorted(fields)), max_size=6, unique=True)
    return few.flatmap(lambda names: st.fixed_dictionaries({name: fields[name] for name in names}))


def _value(go_type: str, depth: int) -> st.SearchStrategy[Any]:
    bare = go_type.removeprefix("*")
    if depth > 6:
        return scalars
    if bare.startswith("[]"):
        return st.lists(_value(bare[2:], depth), max_size=2) | values
    if bare in STRUCTS:
        return st.deferred(lambda: _struct(bare, depth)) | scalars
    return values if bare.startswith("map") or bare == "v1.ResourceList" else scalars


def check(text: str) -> None:
    lines = text.count("\n") + 1
    reviewed = review(text)
    assert reviewed.documents or reviewed.refusal
    for document in reviewed.documents:
        assert (document.object is None) == (document.refusal is not None)
        notes = (*(document.refusal.notes if document.refusal else ()), *document.also_found, *document.warnings)
        assert all(1 <= note.line <= lines for note in notes)
        assert 1 <= document.line <= lines
        if document.object is not None:
            assert pod_from_object(document.object).namespace == "default"


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    check(text)


@given(pods())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_pod_gets_an_answer(text: str) -> None:
    check(text)


@given(st.sampled_from(RECORDED), st.data())
@settings(max_examples=300)
def test_a_manifest_damaged_anywhere_gets_an_answer(manifest: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(manifest)))
    length = data.draw(st.integers(0, 40))
    inserted = data.draw(st.text(alphabet=" \t\n-:{}[]'\"&*!|>#%@`a0", max_size=6))
    check(manifest[:start] + inserted + manifest[start + length :])
