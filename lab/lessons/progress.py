"""How far a learner has come in a course, from marks: one for each thing that they have done.

A lesson is finished when each of its examples was run once, or when its learner says so; one that has challenges only, when
each of them is solved or skipped. A mark of what has left the course is kept and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from lab.lessons.catalog import Catalog
from lab.lessons.example import Example
from lab.lessons.lesson import Lesson

MarkKind = Literal["opened", "finished", "ran", "tried", "solved", "skipped", "judged", "predicted"]
MARK_KINDS: tuple[MarkKind, ...] = get_args(MarkKind)
ChallengeState = Literal["", "tried", "skipped", "solved"]
LessonState = Literal["", "opened", "finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing done. ``item`` is a lesson's slug (opened, finished), an example's id (ran, tried, solved, skipped, predicted) or
    a statement's (judged). ``value`` is the answer of judged, and the run of tried and solved: tried is the newest one judged."""

    kind: MarkKind
    item: str
    at: datetime
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonProgress:
    """How far a lesson is: how many of its examples were run, of its challenges solved, of its statements judged, and before how
    many of the examples that ask for it a prediction was made. ``marked``: its learner says that it is finished."""

    lesson: Lesson
    state: LessonState
    ran: int
    examples: int
    solved: int
    challenges: int
    judged: int
    statements: int
    predicted: int
    predictions: int
    marked: bool


class Progress:
    """One learner's marks beside the course."""

    def __init__(self, catalog: Catalog, marks: Iterable[Mark]) -> None:
        self.marks = tuple(marks)
        self._catalog = catalog
        self._known = {(mark.kind, mark.item): mark for mark in self.marks}

    @property
    def answers(self) -> Mapping[str, bool]:
        """The learner's answer to each statement that they have judged."""
        return {mark.item: mark.value == "true" for mark in self.marks if mark.kind == "judged"}

    def has(self, kind: MarkKind, item: str) -> bool:
        """Whether a mark is there."""
        return (kind, item) in self._known

    def mark(self, kind: MarkKind, item: str) -> Mark | None:
        """Return a mark."""
        return self._known.get((kind, item))

    def challenge(self, example: Example) -> ChallengeState:
        """Return how a challenge stands: solved counts more than skipped, and that more than tried."""
        if self.has("solved", example.id):
            return "solved"
        if self.has("skipped", example.id):
            return "skipped"
        return "tried" if self.has("ran", example.id) else ""

    def lesson(self, lesson: Lesson) -> LessonProgress:
        """Return how far a lesson is."""
        challenges = [example for example in lesson.examples if example.challenge is not None]
        examples = [example for example in lesson.examples if example.challenge is None]
        ran = sum(self.has("ran", example.id) for example in examples)
        solved = sum(self.challenge(example) == "solved" for example in challenges)
        passed = all(self.challenge(example) in ("solved", "skipped") for example in challenges)
        predictable = [example for example in lesson.examples if example.cards.every]
        statements = [item.id for item in lesson.judgements("en")]
        marked = self.has("finished", lesson.slug)
        finished = marked or (ran == len(examples) if examples else bool(challenges) and passed)
        return LessonProgress(
            lesson=lesson,
            state="finished" if finished else "opened" if ran or solved or self.has("opened", lesson.slug) else "",
            ran=ran,
            examples=len(examples),
            solved=solved,
            challenges=len(challenges),
            judged=sum(self.has("judged", item) for item in statements),
            statements=len(statements),
            predicted=sum(self.has("predicted", example.id) for example in predictable),
            predictions=len(predictable),
            marked=marked,
        )

    def newest(self) -> tuple[Lesson, Example | None] | None:
        """Return the lesson, and if it was one the example, that the learner was at last; None at the very beginning."""
        for mark in sorted(self.marks, key=lambda mark: mark.at, reverse=True):
            example = self._catalog.example(mark.item) if mark.kind in ("ran", "skipped") else None
            slug = example.lesson if example else mark.item if mark.kind == "opened" else ""
            lesson = self._catalog.lesson(slug)
            if lesson is not None:
                return lesson, example
        return None
