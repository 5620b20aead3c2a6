"""Every fact is worded in both languages, and no learner's text becomes markup."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.lessons import LANGUAGES, Language
from lab.lessons.glossary import EMPTY
from lab.share import TEMPLATES
from lab.timeline.facts import FACT_TYPES, Entry, LogChunk, ObjectWritten
from lab.web.formats import FILTERS
from lab.web.frames import Renderer
from lab.web.rows import LogLines, Row
from lab.web.steps import PLACES, partial_of, step_of
from lab.web.story import Story

HOSTILE = "<script>alert(1)</script>"


def renderer(language: Language) -> Renderer:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS, terms=lambda text, language: EMPTY.used_in(str(text), language))
    environment.globals["static_edition"] = False
    return Renderer(environment, language)


def sample(hint: Any) -> Any:
    """Return a value of a field's type, hostile wherever text goes in."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return sample(args[0])
    if origin is typing.Literal:
        return args[0]
    if origin is tuple:
        return (sample(args[0]), sample(args[0])) if args[-1] is Ellipsis else tuple(sample(arg) for arg in args)
    if origin is dict:
        return {}
    return {str: HOSTILE, int: 1, float: 1.5, bool: True}[hint]


def facts_of(fact_type: type) -> list[Any]:
    """Return sample facts: one for every value of each field with a closed set of values."""
    hints = typing.get_type_hints(fact_type)
    base = {name: sample(hint) for name, hint in hints.items()}
    if fact_type is ObjectWritten:
        return [fact_type(**{**base, "uid": "u", **changed}) for changed in pod_writes()]
    if "sig_caught" in base:
        base |= {"sig_caught": "0" * 16, "sig_ignored": "0" * 16, "sig_blocked": "0" * 16}
    choices = {name: typing.get_args(hint) for name, hint in hints.items() if typing.get_origin(hint) is typing.Literal}
    return [fact_type(**base)] + [fact_type(**{**base, name: value}) for name, values in choices.items() for value in values]


def pod_writes() -> list[dict[str, Any]]:
    """Return an ObjectWritten's fields for every kind of write that is worded differently."""
    metadata = {"name": HOSTILE, "namespace": "default", "uid": "u", "generation": 1}
    deleted = {**metadata, "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": HOSTILE, "ready": True, "restartCount": 0, "state": {"waiting": {"reason": HOSTILE}}}],
    }
    spec = {"nodeName": "lab-node", "containers": [{"name": HOSTILE}], "terminationGracePeriodSeconds": 30}
    pod = {"kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
    gone = {**pod, "metadata": {**deleted, "deletionGracePeriodSeconds": 0}}
    event = {
        "metadata": metadata,
        "involvedObject": {"name": HOSTILE, "uid": "u", "fieldPath": "spec.containers{x}"},
        "reason": HOSTILE,
        "message": HOSTILE,
        "type": "Warning",
        "count": 2,
        "source": {"component": "kubelet"},
    }
    return [
        {"kind": "Pod", "verb": "create", "writer": "user", "object": pod},
        {"kind": "Pod", "verb": "update", "writer": "user", "object": pod},
        {"kind": "Pod", "verb": "status", "writer": "scheduler", "object": pod},
        {"kind": "Pod", "verb": "status", "writer": "kubelet", "object": pod},
        {"kind": "Pod", "verb": "delete", "writer": "user", "object": {**pod, "metadata": deleted}},
        {"kind": "Pod", "verb": "delete", "writer": "user", "object": gone},
        {"kind": "Pod", "verb": "delete", "writer": "controller", "object": gone},
        {"kind": "Pod", "verb": "delete", "writer": "kubelet", "object": gone},
        {"kind": "Pod", "verb": "remove", "writer": "kubelet", "object": gone},
        {"kind": "Event", "verb": "create", "writer": "kubelet", "object": event},
        {"kind": "Secret", "verb": "create", "writer": "user", "object": pod},
    ]


def test_every_fact_has_a_place_and_a_partial() -> None:
    assert set(PLACES) == set(FACT_TYPES)
    assert [t for t in FACT_TYPES if PLACES[t].listed and not (TEMPLATES / partial_of(t)).is_file()] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fact_type", [t for t in FACT_TYPES if PLACES[t].listed], ids=lambda t: t.__name__)
def test_a_listed_fact_is_worded_in_both_languages_and_escaped(fact_type: type, language: Language) -> None:
    for fact in facts_of(fact_type):
        story = Story()
        entry = Entry(seq=1, at=datetime.now(UTC), elapsed_seconds=1.0, pod_uid="u", container="app", fact=fact)
        story.add(entry)
        step = step_of(entry, story)
        assert step is not None
        html = renderer(language).step(step).html
        sentence = html.split('class="sentence">')[1].split("</summary>")[0].strip()
        explanation = html.split('class="more">')[1].split("</p>")[0].strip()
        assert len(sentence) > 12
        assert len(explanation) > 12
        assert HOSTILE not in html
        if language == "zh":
            assert any("\u4e00" <= character <= "\u9fff" for character in explanation)


def test_the_lines_of_a_log_are_escaped() -> None:
    lines = LogLines(lines=(("2026-01-01T00:00:00.123456Z", "stdout", HOSTILE),))
    row = renderer("en").row(Row(list="logs/app/0", key="3", template="log_lines", view=lines))
    assert HOSTILE not in row.html
    assert "alert(1)" in row.html


def test_facts_that_only_feed_panels_are_no_steps() -> None:
    unlisted = {t for t in FACT_TYPES if not PLACES[t].listed}
    assert LogChunk in unlisted
    assert dataclasses.is_dataclass(LogChunk)
