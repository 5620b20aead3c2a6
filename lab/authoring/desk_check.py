"""What is wrong in lessons and can be found without running anything: outputs and quotations that differ from recordings, proofs
that prove nothing, field actions that the API would refuse, translations of another text, recordings of another manifest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lab.authoring.content_check import Finding
from lab.authoring.translations import stale_sections
from lab.errors import BundleError
from lab.insight.moments import first, moments
from lab.lessons import LANGUAGES, Catalog, Example, Lesson
from lab.lessons.lesson import LessonText
from lab.lessons.outputs import WORDS, Output
from lab.lessons.recordings import FILE_NAME, read_recording
from lab.pods.field_edit import FieldEditError, set_field
from lab.pods.review import review
from lab.timeline.bundle import read_bundle
from lab.timeline.facts import Entry, HookFailed, HookFinished, ObjectWritten

Entries = Callable[[Example], tuple[Entry, ...] | None]

ELLIPSIS = "…"  # in a quotation: anything
NOT_RECORDED = (
    "cannot find this line in a recording of the lesson's examples; take it from one with {{ output: … }}, or begin the fence "
    "with ```text unrecorded"
)


def check_desk(catalog: Catalog, lessons: Iterable[Lesson], *, recordings: bool) -> Iterator[Finding]:
    """Yield what is wrong in these lessons. What an example's recording must show is left out while there is none; that there is
    none, or one of another manifest, is itself a finding with ``recordings``."""
    known: dict[str, tuple[Entry, ...] | None] = {}

    def entries(example: Example) -> tuple[Entry, ...] | None:
        if example.id not in known:
            bundle = read_recording(catalog.root, example)
            known[example.id] = tuple(bundle.entries) if bundle else None
        return known[example.id]

    for lesson in lessons:
        for language in LANGUAGES:
            text = lesson.texts[language]
            for line, message in (
                *_outputs(text, catalog, entries),
                *_quotes(text, lesson, entries),
                *_proofs(text, catalog, entries),
                *_actions(text, catalog),
            ):
                yield Finding(path=text.path, line=line, message=message)
        yield from (Finding(path=path, line=line, message=said) for path, line, said in stale_sections(catalog.root, lesson))
        if recordings:
            yield from _recordings(catalog.root, lesson.examples)


def _outputs(text: LessonText, catalog: Catalog, entries: Entries) -> Iterator[tuple[int, str]]:
    for output, line in text.outputs:
        example = catalog.example(output.example_id)
        recorded = entries(example) if example else None
        if recorded is not None and not output.lines(recorded):
            shown = " ".join((output.what, *output.words))
            yield line, f"cannot show {shown} of {output.example_id}: its recording has none"


def _quotes(text: LessonText, lesson: Lesson, entries: Entries) -> Iterator[tuple[int, str]]:
    recorded = [found for example in lesson.examples if (found := entries(example)) is not None]
    if not recorded:
        return
    shown = {line.strip() for found in recorded for line in _printed(found)}
    for quote in text.quotes:
        for number, line in enumerate(quote.text.split("\n"), start=quote.line + 1):
            wanted = re.compile(".*".join(re.escape(part) for part in line.strip().split(ELLIPSIS)))
            if quote.recorded and line.strip() and not any(wanted.fullmatch(one) for one in shown):
                yield number, NOT_RECORDED


def _printed(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Yield every line that something printed or showed in a run."""
    words = {"logs": {entry.container for entry in entries if entry.container}, "file": _paths(entries)}
    for what, (least, _) in WORDS.items():
        for word in words.get(what, {""} if least == 0 else set()):
            yield from Output(example_id="", what=what, words=(word,) if word else ()).lines(entries)
    for entry in entries:
        if isinstance(entry.fact, HookFinished | HookFailed):
            yield from (entry.fact.stdout + entry.fact.stderr).splitlines()
        elif isinstance(entry.fact, ObjectWritten):
            yield from _messages(entry.fact.object)


def _messages(value: object) -> Iterator[str]:
    """Yield the lines of every message in an object."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from inner.splitlines() if name == "message" and isinstance(inner, str) else _messages(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _messages(inner)


def _paths(entries: tuple[Entry, ...]) -> set[str]:
    return {moment.what.partition(" ")[2] for moment in moments(entries) if moment.what.startswith("file ")}


def _proofs(text: LessonText, catalog: Catalog, entries: Entries) -> Iterator[tuple[int, str]]:
    for _, mark in text.judgements:
        example = catalog.example(text.example_id(mark.proof))
        recorded = entries(example) if example else None
        if mark.moment and recorded is not None and first(moments(recorded), mark.moment) is None:
            yield mark.line, f"cannot prove it with {mark.moment}: it is not in the recording of {text.example_id(mark.proof)}"


def _actions(text: LessonText, catalog: Catalog) -> Iterator[tuple[int, str]]:
    for action in text.actions:
        example = catalog.example(text.example_id(action.example))
        if example is None:
            continue
        try:
            edit = set_field(example.manifest, action.path, action.value)
        except FieldEditError as error:
            yield action.line, f"{error}; name a field of examples/{action.example}/pod.yaml"
            continue
        found = review(edit.text)
        refusals = [one.refusal for one in found.documents if one.refusal is not None]
        refused = found.refusal or (refusals[0] if refusals else None)
        if refused is not None and not example.refused:
            yield action.line, f"cannot set {action.path} to {action.value}: {refused.message}"


def _recordings(root: Path, examples: Iterable[Example]) -> Iterator[Finding]:
    for example in examples:
        path = f"{example.folder}/{FILE_NAME}"
        try:
            bundle = read_bundle((root / path).read_bytes())
        except OSError:
            yield Finding(path=path, line=1, message=f"cannot find this file; run `lab content record {example.id}`")
        except BundleError as error:
            yield Finding(path=path, line=1, message=f"{error}; run `lab content record {example.id}`")
        else:
            if bundle.manifest != example.manifest:
                said = f"cannot use a recording of another manifest; run `lab content record {example.id}`"
                yield Finding(path=path, line=1, message=said)
