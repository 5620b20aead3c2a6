"""A lesson's folder as read, and what must hold of all of them: languages that are alike, names that lead somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.lessons.example import Example
from lab.lessons.fields import LANGUAGES, Language
from lab.lessons.lesson import LessonText
from lab.lessons.marks import ReferenceMark
from lab.lessons.problems import Problems

PAGES = ("/challenges", "/glossary", "/reference", "/open", "/")  # of the lab, that a lesson may lead to


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonFolder:
    """A lesson in all languages, as read; ``examples`` by name."""

    name: str
    number: int
    slug: str
    texts: Mapping[Language, LessonText]
    examples: Mapping[str, Example]


def check_languages(folders: Sequence[LessonFolder], problems: Problems) -> None:
    """Hold the languages to one structure, so that switching between them keeps the reader's place."""
    alike: tuple[tuple[str, str, Callable[[LessonText], Any]], ...] = (
        ("examples", "place the same ones in the same order", lambda text: [name for name, _ in text.example_lines]),
        ("headings", "give them the same levels and {#ids}", lambda text: [(h.level, h.id) for h in text.headings]),
        ("minutes", "write the same number", lambda text: text.minutes),
        ("prerequisites", "write the same slugs", lambda text: text.prerequisites),
        ("statements", "give them the same answers, {#names} and proofs", _judged),
        ("outputs", "show the same ones in the same order", lambda text: [output for output, _ in text.outputs]),
        ("reference cards", "write one in each language", _has_reference),
        ("field actions", "offer the same changes", lambda text: sorted((a.example, a.path, a.value) for a in text.actions)),
    )
    for folder in folders:
        first, *others = (folder.texts[language] for language in LANGUAGES)
        for other in others:
            for what, remedy, part in alike:
                if part(other) != part(first):
                    problems.note(other.path, 1, f"cannot differ from {first.path} in its {what}; {remedy}")


def check_references(folders: Sequence[LessonFolder], problems: Problems) -> None:
    """Note every name of a lesson, heading or example that leads nowhere, and every example that nothing leads to."""
    lessons = {folder.slug: folder for folder in folders}
    examples = {example.id: example for folder in folders for example in folder.examples.values()}
    for folder in folders:
        for text in folder.texts.values():
            for line, message in (
                *_placed(text, folder),
                *_named(text, folder, examples),
                *_linked(text, lessons),
                *_required(text, folder, folders),
            ):
                problems.note(text.path, line, message)
            placed = {name for name, _ in text.example_lines}
            for name in sorted(folder.examples.keys() - placed):
                where = f"{folder.name}/examples/{name}"
                problems.note(where, 1, f"cannot reach this example; place it in {text.path} with {{{{ example: {name} }}}}")


Found = Iterator[tuple[int, str]]


def _placed(text: LessonText, folder: LessonFolder) -> Found:
    placed: set[str] = set()
    for name, line in text.example_lines:
        if name not in folder.examples:
            yield line, f"cannot find the example {name}; add the folder examples/{name}"
        if name in placed:
            yield line, f"cannot place the example {name} twice; keep one"
        placed.add(name)


def _named(text: LessonText, folder: LessonFolder, examples: Mapping[str, Example]) -> Found:
    named = [(output.example_id, line) for output, line in text.outputs]
    named += [(text.example_id(mark.proof), mark.line) for _, mark in text.judgements if mark.proof]
    for example_id, line in named:
        if example_id not in examples:
            yield line, f"cannot find the example {example_id}; name one of this lesson, or LESSON/EXAMPLE"
    for action in text.actions:
        found = folder.examples.get(action.example)
        if found is None or found.challenge is not None:
            cards = ", ".join(name for name, example in folder.examples.items() if example.challenge is None)
            yield action.line, f"cannot change a field of {action.example}; name an example of this lesson with a card: {cards}"


def _linked(text: LessonText, lessons: Mapping[str, LessonFolder]) -> Found:
    for slug, anchor, line in text.links:
        if slug not in lessons:
            yield line, f"cannot link to the lesson {slug}; the lessons are " + ", ".join(lessons)
        elif anchor and not _has_anchor(lessons[slug], anchor):
            yield line, f"cannot link to #{anchor} in the lesson {slug}; it has no heading of that id"
    for link, line in text.anchors:
        page, _, anchor = link.partition("#")
        if page and page not in PAGES:
            yield line, f"cannot link to {link}; write lesson:SLUG#heading, https:… or one of the pages " + ", ".join(PAGES)
        elif not page and not _has_anchor(lessons[text.slug], anchor):
            yield line, f"cannot link to #{anchor} in this lesson; it has no heading of that id"


def _has_anchor(folder: LessonFolder, anchor: str) -> bool:
    headings = folder.texts[LANGUAGES[0]].headings
    return any(heading.id == anchor for heading in headings) or anchor in {f"{folder.slug}--{name}" for name in folder.examples}


def _required(text: LessonText, folder: LessonFolder, folders: Sequence[LessonFolder]) -> Found:
    before = {other.slug for other in folders if other.number < folder.number}
    for slug in text.prerequisites:
        if slug not in before:
            yield 1, f"cannot require the lesson {slug}; prerequisites are lessons before this one"


def _judged(text: LessonText) -> list[tuple[str, bool, str, str]]:
    return [(mark.name, mark.is_true, mark.proof, mark.moment) for _, mark in text.judgements]


def _has_reference(text: LessonText) -> bool:
    return any(isinstance(mark, ReferenceMark) for mark in text.marks)
