"""The content folder as a whole: every lesson in order, read once and checked as one.

``content/<nn-slug>/lesson.<language>.md``, ``content/<nn-slug>/examples/<name>/`` and ``content/glossary.yaml``. The folder's
number orders the lessons and its slug is the lesson's address, so lessons may be renumbered without breaking a link. A catalog
never changes; `Catalog.refreshed` reads again what was edited. It is readable from any thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from lab.errors import ContentError
from lab.lessons.example import Example, read_example
from lab.lessons.fields import LANGUAGES, Language
from lab.lessons.folder import LessonFolder, check_languages, check_references
from lab.lessons.glossary import EMPTY, Glossary, read_glossary
from lab.lessons.lesson import Lesson, LessonText, read_text
from lab.lessons.problems import Problems

LESSON_FOLDER = re.compile(r"(\d\d)-([a-z0-9]+(?:-[a-z0-9]+)*)")


class Catalog:
    """All lessons. Make one with `Catalog.load`."""

    def __init__(self, root: Path, lessons: tuple[Lesson, ...], stamp: str, glossary: Glossary = EMPTY) -> None:
        self.root = root
        self.lessons = lessons
        self.glossary = glossary
        self._stamp = stamp
        self._lessons = {lesson.slug: lesson for lesson in lessons}
        self._examples = {example.id: example for lesson in lessons for example in lesson.examples}

    @classmethod
    def load(cls, root: Path) -> Catalog:
        """Read the content folder ``root``. Raises ContentError that lists every mistake with its file, line and remedy."""
        stamp = cls.stamp(root)
        folders = sorted(path for path in root.glob("*/") if not path.name.startswith("."))
        if not folders:
            raise ContentError(f"cannot find lessons in {root}; give the path of the content folder")
        problems = Problems()
        glossary = read_glossary(root, problems)
        read = [found for folder in folders if (found := _read_folder(folder, glossary, problems)) is not None]
        check_languages(read, problems)
        check_references(read, problems)
        problems.check()
        examples = {example.id: example for folder in read for example in folder.examples.values()}
        return cls(root, tuple(_lesson(folder, examples) for folder in read), stamp, glossary)

    def only(self, names: Collection[str]) -> Catalog:
        """Return a catalog of these lessons alone, in the course's order; a name is a lesson's slug or its number. Raises
        ContentError for one that there is not."""
        by_name = {name: lesson for lesson in self.lessons for name in (lesson.slug, str(lesson.number), f"{lesson.number:02}")}
        unknown = [name for name in names if name not in by_name]
        if unknown:
            known = ", ".join(f"{lesson.number:02} {lesson.slug}" for lesson in self.lessons)
            raise ContentError(f"cannot find lesson {', '.join(unknown)}; there are {known}")
        chosen = {by_name[name].slug for name in names}
        return Catalog(self.root, tuple(x for x in self.lessons if x.slug in chosen), self._stamp, self.glossary)

    @staticmethod
    def stamp(root: Path) -> str:
        """Return what tells an edited content folder from an earlier state of it, in 64 hex digits."""
        return hashlib.sha256("\n".join(sorted(_file_stamps(root))).encode()).hexdigest()

    def refreshed(self) -> Catalog:
        """Return this catalog when no file has changed since it was read, else a new one. Raises as `load` does."""
        return self if self.stamp(self.root) == self._stamp else Catalog.load(self.root)

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


def _read_folder(folder: Path, glossary: Glossary, problems: Problems) -> LessonFolder | None:
    match = LESSON_FOLDER.fullmatch(folder.name)
    if match is None:
        problems.note(folder.name, 1, "cannot use this folder's name; call it NN-slug in lower case, such as 02-post-start")
        return None
    slug = match[2]
    texts: dict[Language, LessonText] = {}
    for language in LANGUAGES:
        path = f"{folder.name}/lesson.{language}.md"
        try:
            source = (folder / f"lesson.{language}.md").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.note(path, 1, f"cannot read this file ({error}); write the lesson in every language, as UTF-8")
            continue
        texts[language] = read_text(source, language, path, slug, glossary, problems)
    examples = {
        example.name: read_example(example, slug, f"{folder.name}/examples/{example.name}", problems)
        for example in sorted((folder / "examples").glob("*/"))
    }
    if len(texts) < len(LANGUAGES):
        return None
    return LessonFolder(name=folder.name, number=int(match[1]), slug=slug, texts=texts, examples=examples)


def _lesson(folder: LessonFolder, examples: Mapping[str, Example]) -> Lesson:
    first = folder.texts[LANGUAGES[0]]
    return Lesson(
        slug=folder.slug,
        number=folder.number,
        minutes=first.minutes,
        prerequisites=first.prerequisites,
        titles={language: text.title for language, text in folder.texts.items()},
        summaries={language: text.summary for language, text in folder.texts.items()},
        examples=tuple(folder.examples[name] for name, _ in first.example_lines),
        texts=folder.texts,
        pages={language: text.blocks(examples.get) for language, text in folder.texts.items()},
    )


def _file_stamps(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile, as when an editor saves by renaming
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                yield f"{path.relative_to(root)!s} {status.st_mtime_ns} {status.st_size}"
