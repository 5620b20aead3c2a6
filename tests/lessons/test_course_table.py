"""What docs/course.md says of the course: its lessons as they are, and what settles each of the 25 misconceptions."""

from __future__ import annotations

import re
from pathlib import Path

from lab.lessons import LANGUAGES, Catalog

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.load(ROOT / "content")
LESSONS, MISCONCEPTIONS = (ROOT / "docs" / "course.md").read_text(encoding="utf-8").split("\n## ")
PLACE = re.compile(r"`([a-z0-9-]+)([/#])([a-z0-9-]+)`")


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| \d+ \|", line)]


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w-]+)`", cell)


def test_the_table_of_lessons_is_that_of_the_content_folder() -> None:
    told = [
        (int(number), title, int(minutes), names(after), names(examples), names(challenges))
        for number, title, minutes, after, examples, challenges in rows(LESSONS)
    ]
    assert told == [
        (
            lesson.number,
            f"{lesson.titles['en']} (`{lesson.slug}`)",
            lesson.minutes,
            list(lesson.prerequisites),
            [example.name for example in lesson.examples if example.challenge is None],
            [example.name for example in lesson.examples if example.challenge is not None],
        )
        for lesson in CATALOG.lessons
    ]


def test_each_misconception_is_settled_by_an_example_a_statement_or_a_challenge_that_is_there() -> None:
    statements = {judgement.id for lesson in CATALOG.lessons for judgement in lesson.judgements("en")}
    numbers = []
    for number, misconception, where in rows(MISCONCEPTIONS):
        numbers.append(int(number))
        places = PLACE.findall(where)
        assert places, misconception
        for lesson, kind, name in places:
            place = f"{lesson}/{name}"
            assert (place in statements) if kind == "#" else (CATALOG.example(place) is not None), f"{misconception}: {place}"
    assert numbers == list(range(1, 26))


def test_each_lesson_is_rounded_off_by_a_challenge_and_a_reference_card() -> None:
    for lesson in CATALOG.lessons:
        assert lesson.examples[-1].challenge is not None, lesson.slug
        for language in LANGUAGES:
            assert lesson.reference(language) is not None, lesson.slug
            assert lesson.judgements(language) or lesson.slug == "incidents", lesson.slug


def test_a_lesson_takes_five_to_fifteen_minutes() -> None:
    assert [lesson.slug for lesson in CATALOG.lessons if not 5 <= lesson.minutes <= 15] == []
