"""Is a translation made from the present text? Every section of a Chinese lesson remembers the English one it was made from.

``translation.json`` beside a lesson holds, for each section, the hash of its English text when somebody last looked at both:
a section is what stands under a heading, ``""`` is what stands before the first one, with title and summary.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from lab.lessons import LANGUAGES, Lesson
from lab.lessons.lesson import LessonText

FILE_NAME = "translation.json"
HASH_LENGTH = 12  # hexadecimal digits; enough to tell two states of a section apart
_HEADING = re.compile(r"#{1,6} .*\{#([\w-]+)\}\s*")


def stale_sections(root: Path, lesson: Lesson) -> Iterator[tuple[str, int, str]]:
    """Yield file, line and message for every section whose translation was made from another text."""
    source, *translations = (lesson.texts[language] for language in LANGUAGES)
    remedy = f"compare them, then `lab content translated {lesson.slug}`"
    for text in translations:
        if _read(_file(root, source)) is None:
            yield text.path, 1, f"cannot tell which state of {source.path} this was translated from; {remedy}"
            continue
        lines = {name: line for name, line, _ in _sections(text)}
        for name in sorted(stale_names(root, lesson)):
            changed = f"section {name}" if name else "beginning"
            said = f"cannot trust this translation: the {changed} of {source.path} has changed since; {remedy}"
            yield text.path, lines.get(name, 1), said


def stale_names(root: Path, lesson: Lesson) -> frozenset[str]:
    """Return the names of those sections."""
    source = lesson.texts[LANGUAGES[0]]
    known = _read(_file(root, source)) or {}
    return frozenset(name for name, found in _hashes(source).items() if known.get(name) != found)


def write_translation(root: Path, lesson: Lesson, *, still_stale: Collection[str] = ()) -> Path:
    """Note that the translations are made from the present text, but for some sections; return the file."""
    source = lesson.texts[LANGUAGES[0]]
    file = _file(root, source)
    known = _read(file) or {}
    hashes = {name: known.get(name, "") if name in still_stale else found for name, found in _hashes(source).items()}
    file.write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    return file


def _file(root: Path, text: LessonText) -> Path:
    return (root / text.path).with_name(FILE_NAME)


def _read(file: Path) -> Mapping[str, str] | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) else None


def _hashes(text: LessonText) -> dict[str, str]:
    return {name: hashlib.sha256(body.encode()).hexdigest()[:HASH_LENGTH] for name, _, body in _sections(text)}


def _sections(text: LessonText) -> Iterator[tuple[str, int, str]]:
    """Yield each section's name, line, and text without what only lays it out: line breaks and spaces."""
    name, line, lines = "", 1, [text.title, text.summary]
    fenced = False
    for number, written in enumerate(text.body.split("\n"), start=text.first_line):
        fenced ^= written.startswith("```")
        heading = None if fenced else _HEADING.fullmatch(written)
        if heading:
            yield name, line, " ".join(" ".join(lines).split())
            name, line, lines = heading[1], number, []
        lines.append(written)
    yield name, line, " ".join(" ".join(lines).split())
