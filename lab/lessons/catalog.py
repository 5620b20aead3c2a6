"""The content folder as a whole: every lesson in order, read once and checked as one.

``content/<nn-slug>/lesson.<language>.md`` and ``content/<nn-slug>/examples/<name>/``. The folder's number orders the
lessons and its slug is the lesson's address, so lessons may be renumbered without breaking a link. A catalog never
changes; `Catalog.refreshed` reads again what was edited. It is readable from any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.errors import ContentError
from lab.lessons.example import Example, read_example
from lab.lessons.fields import LANGUAGES, Language
from lab.lessons.lesson import Lesson, LessonText, read_text
from lab.lessons.problems import Problems

LESSON_FOLDER = re.compile(r"(\d\d)-([a-z0-9]+(?:-[a-z0-9]+)*)")

State = frozenset[tuple[Path, int, int]]
Texts = Mapping[Language, LessonText]


class Catalog:
    """All lessons. Make one with `Catalog.load`."""

    def __init__(self, root: Path, lessons: tuple[Lesson, ...], state: State) -> None:
        self.root = root
        self.lessons = lessons
        self._state = state
        self._lessons = {lesson.slug: lesson for lesson in lessons}
        self._examples = {example.id: example for lesson in lessons for example in lesson.examples}

    @classmethod
    def load(cls, root: Path) -> Catalog:
        """Read the content folder ``root``. Raises ContentError that lists every mistake with its file, line and remedy."""
        state = _state(root)
        folders = sorted(path for path in root.glob("*/") if not path.name.startswith("."))
        if not folders:
            raise ContentError(f"cannot find lessons in {root}; give the path of the content folder")
        problems = Problems()
        read = [found for folder in folders if (found := _read_lesson(folder, problems)) is not None]
        _check_links(
            {lesson.slug: lesson for lesson, _ in read}, [text for _, texts in read for text in texts.values()], problems
        )
        problems.check()
        return cls(root, tuple(lesson for lesson, _ in read), state)

    def refreshed(self) -> Catalog:
        """Return this catalog when no file has changed since it was read, else a new one. Raises as `load` does."""
        return self if _state(self.root) == self._state else Catalog.load(self.root)

    def lesson(self, slug: str) -> Lesson | None:
        """Return the lesson of that address, if there is one."""
        return self._lessons.get(slug)

    def example(self, example_id: str) -> Example | None:
        """Return the example called ``<lesson slug>/<example name>``, if there is one."""
        return self._examples.get(example_id)

    @property
    def examples(self) -> tuple[Example, ...]:
        """Every example of every lesson, in order."""
        return tuple(self._examples.values())

    def neighbours(self, slug: str) -> tuple[Lesson | None, Lesson | None]:
        """Return the lessons before and after that one."""
        place = self.lessons.index(self._lessons[slug])
        return (self.lessons[place - 1] if place else None, self.lessons[place + 1] if place + 1 < len(self.lessons) else None)


def _read_lesson(folder: Path, problems: Problems) -> tuple[Lesson, Texts] | None:
    match = LESSON_FOLDER.fullmatch(folder.name)
    if match is None:
        problems.note(folder.name, 1, "cannot use this folder's name; call it NN-slug in lower case, such as 02-post-start")
        return None
    number, slug = int(match[1]), match[2]
    texts: dict[Language, LessonText] = {}
    for language in LANGUAGES:
        path = f"{folder.name}/lesson.{language}.md"
        try:
            source = (folder / f"lesson.{language}.md").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.note(path, 1, f"cannot read this file ({error}); write the lesson in every language, as UTF-8")
            continue
        texts[language] = read_text(source, language, path, problems)
    examples = {
        example.name: read_example(example, slug, f"{folder.name}/examples/{example.name}", problems)
        for example in sorted((folder / "examples").glob("*/"))
    }
    if len(texts) < len(LANGUAGES):
        return None
    _check_examples(texts, examples, folder.name, problems)
    _check_languages(texts, problems)
    first = texts[LANGUAGES[0]]
    lesson = Lesson(
        slug=slug,
        number=number,
        minutes=first.minutes,
        titles={language: text.title for language, text in texts.items()},
        summaries={language: text.summary for language, text in texts.items()},
        examples=tuple(examples[name] for name, _ in first.example_lines if name in examples),
        pages={language: text.blocks(examples) for language, text in texts.items()},
        contents={language: text.headings for language, text in texts.items()},
    )
    return lesson, texts


def _check_examples(texts: Texts, examples: Mapping[str, Example], folder: str, problems: Problems) -> None:
    for text in texts.values():
        placed: set[str] = set()
        for name, line in text.example_lines:
            if name not in examples:
                problems.note(text.path, line, f"cannot find the example {name}; add the folder examples/{name}")
            if name in placed:
                problems.note(text.path, line, f"cannot place the example {name} twice; keep one")
            placed.add(name)
        for name in sorted(examples.keys() - placed):
            problems.note(
                f"{folder}/examples/{name}",
                1,
                f"cannot reach this example; place it in {text.path} with {{{{ example: {name} }}}}",
            )


def _check_languages(texts: Texts, problems: Problems) -> None:
    """Hold the languages to one structure, so that switching between them keeps the reader's place."""
    first, *others = texts.values()
    for other in others:
        if [name for name, _ in other.example_lines] != [name for name, _ in first.example_lines]:
            problems.note(
                other.path, 1, f"cannot differ from {first.path} in its examples; place the same ones in the same order"
            )
        if [(h.level, h.id) for h in other.headings] != [(h.level, h.id) for h in first.headings]:
            problems.note(
                other.path, 1, f"cannot differ from {first.path} in its headings; give them the same levels and {{#ids}}"
            )
        if other.minutes != first.minutes:
            problems.note(other.path, 1, f"cannot differ from {first.path} in minutes; write the same number")


def _check_links(lessons: Mapping[str, Lesson], texts: list[LessonText], problems: Problems) -> None:
    for text in texts:
        for slug, anchor, line in text.links:
            if slug not in lessons:
                problems.note(text.path, line, f"cannot link to the lesson {slug}; the lessons are " + ", ".join(lessons))
            elif anchor and all(heading.id != anchor for heading in lessons[slug].headings(LANGUAGES[0])):
                problems.note(text.path, line, f"cannot link to #{anchor} in the lesson {slug}; it has no heading of that id")


def _state(root: Path) -> State:
    """Return what tells an edited folder from the one that was read."""
    return frozenset(_stamps(root))


def _stamps(root: Path) -> Iterator[tuple[Path, int, int]]:
    for path in root.rglob("*"):
        if path.is_file():
            status = path.stat()
            yield path, status.st_mtime_ns, status.st_size
